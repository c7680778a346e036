"""The CPU engine beside PyTorch, in the same minutes: torch_bench.py ENGINE_BENCH

The same four networks and the same step: forward, backward, update, 128 images in memory. PyTorch
runs as it does best: one thread or all, channels first or last, torch.compile where it works,
denormals flushed; the fastest way of a depth then takes turns with the engine. Of PyTorch the
fastest quarter of all steps counts (its threads suffer more beside other programs), of the engine
the median."""
import math
import os
import statistics
import subprocess
import sys
import time

for name in [n for n in os.environ if n.startswith("OPENBLAS_")]:
    del os.environ[name]

import torch
from torch import nn

BATCH, SIDE, CLASSES, ROUNDS, STEPS = 128, 32, 10, 5, 15
CORES = len(os.sched_getaffinity(0))


def network(depth):
    filters, layers, channels = round(16 / math.sqrt(depth)), [], 3
    for block in range(3):
        for _ in range(depth):
            out = filters << block
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
            channels = out
        layers += [nn.MaxPool2d(2)] if block < 2 else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(channels, CLASSES))


class Way:
    """One way to run PyTorch: seconds(steps) is the time of each step."""

    def __init__(self, depth, threads, channels_last, compiled):
        self.name = f"{threads} thread{'s' * (threads > 1)}, channels {'last' if channels_last else 'first'}"
        self.name += ", compiled" * compiled
        self.threads = threads
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.images = torch.randn(BATCH, 3, SIDE, SIDE).to(memory_format=layout)
        self.labels = torch.randint(0, CLASSES, (BATCH,))
        model = network(depth).to(memory_format=layout)
        self.optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=1e-10)
        self.model = torch.compile(model) if compiled else model
        self.seconds(4)

    def step(self):
        self.optimiser.zero_grad()
        nn.functional.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimiser.step()

    def seconds(self, steps):
        torch.set_num_threads(self.threads)
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - start)
        return times


def ways(depth):
    for compiled in [False, True] if hasattr(torch, "compile") else [False]:
        for threads in sorted({1, CORES}) if not compiled else [CORES]:
            for channels_last in [False, True]:
                try:
                    yield Way(depth, threads, channels_last, compiled)
                except Exception as error:  # compiling needs a compiler, and more
                    print(f"      not compiled: {str(error).splitlines()[0][:80]}")


def engine(bench, depth):
    """Images a second of the engine: the second column of the line of this depth."""
    lines = subprocess.run([bench, str(CORES), "auto", str(depth)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    return float(next(l for l in lines if l.split()[0] == str(depth)).split()[1])


def main():
    torch.set_flush_denormal(True)
    ratios = []
    print(f"PyTorch {torch.__version__}, psweep's engine with {CORES} threads, images/s")
    print("depth    PyTorch     psweep    ratio")
    for depth in range(1, 5):
        best = min(ways(depth), key=lambda way: min(way.seconds(9)))
        theirs, ours = [], []
        for _ in range(ROUNDS):
            theirs += best.seconds(STEPS)
            ours.append(engine(sys.argv[1], depth))
        theirs, ours = BATCH / statistics.quantiles(theirs, n=4)[0], statistics.median(ours)
        ratios.append(ours / theirs)
        print(f"{depth:5} {theirs:10.0f} {ours:10.0f} {ours / theirs:8.2f}   PyTorch: {best.name}",
              flush=True)
    print(f"geometric mean of the ratios {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
