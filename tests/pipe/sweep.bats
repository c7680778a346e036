#!/usr/bin/env bats
# The command sweep, with the real programs on few small images. It waits more than it works: bats --jobs 3
load ../helper
load ../sweeps

# Few small images, and no test of the best, so that nothing takes longer than it needs to.
few=(--limit 200 --fetch '--resize 8x8' --test '')
small=("${few[@]}" --epochs 1)
# Long points: more epochs than anybody waits for. Where they need not learn them they are idle.
endless=("${few[@]}" --epochs 100000)

# sweep in the background, as from a terminal: with an interrupt that is not ignored. Sets $sweep.
start_sweep() {
    env --default-signal=INT sweep "$@" <&0 >out 2>err 3>&- &
    sweep=$!
}
# The pstrain of that point (d2-s0) of the sweep in s.
trainer() {
    local pid
    for pid in $(find /proc/[0-9]*/fd/1 -lname "$PWD/s/$1-*.part" 2>/dev/null | cut -d / -f 3); do
        [ "$(cat "/proc/$pid/comm")" = pstrain ] && echo "$pid" && return
    done
    return 1
}
# The point d1-s0 of the sweep in s has finished so many epochs.
epochs_done() {
    [ "$(psdump -k status s/d1-s0-*.part 2>/dev/null | awk 'NR == 2 { print $3 + 0 }')" -ge "$1" ]
}

@test "trains every depth, scores the best, draws the charts and writes the report" {
    sweep --limit 200 --epochs 1 --depth 1-2,2,1 -o s >out
    [ "$(psdump -k status s/*.bin | awk -F '\t' 'NR > 1 { print $2, $3 }' | paste -sd ,)" = "done 1,done 1" ]
    [ "$(records s/best.scores | jq -c 'select(.type == "score") | [.split, .images]')" = '["test",2000]' ]
    for chart in curves overlay confusion wrong; do [ -s s/$chart.png ] && [ -s s/$chart.svg ]; done
    [ "$(records s/wrong.ps | jq -r 'select(.type == "image") | .guess' | wc -l)" = 24 ]
    [ ! -e s/test.ps ]
    [ ! -e s/dark ]
    grep -E 'best is s/d[12]-s0-[0-9a-f]{12}.bin: validation [0-9.]+ %, test [0-9.]+ %$' out
    grep -q '<title>s: depth 1, 2</title>' s/report.html
    grep -E '<h1>Depth 1, 2: best is depth [12] \(validation [0-9.]+ %, test [0-9.]+ %\)</h1>' s/report.html
    grep -F '<p>2 points: 2 done.' s/report.html
    psplot -k confusion --title "D$(sed -n 's/.*best is d\(epth [12]\) (.*/\1/p' s/report.html)" -o is.png s/best.scores
    cmp is.png s/confusion.png
    # A picture of each, by day and by night, and nothing that lies elsewhere.
    [ "$(grep -c '<img alt=' s/report.html)" = 5 ]
    [ "$(grep -c 'prefers-color-scheme: dark)" srcset="data:image/svg+xml;base64,' s/report.html)" = 5 ]
    no grep -E '(src|href|srcset)="[^d]' s/report.html
    no grep -E 'https?://' s/report.html
    grep -A 1 '<summary>The commands of the other networks' s/report.html | grep -E '^psaug &lt; data.ps \| pstrain --depth [12] '
    [ -z "$(find s -name '*.part' -o -name '*.log' -o -name '*.torn*' -o -name events)" ]
}

@test "the commands of the report make the best network anew" {
    sweep "${small[@]}" --depth 1 --augment '--shift 2' -o s -- --momentum 0.5
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep -v '^<' |
        sed 's/&gt;/>/g; s/&lt;/</g; s/&quot;/"/g; s/&amp;/\&/g' >commands
    mkdir anew && (cd anew && bash -o pipefail -e ../commands)
    cmp s/*.bin anew/d1-s0-*.bin
}

@test "does only what is left, and adds points to what is there" {
    trained s "${small[@]}" --depth 1
    before=$(stat -c '%i %y' s/d1-s0-*.bin s/data.ps)
    trained s --depth 1-2 --seed 0,1
    [ "$before" = "$(stat -c '%i %y' s/d1-s0-*.bin s/data.ps)" ]
    in_state "done" "d1-s0 d1-s1 d2-s0 d2-s1"
}

@test "more epochs go on from the fewer, with the same bytes; fewer are there already" {
    trained s "${few[@]}" --depth 1-2 --epochs 2
    trained s --epochs 4
    trained straight "${few[@]}" --depth 1-2 --epochs 4
    same_runs s straight
    before=$(stat -c '%i %y' s/*.bin)
    sweep --epochs 1 -o s # all is done: it draws its report
    [ "$before" = "$(stat -c '%i %y' s/*.bin)" ]
}

@test "what two machines made is joined by copying" {
    long
    trained s "${small[@]}" --depth 1-2
    trained other "${small[@]}" --depth 2-3
    cp -n other/*.bin s/ && cat other/points >>s/points
    in_state "done" "d1-s0 d2-s0 d3-s0"
    before=$(stat -c '%i %y' s/*.bin)
    trained s --depth 1-3
    [ "$before" = "$(stat -c '%i %y' s/*.bin)" ]
    [ "$(wc -l <s/points)" = 3 ]
}

@test "any option of pstrain spans the space, and seeds are told as mean and deviation" {
    sweep "${small[@]}" --depth 1 --learning-rate 0.05,0.01 --batch-size 64 --seed 0-1 -o s >out
    [ "$(cut -f 3 s/points | sort)" = "--depth 1 --learning-rate 0.01 --batch-size 64 --seed 0
--depth 1 --learning-rate 0.01 --batch-size 64 --seed 1
--depth 1 --learning-rate 0.05 --batch-size 64 --seed 0
--depth 1 --learning-rate 0.05 --batch-size 64 --seed 1" ]
    [ "$(find s -name '*.bin' | wc -l)" = 4 ]
    values=$(psdump -k status s/*.bin | awk -F '\t' 'NR > 1 { print $7 }' | sort -n)
    awk '/mean +deviation +runs/ { on = 1; next } on && $4 == 2 { print $2 }' out >means
    [ "$(wc -l <means)" = 2 ]
    # The two means have the mean of all four.
    [ "$(awk '{ s += $1 } END { printf "%.1f", s / NR }' means)" = "$(awk '{ s += $1 } END { printf "%.1f", s / NR }' <<<"$values")" ]
}

@test "a file of points is a space too" {
    printf -- '--depth 1 --learning-rate 0.02 # first\n\n--depth 2 -e 2\n-d2 -s1 -e2\n--depth=2 -s2 --epo=2\n' >points
    sweep "${small[@]}" --points points -o s >all
    grep -E '^ +2 .* [0-9.]+ +[0-9.]+ +3 ' all # over seeds, however an option is spelt
    sweep status -o s >out
    [ "$(cut -f 2 s/points | paste -sd ' ')" = '1 2 2 2' ]
    grep -E '^d2-s2 +done +2/2 .* 2 +- +2$' out
    grep -E '<h1>Depth 1, 2; learning rate 0.02, default; 3 seeds: best is depth [12],? (\(|learning rate 0.02|seed [12])' s/report.html
    grep -E '^point +state +epochs +validation +loss +depth +learning rate +seed$' out
    grep -E '^d1-s0 +done +1/1 .* 1 +0.02 +-$' out
    grep -E '^d2-s0 +done +2/2 .* 2 +- +-$' out
}

@test "another program can drive: points from standard input, a line for each that ends" {
    mkfifo answers
    # Waits for each answer before it asks the next.
    in_time sweep "${small[@]}" --points - -o s < <(
        exec 4<answers
        echo "--depth 1 --learning-rate 0.1"
        read -r _ state _ <&4 && echo "$state" >first
        echo "--depth 1 --learning-rate 0.01 -e 2"
        read -r _ state epoch _ <&4 && echo "$state $epoch" >second
        echo "--depth 1 --learning-rate 0.1"
        read -r again _ <&4 && echo "$again" >third
        echo "--depth 99999"
        read -r none state _ <&4 && echo "$none $state" >fourth
    ) 2>err | tee answers >out
    [ "$(cat first second fourth)" = "done
done 2
- failed" ]
    [ "$(cut -f 1 out | sort -u | wc -l)" = 3 ] # the third was the first
    [ "$(find s -name '*.bin' | wc -l)" = 2 ]
}

@test "a program that drives may go away, or be asked to, at any time" {
    long
    mkfifo points
    exec 5<>points
    idle
    start_sweep "${endless[@]}" --points - -o s <points
    echo "--depth 1" >&5
    wait_for trainer d1-s0
    kill -INT "$sweep"
    status=0
    wait "$sweep" || status=$?
    exec 5>&-
    [ "$status" = 130 ]
    nobody_left
    # Nobody reads the answers any more.
    awake
    for seed in $(seq 500); do echo "--depth 1 --seed $seed"; done |
        in_time sweep "${small[@]}" --points - -o t 2>err | head -n 1 >out
    [ "$(find t -name '*.bin' | wc -l)" -lt 100 ]
}

@test "successive halving: the better go on; those left behind can go on one day" {
    long
    sweep "${few[@]}" --depth 1-2 --seed 0-1 --epochs 4 --halving 2 -o s 2>err >out
    [ "$(sweep status -o s | awk '/^d/ { print $3 }' | sort | paste -sd ' ')" = "1/1 1/1 2/2 4/4" ]
    # Who went on was not worse, after the epoch that all have, than who did not.
    for file in s/*.bin; do
        records "$file" | jq -r --arg file "$file" 'select(.type == "validation") | [.epoch, .accuracy, $file] | @tsv'
    done >validations
    awk -F '\t' '{ n[$3]++; if ($1 == 1) first[$3] = $2 }
        END { for (a in n) for (b in n) if (n[a] > n[b] && n[b] == 1 && first[a] < first[b]) exit 1 }' validations
    grep "best is $(sweep best -o s):" out
    grep 'those of which fewer epochs were asked stand behind' out
    [ "$(awk '/^point/ { on = 1; next } on && /^d/ { print $4 }' out | paste -sd ' ')" = "4 2 1 1" ]
    [ "$(psdump -k status "$(sweep best -o s)" | awk 'NR == 2 { print $3 }')" = 4 ]
    trained s --epochs 4
    trained straight "${few[@]}" --depth 1-2 --seed 0-1 --epochs 4
    same_runs s straight
}

@test "in the background: start, status, stop of a point and of all, wait, best" {
    idle 2
    in_time sweep start "${endless[@]}" --depth 1-3 --jobs 1 -o s >out
    grep '^3 points: 3 to come' out
    wait_for trainer d1-s0
    in_state running d1-s0
    in_state missing "d2-s0 d3-s0"
    ends 1 sweep best -o s
    grep 'no network in s is done' err
    wait_for epochs_done 2
    sweep stop d1-s0 -o s
    wait_for trainer d2-s0
    in_state stopped d1-s0
    [ "$(records s/d1-s0-*.stopped | jq -r 'select(.type == "model") | .stopped')" = true ]
    ends 1 sweep stop d9 -o s
    grep "is called d9" err
    # Points that are added meanwhile are taken over.
    sweep start --depth 4 -o s >out 2>&1
    grep 'takes over these points' out
    sweep stop -o s
    nobody_left
    in_state stopped "d1-s0 d2-s0"
    in_state missing "d3-s0 d4-s0"
    ends 4 sweep wait -o s
    no grep -v '^sweep: ' err
    ends 1 sweep follow -o s
    grep 'no sweep is at work in s' err
    awake
    sweep start --epochs 1 -o s
    ends 0 in_time sweep wait -o s
    in_state "done" "d1-s0 d2-s0 d3-s0 d4-s0"
    [ -s "$(sweep best -o s)" ]
}

@test "points that several starts ask for at once are all there, under their own names, and trained once" {
    long
    trained s "${small[@]}" --depth 1
    for depth in 2 3 4 5; do
        sweep start --depth $depth -o s >"out$depth" 2>&1 3>&- &
        starts+=($!)
    done
    for start in "${starts[@]}"; do wait "$start"; done
    in_time sweep wait -o s
    [ "$(state "done" | tr ' ' '\n' | sort | paste -sd ' ')" = "d1-s0 d2-s0 d3-s0 d4-s0 d5-s0" ]
    awk -F '\t' '{ split($1, part, "-"); if ($3 !~ "--depth " substr(part[1], 2) " ") exit 1 }' s/points
}

@test "one point can be ended; it is not taken for done, and the others go on" {
    idle
    start_sweep "${endless[@]}" --depth 1-2 --jobs 1 -o s
    for depth in 1 2; do
        wait_for trainer d$depth-s0
        wait_for writes d$depth-s0
        kill -TERM "$(trainer d$depth-s0)"
    done
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 4 ]
    in_state stopped "d1-s0 d2-s0"
    no compgen -G 's/*.bin'
    nobody_left
}

@test "Ctrl-C saves what the networks have learnt and leaves no process behind" {
    start_sweep "${endless[@]}" --depth 1-4 --jobs 2 -o s
    wait_for trainer d1-s0 && wait_for writes d1-s0
    wait_for trainer d2-s0 && wait_for writes d2-s0
    kill -INT "$sweep"
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 130 ]
    nobody_left
    in_state stopped "d1-s0 d2-s0"
    in_state missing "d3-s0 d4-s0"
    grep 'the same command goes on from there' err
}

# Sets pids, those of a victim, or of all.
is_met() {
    case $1 in
    trainer) pids=$(trainer d1-s0) ;;
    sweep) pids=$sweep ;;
    parallel) pids=$(workers s | xargs ps -o pid=,comm= -p | awk '$2 == "parallel" || $2 == "perl" { print $1 }') ;;
    all) pids="$sweep $(workers s)" ;;
    *) pids=$(workers s | xargs ps -o pid=,args= -p | awk -v name="$1" '$4 ~ "^(work|point)$" && $4 == (name == "worker" ? "work" : name) { print $1; exit }') ;;
    esac
    [ -n "$pids" ]
}

@test "whatever dies by kill -9, nothing trains on, nothing is lost, and the bytes are the same in the end" {
    long
    point=("${few[@]}" --depth 1 --jobs 1)
    idle 4
    for victim in trainer sweep worker parallel point all; do
        # A trainer that was killed has left what it wrote.
        reached=$(psdump -k status s/d1-s0-*.part 2>/dev/null | awk 'NR == 2 { print $3 + 0 }')
        start_sweep "${point[@]}" --epochs 100000 -o s
        wait_for epochs_done $((reached + 4))
        wait_for is_met "$victim"
        # shellcheck disable=SC2086 # many words on purpose
        kill -KILL $pids
        wait "$sweep" || true
        wait_for nobody_left
    done
    awake
    had=$(psdump -k status s/d1-s0-*.part | awk 'NR == 2 { print $3 + 0 }')
    for folder in s whole; do
        trained $folder "${point[@]}" --epochs $((had + 2))
    done
    same_runs whole s
    [ -z "$(find s -name '*.part' -o -name 'd*.log' -o -name '*.torn*' -o -name '*.stopped' -o -name '*.failed')" ]
}

@test "a finished run that was damaged is found out and mended" {
    trained s "${few[@]}" --epochs 3 --depth 1
    cp s/d1-s0-*.bin whole
    printf X | dd of="$(echo s/d1-s0-*.bin)" bs=1 seek=$(($(stat -c %s whole) / 2)) conv=notrunc status=none
    no cmp -s whole s/d1-s0-*.bin
    in_state missing d1-s0
    trained s
    cmp whole s/d1-s0-*.bin
}

@test "of the files that interrupted trainers left, the one that has come furthest is gone on from" {
    long
    trained s "${few[@]}" --epochs 6 --depth 1
    run=$(basename s/d1-s0-*.bin .bin)
    mv "s/$run.bin" whole
    idle
    mapfile -t ends < <(/usr/bin/python3 -c '
import msgpack
records = msgpack.Unpacker(open("whole", "rb"), raw=False, max_buffer_size=1 << 30)
print(0, *[records.tell() for record in records if record["type"] == "checkpoint"], sep="\n")')
    for pair in "5 2" "2 5" "5 0" "5 5"; do
        read -r torn part <<<"$pair"
        rm -f "s/$run".*
        head -c $((ends[torn] + 30)) whole >"s/$run.torn1"
        head -c "${ends[part]}" whole >"s/$run.part"
        # What it says then is in the log while it trains; more epochs than it needs keep it training.
        sweep start --epochs 100000 -o s
        wait_for grep "going on from iteration 10," "s/$run.log"
        sweep stop -o s
    done
}

@test "a point that is stopped while it waits does not begin" {
    idle
    sweep start "${endless[@]}" --depth 1-2 --jobs 1 -o s
    wait_for trainer d1-s0
    sweep stop d2-s0 -o s
    sweep stop d1-s0 -o s
    ends 4 in_time sweep wait -o s
    in_state stopped "d1-s0 d2-s0"
    [ -z "$(find s -name 'd2-*' -size +0)" ]
    grep '^sweep: d2-s0-.* was stopped before it had learnt anything' err
}

@test "a start while a stop is under way begins after it" {
    idle
    sweep start "${endless[@]}" --depth 1 -o s
    wait_for writes d1-s0
    pid=$(trainer d1-s0)
    kill -STOP "$pid"
    sweep stop -o s &
    stop=$!
    wait_for test -e s/stop
    awake
    sweep start --epochs 1 --depth 1-2 -o s >out 2>&1 3>&- &
    start=$!
    sleep 0.5
    kill -CONT "$pid"
    wait "$stop"
    wait "$start"
    in_time sweep wait -o s
    in_state "done" "d1-s0 d2-s0"
}

@test "what stands behind -- goes to every point, as it stands there" {
    echo "--depth 1" >points
    # shellcheck disable=SC2016 # a shell must not expand it
    trained s "${small[@]}" --points points -- --momentum 0.5 --name '50%s;touch${IFS}here'
    # shellcheck disable=SC2016
    [ "$(cut -f 3 s/points)" = '--depth 1 --momentum 0.5 --name 50%s;touch${IFS}here' ]
    [ ! -e here ]
    ends 2 sweep -o s -- --momentum 0.6
    grep 'makes new points' err
}

@test "options of psfetch with stars are psfetch's" {
    mkdir -p images/a images/b
    picture images/a/1.png 8 8 10 && picture images/a/2.png 8 8 20 && picture images/a/3.jpg.png 8 8 30
    picture images/b/1.png 8 8 40 && picture images/b/2.png 8 8 50
    trained s --data images --split 0.5 --epochs 1 --depth 1 --fetch '--include */[12].png'
    [ "$(records s/data.ps | jq -r 'select(.type == "image") | .key' | sort | paste -sd ' ')" = "a/1.png a/2.png b/1.png b/2.png" ]
}

@test "images for the test that are not there are missed before anything is trained" {
    ends 1 sweep "${small[@]}" --depth 1 --test nothere -o s
    grep 'cannot fetch the images of nothere' err
    no grep psdump err
    ends 2 sweep "${small[@]}" --depth 1 --fetch --resiez=8x8 --test synth:shapes/test -o s
    no compgen -G 's/*.bin'
}

@test "a folder is of one set of images" {
    trained s "${small[@]}" --depth 1
    ends 2 sweep --limit 300 --depth 1 -o s
    grep "holds a sweep with --limit '200', not '300'" err
}

@test "every GPU trains a point, or as many as --per-gpu says" {
    idle
    CUDA_VISIBLE_DEVICES=5,3 sweep start "${endless[@]}" --depth 1-5 --per-gpu 2 -o s
    for depth in 1 2 3 4; do
        wait_for trainer d$depth-s0
        tr '\0' '\n' <"/proc/$(trainer d$depth-s0)/environ" | grep '^CUDA_VISIBLE_DEVICES=' >>devices
    done
    no trainer d5-s0
    sweep stop -o s
    grep -x 'augment --views' s/options
    [ "$(sort devices | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')" = "2 CUDA_VISIBLE_DEVICES=3 2 CUDA_VISIBLE_DEVICES=5" ]
}

@test "more classes than a confusion matrix is made of" {
    long
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
    sweep --data many --split 0.5 --epochs 1 --depth 1 -o s >out
    grep 'best is' out
    [ -s s/report.html ]
    [ ! -e s/confusion.png ]
}

@test "a sweep whose data never came leaves the folder to another" {
    ends 1 sweep --data nothere "${small[@]}" --depth 1 -o s
    grep 'cannot fetch the images of nothere' err
    [ ! -e s/data.ps ]
    trained s "${small[@]}" --depth 1
    in_state "done" d1-s0
}

@test "a point that fails is named with its reason, and the others are done" {
    local first=
    printf '%s\n' '-d 1 -e 100000' '-d 2' >points
    start_sweep "${small[@]}" --points points --jobs 1 -o s
    # shellcheck disable=SC2016 # evaluated at each try
    wait_for eval 'first=$(trainer d1-s0)'
    kill -KILL "$first"
    status=0
    wait "$sweep" || status=$?
    [ "$status" = 1 ]
    grep 'd1-s0-.* failed: .*ended by signal 9' err
    in_state failed d1-s0
    in_state "done" d2-s0
}

@test "what no network can be made of is said before any is trained" {
    # 30 pixels are not divisible by the two pools.
    ends 2 sweep "${small[@]}" --depth 1-2 --fetch '--resize 30x30' -o u
    grep 'sweep: point 1: images of 30×30 cannot be halved twice' err
    ends 2 sweep "${small[@]}" --depth 1 --augment '--crop 64x64' -o v
    grep 'psaug: .*smaller than --crop 64x64' err
}

@test "wrong usage is said" {
    ends 2 sweep --depth 1,,2 -o s
    grep "'1,,2'" err
    ends 2 sweep --depth 1,4-2 -o s
    grep -- '--depth 4-2 runs backwards' err
    ends 2 sweep --epochs 0
    grep 'a whole number from 1' err
    ends 2 sweep --limit 200 --nonsense 3 -o s
    grep -- '--nonsense' err
    for part in dept epoch limits; do
        ends 2 sweep --limit 200 --depth 1 --$part 2 -o s
        grep -- "there is no option --$part (see sweep --help" err
    done
    ends 2 sweep --limit 200 --filters few -o s
    grep 'takes a whole number from 1 to [0-9]*, not few' err
    [ ! -e s/points.asked ]
    ends 2 sweep --limit 200 --threads 1,2 -d 1 -o s
    grep 'the same network' err
    ends 2 sweep begin
    grep "'begin' is no command" err
    ends 1 sweep status -o nowhere
    grep 'there is no sweep in nowhere' err
    ends 0 sweep --help
    grep '^usage: sweep' out
    ends 0 sweep --version
    [ "$(cat out)" = "$(pstrain --version | sed s/pstrain/sweep/)" ]
}

@test "--data -: a stream from a filter, and --data FILE.ps: divided, unless they have images for validation" {
    psfetch -q synth:shapes --limit 100 --resize 8x8 >plain.ps
    counts() { psaug -q -e 1 <s/data.ps | psdump -k json | head -n 1 | grep -o '"counts":{[^}]*}'; }
    trained s --data - --test plain.ps --depth 1 --epochs 1 < <(cat plain.ps)
    [ "$(counts)" = '"counts":{"train":90,"validation":10,"test":0}' ]
    grep -x 'split 0.9' s/options
    # The images are kept: nothing is read any more.
    ends 0 sweep start --data - --depth 1 -o s </dev/null
    grep "^sweep: s has its images already; standard input is not read" err
    mv s first
    trained s --data plain.ps --test '' --depth 1 --epochs 1
    same_runs first s
    rm -r s
    # Theirs are not divided once more, but where somebody asks for that.
    psfetch -q plain.ps --split 0.7 >marked.ps
    trained s --data - --depth 1 --epochs 1 <marked.ps
    [ "$(counts)" = '"counts":{"train":70,"validation":30,"test":0}' ]
    grep -x 'split ' s/options
    rm -r s
    trained s --data - --split 0.5 --depth 1 --epochs 1 <marked.ps
    [ "$(counts)" = '"counts":{"train":40,"validation":60,"test":0}' ]
    rm -r s
    # What is no whole stream is no data, and a stream cannot bring two things.
    head -c 5000 plain.ps >cut.ps
    for bad in /dev/null cut.ps; do
        ends 3 sweep start --data - --depth 1 -o s <"$bad"
        grep "^psfetch: input " err
        grep "^sweep: cannot fetch the images of -" err
        [ ! -e s/data.ps ]
    done
    ends 2 sweep --data - --points - -o s <plain.ps
    ends 2 sweep --test - -o s <plain.ps
}

@test "--fold 1-3/3 cross-validates: each point on its own images, and means over the folds" {
    sweep --limit 60 --fetch '--resize 8x8' --test '' --epochs 1 --depth 1 --fold 1-3/3 -o s >out
    [ "$(psdump -k means s/*.bin | tail -n +2 | cut -f 4)" = 3 ]
    [ "$(awk '$1 ~ /^[123]\/3$/' out | wc -l)" = 3 ]
    # One of a fold is no network to take.
    grep -F 'compare the means over folds, and train what you choose on all images (--split 1).' out
    grep -F 'compare the means over folds, and train what you choose on all images (--split 1).' s/report.html
    # The best is shown on the images that have validated it.
    score=$(psdump -k csv s/best.scores | awk -F , '$1 == "score" { printf "%s %.2f\n", $10, 100 * $12 }')
    [ "$score" = "20 $(sed -n 's/^best is .*: validation \(.*\) %$/\1/p' out)" ]
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep -v '^<' | sed 's/&gt;/>/g; s/&lt;/</g; s/psplot.*/psdump -k csv/' >commands
    mkdir anew && (cd anew && bash -o pipefail -e ../commands >csv)
    best=(anew/*.bin)
    cmp "${best[0]}" "s/${best[0]#anew/}"
    cmp <(cut -d , -f 10-12 anew/csv) <(psdump -k csv s/best.scores | cut -d , -f 10-12)
}
