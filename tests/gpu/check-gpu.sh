#!/usr/bin/env bash
# What a machine with a GPU has to tell of the GPU engine, in a quarter of an hour:
#
#   check-gpu.sh OUT SECONDS [PART[:SECONDS]...]
#
# Runs the parts of the table below, or those named, in its order: what matters most comes first. Each has a time of its
# own, or that which is named with it; none begins after SECONDS, and one that fails keeps no other from being tried. In the folder OUT: summary.txt, a
# line for each part with PASS, FAIL or SKIP, its seconds and its last sentence; and up to seven files with all that they
# said, with tables for lib/nn/cuda/SPEED.md. What is there already is added to. Exit status 0: no part failed.
#
# It compiles nothing, asks no network and leaves the settings of the GPU alone. Programs are those of PATH, before it
# those of this tree, before these those of bin beside this script (make check-gpu-ready), before all those of PROGRAMS.
#
#   PROGRAMS=FOLDER     where others are, such as bin of a bundle
#   DATA=FILE           what to train with in place of drawn images, as psfetch writes it
#   TORCH_PYTHON=FILE   a python that has PyTorch (python3)
#   REHEARSE=1          all of it tiny; on the doubles of CUDA where this tree has them
set -euo pipefail

if [ $# -lt 2 ] || [[ ! $2 =~ ^[1-9][0-9]{0,4}$ ]]; then
    sed -n 's/^#   check-gpu/usage: check-gpu/p' "$0" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd) limit=$2 here=$(cd "$(dirname "$0")" && pwd) work=$(mktemp -d)
shift 2
tree=${here%/tests/gpu} python=${TORCH_PYTHON:-python3}
# What comes last is where profilers are that nobody has put into PATH.
export LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 PATH="${PROGRAMS:+$PROGRAMS:}$here/bin:$tree/bin:$tree/build/tests/cuda:\
$tree/build/tests/bench:$tree/pipelines:$PATH:/usr/local/cuda/bin"

images=50000 few=4000 side=32 batch=128 epochs=30 precision=bf16 bench_of='400 128' bench_512='200 512' depths=4
# In bf16 rounding may decide where the largest value of an image is: no networks where that matters.
cases='' cases_bf16='0 1 2 3 4 5 6 7 8 9 10 12 a b c' channels='' times=1
if [ -z "${REHEARSE-}" ]; then
    export XDG_CACHE_HOME=$work/cache # a GPU that nobody has met
else
    images=60 few=60 side=8 batch=16 epochs=2 bench_of='1 2' bench_512='1 4' depths=1 cases=1 cases_bf16=1 channels=1
    times=20 # as long as on a GPU may a part take
    export PSWEEP_DOUBLE_DEVICE=${PSWEEP_DOUBLE_DEVICE:-$tree/tests/cuda/devices/h100.json} \
        LD_LIBRARY_PATH="$tree/build/double${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi

# NAME SECONDS FILE COMMAND: the most it may take; where what it says is kept.
parts="
machine       20 machine    machine
libraries     30 machine    libraries
selftest      90 correct    self_test
parity-fp32   90 correct    compare -d 1 $cases
parity-tf32   90 correct    compare -dt 1 $cases
parity-bf16   60 correct    compare -db 1 $cases_bf16
views         30 correct    views -d $channels
views-bf16    30 correct    views -db $channels
bytes-tf32    45 correct    same_bytes tf32
bytes-bf16    45 correct    same_bytes bf16
bytes-fp32    45 correct    same_bytes fp32
bench         90 bench      bench $bench_of
bench-512     60 bench      bench $bench_512
in-a-row      90 sweep      train_all in_a_row
at-once       60 sweep      train_all at_once
at-once-mps   60 sweep      train_all at_once_mps
learnt        10 sweep      learnt
kernels-bf16  60 kernels    kernels bf16
kernels-tf32  60 kernels    kernels tf32
sweep         60 sweep      swept
memcheck      60 sanitizer  sanitize memcheck
racecheck     60 sanitizer  sanitize racecheck
initcheck     60 sanitizer  sanitize initcheck
synccheck     45 sanitizer  sanitize synccheck
torch        120 torch      torch"

# ---- the parts

# skip SENTENCE: this machine lacks what the part is about.
skip() {
    echo "$*"
    exit 77
}
# wrong SENTENCE: the part has failed.
wrong() {
    echo "$*"
    exit 1
}
have() {
    command -v "$1" >/dev/null
}
# set_of NUMBER: so many images, in $work/NUMBER.ps, which the first part that wants them makes.
set_of() {
    if [ -e "$work/$1.ps" ]; then return; fi
    if [ "$1" = $images ] && [ -n "${DATA-}" ]; then
        cp "$DATA" "$work/part"
    else
        psfetch -q synth:shapes --limit "$1" --resize $side --split 0.9 >"$work/part"
    fi
    mv "$work/part" "$work/$1.ps"
}
# views_of NUMBER EPOCHS
views_of() {
    set_of "$1"
    psaug -q -e "$2" --views <"$work/$1.ps"
}
# A GPU that its self-test refuses is looked at all the same.
on_gpu=(pstrain -q --device cuda --despite-selftest -b "$batch")
# meet PRECISION: the first to use it pays for the self-test, which is not what is to be measured.
meet() {
    if [ ! -e "$work/met-$1" ]; then
        views_of $few 1 | "${on_gpu[@]}" --precision "$1" >"$work/met"
        mv "$work/met" "$work/met-$1"
    fi
}
# seconds_since MICROSECONDS
seconds_since() {
    awk -v us=$((${EPOCHREALTIME/[.,]/} - $1)) 'BEGIN { printf "%.2f\n", us / 1e6 }'
}

machine() {
    echo "$(uname -srm), $(getconf GNU_LIBC_VERSION), $(nproc) cores:$(sed -n 's/^model name.*://p' /proc/cpuinfo | head -n 1)"
    sed -n 's/^PRETTY_NAME=//p' /etc/os-release
    grep MemTotal /proc/meminfo
    local name
    for name in nvcc ncu nsys compute-sanitizer nvidia-cuda-mps-control parallel "$python"; do
        echo "$name: $(command -v "$name" || echo "not here")"
    done
    have nvidia-smi || skip "nvidia-smi is not here"
    nvidia-smi
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,compute_mode --format=csv,noheader
}

# Asked for a GPU that no machine has, pstrain loads the libraries, tells which they are and computes nothing.
libraries() {
    pstrain --selftest -v --gpu 1023 >"$work/libraries" 2>&1 || true
    cat "$work/libraries"
    grep -q 'there is no GPU 1023' "$work/libraries" # else what it said tells why
    sed -n 's/^pstrain: \(CUDA .*\)/\1/p' "$work/libraries" | grep .
}

# fp32, TF32, bf16; what it found last, behind its table.
self_test() {
    local status=0
    pstrain --selftest --precision bf16 2>"$work/sentence" || status=$?
    cat "$work/sentence"
    return $status
}

# compare OPTION...: what parity says, and of all that the largest differences.
compare() {
    local status=0
    parity "$@" | tee "$work/parity" || status=$?
    awk '/ allowed is |other bits|are right$/ { beyond++ }
        match($0, /: parameters [0-9.e+-]+/) {
            steps++
            of[substr($0, 1, index($0, ","))] = 1
            value = substr($0, RSTART + 13, RLENGTH - 13) + 0
            if (value > most) most = value
        }
        END {
            for (network in of) networks++
            if (steps) printf "%d networks, %d steps: no parameter farther off than %.1e; %d things beyond lib/nn/tolerance.h\n",
                networks, steps, most, beyond
        }' "$work/parity"
    return $status
}

# same_bytes PRECISION: the same training again, and without a graph of the step.
same_bytes() {
    local depth run graph differ=''
    views_of $few 2 >"$work/views.ps"
    for depth in 1 3; do
        for run in once again plain; do
            graph=()
            [ $run != plain ] || graph=(--no-cuda-graph)
            "${on_gpu[@]}" -d $depth --precision "$1" "${graph[@]}" <"$work/views.ps" >"$work/$run"
            echo "depth $depth, $1, $run: $(sha256sum <"$work/$run")"
        done
        cmp "$work/once" "$work/again" || differ+=", depth $depth again"
        cmp "$work/once" "$work/plain" || differ+=", depth $depth without a graph"
    done
    [ -z "$differ" ] || wrong "$1: other bytes$differ"
    echo "$1: the same bytes again and without a graph, depths 1 and 3"
}

# bench STEPS BATCH: what gpu_bench says, and as a table.
bench() {
    gpu_bench "$@" $((images < $2 ? $2 : images)) $depths | tee "$work/bench"
    printf '\nBatch %d:\n\n| depth | precision | images/s from views | µs a step | images/s from pixels | µs a step |\n' "$2"
    echo '|---|---|---|---|---|---|'
    awk '$3 == "pixels" { pixels = $4 " | " $5 }
        $3 == "views" { print "| " $1 " | " $2 " | " $4 " | " $5 " | " pixels " |"; rows++ }
        /not measured|no views/ { said = $0 }
        END { print said ? said : rows + 0 " networks were measured"; exit said || !rows }' "$work/bench"
}

# one DEPTH WAY: trains, and keeps how many seconds it took.
one() {
    local began=${EPOCHREALTIME/[.,]/}
    views_of $images $epochs | "${on_gpu[@]}" -d "$1" --precision $precision >"$work/$2-d$1.bin"
    seconds_since "$began" >"$work/$2-d$1.s"
}
in_a_row() {
    local depth
    for depth in 1 2 3 4; do one $depth in_a_row; done
}
at_once() {
    local depth ids=() id
    for depth in 1 2 3 4; do
        one $depth "${1:-at_once}" &
        ids+=($!)
    done
    for id in "${ids[@]}"; do wait "$id"; done
}
# The same with NVIDIA's server, which lets kernels of several programs run side by side.
at_once_mps() {
    mkdir "$work/mps"
    export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
    nvidia-cuda-mps-control -d
    # Begun by the first network, the server would refuse the others meanwhile.
    echo "start_server -uid $(id -u)" | nvidia-cuda-mps-control
    local tries=50
    until echo get_server_list | nvidia-cuda-mps-control | grep -q '[0-9]'; do
        ((tries--)) || wrong "MPS has no server"
        sleep 0.2
    done
    at_once at_once_mps
}
end_mps() {
    if [ -e "$work/mps" ]; then
        echo quit | CUDA_MPS_PIPE_DIRECTORY=$work/mps timeout -k 1 10 nvidia-cuda-mps-control >/dev/null 2>&1 || true
        rm -rf "$work/mps"
    fi
}
# train_all WAY: the mission's four networks, as a row of a table; they are those that another way has made.
train_all() {
    [ "$1" != at_once_mps ] || have nvidia-cuda-mps-control || skip "nvidia-cuda-mps-control is not here"
    local depth way began row differ=''
    set_of $images
    meet $precision
    began=${EPOCHREALTIME/[.,]/}
    "$1"
    row="| ${1//_/ } | $(cat "$work/$1"-d?.s | tr '\n' '|' | sed 's/|/ | /g')$(seconds_since "$began") |"
    for way in in_a_row at_once; do
        if [ $way = "$1" ] || [ ! -e "$work/$way-d4.s" ]; then continue; fi
        for depth in 1 2 3 4; do
            cmp -s "$work/$way-d$depth.bin" "$work/$1-d$depth.bin" || differ+="depth $depth: other bytes than ${way//_/ }; "
        done
        [ -n "$differ" ] || echo "The same bytes as ${way//_/ }."
    done
    echo "| seconds, $epochs epochs of ${DATA:-$images drawn images}, $precision | depth 1 | 2 | 3 | 4 | all |"
    printf '%s\n' '|---|---|---|---|---|---|' "$row"
    [ -z "$differ" ] || wrong "${differ%; }"
}
learnt() {
    compgen -G "$work/*-d4.bin" >/dev/null || skip "no networks were trained"
    psdump -k status "$work"/*-d?.bin | sed "s|$work/||" | tee "$work/learnt"
    awk -F '\t' 'NR > 1 { all = all " " $7; bad += $2 != "done" || !($7 > 0) }
        END { print "validation accuracy, %:" all; exit bad > 0 }' "$work/learnt"
}
# What people run, which finds out by itself how many networks share the GPU, and by an MPS of its own.
swept() {
    have sweep || skip "sweep is not here"
    # A bundle brings its own.
    have parallel || [ -e "$here/share/psweep/sweep.d/parallel/parallel" ] || skip "GNU parallel, which sweep needs, is not here"
    local began
    set_of $images
    meet $precision
    began=${EPOCHREALTIME/[.,]/}
    sweep -d 1-4 -e $epochs --data "$work/$images.ps" --augment --views --test '' -o "$work/sweep" -- "${on_gpu[@]:2}" --precision $precision
    psdump -k status "$work"/sweep/*.bin | cut -f 2,3,7,9
    echo "sweep -d 1-4 -e $epochs, and its report: $(seconds_since "$began") s"
}

# kernels PRECISION: those of some steps of depths 1 and 3 behind the first steps.
kernels() {
    if ! have ncu && ! have nsys; then skip "neither ncu nor nsys is here"; fi
    local depth train skipped=500 counted=300
    meet "$1"
    views_of $few 1 >"$work/views.ps"
    for depth in 1 3; do
        train=("${on_gpu[@]}" -d "$depth" --precision "$1" --no-cuda-graph)
        # One that fails is asked each time, and its kernels would come first.
        "${train[@]/-q/-v}" <"$work/views.ps" 2>&1 >"$work/once" | grep 'with the CPU, once' && wrong "the self-test does not pass"
        printf '\n%s, depth %d, batch %d: %d kernels behind the first %d\n\n' "$1" $depth $batch $counted $skipped
        if have ncu; then
            ncu --csv --print-units base --clock-control none --metrics gpu__time_duration.sum,dram__bytes.sum \
                --launch-skip $skipped --launch-count $counted --log-file "$work/ncu" \
                "${train[@]}" <"$work/views.ps" >"$work/once" || wrong "$(tail -n 3 "$work/ncu")"
            kernel_table <"$work/ncu"
        else
            nsys profile -o "$work/nsys" --force-overwrite true "${train[@]}" <"$work/views.ps" >"$work/once"
            nsys stats --report cuda_gpu_kern_sum --format csv "$work/nsys.nsys-rep"
        fi
    done
}
# Of ncu's rows, one for each metric of each kernel, with commas in the names: a table, what takes longest first.
kernel_table() {
    awk -F '","' '/^"ID"/ { for (i = 1; i <= NF; i++) { gsub(/"/, "", $i); place[$i] = i } next }
        /^"/ {
            name = $place["Kernel Name"]
            sub(/\(.*/, "", name)
            name = substr(name, 1, 60) " " $place["Grid Size"]
            gsub(/\|/, "/", name)
            value = $place["Metric Value"]
            gsub(/[",]/, "", value)
            if ($place["Metric Name"] ~ /bytes/) bytes[name] += value
            else { us[name] += value / 1000; count[name]++ }
        }
        END { for (name in us) printf "| %s | %d | %.2f | %.0f |\n", name, count[name], us[name], bytes[name] / us[name] / 1000 }' |
        sort -t '|' -k 4,4nr >"$work/table"
    printf '| kernel and its grid | times | µs in all | GB/s |\n|---|---|---|---|\n'
    cat "$work/table"
    awk -F '|' '{ n += $3; us += $4 } END { printf "%d kernels took %.1f µs\n", n, us; exit !n }' "$work/table"
}

# sanitize TOOL: a network that has all kinds of kernels, with every piece of memory by itself.
sanitize() {
    have compute-sanitizer || skip "compute-sanitizer is not here"
    local status=0 train=("${on_gpu[@]}" -b 16 --network 8w-12k1-12p-12-12+2-16-max --optimizer adamw --dropout 0.2 --clip-norm 1
        --precision bf16 --no-cuda-graph)
    psfetch -q synth:shapes --limit 60 --resize 8 --split 0.8 | psaug -q -e 1 --views >"$work/tiny.ps"
    meet bf16
    "${train[@]}" <"$work/tiny.ps" >"$work/once"
    PSWEEP_CUDA_APART=1 compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20 --log-file "$work/$1" \
        "${train[@]}" <"$work/tiny.ps" >"$work/again" || status=$?
    cat "$work/$1"
    [ $status = 0 ] || exit $status
    cmp "$work/once" "$work/again"
    grep -qE 'SUMMARY: 0 (errors|hazards)' "$work/$1"
}

torch() {
    local program=$here/torch_gpu.py
    [ -e "$program" ] || program=$tree/tests/bench/torch_gpu.py
    "$python" -c 'import torch' 2>/dev/null || skip "$python has no PyTorch"
    "$python" "$program" cuda 200 | tee "$work/torch"
    awk '$1 ~ /^[1-4]$/ && $3 > 0 { pace[$1, $2] = $3; n++ }
        END {
            print "\n| depth | PyTorch, images/s | compiled |\n|---|---|---|"
            for (d = 1; d <= 4; d++) print "| " d " | " pace[d, "no"] " | " pace[d, "yes"] " |"
            print n + 0 " of 8 were measured"
            exit !n
        }' "$work/torch"
}

# ---- how they are run

# What is left of the part, which may be saving what it has, is waited for a little.
end_part() {
    local tenths=0
    if [ -n "${part-}" ] && kill -TERM -- "-$part" 2>/dev/null; then
        while ((tenths++ < 50)) && kill -0 -- "-$part" 2>/dev/null; do sleep 0.1; done
        kill -KILL -- "-$part" 2>/dev/null || true
    fi
    part=''
    end_mps
}
trap 'end_part; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# tell WORD NAME SECONDS SENTENCE
tell() {
    printf '%s  %-12s %4d s  %s\n' "$1" "$2" "$3" "${4:0:200}" | tee -a "$out/summary.txt"
    [ "$1" != FAIL ] || failed+=" $2"
}
# run_part NAME SECONDS FILE COMMAND
run_part() {
    local name=$1 most=$2 file=$out/$3.txt left=$((limit - SECONDS)) status=0 began=$SECONDS id said
    if ((left < 3)); then
        tell SKIP "$name" 0 "no time is left"
        return
    fi
    ((most <= left)) || most=$left
    printf '\n== %s: %s\n' "$name" "$4" >>"$file"
    # A group of processes, so that it ends as one.
    set -m
    (eval "$4") >"$work/said" 2>&1 </dev/null &
    id=$! part=$!
    set +m
    timeout "$most" tail -s 0.05 --pid=$part -f /dev/null || end_part
    wait $id 2>/dev/null || status=$?
    end_part
    said=$(tail -c 2000 "$work/said" | tr -d '\000' | grep -a '[^[:space:]]' | tail -n 1) || true
    tail -c 500000 "$work/said" >>"$file"
    [ -n "$said" ] || echo "(nothing)" >>"$file"
    set -- "$name" $((SECONDS - began)) "$2"
    if [ $status = 0 ]; then
        tell PASS "$1" "$2" "$said"
    elif [ $status = 77 ]; then
        tell SKIP "$1" "$2" "$said"
    elif (($2 < most)); then
        tell FAIL "$1" "$2" "status $status: ${said:-it said nothing}"
    elif ((most < $3)); then
        tell SKIP "$1" "$2" "no time is left; it has said: $said"
    else
        tell FAIL "$1" "$2" "not done after $most s; it has said: $said"
    fi
}

names=$(awk '{ print $1 }' <<<"$parts")
for name; do
    if [[ ! $name =~ ^[a-z0-9-]+(:[1-9][0-9]{0,3})?$ ]] || ! grep -qx -e "${name%:*}" <<<"$names"; then
        echo "check-gpu: there is no part '$name': they are${names//$'\n'/ }" >&2
        exit 2
    fi
done
have pstrain || { echo "check-gpu: there is no pstrain in $PATH" >&2 && exit 1; }
failed=''
echo "$(pstrain -V | head -n 1), $(date -u +%F), at most $limit s${REHEARSE:+; a rehearsal, whose figures mean nothing}" |
    tee -a "$out/summary.txt"
while read -r name most file command <&3; do
    [ $# = 0 ] || [[ " $* " =~ \ $name(:([0-9]+))?\  ]] || continue
    run_part "$name" "${BASH_REMATCH[2]:-$((most * times))}" "$file" "$command"
done 3<<<"${parts#?}"
echo "$SECONDS s; ${failed:+failed:}${failed:-nothing failed}" | tee -a "$out/summary.txt"
[ -z "$failed" ]
