#!/usr/bin/python3
"""Writes the runs and scores that the golden charts are drawn from into the present folder: plain functions
with a little noise, the same on every machine."""
import math
import msgpack


class Noise:
    """A linear congruential generator (Knuth, MMIX): about -1 to 1, mean 0."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**52 - 1


def header(kind, classes=("cat", "dog"), **more):
    return dict(type="header", version=1, kind=kind, tool="pstrain 0", upstream=[], classes=list(classes), **more)


def run(depth=1, seed=0, rate=0.05, epochs=12, per=40, top=0.8, diverge=0, cut=None):
    noise, out, i = Noise(100 * depth + seed), [], 0
    out.append(header("run", options={"depth": depth, "learning-rate": rate, "seed": seed}))
    for epoch in range(1, epochs + 1):
        for _ in range(per):
            i += 1
            accuracy = top * (1 - 0.8 * math.exp(-i / 90))
            gone = diverge and i > diverge
            out.append(dict(type="progress", iteration=i, epoch=epoch, accuracy=0.1 if gone else accuracy + 0.03 * noise(),
                            loss=float("nan") if gone else 2.3 * (1 - accuracy) + 0.05 * noise()))
        accuracy = 0.1 if gone else accuracy - 0.02 + 0.01 * noise()
        out.append(dict(type="validation", iteration=i, epoch=epoch, images=100, accuracy=accuracy,
                        loss=float("nan") if gone else 2.3 * (1 - accuracy)))
    out.append(dict(type="model", epoch=epochs, epochs=epochs, iteration=i, stopped=False,
                    network=dict(depth=depth, filters=16), tensors=[]))
    return out


def scores(classes, name="net.bin"):
    noise, n = Noise(len(classes)), len(classes)
    counts = [[int(max(0, (90 if i == j else 12 - 3 * abs(i - j)) + 8 * noise())) for j in range(n)] for i in range(n)]
    images = sum(map(sum, counts))
    return [header("scores", classes), dict(
        type="score", run=1, name=name, split="test", images=images, loss=0.6, depth=3, epoch=12,
        accuracy=sum(counts[i][i] for i in range(n)) / images, confusion=counts)]


def write(name, records):
    # Without an end record: cut short, and drawn all the same.
    with open(name, "wb") as file:
        file.write(b"".join(msgpack.packb(record) for record in records))


for d in range(1, 5):
    for s in range(3):
        write("net-d%d-s%d.bin" % (d, s), run(d, s, top=0.6 + 0.15 * d - 0.025 * d * d))
for r in 0.001, 0.01, 0.1:
    for s in range(2):
        write("rate-d2-r%g-s%d.bin" % (r, s), run(2, s, r, top=0.8 - 0.05 * (math.log10(r) + 2) ** 2))
        write("rate-d3-r%g-s%d.bin" % (r, s), run(3, s, r, top=0.75 + 0.05 * math.log10(r), diverge=200 if r + s > 1 else 0))
for k in range(40):
    write("many%02d.bin" % k, run(1 + k, 7, epochs=8, per=10, top=0.5 + 0.01 * k))
write("odd-diverged.bin", run(2, 5, diverge=300))
write("odd-at-once.bin", run(4, 5, diverge=1))
write("odd-one-epoch.bin", run(2, 1, epochs=1))
write("odd-one-point.bin", run(2, 2, epochs=1, per=1))
write("odd-half.bin", run(2, 3)[:300])
write("odd-nothing.bin", run(2, 4)[:1])
write("long.bin", run(3, 7, epochs=300, per=40))
write("two.scores", scores(["cat", "dog"]))
write("ten.scores", scores("airplane automobile bird cat deer dog frog horse ship truck".split()))
write("hundred.scores", scores(["class %d" % k for k in range(100)]))
write("names.scores", scores(["a class whose name has forty letters, %02d" % k for k in range(1, 6)]))
