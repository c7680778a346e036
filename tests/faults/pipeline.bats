#!/usr/bin/env bats
# What happens when a program of a pipeline dies, is stopped, or has nowhere to write.
load ../helper

setup() {
    enter_folder
    psfetch -q synth:shapes --limit 200 --split 0.8 >set.ps
}

# Whether a stream ends with an end record.
has_end() {
    tail -c 43 "$1" | head -c 10 | LC_ALL=C grep -q 'type.end'
}

@test "psfetch killed half-way: psaug and pstrain both end with 3 and say why" {
    # It waits for its consumer then, half of its images sent.
    killed() {
        psfetch -q synth:shapes 3>&- &
        wait_for test -e half
        kill -KILL $!
        wait $! || touch killed
    }
    slow() {
        head -c 3000000
        touch half
        wait_for test -e killed
        cat
    }
    statuses=$(killed 2>/dev/null | slow | psaug 2>aug.err | pstrain 2>train.err >net.bin; echo "${PIPESTATUS[*]:2}")
    [ "$statuses" = "3 3" ]
    grep -q "^psaug: input ends .* without an end record: the program before it failed" aug.err
    grep -q "^pstrain: input is empty: the program before it failed" train.err
    [ ! -s net.bin ]
}

@test "a stream cut at any place is never taken for whole" {
    psaug -e 2 <set.ps >epochs.ps
    size=$(stat -c %s epochs.ps)
    for cut in 10 1000 100000 300000 $((size / 2)) $((size - 43)) $((size - 1)); do
        ends 3 pstrain -q < <(head -c "$cut" epochs.ps)
        no has_end out
    done
}

@test "one record is not some records" {
    /usr/bin/python3 -c '
import msgpack, sys
first = next(iter(msgpack.Unpacker(open("set.ps", "rb"), raw=False)))
sys.stdout.buffer.write(msgpack.packb(first))' >one.ps
    ends 3 psaug <one.ps
    grep -q "^psaug: input ends after 1 record without an end record" err
    cat one.ps set.ps >joined.ps
    ends 3 psaug <joined.ps
    grep -q "^psaug: input has another header after 1 record, with no end record before it" err
}

@test "a changed byte is found before anything is made of it" {
    cp set.ps bad.ps
    printf '\x55' | dd of=bad.ps bs=1 seek=200000 conv=notrunc status=none
    ends 3 psaug <bad.ps
    grep -q "damaged" err
    [ ! -s out ]
}

@test "a consumer that has enough is no error: psfetch and psaug stop quietly with 0" {
    psaug <set.ps 2>err | head -c 1000 >/dev/null
    [ "${PIPESTATUS[0]}" -eq 0 ]
    [ ! -s err ]
    psfetch -q synth:shapes 2>err | head -c 1000 >/dev/null
    [ "${PIPESTATUS[0]}" -eq 0 ]
    [ ! -s err ]
}

@test "pstrain whose output is closed before the model is written has failed" {
    statuses=$(psaug <set.ps 2>aug.err | pstrain -q 2>train.err | head -c 1000 >/dev/null; echo "${PIPESTATUS[*]}")
    [ "$statuses" = "0 1 0" ]
    grep -q "pstrain: output was closed by its reader" train.err
}

@test "a full disk is an error of every program" {
    psaug -e 1 <set.ps >epoch.ps
    pstrain -q <epoch.ps >net.bin
    for command in "psfetch -q synth:shapes --limit 5" "psaug -e 1" "pstrain -q" "pseval -q net.bin" "psplot -k table net.bin"; do
        status=0
        case $command in pstrain*) input=epoch.ps ;; *) input=set.ps ;; esac
        $command <$input >/dev/full 2>err || status=$?
        [ "$status" -eq 1 ]
        grep -q "No space left" err
    done
}

@test "a file that may not grow (ulimit -f) is an error of every program, and of pstrain a lost watcher" {
    psaug -e 1 <set.ps >epoch.ps
    pstrain -q -d 1 <epoch.ps >net.bin
    pseval -q net.bin <set.ps >scores
    echo "-d 1" >points
    mkfifo said
    # limited KIB COMMAND...: where a file may have so much. What it says comes through a pipe.
    limited() {
        cat said >err &
        status=0
        (ulimit -f "$1" && exec "${@:2}" >limited) 2>said || status=$?
        wait $!
    }
    for command in "psfetch -q --limit 5" "psfetch --help" "psaug -e 1" "pstrain -q" "pstrain --points points" "pseval -q net.bin" \
        "psplot net.bin" "psdump -k "{csv,json,status,ranking}" net.bin"; do
        case $command in psa* | pse*) input=set.ps ;; *) input=epoch.ps ;; esac
        # shellcheck disable=SC2086
        limited 0 $command <$input
        [ "$status: $(<err)" = "1: ${command%% *}: cannot write output: File too large" ]
    done
    for file in curves.{png,svg,pdf} x.tar x.tar.gz; do
        command="psplot -o"
        [[ $file != x.* ]] || command="psfetch -q --limit 5 --write-shard"
        # shellcheck disable=SC2086
        limited 0 $command $file <net.bin
        [ "$status: $(<err)" = "1: ${command%% *}: cannot write $file: File too large" ]
    done
    # What was written can be gone on from; a progress channel that is full costs the run nothing.
    limited 400 pstrain -q -d 1 -e 9 < <(psaug <set.ps)
    [ "$status: $(<err)" = "1: pstrain: cannot write output: File too large" ]
    [ "$(stat -c %s limited)" -eq 409600 ]
    psaug <set.ps | pstrain -d 1 -e 9 --resume limited 2>err | cmp - <(psaug <set.ps | pstrain -q -d 1 -e 9)
    grep -q 'going on from iteration [0-9]*, in epoch [2-9], of limited' err
    (ulimit -f 0 && exec pstrain -q -d 1 --progress log <epoch.ps) | cmp - net.bin
}

@test "standard output that is closed is an error" {
    for command in "psfetch -q synth:shapes --limit 5" "psaug -e 1"; do
        status=0
        $command <set.ps >&- 2>err || status=$?
        [ "$status" -eq 1 ]
        grep -q "Bad file descriptor" err
    done
}

# Starts a long run in the background; sets $aug and $train to its programs.
start_run() {
    mkfifo pipe
    env --default-signal=INT psaug <set.ps >pipe 2>aug.err 3>&- &
    aug=$!
    env --default-signal=INT pstrain -q --progress log <pipe >net.bin 2>train.err 3>&- &
    train=$!
    wait_for test -s log
}

# The run is whole, and says that it was stopped.
is_saved() {
    has_end net.bin
    records net.bin >lines
    [ "$(tail -n 1 lines | jq -r .type)" = end ]
    [ "$(jq -c 'select(.type == "model") | .stopped' lines)" = true ]
    [ "$(jq -s '[.[] | select(.type == "checkpoint")][-1].iteration' lines)" = "$(jq -s '[.[] | select(.type == "progress")] | length' lines)" ]
    ends 0 pseval -q net.bin <set.ps
}

@test "SIGTERM: the step is finished, checkpoint, model marked stopped, end record, exit 4" {
    start_run
    kill -TERM $train
    status=0
    wait $train || status=$?
    [ $status -eq 4 ]
    wait $aug
    is_saved
    [ "$(records log | tail -n 1 | jq -r .status)" = stopped ]
}

@test "SIGINT: the same, and pstrain dies by it, as shells and make expect" {
    start_run
    kill -INT $aug $train
    status=0
    wait $train || status=$?
    [ $status -eq 130 ]
    wait $aug || true
    is_saved
}

@test "an interrupt that reaches psaug first is no damage" {
    start_run
    kill -INT $aug
    kill -INT $train
    status=0
    wait $train || status=$?
    [ $status -eq 130 ]
    is_saved
}

@test "psaug alone killed: pstrain ends with 3, keeps its checkpoints and writes no end" {
    start_run
    wait_for grep -q checkpoint net.bin
    kill -KILL $aug
    status=0
    wait $train || status=$?
    [ $status -eq 3 ]
    grep -q "the program before it failed" train.err
    no has_end net.bin
    [ "$(records log | tail -n 1 | jq -r .status)" = failed ]
}

@test "a second signal ends at once" {
    mkfifo pipe
    psaug <set.ps >pipe 3>&- &
    aug=$!
    # Nobody reads the output, so the first signal's checkpoint cannot be written.
    mkfifo stuck
    exec 6<>stuck
    env --default-signal=INT pstrain -q --filters 80 --progress log <pipe >stuck 2>train.err 3>&- 6>&- &
    train=$!
    wait_for test -s log
    kill -TERM $train
    # A second one that comes before the first was heard is none.
    wait_for grep '^ShdPnd:[[:space:]]*0*$' /proc/$train/status
    kill -TERM $train
    status=0
    wait $train || status=$?
    [ $status -eq 143 ]
    exec 6>&-
    wait $aug || true
}

@test "a signal before there is anything to save ends pstrain as it ends any program" {
    mkfifo pipe
    exec 7<>pipe
    env --default-signal=INT pstrain <pipe >net.bin 2>err 3>&- 7>&- &
    train=$!
    sleep 0.5
    kill -INT $train
    status=0
    wait $train || status=$?
    exec 7>&-
    [ $status -eq 130 ]
    [ ! -s net.bin ]
}

@test "an input that somebody made non-blocking is waited for" {
    psaug -e 1 <set.ps >wanted.ps
    (head -c 100000 set.ps; sleep 0.5; tail -c +100001 set.ps) |
        /usr/bin/python3 -c '
import os, sys
os.set_blocking(0, False)
os.execvp(sys.argv[1], sys.argv[1:])' psaug -e 1 | cmp - wanted.ps
}

@test "a run never goes into a file that took the number of a closed output" {
    psaug -e 1 <set.ps >epoch.ps
    status=0
    pstrain -q --progress log <epoch.ps >&- 2>err || status=$?
    [ $status -eq 1 ]
    grep -q "Bad file descriptor" err
    [ ! -e log ]
}

@test "an input that changes while it is read again is found" {
    cp set.ps changing.ps
    mkfifo out.fifo
    psaug --memory 0 -e 50 <changing.ps >out.fifo 2>err 3>&- &
    aug=$!
    exec 8<out.fifo
    head -c 1000 <&8 >/dev/null
    printf '\x55\x66\x77' | dd of=changing.ps bs=1 seek=300000 conv=notrunc status=none
    cat <&8 >rest
    status=0
    wait $aug || status=$?
    exec 8<&-
    [ $status -eq 3 ]
    grep -q "the input changed while it was read again" err
    no has_end rest
}
