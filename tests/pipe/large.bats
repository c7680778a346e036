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
    # shellcheck source=pipelines/sweep.d/report.bash
    . "$REPOSITORY/pipelines/sweep.d/report.bash"
    out=.
    scores 100
    worst_classes >page
    [ "$(wc -l <page)" = 23 ]
    head -n 2 page | tail -n 1 | grep -F 'most often taken for'
    # What has no images is not among them.
    no grep 'class 99 ' page
    tail -n 2 page | head -n 1 | grep -E '^class 89 +42.0 % .*class [0-9]+ \([0-9]+\)'
    scores 40
    [ -z "$(worst_classes)" ]
}
