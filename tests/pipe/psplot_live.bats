# psplot --follow on a terminal: its frames, as tmux shows them, beside those in tests/golden.
load ../helper

golden=$REPOSITORY/tests/golden

setup() {
    enter_folder
    need tmux
    mkfifo fifo
}
teardown() {
    end_jobs
    [ ! -S tmux ] || tmux -S tmux kill-server
}

# trainers RUNS EPOCHS ENDED: as many runs as --progress would tell of, ten iterations to an epoch of twelve, ten
# a second by their own clock; with 0 EPOCHS half of one. The first ENDED of them are done. Then it holds the FIFO
# open until it is killed. With BEFORE set their names begin with that.
trainers() {
    /usr/bin/python3 - "$@" 3>&- <<'END' &
import ctypes, msgpack, os, struct, sys, time
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype = ctypes.c_uint64
runs, epochs, ended = map(int, sys.argv[1:])
fd = os.open("fifo", os.O_WRONLY)
def put(kind, run, i, **more):
    body = msgpack.packb(dict(type=kind, name=os.environ.get("BEFORE", "") + "net-%02d" % run, iteration=i, epoch=(i + 9) // 10, epochs=12,
        iterations=120, time=1e9 + i / 10, lost=0, **more, seal=2**64 - 1))[:-8]
    os.write(fd, body + struct.pack(">Q", xxh3(body, ctypes.c_size_t(len(body)))))
for i in range(1, (10 * epochs or 5) + 1):
    for run in range(runs):
        accuracy = (0.8 + 0.003 * run) * i / (i + 20)
        put("progress", run, i, loss=2.3 * (1 - accuracy), accuracy=accuracy, images=128, rate=0.01 * (12 - i / 10))
        if i % 10 == 0:
            put("validation", run, i, images=100, loss=2, accuracy=accuracy - 0.02)
for run in range(ended):
    put("done", run, 10 * epochs, status="done")
time.sleep(600)
END
    writer=$!
}

# terminal COLUMNSxROWS COMMAND: in a terminal of that size.
terminal() {
    local size=$1
    shift
    tmux -S tmux -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" "env PATH=$PATH $*; sleep 600"
}
shows() {
    tmux -S tmux capture-pane -p | grep -q -- "$1"
}
# frame NAME: what the terminal shows is the golden frame; with RENEW set it becomes that.
frame() {
    local -x HANGS=30 # for when its first line was seen the others were being written
    [ -z "${RENEW-}" ] || { sleep 1 && captured "$1" && cp "$1" "$golden/$1"; }
    wait_for captured "$1" || diff "$golden/$1" "$1"
}
captured() {
    tmux -S tmux capture-pane -p | sed 's/ *$//' >"$1"
    [ -n "${RENEW-}" ] || cmp "$golden/$1" "$1"
}

@test "a few runs are panels, and another size of the window is another page" {
    terminal 80x24 psplot --follow fifo
    trainers 2 4 0
    wait_for shows 'epoch 4 of 12.*epoch 4 of 12'
    frame frame-panels.txt
    tmux -S tmux resize-window -x 120 -y 40
    wait_for shows '^ *[0-9.]*┤.* loss'
    frame frame-wide.txt
    tmux -S tmux resize-window -x 40 -y 10
    wait_for shows '^run '
    frame frame-narrow.txt
}

@test "before the first validation there is the training accuracy" {
    terminal 60x14 psplot --follow fifo
    trainers 1 0 0
    wait_for shows 'epoch 1 of 12, 1[12] s left, 1280 images/s'
    wait_for shows '^net-00 .* training 10.2 %$'
}

@test "forty runs are rows: those at work first, and how many more there are" {
    terminal 80x12 psplot --follow fifo
    trainers 40 3 37
    wait_for shows 'and 32 more: 0 running, 32 ended'
    frame frame-rows.txt
}

@test "in rows long names keep their ends, which tell them apart" {
    terminal 40x7 psplot --follow fifo
    BEFORE=$(printf 'x%.0s' {1..70}) trainers 2 1 0
    wait_for shows '^x*….*net-00 '
    wait_for shows '^x*….*net-01 '
}

@test "without Unicode the frame is ASCII" {
    terminal 60x16 env LC_ALL=C psplot --follow fifo
    trainers 1 4 0
    wait_for shows 'epoch 4 of 12'
    frame frame-ascii.txt
    no grep -q '[^ -~]' <(tmux -S tmux capture-pane -p | LC_ALL=C cat)
}

@test "a sweep's folder: how many are done, at work and to come, and what they differ in" {
    small_model 20 5
    mkdir s
    points() {
        printf 'd1-s0-0123456789aa\t%d\t--depth 1 --seed 0\nd1-s1-0123456789ab\t4\t--depth 1 --seed 1\n' "$1" >s/points.new
        printf '%s\t1\t--depth 2 --seed 0\n' d2-s0-0123456789ac ../d2-s1-0123456789ad d2-s1-0123456789ae >>s/points.new
        mv s/points.new s/points
    }
    points 1
    cp net.bin s/d1-s0-0123456789aa.bin
    head -c -50 net.bin >s/d1-s1-0123456789ab.part
    : >s/d2-s0-0123456789ac.failed
    exec {lock}<s
    flock "$lock"
    mkdir t # of another sweep one point is to come, of the same name
    printf 'd1-s0-0123456789aa\t1\t--depth 1 --seed 0\n' >t/points
    terminal 80x12 psplot --follow s t {lock}<&-
    wait_for shows '^1 of 5 done, 1 running, 1 failed, 2 to come  *⠒⠒ training'
    wait_for shows '^epoch 1 of 4'
    wait_for shows '^depth 1, seed 0 .*validation 10.0 %'
    # More epochs of the one that was done, as the next stage of a halving asks for.
    points 3
    wait_for shows '^0 of 5 done, 1 running, 1 failed, 3 to come'
    exec {lock}<&-
}

@test "when all runs have ended the last frame stays and the shell goes on below it" {
    terminal 60x14 "psplot --follow fifo; echo ended with \$?"
    trainers 1 12 1
    wait_for shows '^1 done'
    no shows 'ended with'
    kill "$writer"
    wait_for shows '^ended with 0$'
    wait_for shows '^net-00'
    wait_for shows 'epoch 12, done'
    [ "$(tmux -S tmux display-message -p '#{cursor_flag}')" = 1 ]
}

@test "Ctrl-Z gives the terminal back, and fg draws afresh" {
    terminal 60x14 bash --norc
    tmux -S tmux send-keys 'psplot --follow fifo' Enter
    trainers 1 4 0
    wait_for shows 'epoch 4 of 12'
    tmux -S tmux send-keys C-z
    wait_for shows 'Stopped'
    [ "$(tmux -S tmux display-message -p '#{cursor_flag}')" = 1 ]
    tmux -S tmux send-keys 'clear; fg' Enter
    wait_for shows '^1 running'
    wait_for shows 'epoch 4 of 12'
    [ "$(tmux -S tmux display-message -p '#{cursor_flag}')" = 0 ]
}
