# The command sweep, with the real programs on few small images.
load ../helper

# What a failed test left behind.
teardown() {
    if [ -n "${sweep-}" ] && kill "$sweep" 2>/dev/null; then wait "$sweep" || true; fi
}

small=(--limit 200 --epochs 1)

# sweep in the background, as from a terminal: with an interrupt that is not ignored. Sets $sweep.
start_sweep() {
    env --default-signal=INT sweep "$@" >out 2>err 3>&- &
    sweep=$!
}
# The pstrain of that point (d2-s0) of the sweep in this folder.
trainer() {
    pgrep -f -- "^pstrain .*--progress $PWD/.* --name $1\$"
}
# No program of this folder's sweep is left: each of them holds a file in it open, or the folder.
nobody_left() {
    find /proc/[0-9]*/fd -lname "$PWD/s*" -print -quit 2>/dev/null | no grep .
}
# A long point: more epochs than anybody waits for.
endless=(--limit 200 --epochs 100000)

@test "trains every depth, scores the best and draws the charts" {
    sweep "${small[@]}" --depth 1-2,2,1 -o "$PWD/s" >out
    for net in s/net-d1-s0.bin s/net-d2-s0.bin; do
        [ "$(records $net | jq -r 'select(.type == "model") | .stopped')" = false ]
        [ "$(records $net | tail -n 1 | jq -r .type)" = end ]
    done
    [ "$(records s/best.scores | jq -c 'select(.type == "score") | [.split, .images]')" = '["test",2000]' ]
    [ -s s/curves.png ] && [ -s s/overlay.png ] && [ -s s/confusion.png ]
    grep -E 'best is .*/net-d[12]-s0.bin: validation [0-9.]+ %, test [0-9.]+ %$' out
    [ -z "$(find s -name '*.part' -o -name '*.log' -o -name progress)" ]
}

@test "does only what is left, and adds points to what is there" {
    sweep "${small[@]}" --depth 1 -o "$PWD/s"
    before=$(stat -c '%i %y' s/net-d1-s0.bin s/data.ps)
    sweep "${small[@]}" --depth 1-2 --seed 0,1 -o "$PWD/s"
    [ "$before" = "$(stat -c '%i %y' s/net-d1-s0.bin s/data.ps)" ]
    [ "$(echo s/net-*.bin)" = "s/net-d1-s0.bin s/net-d1-s1.bin s/net-d2-s0.bin s/net-d2-s1.bin" ]
    no cmp s/net-d1-s0.bin s/net-d1-s1.bin
}

@test "refuses a folder that holds a sweep with other options" {
    sweep "${small[@]}" --depth 1 -o "$PWD/s"
    ends 2 sweep --limit 200 --epochs 2 --depth 1 -o "$PWD/s"
    grep 'other options (.*--epochs 1 ' err
}

@test "refuses a folder in which another sweep is at work" {
    start_sweep "${endless[@]}" --depth 1 -o "$PWD/s"
    wait_for 30 trainer d1-s0
    ends 1 timeout 20 sweep "${endless[@]}" --depth 1 -o "$PWD/s"
    grep 'another sweep is at work' err
    kill -TERM "$sweep"
    wait "$sweep" || [ $? = 143 ]
    nobody_left
}

@test "one point can be ended; it is not taken for done, and the others go on" {
    start_sweep "${endless[@]}" --depth 1-3 --jobs 1 -o "$PWD/s"
    for depth in 1 2 3; do
        wait_for 30 trainer d$depth-s0
        wait_for 30 test -s s/net-d$depth-s0.part
        kill -TERM "$(trainer d$depth-s0)"
    done
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 4 ]
    [ "$(records s/net-d2-s0.stopped | jq -r 'select(.type == "model") | .stopped')" = true ]
    no compgen -G 's/net-*.bin'
    nobody_left
}

@test "Ctrl-C saves what the networks have learnt and leaves no process behind" {
    start_sweep "${endless[@]}" --depth 1-4 --jobs 2 -o "$PWD/s"
    wait_for 30 test -s s/net-d1-s0.part
    wait_for 30 test -s s/net-d2-s0.part
    kill -INT "$sweep"
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 130 ]
    nobody_left
    for net in s/net-d1-s0.stopped s/net-d2-s0.stopped; do
        [ "$(records $net | jq -r 'select(.type == "model") | .stopped')" = true ]
    done
    [ ! -e s/net-d3-s0.part ]
    grep 'the same command goes on from there' err
}

# The point d1-s0 of the sweep in s has finished so many epochs.
epochs_done() {
    [ "$(psplot -k table s/net-d1-s0.part 2>/dev/null | awk 'NR == 2 { print $4 + 0 }')" -ge "$1" ]
}

@test "Ctrl-C, the death of a trainer and that of everything lose nothing: the same bytes in the end" {
    long=(--limit 200 --epochs 120 --depth 1)
    sweep "${long[@]}" -o "$PWD/whole" >out
    for blow in "-INT" "-KILL trainer" "-KILL all" none; do
        start_sweep "${long[@]}" -o "$PWD/s"
        [ "$blow" = none ] && break
        wait_for 30 epochs_done $((reached += 20))
        case $blow in
        -INT) kill -INT "$sweep" ;;
        *trainer) kill -KILL "$(trainer d1-s0)" ;;
        *all)
            # parallel, psplot, the shells and programs of the point: all hold something of the folder.
            kill -KILL "$sweep"
            find /proc/[0-9]*/fd -lname "$PWD/s*" 2>/dev/null | cut -d / -f 3 | sort -u | xargs -r kill -KILL
            ;;
        esac
        wait "$sweep" || true
        wait_for 10 nobody_left
    done
    wait "$sweep"
    cmp whole/net-d1-s0.bin s/net-d1-s0.bin
    [ -z "$(find s -name '*.part' -o -name '*.log' -o -name '*.torn*' -o -name '*.stopped')" ]
}

# An endless sweep of d1-s0 in s is stopped after so many epochs.
learn_and_stop() {
    start_sweep "${endless[@]}" --depth 1 -o "$PWD/s"
    wait_for 30 epochs_done "$1"
    kill -TERM "$sweep"
    wait "$sweep" || true
}
# The point d1-s0 of an endless sweep in s goes on and says from where; then it is ended.
goes_on_from() {
    start_sweep "${endless[@]}" --depth 1 -o "$PWD/s"
    wait_for 30 grep "going on from iteration $1" s/net-d1-s0.log
    kill -TERM "$sweep"
    wait "$sweep" || true
}

@test "of the files that interrupted trainers left, the one that has come furthest is gone on from" {
    learn_and_stop 6
    mv s/net-d1-s0.stopped whole
    mapfile -t ends < <(/usr/bin/python3 -c '
import msgpack
records = msgpack.Unpacker(open("whole", "rb"), raw=False, max_buffer_size=1 << 30)
print(0, *[records.tell() for record in records if record["type"] == "checkpoint"], sep="\n")')
    for pair in "5 2" "2 5" "5 0" "5 5"; do
        read -r torn part <<<"$pair"
        rm -f s/net-d1-s0.*
        head -c $((ends[torn] + 30)) whole >s/net-d1-s0.torn1
        head -c "${ends[part]}" whole >s/net-d1-s0.part
        goes_on_from 10,
    done
}

@test "a point that is stopped while it starts keeps what it had" {
    learn_and_stop 3
    cp s/net-d1-s0.stopped kept
    had=$(records kept | jq -r 'select(.type == "progress") | .iteration' | tail -n 1)
    # A trainer whose images do not come is stopped before it has read its first file.
    mv s/data.ps data.ps && mkfifo s/data.ps
    start_sweep "${endless[@]}" --depth 1 -o "$PWD/s"
    exec 5>s/data.ps
    head -c 100000 data.ps >&5
    wait_for 30 trainer d1-s0
    kill -TERM "$(trainer d1-s0)"
    sleep 0.2
    exec 5>&-
    kill -TERM "$sweep" || true
    wait "$sweep" || true
    rm s/data.ps && mv data.ps s/data.ps
    [ ! -s s/net-d1-s0.bin ]
    goes_on_from "$had,"
}

@test "more classes than a confusion matrix is made of" {
    /usr/bin/python3 - <<'P'
import os, struct, zlib
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
for label in range(1001):
    os.makedirs("many/%04d" % label)
    for image in range(2):
        rows = (b"\0" + bytes([(label + image) % 256] * 4)) * 4
        open("many/%04d/%d.png" % (label, image), "wb").write(b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
P
    sweep --data many --split 0.5 --epochs 1 --depth 1 -o "$PWD/s" >out
    grep 'charts: .*/curves.png, .*/overlay.png$' out
}

@test "a sweep whose data never came leaves the folder to another" {
    ends 1 sweep --data nothere "${small[@]}" --depth 1 -o "$PWD/s"
    sweep "${small[@]}" --depth 1 -o "$PWD/s" >out
    grep 'best is' out
}

@test "where psaug failed, its reason is told" {
    ends 1 sweep "${small[@]}" --depth 1 --augment '--crop 64x64' -o "$PWD/s"
    grep 'sweep: d1-s0 failed: psaug: .*smaller than --crop 64x64' err
}

@test "a point that fails is named with its reason, and the others are done" {
    # 30 pixels are not divisible by the two pools.
    ends 1 sweep "${small[@]}" --depth 1-2 --fetch '--resize 30x30' -o "$PWD/s"
    grep 'sweep: d1-s0 failed: pstrain: ' err
    # Enough epochs for the first to be met alive.
    start_sweep --limit 200 --epochs 15 --depth 1-2 --jobs 1 -o "$PWD/t"
    wait_for 30 trainer d1-s0
    kill -KILL "$(trainer d1-s0)"
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 1 ]
    [ ! -e t/net-d1-s0.bin ] && [ -e t/net-d2-s0.bin ]
}

@test "data that were fetched by half are not taken for whole" {
    mkdir -p images/a
    ends 1 sweep --data images --depth 1 -o "$PWD/s"
    grep 'cannot fetch the images of images' err
    [ ! -e s/data.ps ]
}

@test "wrong usage is said" {
    ends 2 sweep --depth 1-x && grep "'1-x'" err
    ends 2 sweep --depth 1,4-2 && grep -- '--depth 4-2 runs backwards' err
    ends 2 sweep --epochs 0 && grep 'a number from 1' err
    ends 2 sweep --batch 3 && grep 'after --' err
    ends 0 sweep --help && grep '^usage: sweep' out
}
