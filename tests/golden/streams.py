#!/usr/bin/python3
"""Writes the runs and scores that the golden charts are drawn from into the present folder: plain functions
with a little noise, the same on every machine."""
import math
import msgpack
import struct


class Noise:
    """A linear congruential generator (Knuth, MMIX): about -1 to 1, mean 0."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**52 - 1


def header(kind, classes=("cat", "dog"), **more):
    return dict(type="header", version=1, kind=kind, tool="pstrain 0", upstream=[], classes=list(classes), **more)


def run(depth=1, seed=0, rate=0.05, epochs=12, per=40, top=0.8, diverge=0, network=None, schedule=None):
    noise, out, i = Noise(100 * depth + seed), [], 0
    shape = dict(network=network) if network else dict(depth=depth)
    out.append(header("run", options={**shape, "learning-rate": rate, "seed": seed}))
    for epoch in range(1, epochs + 1):
        for _ in range(per):
            i += 1
            accuracy = top * (1 - 0.8 * math.exp(-i / 90))
            gone = diverge and i > diverge
            told = dict(rate=schedule(i / per / epochs)) if schedule else {}
            out.append(dict(type="progress", iteration=i, epoch=epoch, accuracy=0.1 if gone else accuracy + 0.03 * noise(),
                            loss=float("nan") if gone else 2.3 * (1 - accuracy) + 0.05 * noise(), **told))
        accuracy = 0.1 if gone else accuracy - 0.02 + 0.01 * noise()
        out.append(dict(type="validation", iteration=i, epoch=epoch, images=100, accuracy=accuracy,
                        loss=float("nan") if gone else 2.3 * (1 - accuracy)))
    out.append(dict(type="model", epoch=epochs, epochs=epochs, iteration=i, stopped=False,
                    network=dict(stages=network) if network else dict(depth=depth, filters=16), tensors=[]))
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
for s in range(2):
    write("apart-s%d.bin" % s, run(2, s, top=(0.05, 1)[s]))
for s in range(2):
    for k, middle in enumerate(("256p-256", "512p-512", "256p-256-256+2")):
        write("text%d-s%d.bin" % (k, s), run(2, s, top=0.7 + 0.05 * k, network="64w-64p-%s-256p-256-max" % middle))
write("schedule-rise.bin", run(1, 0, schedule=lambda part: 0.2 * min(part / 0.2, (1 - part) / 0.8)))
write("schedule-cosine.bin", run(2, 0, schedule=lambda part: 0.05 * (1 + math.cos(math.pi * part))))
write("two.scores", scores(["cat", "dog"]))
write("ten.scores", scores("airplane automobile bird cat deer dog frog horse ship truck".split()))
write("long-name.scores", scores("airplane automobile bird cat deer".split(), "network 64w-64p-256p-256-max, batch size 64"))
write("hundred.scores", scores(["class %d" % k for k in range(100)]))
write("many.scores", scores(["class %d" % k for k in range(130)]))
write("names.scores", scores(["a class whose name has forty letters, %02d" % k for k in range(1, 6)]))


def picture(label, k, side=16):
    """A disc, a bar or a ring on a slope of grey, in a colour of its own."""
    out = bytearray()
    for y in range(side):
        for x in range(side):
            far = math.hypot(x - side / 2 + 0.5, y - side / 2 + 0.5)
            inside = (far < 4, abs(x - y) < 3, 4 < far < 7)[label % 3]
            out += bytes([60 + 45 * k, 220 - 50 * k, 40 + 30 * label] if inside else [8 * x + 4 * y + 20] * 3)
    return bytes(out)


def images(classes, count, **more):
    return [header("images", classes)] + [dict(
        type="image", id=i, key="%d.png" % i, label=i // (count // len(classes)), split="test", height=16, width=16,
        channels=3, pixels=picture(i // (count // len(classes)), i % 4), **{k: v(i) for k, v in more.items()}) for i in range(count)]


def filters(count, channels, strength, broken=()):
    noise, values = Noise(count), []
    for f in range(count):
        weights = [strength * (math.sin(f + c + 1.3 * p) + 0.3 * noise()) for c in range(channels) for p in range(9)]
        values += [float("nan")] * len(weights) if f in broken else weights
    tensor = dict(name="block1.convolution1.weights", shape=[count, channels, 3, 3],
                  values=struct.pack("<%df" % len(values), *values))
    return run(epochs=1, per=1)[:-1] + [dict(type="model", epoch=1, epochs=1, iteration=1, stopped=False,
                                             network=dict(depth=1, filters=16), tensors=[tensor])]


write("images.ps", images(["disc", "bar", "ring with a longer name"], 12))
write("guesses.ps", images(["disc", "bar", "ring"], 9, guess=lambda i: i % 3, probability=lambda i: (1, 0.9987, 0.934, 0.5)[i % 4]))
write("long-guesses.ps", images(["automobile", "great blue heron", "o" + "\u00f8" * 30], 9, guess=lambda i: i % 3,
                                probability=lambda i: (1, 0.9987, 0.934, 0.5)[i % 4]))
write("net3.bin", filters(16, 3, 1))
write("net4.bin", filters(8, 3, 0.4, broken=(6,)))
write("wide.bin", filters(40, 3, 0.8))
write("grey.bin", filters(9, 1, 1))
write("two-channels.bin", filters(5, 2, 1))
