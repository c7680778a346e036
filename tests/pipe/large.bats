#!/usr/bin/env bats
# What is large but sound: very many classes, runs and epochs, long names. Each has a bound of processor time, memory
# and size.
load ../helper

# scores CLASSES: best.scores of so many classes, each of 50 images, mistaken for its neighbours; of the last class
# there is no image.
scores() {
    /usr/bin/python3 -c '
import msgpack, sys
n = int(sys.argv[1])
counts = [[0] * n for _ in range(n)]
for i in range(n - 1):
    counts[i][i] = 50 - i % 30
    for k in range(i % 30):
        counts[i][(i + 1 + k * k) % n] += 1
score = dict(type="score", run=1, name="net.bin", split="test", images=50 * n - 50, loss=0.6, accuracy=0.7, depth=3, epoch=12,
             confusion=counts)
header = dict(type="header", version=1, kind="scores", tool="x", upstream=[], classes=["class %d" % i for i in range(n)])
for record in header, score, dict(type="end", records=2, digest=0):
    sys.stdout.buffer.write(msgpack.packb(record))' "$1" >made
    edit made 'pass' >best.scores
}

@test "a confusion matrix of very many classes is one image, in SVG and PDF too" {
    n=300 mib=64 bytes=700000
    [ -z "${PSWEEP_LONG-}" ] || n=1000 mib=128 bytes=2000000
    scores $n
    for kind in svg pdf png; do
        bounded 3 $mib psplot -k confusion -o confusion.$kind best.scores
        [ "$(wc -c <confusion.$kind)" -lt $bytes ]
    done
    [ "$(grep -c '<image' confusion.svg)" = 1 ]
    [ "$(grep -c '<path' confusion.svg)" -gt $((4 * n)) ]
    # Up to a hundred, a box a cell, which can be taken apart in a drawing program.
    scores 100
    psplot -k confusion -o confusion.svg best.scores
    no grep '<image' confusion.svg
}

@test "the report of a sweep names the classes that are found worst where they are too many for figures" {
    # shellcheck source=pipelines/sweep.d/words.bash
    . "$REPOSITORY/pipelines/sweep.d/words.bash"
    # shellcheck source=pipelines/sweep.d/show.bash
    . "$REPOSITORY/pipelines/sweep.d/show.bash"
    # shellcheck source=pipelines/sweep.d/page.bash
    . "$REPOSITORY/pipelines/sweep.d/page.bash"
    scores 100
    worst_classes best.scores >page
    [ "$(grep -c '<tr>' page)" = 21 ]
    sed -n 3p page | grep -F 'most often taken for'
    # What has no images is not among them.
    no grep 'class 99<' page
    sed -n 4p page | grep -E '^<tr><td>class 89</td>.*<td class=n>42.00</td>.*<td>class [0-9]+ \([0-9]+\)</td></tr>$'
    scores 40
    [ -z "$(worst_classes best.scores)" ]
}

# runs COUNT: runs.bin, so many short runs of different depths, one behind the other.
runs() {
    /usr/bin/python3 -c '
import ctypes, msgpack, struct, sys
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype = ctypes.c_uint64
for depth in range(1, int(sys.argv[1]) + 1):
    records = [dict(type="header", version=1, kind="run", tool="x", upstream=[], classes=["a", "b"], options=dict(depth=depth))]
    for epoch in 1, 2:
        records.append(dict(type="progress", iteration=epoch, epoch=epoch, images=1, loss=1.0, accuracy=0.5))
        records.append(dict(type="validation", iteration=epoch, epoch=epoch, images=9, loss=1.0, accuracy=0.5 + depth % 100 / 1000))
    tensor = dict(name="block1.convolution1.weights", shape=[1, 1, 3, 3], values=struct.pack("<9f", *range(9)))
    records.append(dict(type="model", epoch=2, epochs=2, iteration=2, stopped=False, reason="epochs",
                        network=dict(depth=depth, filters=16), tensors=[tensor]))
    body = b"".join(map(msgpack.packb, records))
    sys.stdout.buffer.write(body + b"\x83\xa4type\xa3end\xa7records\xcf" + struct.pack(">Q", len(records))
                            + b"\xa6digest\xcf" + struct.pack(">Q", xxh3(body, ctypes.c_size_t(len(body)))))' "$1" >runs.bin
}
# pixels FILE: of a PNG, in millions.
pixels() {
    /usr/bin/python3 -c '
import struct, sys
width, height = struct.unpack(">II", open(sys.argv[1], "rb").read(24)[16:])
print(width * height // 1000000)' "$1"
}

@test "very many runs: panels become small, lines have the height that a picture can have" {
    long
    runs 2000
    bounded 6 256 psplot -q -o curves.png runs.bin
    [ "$(pixels curves.png)" -le 40 ]
    bounded 6 256 psplot -q -k overlay -o overlay.png runs.bin
    [ "$(pixels overlay.png)" -le 40 ]
    bounded 2 64 psplot -q -k summary -o summary.png runs.bin
    for kind in curves overlay summary table; do
        bounded 2 96 psplot -q -k $kind runs.bin >/dev/null
    done
    # A line of filters a model: for so many there is no picture.
    runs 5000
    ends 1 bounded 2 64 psplot -q -k filters -o filters.png runs.bin
    grep 'the filters do not fit into the picture: draw those of fewer models' err
    [ ! -e filters.png ]
}

@test "a class name of 20 MB is shown by its beginning and end" {
    scores 3
    edit best.scores 'records[0]["classes"][1] = "é" * (10 << 20) + "end"' >long.scores
    for view in "" "-k classes" "-o confusion.svg" "-k classes -o classes.svg"; do
        # shellcheck disable=SC2086 # many words on purpose
        bounded 1 60 psplot $view long.scores >out
    done
    [ "$(wc -c <classes.svg)" -lt 200000 ]
    psplot -k classes long.scores | grep -E '^ *é+…é*end '
}
