#!/usr/bin/env bats
# psplot --follow FOLDER: the runs that are made there.
load ../helper

setup() {
    enter_folder
    mkdir runs
    psfetch -q --limit 100 --split 0.8 | pstrain -q -b 40 -e 3 >net.bin
    half=$(($(stat -c %s net.bin) / 2))
}

# work COMMAND...: holds the lock on the folder while the command runs.
work() {
    flock runs "$@"
}
# To be killed, as itself: chart … &
chart() {
    exec timeout "$HANGS" psplot --follow runs "$@" >lines 2>err 3>&-
}

@test "runs that are there and runs that come, under the name they get, until nobody works there any more" {
    head -c "$half" net.bin >runs/a.part
    : >runs/later.part
    echo no run | tee runs/notes.txt >runs/notes.part
    psfetch -q --limit 10 >runs/data.part
    cp net.bin runs/old.bin
    exec {lock}<runs
    flock "$lock"
    chart {lock}<&- &
    chart=$!
    wait_for grep -q '^a: epoch 1: ' lines
    mv runs/a.part runs/a.bin # the same file goes on
    tail -c +$((half + 1)) net.bin >>runs/a.bin
    wait_for grep -q '^a: done' lines
    cat net.bin >runs/b.part
    wait_for grep -q '^b: done' lines
    mv runs/b.part runs/b.bin
    head -c "$half" net.bin >runs/c.part
    cat net.bin >>runs/later.part
    wait_for grep -q '^c: epoch 1: ' lines
    wait_for grep -q '^later: done' lines
    # A new file takes the place of what an earlier trainer left.
    mv runs/c.part runs/c.torn
    cat net.bin >runs/c.part
    wait_for grep -q '^c: done' lines
    kill -0 $chart # somebody could still begin another
    flock -u "$lock"
    wait $chart
    [ ! -s err ]
    [ "$(cut -d : -f 1 lines | sort -u | xargs)" = "a b c later" ]
    [ "$(grep -c '^c: epoch' lines)" -ge 4 ]
    exec {lock}<&-
}

@test "when nobody works there, what does not grow any more is cut short" {
    head -c "$half" net.bin >runs/a.part
    cp net.bin runs/b.part
    ends 3 in_time psplot --follow runs
    grep -q '^a: cut short' out
    grep -q '^b: done' out
    grep -q 'runs/a.part ends after .* records without an end record' err
    rm runs/a.part
    ends 0 in_time psplot --follow runs
    rm runs/b.part
    ends 0 in_time psplot --follow runs
    [ ! -s out ]
    printf 'xx' | dd of=net.bin bs=1 seek=$((half / 2)) conv=notrunc status=none
    cp net.bin runs/c.part
    ends 3 in_time psplot --follow runs
    grep -q 'runs/c.part is damaged' err
    ends 1 psplot runs
    grep -q 'is a folder' err
}

@test "in a folder whose lock was given back nothing grows any more: no waiting for what is cut short there" {
    head -c "$half" net.bin >runs/a.part
    cp -r runs others
    exec {lock}<runs
    flock "$lock"
    chart {lock}<&- &
    chart=$!
    wait_for grep -q '^a: epoch 1: ' lines
    # One that cannot know it, since nobody has held a lock there, begins at the same time.
    timeout "$HANGS" psplot --follow others >/dev/null 2>&1 3>&- {lock}<&- &
    patient=$!
    flock -u "$lock"
    exec {lock}<&-
    status=0
    wait $chart || status=$?
    [ "$status" = 3 ]
    kill -0 $patient
    grep -q 'runs/a.part ends after .* records without an end record' err
}

@test "images a second and the time left are those of a run at work, not of what it copied" {
    # Ten iterations a second of 100 images each, behind a thousand that come almost at once.
    cat >trainer.py <<'END'
import msgpack, sys, time
def put(**record):
    sys.stdout.buffer.write(msgpack.packb(record))
options = {"depth": 1, "seed": 0, "batch-size": 100}
put(type="header", version=1, kind="run", tool="pstrain 0", options=options, upstream=[], classes=["a", "b"],
    counts={"train": 1000, "validation": 0, "test": 0})
for i in range(1, 1051):
    put(type="progress", iteration=i, epoch=(i - 1) // 10 + 1, loss=1.0, accuracy=0.5)
    if i % 200 == 0 or i > 1000:
        sys.stdout.buffer.flush()
        time.sleep(0.1 if i > 1000 else 0.3)
END
    ends 2 psplot -e 200
    work /usr/bin/python3 trainer.py >runs/a.part 3>&- &
    wait_for test -s runs/a.part
    chart -e 200 &
    chart=$!
    wait_for grep -q '^a: epoch 104 ' lines
    kill $chart
    grep -q '^a: epoch 50 of 200: ' lines
    no grep 'epoch 100 of .* images/s' lines
    speed=$(grep '^a: epoch 104 of 200: ' lines | sed 's/.*; \([0-9]*\) images.s$/\1/')
    # About a thousand, and far from the 60,000 that were copied; a busy machine is slower.
    [ "$speed" -gt 0 ]
    [ "$speed" -le 10000 ]
}

@test "on a terminal there is a panel for each run, with what is left of it" {
    need script
    exec {lock}<runs
    flock "$lock"
    cp net.bin runs/first.part
    head -c "$half" net.bin >runs/second.part
    TERM=xterm timeout "$HANGS" script -qec "stty cols 100 rows 30; psplot --follow runs -e 5" screen >/dev/null {lock}<&- 3>&- &
    chart=$!
    wait_for grep -q 'second' screen
    grep -q 'first' screen
    grep -q 'of 5' screen
    flock -u "$lock"
    exec {lock}<&-
    wait $chart || [ $? -eq 3 ]
}
