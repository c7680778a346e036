"""A whole sweep beside PyTorch: pipeline_bench.py SWEEP [EPOCHS [SOURCE]]

The mission's four networks, by `sweep` (psfetch, then psaug | pstrain for each, its tables and charts) and by a plain
PyTorch script in float32, of the same images, in turns; seconds, medians, and their ratio. SOURCE is what psfetch reads,
such as CIFAR-10; else 10000 images are drawn. The script has all images in memory as tensors, moves and flips them by
tensor operations, descends with momentum, and validates after each epoch; the start of Python and the reading of the
images are not in its time. It has all cores for one network after the other or one for each, and channels first or last,
whichever is faster."""
import ctypes
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from load import CORES, Load
from torch_bench import MISSION, Way, torch

ROUNDS, SHIFT, BATCH, IMAGES = 3, 4, 128, 10000


def read(path):
    """Images [number][height][width][3], scaled, those to train with in a frame of black, and labels, of both splits."""
    import msgpack
    pixels, labels = {"train": [], "validation": []}, {"train": [], "validation": []}
    for record in msgpack.Unpacker(open(path, "rb"), max_buffer_size=1 << 30):
        if record["type"] == "image":
            shape = record["height"], record["width"], record["channels"]
            pixels[record["split"]].append(torch.frombuffer(bytearray(record["pixels"]), dtype=torch.uint8).view(shape))
            labels[record["split"]].append(record["label"])
    images = {split: torch.stack(all_of_it).float() for split, all_of_it in pixels.items()}
    mean, deviation = images["train"].mean((0, 1, 2)), images["train"].std((0, 1, 2))
    images["train"] = torch.nn.functional.pad(images["train"], (0, 0, SHIFT, SHIFT, SHIFT, SHIFT))
    return {split: ((images[split] - mean) / deviation, torch.tensor(labels[split])) for split in images}


def drawn(framed, chosen):
    """These images, each moved and perhaps flipped at random: [number][3][height][width]."""
    height, width = (side - 2 * SHIFT for side in framed.shape[1:3])
    rows = torch.randint(2 * SHIFT + 1, (len(chosen), 1)) + torch.arange(height)
    columns = torch.randint(2 * SHIFT + 1, (len(chosen), 1)) + torch.arange(width)
    columns = torch.where(torch.rand(len(chosen), 1) < 0.5, columns.flip(1), columns)
    return framed[chosen[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def train(job):
    """The validation accuracy of that depth after so many epochs."""
    depth, epochs, channels_last = job
    way = Way(depth, False, torch.get_num_threads(), channels_last, False)
    layout = {"memory_format": torch.channels_last if channels_last else torch.contiguous_format}
    (framed, labels), (others, their_labels) = data["train"], data["validation"]
    for _ in range(epochs):
        for chosen in torch.randperm(len(framed)).split(BATCH):
            way.step(drawn(framed, chosen).contiguous(**layout), labels[chosen])
        way.model.eval()
        with torch.no_grad():
            right = sum((way.model(part.permute(0, 3, 1, 2).contiguous(**layout)).argmax(1) == wanted).sum().item()
                        for part, wanted in zip(others.split(BATCH), their_labels.split(BATCH)))
        way.model.train()
    return right / len(others)


def begin(path, threads):
    global data
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    data = read(path)


def script(path, epochs, plan):
    """Its seconds, from when all of its processes have read the images."""
    processes, threads, channels_last = plan
    with multiprocessing.get_context("spawn").Pool(processes, begin, (path, threads)) as pool:
        pool.map(time.sleep, [0.5] * processes, 1)
        start = time.perf_counter()
        pool.map(train, [(depth, epochs, channels_last) for depth in reversed(MISSION)], 1)
        seconds = time.perf_counter() - start
        pool.close()
        pool.join()
    return seconds


def swept(sweep, epochs, source, folder):
    start = time.perf_counter()
    subprocess.run([sweep, "-d", "1-4", "-e", str(epochs), *source, "--test", "", "-o", folder], check=True, capture_output=True)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG):
        pass
    return seconds


def main():
    sweep, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    source = ["--data", sys.argv[3]] if len(sys.argv) > 3 else ["--data", "synth:shapes", "--limit", str(IMAGES)]
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what a sweep leaves to be waited for is ours, too
    folder = tempfile.mkdtemp()
    path = folder + "/data.ps"
    psfetch = os.path.join(os.path.dirname(sweep), "../bin/psfetch")
    subprocess.run([psfetch, "-q", *source[1:], "--split", "0.9"], check=True, stdout=open(path, "wb"))
    plans = [(at_once, len(CORES) // at_once, last) for at_once in {1, len(CORES)} for last in (False, True)]
    plan = min(plans, key=lambda plan: script(path, 1, plan))
    ours, theirs = [], []
    with Load() as load:
        for _ in range(ROUNDS):
            ours.append(swept(sweep, epochs, source, folder + "/sweep"))
            theirs.append(script(path, epochs, plan))
    shutil.rmtree(folder)
    us, them = statistics.median(ours), statistics.median(theirs)
    print(f"a sweep of depths 1 to 4, {epochs} epochs, on {len(CORES)} cores: {us:.1f} s; PyTorch {torch.__version__}, {plan[0]} at a time, "
          f"{plan[1]} thread{'s' * (plan[1] > 1)} each, channels {'last' if plan[2] else 'first'}: {them:.1f} s; "
          + (load.sentence() if load.is_heavy() else f"{them / us:.1f} times"))


if __name__ == "__main__" and torch:
    main()
