# The GPU engine without a GPU: the shipped plugin on doubles of libcudart and libcudnn that check what it
# does and compute on the host (tests/doubles/cuda); the real cuDNN plans its convolutions.
load ../helper
load ../sweeps

setup() {
    enter_folder
    [ -e "$REPOSITORY/bin/libpsweep-cuda.so" ] || skip "needs the CUDA toolkit and cuDNN, to build the GPU engine"
    device=$REPOSITORY/tests/cuda/devices/h100.json
    sanitizer=$(gcc -print-file-name=libasan.so)
    doubles=$REPOSITORY/build/double
    cache=$BATS_FILE_TMPDIR # where a GPU that passed its test is remembered, by one test for the next
}
# on_double COMMAND...: with the doubles in place of the CUDA libraries.
on_double() {
    LD_LIBRARY_PATH=$doubles PSWEEP_DOUBLE_DEVICE=$device XDG_CACHE_HOME=$cache "$@"
}
# on_address COMMAND...: with doubles whose kernels AddressSanitizer watches, and every piece of memory by itself.
on_address() {
    LD_LIBRARY_PATH=${doubles%double}address LD_PRELOAD=$sanitizer ASAN_OPTIONS=detect_leaks=0 PSWEEP_CUDA_APART=1 \
        PSWEEP_DOUBLE_DEVICE=$device XDG_CACHE_HOME=$cache "$@"
}
# some CASE...: these; in make test-all no word, which is all cases.
some() {
    [ -n "${PSWEEP_LONG-}" ] || echo "$@"
}
# Few small images, so that a network trains in seconds on the doubles.
few() {
    psfetch -q synth:shapes --limit 60 --resize 8 --split 0.8
}

@test "the doubles refuse what a device would, and find what it would get away with for a while" {
    on_double "$REPOSITORY"/build/tests/cuda/misuse || { on_double "$REPOSITORY"/build/tests/cuda/misuse >&2 && false; }
}

@test "every place of a tensor has its thread and every value is summed once, whatever the sizes" {
    ends 0 "$REPOSITORY"/build/tests/cuda/launches
}

@test "one step of every depth is that of the CPU engine; a graph of it gives the bits of its calls" {
    on_double "$REPOSITORY"/build/tests/cuda/parity 1 1 2 4 6 8 12 ${PSWEEP_LONG:+0 3 5 7 9 10} >said || { cat said >&2 && false; }
    [ "$(grep -c '^case .* parameters' said)" -eq $((PSWEEP_LONG ? 12 : 6)) ]
}

@test "the steps of networks by text, with every option, are the reference's; in threads and blocks in reverse, too" {
    on_double "$REPOSITORY"/build/tests/cuda/parity 1 a ${PSWEEP_LONG:+b c d 11 13 14 15 16 17 18 19 20 21 22} >said || { cat said >&2 && false; }
    [ "$(grep -c ', step [67]: ' said)" -ge $((PSWEEP_LONG ? 20 : 1)) ]
    PSWEEP_DOUBLE_ORDER=reverse PSWEEP_CUDA_APART=1 on_double "$REPOSITORY"/build/tests/cuda/parity 1 c ${PSWEEP_LONG:+a b d}
}

@test "so it is with threads and blocks in reverse, and with every piece of memory by itself" {
    long
    PSWEEP_DOUBLE_ORDER=reverse on_double "$REPOSITORY"/build/tests/cuda/parity 1 2 8 ${PSWEEP_LONG:+4 6}
    PSWEEP_CUDA_APART=1 on_double "$REPOSITORY"/build/tests/cuda/parity 1 2 8 ${PSWEEP_LONG:+4 6}
}

@test "no kernel leaves its tensors" {
    # shellcheck disable=SC2046
    on_address "$REPOSITORY"/build/tests/cuda/parity 1 $(some 8 a)
    [ -z "${PSWEEP_LONG-}" ] || on_address "$REPOSITORY"/build/tests/cuda/views 1 3
}

@test "twenty steps stay with those of the CPU engine" {
    long
    on_double "$REPOSITORY"/build/tests/cuda/parity 20 2 8 ${PSWEEP_LONG:+4 6}
}

@test "in bf16 a step is that of the CPU engine within what it rounds off, and twenty stay near; no kernel leaves its tensors" {
    long
    ends 0 on_double "$REPOSITORY"/build/tests/cuda/narrow
    # Not of all networks by text: where the largest of an image's values is, may be decided by what bf16 rounds off.
    on_double "$REPOSITORY"/build/tests/cuda/parity -b 1 2 4 6 8 ${PSWEEP_LONG:+0 1 3 5 7 9 10 12 a b c} >said || { cat said >&2 && false; }
    [ "$(grep -c '^case .* parameters' said)" -eq $((PSWEEP_LONG ? 12 : 4)) ]
    on_double "$REPOSITORY"/build/tests/cuda/parity -b 20 2 ${PSWEEP_LONG:+4 6 8}
    PSWEEP_DOUBLE_ORDER=reverse PSWEEP_CUDA_APART=1 on_double "$REPOSITORY"/build/tests/cuda/parity -b 1 2 8 ${PSWEEP_LONG:+4}
    on_address "$REPOSITORY"/build/tests/cuda/parity -b 1 2 8 ${PSWEEP_LONG:+4 6 a b c d}
    on_address "$REPOSITORY"/build/tests/cuda/views -b 1 ${PSWEEP_LONG:+3}
}

@test "views of images that the GPU keeps are what view_draw() makes of them, bit for bit" {
    long
    ends 0 on_double "$REPOSITORY"/build/tests/cuda/views
    grep -q '^450 views give the bits of their pixels$' out
    PSWEEP_DOUBLE_ORDER=reverse PSWEEP_CUDA_APART=1 on_double "$REPOSITORY"/build/tests/cuda/views 1 ${PSWEEP_LONG:+3}
    # shellcheck disable=SC2046
    on_double "$REPOSITORY"/build/tests/cuda/views -b $(some 5)
    # The device as soon as it may, and by chance.
    for order in 1 2 ${PSWEEP_LONG:+3}; do
        PSWEEP_DOUBLE_SEED=$order on_double "$REPOSITORY"/build/tests/cuda/views 1 ${PSWEEP_LONG:+3}
    done
}

@test "psaug --views trains the same network, from views that the GPU draws and from pixels" {
    long
    few >set.ps
    for options in "--shift 3" "--shift 0 --crop 4x8" "--flip 1 --shift 20"; do
        # shellcheck disable=SC2086
        psaug -e 2 $options <set.ps >pixels.ps
        # shellcheck disable=SC2086
        psaug -e 2 $options --views <set.ps >views.ps
        on_double pstrain -v --device cuda -b 16 -e 2 <pixels.ps >pixels.bin 2>err
        grep -q 'the engine keeps 10 images' err # those for validation
        on_double pstrain -v --device cuda -b 16 -e 2 <views.ps >views.bin 2>err
        grep -q 'the engine keeps 60 images' err
        on_double pstrain -q --device cuda -b 16 -e 2 --no-cuda-graph <views.ps | cmp - views.bin
        # But for the header, which tells how they came.
        for run in pixels views; do records $run.bin | jq -c 'select(.type != "header" and .type != "checkpoint" and .type != "end")' >$run; done
        [ "$(wc -l <views)" -eq 11 ]
        diff pixels views
    done
}

@test "pstrain trains on it, pseval scores, and a run is gone on from: the same bytes" {
    few >set.ps
    on_double pstrain --device cuda -b 16 -e 4 <set.ps >four.bin 2>err
    records four.bin >lines
    jq -s -e '[.[] | select(.type == "progress")] | (.[-3:] | map(.loss) | add) < (.[:3] | map(.loss) | add)' lines
    [ "$(jq -r 'select(.type == "header") | .engine' lines)" = "cuda, double, tf32, CUDA 13.0, cuDNN $(jq -r 'select(.type == "header") | .engine' lines | sed 's/.*cuDNN //')" ]
    on_double pstrain -q --device cuda -b 16 -e 4 <set.ps | cmp - four.bin
    on_double pstrain -q --device cuda -b 16 -e 4 --no-cuda-graph <set.ps | cmp - four.bin
    # Early, late, or by chance: when the device works does not show.
    for order in 2 ${PSWEEP_LONG:+1 3}; do
        PSWEEP_DOUBLE_SEED=$order on_double pstrain -q --device cuda -b 16 -e 4 <set.ps | cmp - four.bin
    done
    on_double pstrain -q --device cuda -b 16 -e 2 <set.ps >two.bin
    on_double pstrain -q --device cuda -b 16 -e 4 --resume two.bin <set.ps | cmp - four.bin
    on_double pseval -q --device cuda four.bin <set.ps >gpu.ps
    pseval -q --device cpu four.bin <set.ps >cpu.ps
    for engine in gpu cpu; do
        records $engine.ps | jq -c 'select(.type == "score") | [.split, .accuracy, (.loss * 1e4 | round)]' >$engine
    done
    [ "$(wc -l <gpu)" -eq 2 ]
    diff gpu cpu
    # A run of the one engine is not gone on from by the other.
    ends 1 pstrain -q --device cpu -b 16 -e 4 --resume two.bin <set.ps
    grep -q 'its engine is "cuda, double' err
}

@test "NVIDIA_TF32_OVERRIDE changes no bytes, and a note says so" {
    few >set.ps
    export PSWEEP_DOUBLE_TF32=truncated
    on_double pstrain -q --device cuda -b 16 -e 1 <set.ps >net.bin
    NVIDIA_TF32_OVERRIDE=0 on_double pstrain --device cuda -b 16 -e 1 <set.ps 2>err | cmp - net.bin
    grep -q '^pstrain: NVIDIA_TF32_OVERRIDE changes nothing here' err
    # What is rounded shows.
    unset PSWEEP_DOUBLE_TF32
    on_double pstrain -q --device cuda -b 16 -e 1 <set.ps | no cmp -s - net.bin
}

@test "a network by text with dropout, AdamW and a schedule goes on to the same bytes, in a graph or not, early or late" {
    long
    few >set.ps
    train() {
        on_double pstrain -q --device cuda -b 16 --network 8w-12k1-12p-12-12+2-16-max --optimizer adamw --dropout 0.2 \
            --label-smoothing 0.1 --clip-norm 1 --schedule cosine --horizon 4 "$@" <set.ps
    }
    train -e 4 >four.bin
    train -e 2 >two.bin
    train -e 4 --resume two.bin | cmp - four.bin
    train -e 4 --no-cuda-graph | cmp - four.bin
    PSWEEP_DOUBLE_SEED=2 train -e 4 | cmp - four.bin
}

@test "in bf16 a network learns, the run goes on to the same bytes, and a GPU that has none says so" {
    long
    psfetch -q synth:shapes --limit 60 --resize 8 --split 0.8 >set.ps
    bf16() { on_double pstrain -q --device cuda --precision bf16 -b 16 "$@" <set.ps; }
    bf16 -e 8 >eight.bin
    records eight.bin >lines
    jq -s -e '[.[] | select(.type == "progress")] | (.[-3:] | map(.loss) | add) < 0.8 * (.[:3] | map(.loss) | add)' lines
    jq -r 'select(.type == "header") | .engine' lines | grep -q '^cuda, double, bf16, CUDA 13'
    bf16 -e 8 --no-cuda-graph | cmp - eight.bin
    PSWEEP_DOUBLE_SEED=2 bf16 -e 8 | cmp - eight.bin
    bf16 -e 3 >three.bin
    bf16 -e 8 --resume three.bin | cmp - eight.bin
    # What is scored in bf16 is near to what is scored in single precision.
    on_double pseval -q --device cuda --precision bf16 eight.bin <set.ps >narrow.ps
    on_double pseval -q --device cuda --precision fp32 eight.bin <set.ps >wide.ps
    for engine in narrow wide; do records $engine.ps | jq -c 'select(.type == "score") | .loss'; done >losses
    [ "$(wc -l <losses)" -eq 4 ]
    no cmp -s narrow.ps wide.ps
    jq -s -e '((.[0] / .[2] - 1) | fabs) < 0.05 and ((.[1] / .[3] - 1) | fabs) < 0.05' losses
    # Nor is a run gone on from in another precision.
    ends 1 on_double pstrain -q --device cuda -b 16 -e 8 --resume three.bin <set.ps
    grep -q 'its engine is "cuda, double, bf16' err
    device=$REPOSITORY/tests/cuda/devices/t4.json
    ends 1 bf16 -e 1
    grep -q '^pstrain: cuDNN has no bf16 plan for the forward of 8 to 16 channels' err
}

@test "the name of a run tells which engine computes it" {
    few >set.ps
    # In bf16 the GPU is held to the CPU first, which takes longer than all the rest here.
    printf '%s\n' '--device cuda' '--device cpu' '--precision fp32' '--device auto' '-d 2' ${PSWEEP_LONG:+'--precision bf16'} >points
    ends 0 on_double pstrain -b 16 --points points <set.ps
    [ "$(wc -l <out)" = "$(wc -l <points)" ]
    [ "$(sed -n 1p out)" = "$(sed -n 4p out)" ]
    [ "$(sort -u out | wc -l)" = $(($(wc -l <points) - 1)) ]
    echo "-b 16" >points
    [ "$(pstrain --device cpu --points points <set.ps)" = "$(sed -n 2p out)" ]
}

@test "a sweep that has networks of both engines says so where it ranks them" {
    long
    sweep=(sweep --limit 60 --fetch '--resize 8' --split 0.8 --test '' --augment --views --epochs 1 --depth 1 -o s)
    on_double "${sweep[@]}" -- --device cuda >out 2>err
    [ "$(psdump -k status s/*.bin | cut -f 9 | grep -c '^cuda')" = 1 ]
    no grep 'different engines' err
    "${sweep[@]}" --seed 0 -- --device cpu >out 2>err
    grep '^sweep: networks of different engines are compared: cpu; cuda, ' err
    [ "$(find s -name '*.bin' | wc -l)" = 2 ]
}

@test "networks that share a GPU are, to the byte, those that have it alone" {
    PATH=$REPOSITORY/tests/doubles/mps:$PATH
    export CUDA_VISIBLE_DEVICES=0 MPS_DOUBLE=$PWD/mps SMI_DOUBLE=80000 TMPDIR=$PWD
    on_double trained s --limit 60 --fetch '--resize 8' --split 0.8 --test '' --augment --views --epochs 2 --depth 1 --seed 0-1 --per-gpu 2 -- \
        --device cuda -b 16
    [ "$(cut -d ' ' -f 1 mps | xargs)" = 'start quit' ]
    while read -r name epochs options; do
        # shellcheck disable=SC2086 # words
        psaug --views <s/data.ps | on_double pstrain -q $options --epochs "$epochs" | cmp - "s/$name.bin"
        psdump -k status "s/$name.bin" | grep -q $'\tcuda, double'
    done <s/points
}

@test "whichever call fails: a sentence and status 1, nothing left behind" {
    few >set.ps
    on_double pstrain -q --device cuda -b 16 -e 1 <set.ps >/dev/null # the GPU is known from here on
    PSWEEP_DOUBLE_COUNT=$PWD/count on_double pstrain -q --device cuda -b 16 -e 1 <set.ps >whole.bin
    calls=$(<count)
    [ "$calls" -gt 500 ]
    # Some of the first calls, in make test-all each, and some of the many that are alike.
    for n in $(seq 1 $((PSWEEP_LONG ? 1 : 6)) 25) $(seq 40 $((PSWEEP_LONG ? 97 : 397)) "$calls") $((calls - 12)) $((calls - 3)); do
        status=0
        PSWEEP_DOUBLE_FAIL=$n on_double pstrain -q --device cuda -b 16 -e 1 <set.ps >out 2>err || status=$?
        grep -q "cuda double: call $n, .* fails" err
        # A ranking or a plan that does not come is passed over for the next.
        if [ $status = 0 ]; then cmp out whole.bin; else
            [ $status = 1 ] && grep -Eq '^pstrain: (the GPU refuses|cuDNN|there is no)' err || {
                echo "call $n: status $status, $(<err)" >&2
                false
            }
        fi
    done
}

@test "a signal that comes while steps are on their way: all are told and saved, and the run goes on to the same bytes" {
    few | psaug -e 2 >pixels.ps
    on_double pstrain -q --device cuda -b 16 <pixels.ps >whole.bin
    # One epoch and half of the next come, then nothing; the pipe stays open.
    mkfifo pipe
    exec 7<>pipe
    head -c $(($(stat -c %s pixels.ps) * 3 / 4)) pixels.ps >&7
    on_double exec pstrain -q --device cuda -b 16 <pipe >torn.bin 2>err 3>&- 7>&- &
    # Four steps, validation and checkpoint are written; time for what else has come to be begun.
    until [ "$(grep -aos iteration torn.bin | wc -l)" -ge 6 ] && sleep 0.5; do sleep 0.05; done
    kill -TERM $!
    status=0
    wait $! || status=$?
    exec 7>&-
    [ $status -eq 4 ]
    [ "$(records torn.bin | jq -s '[.[] | select(.type == "progress")] | length')" -gt 4 ]
    on_double pstrain -q --device cuda -b 16 --resume torn.bin <pixels.ps | cmp - whole.bin
}

# calls EPOCHS OPTIONS...: how often each call is made, of a run of 4 steps an epoch.
calls() {
    PSWEEP_DOUBLE_LOG=$PWD/calls on_double pstrain -q --device cuda -b 10 -e "$@" <views.ps >/dev/null
    sort calls | uniq -c
}
# of NAME FILE: its number in what calls() said.
of() {
    awk -v name="$1" '$2 == name { n = $1 } END { print n + 0 }' "$2"
}

@test "a step has the kernels that SPEED.md counts; as a graph it is seven calls, none of which takes memory" {
    long
    psfetch -q synth:shapes --limit 40 --resize 8 | psaug --views -e 3 >views.ps
    calls 1 >/dev/null # the GPU is known from here on
    calls 1 --precision bf16 >/dev/null
    # SPEED.md has a table for TF32 and then one for bf16.
    for options in "1 tf32 1" "2 tf32 1" "2 bf16 2"; do
        read -r depth precision table <<<"$options"
        calls 1 -d "$depth" --no-cuda-graph --precision "$precision" >one
        calls 2 -d "$depth" --no-cuda-graph --precision "$precision" >two
        kernels=$((($(of __cudaLaunchKernel two) + $(of cudnnBackendExecute two) - $(of __cudaLaunchKernel one) - $(of cudnnBackendExecute one)) / 4))
        [ $kernels -eq "$(awk -F '|' -v depth="$depth" -v table="$table" 'NF > 5 && $2 + 0 == depth && ++seen == table { print $3 + 0 }' "$REPOSITORY/lib/nn/cuda/SPEED.md")" ]
    done
    calls 2 >two
    calls 3 >three
    # The checkpoint at an epoch's end copies weights and momentum out, and waits for each.
    diff two three | awk '/^>/ { print $3 }' | sort >differ
    [ "$(xargs <differ)" = "cudaEventQuery cudaEventRecord cudaEventSynchronize cudaGraphLaunch cudaMemcpyAsync cudaStreamSynchronize cudaStreamWaitEvent" ]
    for call in cudaEventQuery:4 cudaEventRecord:8 cudaEventSynchronize:4 cudaGraphLaunch:4 cudaMemcpyAsync:6 cudaStreamSynchronize:2 cudaStreamWaitEvent:4; do
        [ $(($(of "${call%:*}" three) - $(of "${call%:*}" two))) -eq "${call#*:}" ]
    done
    # So is validation, 2 batches of the 6.
    psfetch -q synth:shapes --limit 60 --resize 8 --split 0.6 | psaug --views -e 7 >views.ps
    calls 6 >six
    calls 7 >seven
    [ $(($(of cudaGraphLaunch seven) - $(of cudaGraphLaunch six))) -eq 6 ]
    [ "$(of __cudaLaunchKernel seven)" -eq "$(of __cudaLaunchKernel six)" ]
    [ "$(of cudnnBackendExecute seven)" -eq "$(of cudnnBackendExecute six)" ]
}

@test "make bench-gpu measures both ways of feeding, and says where there is nothing to measure" {
    long
    cache=$PWD/cache
    ends 0 on_double "$REPOSITORY"/build/tests/bench/gpu_bench 1 2 8 1
    [ "$(grep -cE '^ +1 +(tf32|fp32|bf16) +(pixels|views) +[0-9]+ +[0-9.]+' out)" -eq 6 ]
    # One that fails its self-test is measured too.
    rm -r cache
    PSWEEP_DOUBLE_WRONG=cores ends 0 on_double "$REPOSITORY"/build/tests/bench/gpu_bench 1 2 8 1
    [ "$(grep -cE '^ +1 +(tf32|fp32|bf16) +(pixels|views) +[0-9]+ +[0-9.]+' out)" -eq 6 ]
    [ "$(grep -c 'did not pass its test' err)" -eq 2 ]
    ends 0 "$REPOSITORY"/build/tests/bench/gpu_bench 1 2 8 1
    grep -Eq '^The GPU engine was not measured: there is no (NVIDIA driver|GPU)' out
}

@test "images for which the GPU has no memory are sent in batches, and the result is the same" {
    few | psaug -e 2 --views >views.ps
    on_double pstrain -q --device cuda -b 16 <views.ps >/dev/null # the GPU is known from here on
    PSWEEP_DOUBLE_LOG=$PWD/calls on_double pstrain -v --device cuda -b 16 <views.ps >whole.bin 2>err
    grep -q 'the engine keeps 60 images' err
    grep -Eq '^pstrain: cuda, double, [^;]*; convolutions work in [0-9]+[.][0-9] MB, a plan may want 1000; [0-9]+ parameters$' err
    # The last call that takes memory is the one for the images.
    PSWEEP_DOUBLE_FAIL=$(grep -n '^cudaMalloc$' calls | tail -n 1 | cut -d: -f1) \
        on_double pstrain -v --device cuda -b 16 <views.ps >sent.bin 2>err
    grep -q 'each batch is sent to the engine: the GPU refuses memory for all images: out of memory' err
    cmp sent.bin whole.bin
    # Nor are they kept where the first steps would find nothing left.
    PSWEEP_DOUBLE_MEMORY=200000000 on_double pstrain -v --device cuda -b 16 <views.ps >sent.bin 2>err
    grep -Eq 'each batch is sent to the engine: all images take [0-9]{5} bytes, the GPU has [0-9]{9} left' err
    cmp sent.bin whole.bin
}

@test "what a network takes of the GPU is what --points counts, but for the room in which cuDNN computes" {
    psfetch -q synth:shapes --limit 60 --split 0.8 >set.ps
    printf '%s\n' '-d 1' '-d 4' '-d 8 -b 1024' '-d 2 --filters 64' '-d 3 --precision bf16' '-d 1 --filters 1 -b 1' \
        '--network 64p-64-64p-64 --optimizer adamw --clip-norm 1' '--network 24w-64p-64-64+2-128-max -b 512 --dropout 0.2' >points
    # Of a CPU the count is the same; it has no bf16.
    sed 's/--precision bf16//' points >others
    pstrain --device cpu --points others <set.ps | cut -f 2 >counts
    while read -r options <&3 && read -r count <&4; do
        # shellcheck disable=SC2086 # many words on purpose
        PSWEEP_DOUBLE_MEMORY=1 ends 1 on_double pstrain --device cuda $options <set.ps
        takes=$(sed -n 's/^pstrain: the GPU refuses \([0-9]*\) bytes of memory: out of memory$/\1/p' err)
        [ "$takes" -le $((count + (20 << 20))) ]
        [ $((takes * 2)) -ge $((count - (1 << 20))) ]
    done 3<points 4<counts
}

@test "a GPU that is met for the first time is held to the CPU, once; --selftest tells all" {
    long
    cache=$PWD/cache
    few >set.ps
    on_double pstrain -v --device cuda -b 16 -e 1 <set.ps 2>err >/dev/null
    grep -q 'comparing cuda, double, .* with the CPU, once' err
    on_double pstrain -v --device auto -b 16 -e 1 <set.ps 2>err >/dev/null
    no grep -q 'comparing' err
    grep -q 'cuda, double' err
    PSWEEP_DOUBLE_TF32=truncated ends 0 on_double pstrain --selftest
    grep -q '^connected.weights  *[0-9.e-]*$' out
    grep -q '^change of all  *[0-9.]*e-07 of 1e-04$' out
    grep -q '^change of all  *[0-9.]*e-0[23] of 1e-01$' out # tensor cores did round
    grep -q 'The GPU does what the CPU does' out
    no grep -q '^bf16$' out
    ends 1 pstrain --selftest
    grep -Eq 'there is no (NVIDIA driver|GPU)' err
}

@test "--selftest passes with what tensor cores round, in TF32 and in bf16, and fails where they compute wrong" {
    long
    PSWEEP_DOUBLE_TF32=nearest ends 0 on_double pstrain --selftest --precision bf16
    grep -q '^bf16$' out
    [ "$(grep -cE '^change of all +[0-9.]+e-0[23] of 1e-01$' out)" -eq 2 ]
    [ "$(grep -cE '^momentum of all +[0-9.]+e-0[12] of 5e-01$' out)" -eq 2 ]
    PSWEEP_DOUBLE_TF32=nearest PSWEEP_DOUBLE_WRONG=cores ends 1 on_double pstrain --selftest
    sed '/^tf32$/,$d' out | no grep -q 'WRONG'
    sed -n '/^tf32$/,$p' out | grep -q '^momentum of all .* of 5e-01  WRONG$'
}

@test "a GPU that computes wrong is not used" {
    long
    cache=$PWD/cache
    few >set.ps
    PSWEEP_DOUBLE_WRONG=1 ends 1 on_double pstrain --selftest
    [ "$(grep -c 'WRONG' out)" -ge 6 ]
    grep -q '^pstrain: fp32: 3 of its results differ from the CPU.s; tf32: 3 of .*; fp32, another network: ' err
    PSWEEP_DOUBLE_WRONG=1 ends 1 on_double pstrain --device cuda -b 16 -e 1 <set.ps
    grep -q 'this GPU did not pass its test' err
    PSWEEP_DOUBLE_WRONG=1 ends 0 on_double pstrain --device auto -b 16 -e 1 <set.ps
    [ "$(grep -c 'computing on the CPU: this GPU did not pass its test' err)" -eq 1 ]
    pstrain -q --device cpu -b 16 -e 1 <set.ps | cmp - out
}

@test "a GPU that is wrong on its tensor cores computes in fp32, and in TF32 despite its self-test, which is told" {
    long
    cache=$PWD/cache
    few >set.ps
    export PSWEEP_DOUBLE_WRONG=cores
    ends 0 on_double pstrain --device cuda --precision fp32 -b 16 -e 1 <set.ps
    ends 0 on_double pstrain --device cuda --despite-selftest -b 16 -e 1 <set.ps
    mv out net.bin
    [ "$(grep -c '^pstrain: this GPU did not pass its test against the CPU and is used despite that: tf32: 3 of' err)" -eq 1 ]
    records net.bin | jq -s -e '.[0].engine | test("^cuda, double, tf32, .*, failed its self-test$")'
    # Nor does one that trusts it go on from there.
    unset PSWEEP_DOUBLE_WRONG
    ends 1 on_double pstrain --device cuda -b 16 -e 2 --resume net.bin <set.ps
    grep -q 'its engine is "cuda, double, .*, failed its self-test"' err
}

@test "a batch with few images does not ruin a deep network" {
    long
    # Two steps of 30 and 1 images; the statistics of the one are those of 16 pixels.
    psfetch -q synth:shapes --limit 41 --resize 4 --split 0.8 >set.ps
    on_double pstrain -q --device cuda -d 20 -b 30 -e 2 <set.ps >net.bin
    records net.bin | jq -s -e '[.[] | select(.type == "validation") | .loss] | length == 2 and all(. > 0 and . < 1e300)'
}

@test "without a driver --device cuda fails" {
    few >set.ps
    ends 1 pstrain --device cuda -b 16 -e 1 <set.ps
    grep -Eq '^pstrain: there is no (NVIDIA driver|GPU)' err
    ends 1 pstrain --selftest
    [ ! -s out ]
    ends 1 on_double pstrain --device cuda --gpu 3 -b 16 -e 1 <set.ps
    grep -q 'there is no GPU 3: the machine has 1, counted from 0' err
}

# alien FILE...: copies in this folder that ask for, and are, libraries by names that the loader finds nowhere.
alien() {
    local file
    for file; do LC_ALL=C sed 's/libcudart\.so/libalienr.so/g; s/libcudnn\.so/libalien.so/g' "$file" >"${file##*/}"; done
}

@test "libraries that the loader does not find are found where pip and conda put them, and -v tells which they are" {
    unset CONDA_PREFIX VIRTUAL_ENV
    export HOME=$PWD/home PSWEEP_DOUBLE_DEVICE=$REPOSITORY/tests/cuda/devices/h100.json
    mkdir -p bin conda/lib env/lib/python3.9/site-packages/nvidia/cudnn/lib
    cp "$REPOSITORY/bin/pstrain" bin
    alien "$REPOSITORY/bin/libpsweep-cuda.so" "$doubles/libcudart.so.13" "$doubles/libcudnn.so.9"
    mv libpsweep-cuda.so bin
    mv libcudart.so.13 conda/lib/libalienr.so.13
    mv libcudnn.so.9 env/lib/python3.9/site-packages/nvidia/cudnn/lib/libalien.so.9
    ends 1 bin/pstrain --selftest -v --gpu 7
    grep -q "^pstrain: the cuda engine does not load: libalienr.so.13: cannot open .*: name its folder in LD_LIBRARY_PATH$" err
    CONDA_PREFIX=$PWD/conda ends 1 bin/pstrain --selftest -v --gpu 7
    grep -q "^pstrain: the cuda engine does not load: libalien.so.9: cannot open" err
    CONDA_PREFIX=$PWD/conda VIRTUAL_ENV=$PWD/env ends 1 bin/pstrain --selftest -v --gpu 7
    grep -q "^pstrain: CUDA 13.0 is $PWD/conda/lib/libalienr.so.13, cuDNN 9[0-9.]* is $PWD/env/.*/libalien.so.9$" err
    grep -q 'there is no GPU 7' err
    # One of them as the loader finds it; and both beside the program.
    LD_LIBRARY_PATH=$PWD/conda/lib VIRTUAL_ENV=$PWD/env ends 1 bin/pstrain --selftest --gpu 7
    grep -q 'there is no GPU 7' err
    mkdir lib
    mv conda/lib/* env/lib/python3.9/site-packages/nvidia/cudnn/lib/* lib
    ends 1 bin/pstrain --selftest -v --gpu 7
    grep -q "^pstrain: CUDA 13.0 is $PWD/bin/../lib/libalienr.so.13, " err
    grep -q 'there is no GPU 7' err
    PSWEEP_DOUBLE_CUDNN=90701 ends 1 bin/pstrain --selftest
    grep -q "^pstrain: cuDNN 9.7.1 ($PWD/bin/../lib/libalien.so.9) is too old: the GPU engine needs 9.8 or a newer 9" err
}

@test "the plugin calls only what is known, and nothing of cuDNN that is deprecated" {
    nm -D --undefined-only "$REPOSITORY/bin/libpsweep-cuda.so" | awk '{ print $NF }' | sed 's/@.*//' |
        grep -vE '^(_ITM_|__gmon_start__|__cxa_|__stack_chk)' | sort >used
    # cuDNN's graph API and its handle; this program; the C library; the rest is the CUDA runtime.
    grep -E '^cudnn' used | no grep -vE '^cudnn(Backend(Create|Destroy)Descriptor|Backend(Set|Get)Attribute|BackendFinalize|BackendExecute|Create|Destroy|SetStream|GetVersion|GetErrorString|GetLastErrorString)$'
    grep -vE '^(cudnn|cuda|__cuda)' used | no grep -vE '^(fail|why|ealloc|egrow|maths_power|free|memcpy|memset|snprintf|__snprintf_chk|strcmp|strlen|getenv|dladdr)$'
}

@test "cuDNN plans every convolution of depths 1 to 32 for seven devices as it did" {
    # cuDNN 9.28 wants to know how wide the memory is.
    [ "$(jq -s '[.[] | .memoryBusWidth | select(. >= 192)] | length' "$REPOSITORY"/tests/cuda/devices/*.json)" -eq 7 ]
    golden=$REPOSITORY/tests/cuda/plans.golden
    if [ -n "${PSWEEP_LONG-}" ]; then
        "$REPOSITORY"/tests/cuda/table "$REPOSITORY"/build/tests/cuda/plans >plans
        # Without workspace other engines are taken; where none is allowed it is said how little would do.
        "$REPOSITORY"/build/tests/cuda/plans "$REPOSITORY"/tests/cuda/devices/h100.json 0 >less
        [ "$(grep -c ', 0 bytes$' less)" -gt 100 ]
        no grep ', [1-9][0-9]* bytes$' less
        "$REPOSITORY"/build/tests/cuda/plans "$REPOSITORY"/tests/cuda/devices/h100.json -1 >none
        grep -q '^tf32 .*: its engines want 0.0 MB of memory to work in, and may have -0.0: take a smaller batch$' none
    else # of one of them
        { echo "# h100" && "$REPOSITORY"/build/tests/cuda/plans "$REPOSITORY"/tests/cuda/devices/h100.json; } >plans
        sed -n '/^# h100$/,/^# /{ /^# h100$/p; /^# /!p }' "$golden" >h100
        golden=h100
    fi
    here=$(grep -m 1 ^cuDNN plans) known=$(grep -m 1 ^cuDNN "$golden")
    no grep -vE '^(# [a-z0-9]+|cuDNN [0-9]+|bf16: no plans|.*: engine [0-9]+( on tensor cores)?, [0-9]+ bytes)$' plans
    [ "$(grep -c '^bf16: no plans$' plans)" -le 1 ] # the T4
    [ "$here" = "$known" ] || skip "the table of GPU plans is of $known, here is $here"
    diff "$golden" plans
}

# faulty FILE SED-COMMAND: builds plugin and doubles with a fault in a copy of the tree.
faulty() {
    rm -rf tree
    mkdir tree
    cp -a "$REPOSITORY"/{Makefile,.ci,bin,build,lib,packaging,pipelines,tests,tools} tree # only what has the fault is built anew
    sed -i "$2" "tree/$1"
    no cmp -s "tree/$1" "$REPOSITORY/$1"
    touch tree/build/lib/nn/cuda/*.cu.o
    make -s -j2 -C tree build/tests/cuda/{parity,views,launches} build/{double,address}/libcudnn.so.9 >make.log 2>&1 ||
        { cat make.log >&2 && false; }
    doubles=$PWD/tree/build/double
}
# found_plainly: the fault shows in a plain run.
found_plainly() {
    no on_double tree/build/tests/cuda/parity 1 2 4
}
# found: the fault shows in one of the ways to run.
found() {
    if on_double tree/build/tests/cuda/parity 1 2 4 &&
        PSWEEP_DOUBLE_ORDER=reverse on_double tree/build/tests/cuda/parity 1 2 4 &&
        PSWEEP_CUDA_APART=1 on_double tree/build/tests/cuda/parity 1 2 4 &&
        on_double tree/build/tests/cuda/views 3 &&
        on_address tree/build/tests/cuda/parity 1 2 4; then
        echo "the fault was not found" >&2
        false
    fi
}

# found_in_text: it shows in a network by text.
found_in_text() {
    no on_double tree/build/tests/cuda/parity 1 a b c "$@"
}
found_in_bf16() {
    no on_address tree/build/tests/cuda/parity -b 1 2 4
}

@test "planted faults are found" {
    cache=$PWD/cache
    long
    # No fault: nothing is found.
    faulty lib/nn/cuda/open.c 's|Chooses the device|Takes the device|'
    no found 2>/dev/null
    # A block does not wait for its own sums.
    faulty lib/nn/cuda/common.cuh '/^    __syncthreads();$/d'
    found
    # It sums a row more than it has.
    faulty lib/nn/cuda/common.cuh 's|row < rows; row++|row <= rows; row++|'
    found
    # A value behind a tensor is written, in the room that alignment leaves.
    faulty lib/nn/cuda/head.cu 's|^    double highest = |    p[classes] = 0; double highest = |'
    no found_plainly 2>/dev/null
    found
    # A stride that is that of y, not of the pooled image.
    faulty lib/nn/cuda/backward.cu 's|gradient + (at.row \* pooled|gradient + (at.row * width|'
    found
    # Pixels that do not fill a thread are in no sum; a channel's lanes do not share the parts.
    faulty lib/nn/cuda/common.cuh 's|^    for (; i < end; i += step)|    for (; i < end - step; i += step)|'
    found
    faulty lib/nn/cuda/common.cuh 's|(int)threadIdx.y, channel < channels ? parts : 0, LANES,|(int)threadIdx.y, channel < channels ? parts : 0, 1,|'
    found
    # Threads of a row of classes that are left out; a shared sum that is written before all have read it.
    faulty lib/nn/cuda/head.cu 's|i < lanes; i++|i < lanes - 1; i++|'
    found_in_text d
    faulty lib/nn/cuda/common.cuh 's|^    __syncthreads(); /. the result before is read ./||'
    found
    # The last rows are left out; the last channels.
    faulty lib/nn/cuda/common.cuh 's|{{split(rows, below)|{{(unsigned)rows / below + 1 - ((unsigned)rows / below > 0)|'
    no tree/build/tests/cuda/launches
    faulty lib/nn/cuda/common.cuh 's|, split(channels, 4 \* tile)|, 1|'
    no tree/build/tests/cuda/launches
    # A workspace of another plan.
    faulty lib/nn/cuda/open.c 's|plan\[d\]->workspace > \*most|plan[d]->workspace < *most|'
    found
    # Both streams have one workspace; a gradient is made anew while the weights beside still read it; nothing waits for
    # the gradients of weights.
    faulty lib/nn/cuda/open.c 's|cuda->beside_workspace|cuda->workspace|'
    psfetch -q synth:shapes --limit 20 --resize 32 --split 0.9 >large.ps # small convolutions want none
    on_double pstrain -q --device cuda -b 16 -e 1 <large.ps >/dev/null
    no on_double tree/bin/pstrain -q --device cuda -b 16 -e 1 <large.ps >/dev/null
    faulty lib/nn/cuda/step.c 's|if (i + 2 < cuda->stages)|if (0)|'
    found
    faulty lib/nn/cuda/step.c 's|(end_beside(cuda) < 0 .. update(cuda, step) < 0)|update(cuda, step) < 0|'
    found
    faulty lib/nn/cuda/step.c 's|TRY(cudaStreamWaitEvent(cuda->beside, cuda->ready, 0), .*);|;|'
    found
    # Nobody waits for the device.
    faulty lib/nn/cuda/step.c 's/: cudaEventQuery(slot->done)/: cudaSuccess/'
    found
    # The step does not wait for its batch.
    faulty lib/nn/cuda/step.c 's|error = cudaStreamWaitEvent(.*);|error = cudaSuccess;|'
    found
    # A slot is filled anew before its step is done.
    faulty lib/nn/cuda/step.c 's|wait .. full ? cudaEventSynchronize(slot->done)|wait ? cudaEventSynchronize(slot->done) : full ? cudaSuccess|'
    found
    # The outcome of the slot beside it.
    faulty lib/nn/cuda/step.c 's|slot\[cuda->told % SLOTS\]|slot[(cuda->told + 1) % SLOTS]|'
    found
    # Pixels that moved in are those of the row beside.
    faulty lib/nn/cuda/forward.cu 's/ || x < 0 || x >= of->width//'
    found
    # A flip of the image, not of the view.
    faulty lib/nn/cuda/forward.cu 's/view->flip ? width - 1 - column/view->flip ? (int)of->width - 1 - column/'
    found
    # bf16: weights that move without their copy; gradients that do not arrive; room for half of the features.
    faulty lib/nn/cuda/update.cu 's|^        store(&narrow_w\[i\], w\[i\]);|        ;|'
    found_in_bf16
    faulty lib/nn/cuda/update.cu 's|^        g\[i\] = came;|        ;|'
    found_in_bf16
    faulty lib/nn/cuda/layout.c 's|return values(s) / pixels \* sizeof(float);|return values(s) / pixels * value_size(s);|'
    found_in_bf16
    # What is cut off instead of rounded is within what bf16 rounds off, but not what the reference rounds.
    faulty lib/nn/cuda/common.cuh 's|^    uint32_t nearest = .*|    uint32_t nearest = bits >> 16;|'
    found_in_bf16
    # Of networks by text and the options of a step: what is kept of a sum's gradient is written over; it is added
    # where no maximum was, or not at all; the maximum is that of another image.
    faulty lib/nn/cuda/layout.c 's|if (i < keeper - cuda->stage\[keeper\].back)|if (1)|'
    found_in_text
    faulty lib/nn/cuda/backward.cu 's/pool != POOL_GLOBAL_MAX ||/true ||/'
    found_in_text
    faulty lib/nn/cuda/step.c 's|return plan_run(cuda->handle, &s->data_gradient) < 0 . -1 : add_sum(cuda, s - 1);|return plan_run(cuda->handle, \&s->data_gradient);|'
    found_in_text
    faulty lib/nn/cuda/backward.cu 's|at = pixel \* pixels_of_image + chosen\[pixel|at = pixel * pixels_of_image + chosen[0 * pixel|'
    found_in_text
    # A correction that is always the first step's; images that share their random words; features that are dropped,
    # but not their gradients.
    faulty lib/nn/cuda/step.c 's|maths_power(o->second, step->number)|maths_power(o->second, 1)|'
    found_in_text
    faulty lib/nn/cuda/head.cu 's|(image << 20) + four|image + four|'
    found_in_text
    faulty lib/nn/cuda/step.c 's|^    if (cuda->dropout.below > 0)|    if (0)|'
    found_in_text
    # The norm is that of some of the gradients; fixed weights are moved.
    faulty lib/nn/cuda/update.cu 's|end = part_begin(part + 1, SQUARES, count);$|end = part_begin(part, SQUARES, count) + 1;|'
    no on_double tree/build/tests/cuda/parity 1 20
    faulty lib/nn/cuda/layout.c 's|.first = (int)cuda->fixed|.first = 0|'
    found_in_text
    # Channels that were added are not 0.
    faulty lib/nn/cuda/open.c 's|/\* zeros \*/|for (size_t i = 0; i < count; i++) packed[i] = 1;|'
    found
}
