# psplot: tables, charts as text and as pictures, and live from a FIFO.
load ../helper

# streams: writes made-up runs, scores and their damaged relatives into the present folder. The curves are
# plain functions, so that the expected text can be read off them.
streams() {
    /usr/bin/python3 - <<'END'
import ctypes, msgpack, struct
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype = ctypes.c_uint64
def end(records):
    body = b"".join(msgpack.packb(r, use_bin_type=True) for r in records)
    return body + b"\x83\xa4type\xa3end\xa7records\xcf" + struct.pack(">Q", len(records)) \
        + b"\xa6digest\xcf" + struct.pack(">Q", xxh3(body, ctypes.c_size_t(len(body))))
def header(kind, **more):
    return dict(type="header", version=1, kind=kind, tool="test 1", upstream=[],
                classes=["cat", "dog", "eel"], **more)
def run(depth, epochs=6, per=20, loss=lambda i: 2.0 / (1 + i / 20), stopped=False):
    out = [header("run", options=dict(depth=depth, seed=1))]
    i = 0
    for e in range(1, epochs + 1):
        for _ in range(per):
            i += 1
            out.append(dict(type="progress", iteration=i, epoch=e, loss=loss(i),
                            accuracy=min(0.5 + 0.1 * depth, i / 60)))
        out.append(dict(type="validation", iteration=i, epoch=e, images=50, loss=loss(i),
                        accuracy=min(0.45 + 0.1 * depth, i / 60)))
    out.append(dict(type="model", epoch=epochs, epochs=6, iteration=i, stopped=stopped,
                    network=dict(depth=depth, filters=16), tensors=[]))
    return out
def write(name, data):
    with open(name, "wb") as file:
        file.write(data)
for depth in range(1, 5):
    write("net%d.bin" % depth, end(run(depth)))
write("stopped.bin", end(run(2, 3, stopped=True)))
write("diverged.bin", end(run(2, loss=lambda i: float("nan") if i > 70 else 1.0)))
write("wild.bin", end(run(2, loss=lambda i: 2.0 if i < 60 else 1e9)))
write("one.bin", end(run(1, 1, 1)))
write("far.bin", end([dict(r, iteration=2500 * r["iteration"]) if "iteration" in r else r for r in run(4, 2)]))
whole = end(run(3))
write("torn.bin", whole[:len(whole) // 2])
write("empty.bin", b"")
write("images.ps", end([header("images")]))
write("scores.bin", end([header("scores"), dict(type="score", run=1, name="net3.bin", split="test",
    images=60, loss=0.5, accuracy=0.75, depth=3, epoch=6,
    confusion=[[18, 2, 0], [4, 16, 0], [6, 3, 11]])]))
END
}
setup() {
    enter_folder
    streams
}

# picture FILE: "WIDTHxHEIGHT inked" of a PNG, or "blank" when all its pixels are the same.
picture() {
    /usr/bin/python3 - "$1" <<'END'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
width, height = struct.unpack(">II", data[16:24])
pixels, place = b"", 8
while place < len(data):
    size, kind = struct.unpack(">I4s", data[place:place + 8])
    pixels += data[place + 8:place + 8 + size] if kind == b"IDAT" else b""
    place += size + 12
print("%dx%d %s" % (width, height, "inked" if len(set(zlib.decompress(pixels))) > 20 else "blank"))
END
}

# trainer NAME STATUS SECONDS: what pstrain writes to --progress, in two epochs, ending with done and
# STATUS; with STATUS killed it ends in the middle without a word.
trainer() {
    /usr/bin/python3 - "$@" <<'END'
import msgpack, os, sys, time
name, status, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
fd = os.open("fifo", os.O_WRONLY)
def put(kind, i, **more):
    os.write(fd, msgpack.packb(dict(type=kind, name=name, iteration=i, epoch=(i + 9) // 10, epochs=2,
        iterations=20, time=1e9 + i / 4, lost=0, **more)))
for i in range(1, 21):
    put("progress", i, loss=1.0, accuracy=0.25, **({"images": 8} if name == "d1" else {}))
    if i % 10 == 0:
        put("validation", i, images=9, loss=0.5, accuracy=0.75)
    if status == "killed" and i == 15:
        os._exit(0)
    time.sleep(seconds / 20)
put("done", 20, status=status)
END
}

@test "the table of runs" {
    diff <(psplot -k table net?.bin stopped.bin diverged.bin one.bin) - <<'END'
The best first, by validation accuracy (%), last epoch

run       depth  epochs  state     training   last  mean5   best    loss
net4          4       6  done         90.00  85.00  81.33  85.00  0.2857
net3          3       6  done         80.00  75.00  73.33  75.00  0.2857
net2          2       6  done         70.00  65.00  65.00  65.00  0.2857
stopped       2     3/6  stopped      69.92  65.00  54.44  65.00  0.5000
net1          1       6  done         60.00  55.00  55.00  55.00  0.2857
one           1     1/6  done          1.67   1.67   1.67   1.67  1.9048
diverged      2       6  diverged     70.00  65.00  65.00  65.00       -
END
    # A single one has nothing to be compared with. On a narrow page there are fewer figures, but always the one that
    # is asked for.
    diff <(psplot -k table net3.bin) - <<'END'
run   depth  seed  epochs  state  training   last  mean5   best    loss
net3      3     1       6  done      80.00  75.00  73.33  75.00  0.2857
END
    [ "$(psplot -k table --rank best --size 50x10 net?.bin | sed -n 3p)" = "run   depth  epochs  state   last   best    loss" ]
    [ "$(psplot -k table --rank mean5 --size 20x10 net?.bin | sed -n 3p | xargs)" = "run depth epochs state mean5" ]
}

@test "the table of scores" {
    diff <(psplot -k table scores.bin) - <<'END'
model  depth  epoch  split  images    loss  accuracy
net3       3      6  test       60  0.5000     75.00
END
}

@test "joined runs are told apart by depth" {
    cat net1.bin net2.bin | psplot -k table | tail -n +3 | cut -c 1-7 | diff - <(printf 'run    \ndepth 2\ndepth 1\n')
}

@test "a confusion matrix" {
    diff <(psplot scores.bin) - <<'END'
net3, test: 75.00 % of 60 images right

   true   predicted
             cat     dog     eel   recall
    cat │     18       2       ·   90.0 %
    dog │      4      16       ·   80.0 %
    eel │      6       3      11   55.0 %
prec. %     64.3    76.2   100.0
END
    # Without room for the matrix, a list.
    diff <(psplot --size 30x10 scores.bin | tail -n +3) - <<'END'
  class    recall  precision
    cat    90.0 %     64.3 %
    dog    80.0 %     76.2 %
    eel    55.0 %    100.0 %
END
    # A long name makes room for what was reached.
    edit scores.bin 'records[1]["name"] = "a-name-of-many-letters-to-which-some-are-added.bin"' >long.bin
    psplot --size 60x10 long.bin | head -n 1 | grep -x 'a-name-of-man…me-are-added, test: 75.00 % of 60 images right'
    # Words in it are cut in their middle.
    edit scores.bin 'records[0]["classes"] += ["fox", "gnu"]
s = records[1]
s["confusion"] = [row + [0, 0] for row in s["confusion"]] + [[0] * 5] * 2' >more.bin
    psplot --size 40x10 more.bin | sed -n '3s/ *$//p' | grep -x '  class    recall  precision   most… for'
}

@test "a part that is the whole is 100%, which leaves air in its cell" {
    edit scores.bin 'records[1]["confusion"][0][2] = 1' >other.bin
    letters() {
        psplot -o matrix.svg "$1" && grep -c '<use xlink:href="#glyph' matrix.svg
    }
    # The 1, and the 91.7% and 8.3% that stand in place of 100% and 0.0%.
    [ $(($(letters other.bin) - $(letters scores.bin))) = 2 ]
}

@test "names in letters that DejaVu Sans has not are drawn with a font that has them" {
    command -v fc-list >/dev/null && fc-list :lang=ja | grep -q . ||
        skip "needs a font with Japanese letters (make deps-servers installs one)"
    named() {
        edit scores.bin "records[0]['classes'][0] = '$1'" >named.bin
        psplot -o "$2" named.bin
    }
    # Each as a box, these would look the same.
    named 鳥 bird.png
    named 魚 fish.png
    no cmp -s bird.png fish.png
    # The letters beside them stay as they were.
    named dog dog.svg
    [ "$(psplot -o scores.svg scores.bin && grep -c '#glyph' scores.svg)" = "$(grep -c '#glyph' dog.svg)" ]
}

@test "curves as text, in Unicode and in ASCII" {
    psplot net1.bin net4.bin >chart
    grep -q '^net1  *epoch 6: 55.00 %  net4  *epoch 6: 85.00 %$' chart
    grep -q ' 100┤' chart
    grep -q '⠤.*[⠶⠛⣤⣀]' chart
    psplot --ascii net1.bin net4.bin >ascii
    [ "$(wc -l <ascii)" -eq "$(wc -l <chart)" ]
    LC_ALL=C psplot net1.bin net4.bin | cmp - ascii
    no grep -q '[^ -~]' <(LC_ALL=C cat ascii)
    grep -q ' 100+' ascii
    # A run of one epoch is a blot, whatever lines cross it.
    for steps in 1 2 3 4; do
        edit net1.bin "records[1:] = [dict(type='validation', epoch=e, iteration=e, images=5, loss=1.0,
            accuracy=0.5 + (e - 1) * $steps / 40) for e in range(1, $steps + 1)]" >cross$steps.bin
    done
    psplot -k overlay --ascii cross*.bin >ascii
    no grep -q '[^ -~]' <(LC_ALL=C cat ascii)
    grep -q '^ *50+o' ascii
    # No colours into a pipe, and no line longer than the page.
    no grep -q $'\033' chart
    [ "$(wc -L <chart)" -le 80 ]
}

@test "the learning rate of a schedule, behind the losses or as a row of bars" {
    edit net1.bin '
for record in records:
    if record["type"] == "progress": record["rate"] = 0.2 * (1 - record["iteration"] / 120)' >falling.bin
    psplot --size 45x44 falling.bin net2.bin >text
    grep -q 'accuracy (%), loss, rate (up to 0.198)$' <(psplot --size 80x22 falling.bin)
    grep -q '^rate █████▇▇▇▇▇▆▆▆▆▆▅▅▅▅▅▄▄▄▄▄▃▃▃▃▃▂▂▂▂▂▁▁▁▁▁$' text
    [ "$(grep -c rate text)" -eq 1 ]
    no grep -q rate <(psplot --size 45x22 net1.bin)
    psplot --ascii --size 45x22 falling.bin | grep -q '^rate ####'
    # Where there are more columns than mini-batches, each goes on up to the next.
    psplot --size 300x22 falling.bin | grep -qE '^rate [▁▂▃▄▅▆▇█]{290,}$'
    [ "$(psdump -k csv falling.bin | awk -F, '$1 == "progress" { printf "%.4f\n", $12 }' | sed -n '1p;$p' | xargs)" = "0.1983 0.0000" ]
    psdump -k csv falling.bin | grep -q '^validation,.*,$'
}

@test "many runs, one point and divergence as text" {
    for i in $(seq 40); do cp net2.bin "copy$i.bin"; done
    psplot copy*.bin >chart
    [ "$(grep -o 'copy[0-9]*' chart | sort -u | wc -l)" -eq 40 ]
    [ "$(psplot -k overlay copy*.bin | grep -o 'copy[0-9]*' | sort -u | wc -l)" -eq 40 ]
    psplot one.bin | grep -q '[⠶⠛⣤]'
    # Names that are too long differ at their ends still.
    cp net1.bin runs-of-a-night-with-much-learning-1.bin
    cp net1.bin runs-of-a-night-with-much-learning-2.bin
    psplot -k overlay --size 60x20 runs-of-*.bin | grep -q '─ runs-.*….*learning-1 '
    psplot -k overlay --size 60x20 runs-of-*.bin | grep -q '─ runs-.*….*learning-2 '
    psplot diverged.bin | grep -q 'diverged at iteration 71'
    # It hides nothing of the curve, which is that of the second net.
    diff <(psplot --size 40x24 diverged.bin | sed -n '4,14s/ *$//p' | sed 's/ *diverged at iteration 71//') \
        <(psplot --size 40x24 net2.bin | sed -n '4,14s/ *$//p')
    # Losses on their way to divergence do not flatten those of others.
    psplot net1.bin wild.bin | grep -q '  [48]┤ '
    no grep -q '00┤.*00┤.*loss' <(psplot net1.bin wild.bin)
    # Nor are they written out where they are told.
    psplot --follow wild.bin | grep -q ', loss 1e+09'
}

@test "pictures have the size asked for and something on them" {
    for kind in curves overlay; do
        psplot -k $kind --size 640x400 -o $kind.png net?.bin one.bin diverged.bin
        [ "$(picture $kind.png)" = "640x400 inked" ]
    done
    psplot -o confusion.png scores.bin
    [[ "$(picture confusion.png)" == *inked ]]
    psplot -o chart.svg net3.bin
    grep -q '<svg.* width="840px" height="[0-9.]*px"' chart.svg
    # The last figure of an axis that ends at the edge, 100000, stands on the picture.
    psplot --size 300x220 -o far.svg far.bin
    sed -n 's/.*#glyph.* x="\([0-9.]*\)".*/\1/p' far.svg | sort -n | tail -n 1 >last
    awk '{ exit !($1 > 285 && $1 < 295) }' last
    # A title is any bytes.
    psplot -k overlay --title $'a\xff\eb' --size 40x12 net3.bin | head -n 1 | grep -q '^a??b *$'
    psplot --title $'a\xff\eb' -o chart.png net3.bin
    [[ "$(picture chart.png)" == *inked ]]
    psplot -o chart.pdf net3.bin
    [ "$(head -c 5 chart.pdf)" = %PDF- ]
}

@test "the same input makes the same bytes" {
    for form in png svg pdf; do psplot -o a.$form net?.bin; done
    sleep 1.1 # a clock in it would show
    for form in png svg pdf; do
        psplot -o b.$form net?.bin
        cmp a.$form b.$form
    done
}

@test "a torn run is drawn as far as it goes, with status 3" {
    ends 3 psplot torn.bin
    grep -q 'cut short' out
    grep -q '[⠶⠛⣤]' out
    grep -q '^psplot: torn.bin ends .*without an end record' err
    ends 3 psplot -o torn.png net1.bin torn.bin
    [[ "$(picture torn.png)" == *inked ]]
    ends 3 psplot empty.bin
    grep -q 'empty.bin is empty' err
}

@test "what cannot be drawn is said in a sentence" {
    ends 1 psplot images.ps
    grep -q 'images.ps is a stream of kind images; one of kind run or scores is wanted' err
    ends 1 psplot -k confusion net1.bin
    ends 1 psplot -k curves scores.bin
    ends 1 psplot nowhere.bin
    ends 1 psplot .
    ends 2 psplot -o chart.gif net1.bin
    ends 0 psplot -o CHART.SVG net1.bin
    grep -q "<svg" CHART.SVG
    ends 2 psplot -k table -o chart.png net1.bin
    ends 2 psplot -o chart.png net1.bin scores.bin
    ends 2 psplot --follow -k overlay net1.bin
    for size in 40x9 40x 40x12x13 x40 big -40 99999999999999999999x40; do
        ends 2 psplot --size $size net1.bin
        grep -x -- "psplot: --size takes WxH, whole numbers from 10 to 20000, not $size" err
    done
}

@test "a full disk is a failure, a closed pipe is none" {
    status=0
    psplot -k table net1.bin >/dev/full 2>err || status=$?
    [ "$status" -eq 1 ]
    grep -q 'No space left' err
    ln -s /dev/full full.png
    ln -s /dev/full full.pdf
    ends 1 psplot -o full.png net1.bin
    ends 1 psplot -o full.pdf net1.bin
    psplot net?.bin | head -n 1 >/dev/null
    [ "${PIPESTATUS[0]}" -eq 0 ]
}

@test "names that would command a terminal do not" {
    cp net1.bin $'x\033[31m.bin'
    no grep -q $'\033' <(psplot $'x\033[31m.bin')
}

@test "following two trainers through a FIFO ends by itself" {
    mkfifo fifo
    timeout "$HANGS" psplot --follow fifo >lines & chart=$!
    exec 9<>fifo # held open, as sweep does
    trainer d1 'done' 0.6 9>&- &
    trainer d2 stopped 0.3 9>&-
    wait $!
    wait_for grep -x 'd1: done' lines
    wait_for grep -x 'd2: stopped' lines
    kill -0 $chart # as long as somebody could still write
    exec 9>&-
    wait $chart
    diff <(sort lines) - <<'END'
d1: done
d1: epoch 1 of 2: training 25.00 %, loss 1.000; validation 75.00 %, loss 0.500; 32 images/s
d1: epoch 2 of 2: training 25.00 %, loss 1.000; validation 75.00 %, loss 0.500; 32 images/s
d2: epoch 1 of 2: training 25.00 %, loss 1.000; validation 75.00 %, loss 0.500; 4.0 it/s
d2: epoch 2 of 2: training 25.00 %, loss 1.000; validation 75.00 %, loss 0.500; 4.0 it/s
d2: stopped
END
}

@test "following a trainer that dies without a word ends with 3" {
    mkfifo fifo
    timeout "$HANGS" psplot --follow fifo >lines 2>err & chart=$!
    trainer d1 killed 0.2
    status=0
    wait $chart || status=$?
    [ $status -eq 3 ]
    grep -q '^d1: cut short$' lines
    grep -q 'fifo was closed before 1 run had said that it was done' err
}

@test "following a folder that is yet to come" {
    timeout "$HANGS" psplot -v --follow later >lines 2>err & chart=$!
    sleep 0.3
    mkdir later
    cp net3.bin later/d3.part
    wait $chart
    grep -x 'd3: done' lines
}

@test "following a file that is yet to come and then grows" {
    size=$(stat -c %s net3.bin)
    timeout "$HANGS" psplot --follow grows.bin >lines & chart=$!
    sleep 0.3
    head -c $((size / 2)) net3.bin >grows.bin
    wait_for grep -q 'epoch 2:' lines
    kill -0 $chart
    tail -c +$((size / 2 + 1)) net3.bin >>grows.bin
    wait $chart
    [ "$(tail -n 1 lines)" = "grows: done" ]
    [ "$(grep -c epoch lines)" -eq 6 ]
}

@test "following a pipe: its end is the end, whole or not" {
    cat net1.bin net2.bin | in_time psplot --follow >lines
    grep -q "^depth 1: done$" lines
    [ "$(tail -n 1 lines)" = "depth 2: done" ]
    status=0
    (cat torn.bin) | in_time psplot --follow >lines 2>err || status=$?
    [ $status -eq 3 ]
    grep -q 'without an end record' err
}

@test "on a terminal frames are drawn in place, and Ctrl-C brings the cursor back" {
    /usr/bin/python3 -c 'import os; os.openpty()' 2>err || skip "needs a pseudo-terminal: $(tail -n 1 err)"
    # From a file half written: it waits for more until Ctrl-C.
    /usr/bin/python3 - <<'END'
import fcntl, os, pty, struct, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp("bash", ["bash", "-c", "trap : INT; psplot --follow torn.bin; echo status $?"])
seen = b""
def read_until(text):
    global seen
    end = time.time() + 10
    while text not in seen and time.time() < end:
        try:
            seen += os.read(fd, 65536)
        except OSError:
            break
    assert text in seen, seen
read_until(b"1 running")
read_until(b"\033[J")
assert b"\033[?25l" in seen and b"\033[1;1H" in seen and b"\033[?1049" not in seen, seen
os.write(fd, b"\x03")
read_until(b"\033[?25h")
read_until(b"status 130")
END
}

# sweep: runs of three depths and two learning rates, three seeds each; one of them diverges.
sweep_runs() {
    /usr/bin/python3 - <<'END'
import msgpack
for depth in 1, 2, 3:
    for rate in 0.05, 0.1:
        for seed in 0, 1, 2:
            accuracy = 0.5 + 0.1 * depth + rate + 0.01 * seed
            loss = float("nan") if (depth, rate, seed) == (3, 0.1, 2) else 1.0
            records = [dict(type="header", version=1, kind="run", classes=["a", "b"], upstream=[], tool="test 1",
                options={"depth": depth, "learning-rate": rate, "batch-size": int(64 / rate), "seed": seed,
                         "checkpoint-every": depth})]
            for e in range(1, 8):
                records.append(dict(type="progress", iteration=e, epoch=e, loss=loss, accuracy=accuracy))
                records.append(dict(type="validation", iteration=e, epoch=e, images=9, loss=loss,
                                    accuracy=accuracy if e > 2 else 0))
            with open("d%d-r%g-s%d.bin" % (depth, rate, seed), "wb") as file:
                file.write(b"".join(map(msgpack.packb, records)))
END
}

@test "a summary: groups of seeds against what varies, an option that follows from another is no line" {
    sweep_runs
    ends 3 psplot -k summary --size 60x20 d?-r0.05-s?.bin
    diff <(sed 's/ *$//' out) - <<'END'
Validation accuracy (%), last epoch

depth    mean  deviation    runs    best
    1   66.00       1.00       3   67.00
    2   76.00       1.00       3   77.00
    3   86.00       1.00       3   87.00

END
    # Figures that there is no room for are left out, not cut.
    ends 3 psplot -k summary --size 40x20 d?-r*.bin
    [ "$(psplot --size 40x20 d1-r0.05-s1.bin | sed -n '1s/ *$//p')" = '⠒⠒ training, smoothed   ⠶ validation' ]
    [ "$(sed -n '3p; 4p' out | tr -s ' ' | sed 's/ $//' | paste -sd ,)" = 'depth mean, 1 learning rate 0.05 66.00' ]
    ends 3 psplot -k summary --size 76x20 d?-r*.bin
    diff <(cut -c 1-62 out | sed 's/ *$//') - <<'END'
Validation accuracy (%), last epoch

depth                        mean  deviation    runs    best
    1  learning rate 0.05   66.00       1.00       3   67.00
    2  learning rate 0.05   76.00       1.00       3   77.00
    3  learning rate 0.05   86.00       1.00       3   87.00
    1   learning rate 0.1   71.00       1.00       3   72.00
    2   learning rate 0.1   81.00       1.00       3   82.00
    3   learning rate 0.1   90.50       0.71       2   91.00
not counted: 1 diverged, 0 without validation records
END
    # In whatever order they come.
    mv out wanted
    ends 3 psplot -k summary --size 76x20 d?-r0.1-*.bin d?-r0.05-*.bin
    cmp out wanted
    # Behind the figures a scale and the runs.
    ends 3 psplot -k summary d?-r0.05-s?.bin
    grep -qE '^ +2 .*○.*●.*○ *$' out
    # A deviation that reaches below 0 % and above 100 % makes no such axis.
    /usr/bin/python3 -c '
import msgpack
for seed in 0, 1:
    with open("apart%d.bin" % seed, "wb") as file:
        file.write(msgpack.packb(dict(type="header", version=1, kind="run", classes=["a", "b"], upstream=[], tool="test 1",
                                      options=dict(depth=1, seed=seed))))
        file.write(msgpack.packb(dict(type="validation", iteration=1, epoch=1, images=9, loss=1.0, accuracy=float(seed))))'
    ends 3 psplot -k summary apart?.bin
    grep -qE 'best +0 +50 +100$' out
    ends 3 psplot -k summary -o summary.png d*.bin
    [ "$(picture summary.png)" = "720x480 inked" ]
}

@test "points at random are no curve, and the one horizon of all is no difference" {
    # random L2 L2 L2 [HORIZON...]: runs with these, and with rates that rise
    random() {
        /usr/bin/python3 - "$@" <<'END'
import msgpack, sys
for i in range(3):
    options = {"depth": 1, "learning-rate": (i + 1) / 10, "l2": float(sys.argv[1 + i])}
    if len(sys.argv) > 4 + i:
        options.update(schedule="cosine", horizon=int(sys.argv[4 + i]))
    with open("r%d.bin" % i, "wb") as file:
        file.write(msgpack.packb(dict(type="header", version=1, kind="run", classes=["a", "b"], upstream=[], tool="test 1", options=options)))
        file.write(msgpack.packb(dict(type="validation", iteration=1, epoch=1, images=9, loss=1.0, accuracy=0.5 + i / 9)))
END
    }
    paths() {
        random "$@"
        ends 3 psplot -k summary -o summary.svg r?.bin
        grep -c '<path' summary.svg
    }
    line=$(paths 1 1 1)
    [ "$(paths 1 2 3)" = "$line" ]
    [ "$(paths 3 2 1)" = "$line" ]
    [ "$(paths 1 3 2)" = $((line - 1)) ]
    random 1 1 1 9 9
    ends 3 psplot -k table r?.bin
    grep -q schedule out
    no grep -q horizon out
    random 1 1 1 9 8
    ends 3 psplot -k table r?.bin
    grep -q horizon out
}

@test "an overlay of a sweep has a line for each group of seeds" {
    sweep_runs
    ends 3 psplot -k overlay --size 90x20 d1-*.bin d2-*.bin
    head -n 1 out | grep 'Validation accuracy (%), means over seeds; at the ends: last epoch'
    [ "$(grep -oE '(depth|net|d[0-9]).* [0-9.]+$' out)" = "depth 2, learning rate 0.1   81.00
depth 2, learning rate 0.05  76.00
depth 1, learning rate 0.1   71.00
depth 1, learning rate 0.05  66.00" ]
    # One that diverged does not pull down the mean of the others.
    ends 3 psplot -k overlay --size 120x20 d3-*.bin
    [ "$(grep -oE 'learning rate.* [0-9.]+$' out)" = "learning rate 0.1, 1 of 3 diverged  90.50
learning rate 0.05                  86.00" ]
    ends 3 psplot -k overlay --size 90x20 d2-r0.05-s?.bin d3-r0.1-s2.bin
    grep -q 'depth 3, diverged  92.00$' out
    # The same runs twice are no repetition.
    cp d1-r0.1-s0.bin same.bin
    ends 3 psplot -k overlay --size 90x20 d1-*.bin same.bin
    grep -q '─ d1-r0.1-s0 ' out
    grep -q '─ same ' out
}

@test "points of a sweep, whose names end in a digest, are told apart by what they differ in" {
    sweep_runs
    for run in d2-r*.bin d3-r0.05-*.bin; do
        seed=${run##*-}
        mv "$run" "${run%%-*}-${seed%.bin}-$(md5sum <<<"$run" | head -c 12).bin"
    done
    ends 3 psplot -k table d2-s*.bin d3-s*.bin
    diff <(sed -n 3,5p out) - <<'END'
depth  learning rate  batch size  seed  epochs  state  training   last    loss
    3           0.05        1280     2       7  torn      87.00  87.00  1.0000
    3           0.05        1280     1       7  torn      86.00  86.00  1.0000
END
    [ "$(wc -L <out)" -le 80 ]
    # What all share, and what follows from the rest, is not repeated.
    ends 3 psplot --size 100x90 d2-s*.bin
    for rate in 0.05 0.1; do for seed in 0 1 2; do grep -qE "learning rate $rate, seed $seed( |\$)" out; done; done
    no grep -qE 'depth|batch|d2-' out
    # In few words where there is no room for all.
    ends 3 psplot --size 32x90 d2-s0-*.bin d3-s*.bin
    grep -qE '^d3-s2, rate 0.05 *$' out
    ends 3 psplot -k overlay --size 90x20 d2-s0-*.bin d3-s0-*.bin
    grep -q '─ depth 3, learning rate 0.05  85.00' out
    # Where nothing but the digest differs the name stands, and so does every name that somebody chose.
    file=$(echo d3-s0-*.bin)
    cp "$file" d3-s0-0123456789ab.bin
    ends 3 psplot -k table d3-s0-*.bin
    grep -q "^${file%.bin} " out
    grep -q '^d3-s0-0123456789ab ' out
    ends 3 psplot --size 90x40 d1-r0.05-s0.bin d1-r0.1-s0.bin
    grep -q '^d1-r0.05-s0 ' out
}

@test "scores of a sweep's models tell what these differ in" {
    edit scores.bin '
def model(rate, batch): return dict(type="header", version=1, kind="run", tool="pstrain 1", upstream=[], options={"depth": 3, "learning-rate": rate, "batch-size": batch})
def score(run, name): return dict(records[1], run=run, name=name + "-0123456789ab.bin")
records = [dict(records[0], upstream=[dict(type="header", kind="images"), model(0.5, 8), model(0.25, 8), model(0.25, 8)]),
           score(1, "d3-s0-1"), score(2, "d3-s0-2"), score(3, "d3-s0-3"), score(4, "d3-s0-4"), score(2, "d3-s0-2")]' >all.bin
    edit all.bin 'records = records[:3] + records[5:]' >some.bin
    psplot -k table some.bin >out
    diff out - <<'END'
learning rate  epoch  split  images    loss  accuracy
          0.5      6  test       60  0.5000     75.00
         0.25      6  test       60  0.5000     75.00
         0.25      6  test       60  0.5000     75.00
END
    psplot some.bin | grep -q '^learning rate 0.25, test: 75.00 %'
    psplot -k classes some.bin | grep -q '^learning rate 0.5, test: 75.00 %'
    # The same twice under other names, and a model that the header does not know.
    psplot -k table all.bin >out
    grep -q '^d3-s0-3-0123456789ab  *3 ' out
    grep -q '^d3-s0-4-0123456789ab  *3 ' out
}

@test "every kind bears one point, a torn, a diverged and an empty run, in any size" {
    # A run of which no more than the header came.
    /usr/bin/python3 -c 'import msgpack, sys
record = next(iter(msgpack.Unpacker(open("net1.bin", "rb"), raw=False)))
open("header.bin", "wb").write(msgpack.packb(record))'
    for kind in curves overlay summary; do
        for run in ${every:+one.bin torn.bin} diverged.bin header.bin "one.bin torn.bin diverged.bin header.bin net1.bin"; do
            for size in 20x10 ${every:+40x10} 200x60; do
                status=0
                # shellcheck disable=SC2086 # many words on purpose
                psplot -k $kind --size $size $run >out 2>err || status=$?
                [[ $status = 0 || $status = 3 ]]
                [ -s out ]
                [ "$(wc -L <out)" -le "${size%x*}" ]
                # shellcheck disable=SC2086
                psplot -k $kind --size ${size%x*}0x${size#*x}0 -o out.png $run 2>err || [ $? = 3 ]
                [[ "$(picture out.png)" == ${size%x*}0x${size#*x}0* ]]
            done
        done
        ends 3 psplot -k $kind empty.bin
    done
    # The empty run has learnt nothing, which is no divergence.
    ends 3 psplot -k table header.bin
    grep -qE '^header +1 +1 +0 +torn ' out
    for run in "" net1.bin; do
        ends 3 psplot -k summary --size 70x10 header.bin ${run:+"$run"}
        grep -q '^not counted: 0 diverged, 1 without validation records' out
    done
    for kind in confusion classes; do
        psplot -k $kind --size 20x10 scores.bin >out
        psplot -k $kind --size 10x10 -o out.png scores.bin
        ends 3 psplot -k $kind empty.bin
    done
}

@test "a summary of runs that nobody gave options stands by their names" {
    mkfifo fifo
    psplot -k summary --size 60x10 fifo >out & chart=$!
    exec 9<>fifo
    trainer d1 'done' 0 9>&- && trainer d2 'done' 0 9>&-
    exec 9>&-
    wait $chart
    grep -qE '^ d1   75.00 ' out
    grep -qE '^ d2   75.00 ' out
}

@test "classes: recall and precision, the best found on top" {
    diff <(psplot -k classes --size 60x10 scores.bin) - <<'END'
net3, test: 75.00 % of 60 images right

class  ● recall ○ precis.  images  0                  100 %
  cat    90.0 %    64.3 %      20  ···············○·····●··
  dog    80.0 %    76.2 %      20  ··················●·····
  eel    55.0 %   100.0 %      20  ·············●·········○
END
    psplot -k classes -o classes.png scores.bin
    [[ "$(picture classes.png)" == *inked ]]
    ends 1 psplot -k classes net1.bin
    grep -q 'a chart of classes is drawn from scores' err
}

@test "--dark is a picture on a dark ground, and nothing for text" {
    psplot --dark -o dark.png net1.bin
    psplot -o light.png net1.bin
    no cmp -s dark.png light.png
    # The first pixel behind the filter byte of the first row.
    pixel() { /usr/bin/python3 -c 'import sys, zlib; d = open(sys.argv[1], "rb").read(); i = d.index(b"IDAT")
print(zlib.decompressobj().decompress(d[i + 4:], 10)[1])' "$1"; }
    [ "$(pixel dark.png)" -lt 40 ]
    [ "$(pixel light.png)" -eq 255 ]
    ends 2 psplot --dark net1.bin
}
