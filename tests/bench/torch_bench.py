"""The CPU engine, and PyTorch beside it in the same minutes: torch_bench.py ENGINE_BENCH [NETWORK...]

The mission's four networks, and wide ones; a step is forward, backward and update of 128 images in memory. Of the
engine: images a second, the share of the machine's multiply-add peak, and each kernel's of a step. PyTorch, where this
Python has it, runs as it does best, in float32 and in bfloat16 (autocast): one thread or all, channels first or last,
torch.compile where it works, denormals flushed; the fastest way then takes turns with the engine. Of PyTorch the
fastest quarter of all steps counts (its threads suffer more beside other programs), of the engine the median."""
import math
import os
import statistics
import subprocess
import sys
import time

from load import CORES, Load

for name in [n for n in os.environ if n.startswith("OPENBLAS_")]:
    del os.environ[name]
try:
    import torch
    from torch import nn
except ImportError:
    torch = None

BATCH, SIDE, CLASSES, ROUNDS = 128, 32, 10, 5
MISSION = ["1", "2", "3", "4"]
WIDE = ["32-32p-64-64p-128-128", "64-64p-128-128p-256-256", "24w-64p-64-256p-256-256p-256"]


def stages(name):
    """Those of a depth, or of a text (lib/nn/net.h), of which this knows p and w."""
    if not name.isdigit():
        return name.split("-")
    depth = int(name)
    filters = round(16 / math.sqrt(depth))
    return [f"{filters << block}{'p' * (block < 2 and last == depth - 1)}" for block in range(3) for last in range(depth)]


def network(name):
    layers, channels = [], 3
    for stage in stages(name):
        filters = int(stage.rstrip("pw"))
        convolution = nn.Conv2d(channels, filters, 3, padding=1)
        convolution.weight.requires_grad_("w" not in stage)
        layers += [convolution, nn.BatchNorm2d(filters), nn.ReLU()] + [nn.MaxPool2d(2)] * ("p" in stage)
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


class Way:
    """One way to run PyTorch: seconds(most, limit) is the time of each step, of so many or those of so many seconds."""

    def __init__(self, name, bfloat16, threads, channels_last, compiled):
        self.name = f"{threads} thread{'s' * (threads > 1)}, channels {'last' if channels_last else 'first'}"
        self.name += ", compiled" * compiled
        self.threads, self.bfloat16 = threads, bfloat16
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.images = torch.randn(BATCH, 3, SIDE, SIDE).to(memory_format=layout)
        self.labels = torch.randint(0, CLASSES, (BATCH,))
        model = network(name).to(memory_format=layout)
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.SGD(trained, 0.05, momentum=0.9, weight_decay=1e-10)
        self.model = torch.compile(model) if compiled else model

    def step(self, images, labels):
        self.optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            loss = nn.functional.cross_entropy(self.model(images), labels)
        loss.backward()
        self.optimiser.step()

    def seconds(self, most, limit=3):
        torch.set_num_threads(self.threads)
        times = []
        while len(times) < most and sum(times) < limit:
            start = time.perf_counter()
            self.step(self.images, self.labels)
            times.append(time.perf_counter() - start)
        return times


def ways(name, bfloat16):
    for compiled in [False, True] if hasattr(torch, "compile") else [False]:
        for threads in sorted({1, len(CORES)}) if not compiled else [len(CORES)]:
            for channels_last in [False, True]:
                try:
                    way = Way(name, bfloat16, threads, channels_last, compiled)
                    way.seconds(4)
                except Exception as error:  # compiling needs a compiler, and more
                    print(f"      not compiled: {str(error).splitlines()[0][:80]}")
                else:
                    yield way


def engine(bench, name):
    """Images a second, the share of the peak, and the line that tells of the kernels."""
    lines = subprocess.run([bench, str(len(CORES)), "auto", name], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[0] == name)
    words = lines[at].split()
    return float(words[1]), float(words[5]), lines[at + 1].strip()


def turns(bench, name):
    """Prints the figures of a network; returns the ratios to float32 and to bfloat16, where they count."""
    best = [min(ways(name, bfloat16), key=lambda way: min(way.seconds(9))) for bfloat16 in (False, True)] if torch else []
    theirs, ours = [[] for _ in best], []
    with Load() as load:
        for _ in range(ROUNDS):
            for way, times in zip(best, theirs):
                times += way.seconds(15)
            ours.append(engine(bench, name))
    speed, share = (statistics.median(turn[i] for turn in ours) for i in (0, 1))
    theirs = [BATCH / statistics.quantiles(times, n=4)[0] for times in theirs]
    ratios = [] if load.is_heavy() else [speed / their for their in theirs]
    print(f"{name:30} {speed:8.0f} " + ("        " if load.is_heavy() else f"{share:6.0f} %") + "".join(
        f" {their:9.0f}" for their in theirs) + "".join(f" {ratio:6.2f}" for ratio in ratios))
    if load.is_heavy():
        print(f"      {load.sentence()}")
    for way in best:
        print(f"      PyTorch's {'bfloat16' if way.bfloat16 else 'float32'}: {way.name}")
    print(f"      {ours[-1][2]}", flush=True)
    return ratios


def main():
    bench, names = sys.argv[1], sys.argv[2:] or MISSION + WIDE
    if torch:
        torch.set_flush_denormal(True)
    print(f"images/s with {len(CORES)} core{'s' * (len(CORES) > 1)}, batch {BATCH}; " +
          (f"PyTorch {torch.__version__}" if torch else f"not beside PyTorch, which {sys.executable} has not (make peer)"))
    print(f"{'':30} {'psweep':>8} {'peak':>8}" + f" {'float32':>9} {'bfloat16':>9}  ratios" * bool(torch))
    ratios = {name: turns(bench, name) for name in names}
    if torch and all(ratios.get(name) for name in MISSION):
        means = [statistics.geometric_mean(row) for row in zip(*(ratios[name] for name in MISSION))]
        print("depths 1 to 4, geometric mean of the ratios:", *(f"{mean:.2f}" for mean in means))


if __name__ == "__main__":
    main()
