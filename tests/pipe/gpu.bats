# What check-gpu.sh does on a machine with a GPU, rehearsed with doubles.
load ../helper

setup() {
    enter_folder
    check=$REPOSITORY/tests/gpu/check-gpu.sh
    mkdir doubles
}
# double NAME...: doubles of these programs, before all others.
double() {
    local name
    for name; do ln -s "$REPOSITORY/tests/gpu/double" "doubles/$name"; done
}
tools=(nvidia-smi nvidia-cuda-mps-control ncu compute-sanitizer python)
check() {
    PROGRAMS=$PWD/doubles TORCH_PYTHON=$PWD/doubles/python "$check" "$@"
}
# parts WORD: how many of the last run that came to that.
parts() {
    grep -c "^$1 " out || true
}

# is_gone PID: it has ended, whether or not anybody has taken notice.
is_gone() {
    ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null
}

@test "each part of check-gpu.sh passes, and fails with a sentence where its program does, or gives other bytes" {
    double "${tools[@]}" psfetch psaug pstrain psdump sweep parallel parity views gpu_bench
    export MPS_SAID=$PWD/mps
    ends 0 check good 500
    all=$(parts PASS)
    [ "$all" -eq $(($(wc -l <out) - 2)) ]
    [ "$(find good -type f | wc -l)" -eq 8 ]
    diff out good/summary.txt
    [ "$(xargs <mps)" = "start_server -uid $(id -u) get_server_list quit" ]
    grep -q '^| 1 | tf32 | 2000000 | 64.0 | 1000000 | 128.0 |$' good/bench.txt
    grep -A 1 '^|---' good/kernels.txt | grep -qF '| void convolve<float, 4> (32, 1, 1) | 1 | 9.25 | 2000 |'
    grep -qF '| normalise (32, 1, 1) | 2 | 3.00 | 2000 |' good/kernels.txt
    grep -q '^3 kernels took 12.2 µs$' good/kernels.txt
    grep -q '^| 1 | 100000 | 300000 |$' good/torch.txt

    # What passes in spite of the one is made to fail by the other; then no part is left.
    FAULT="nvidia-smi pstrain parity views gpu_bench" ends 1 check bad 500
    grep -q '^FAIL  libraries .*status 1: pstrain: the cuda engine does not load: libcudnn.so.9$' out
    grep -q '^FAIL  selftest .*the GPU refuses memory' out
    grep -q '^FAIL  bench .*status 139' out
    grep -q '^ *1 *tf32 *views' bad/bench.txt # what it had said before
    grep -q 's; failed: machine libraries selftest ' out
    failed=$(parts FAIL)
    mapfile -t others < <(awk '/^(PASS|SKIP)/ { print $2 }' out)
    FAULT="psdump bytes ncu compute-sanitizer sweep nvidia-cuda-mps-control python" ends 1 check bad 500 "${others[@]}" \
        in-a-row bytes-bf16 at-once kernels-tf32 memcheck
    grep -q '^FAIL  bytes-bf16 .*bf16: other bytes, depth 1 again, depth 1 without a graph, depth 3 again, ' out
    grep -q '^FAIL  at-once .*: depth 1: other bytes than in a row; depth 2: ' out
    grep -q '^FAIL  kernels-tf32 .* does not have permission' out
    grep -q '^FAIL  memcheck .*status 9: ========= ERROR SUMMARY: 3 errors' out
    for part in "${others[@]}"; do grep "^FAIL  $part " out; done
    [ $((failed + ${#others[@]})) -eq "$all" ]

    # What ends well and has measured nothing has not passed.
    parts=(bench kernels-bf16 at-once-mps:2 memcheck torch)
    FAULT=silence ends 1 check mute 500 "${parts[@]}"
    [ "$(parts FAIL)" -eq ${#parts[@]} ]
    [ "$(tail -n 1 mps)" = quit ]
}

@test "check-gpu.sh ends what hangs and goes on, skips what there is no time or program for, and refuses what it does not know" {
    double psfetch psaug pstrain parity
    cat >doubles/views <<'X'
#!/bin/bash
trap '' TERM
echo $$ >pid
echo half a word
sleep 1000 &
wait || wait
X
    chmod +x doubles/views
    ends 1 check out.d 500 views:3 bytes-tf32 torch
    grep -qE '^FAIL  views +[0-9]+ s  not done after 3 s; it has said: half a word$' out
    wait_for is_gone "$(<pid)"
    [ "$(parts PASS)" -eq 1 ]
    PROGRAMS=$PWD/doubles TORCH_PYTHON=false ends 0 "$check" none 500 torch
    grep -q '^SKIP  torch .*false has no PyTorch$' out
    # Time that is up is no failure of a part, neither of that which runs nor of those to come.
    printf '#!/bin/sh\necho half a word\nexec sleep 1000\n' >doubles/views
    # (On a very slow machine it is up before the first one has begun.)
    ends 0 check late 6 views bytes-tf32
    grep -qE '^SKIP  views .* no time is left(; it has said: half a word)?$' out
    grep -q '^SKIP  bytes-tf32 .* no time is left$' out
    ends 2 check out.d
    ends 2 check out.d 500 view
    grep -q "there is no part 'view': they are machine libraries " err
    ends 2 check out.d 500 views:0
}

@test "on a machine without a GPU check-gpu.sh fails, and says why" {
    ends 1 "$check" out.d 500 libraries parity-fp32 bytes-tf32
    [ "$(parts FAIL)" -eq 3 ]
    grep -Eq '^FAIL  parity-fp32 .*(there is no (NVIDIA driver|GPU)|not found)' out
}

@test "PyTorch's figures are those of eight trainings" {
    # All of PyTorch is a thing that can be called, added and asked for anything: what this shows is that our part of it runs.
    PYTHONPATH=$REPOSITORY/tests/bench /usr/bin/python3 -c '
import runpy, sys, unittest.mock
for name in ["torch", "torch.nn"]:
    sys.modules[name] = unittest.mock.MagicMock(__version__="0")
sys.modules["torch"].rand().__lt__.return_value = True
sys.argv = ["torch_gpu.py", "cpu", "1", "2"]
runpy.run_module("torch_gpu")' >out
    [ "$(grep -cE '^ +[1-4] +(no|yes) +[0-9]+ +[0-9.]+$' out)" -eq 8 ]
}

@test "all of check-gpu.sh is rehearsed on the doubles of CUDA; a GPU that its self-test refuses is looked at all the same" {
    long
    [ -e "$REPOSITORY/bin/libpsweep-cuda.so" ] || skip "needs the CUDA toolkit and cuDNN, to build the GPU engine"
    double "${tools[@]}"
    export REHEARSE=1 XDG_CACHE_HOME=$PWD/cache
    ends 0 check good 3600
    [ "$(parts PASS)" -eq $(($(wc -l <out) - 2)) ]
    grep -q 'a rehearsal, whose figures mean nothing' good/summary.txt
    PSWEEP_DOUBLE_WRONG=1 XDG_CACHE_HOME=$PWD/other ends 1 check bad 3600 selftest parity-fp32 views
    grep -q '^FAIL  selftest .*: pstrain: fp32: 3 of its results differ' out
    grep -q '^FAIL  parity-fp32 .* 1 networks, 1 steps: .* [1-9][0-9]* things beyond' out
    grep -q '^PASS  views' out
}
