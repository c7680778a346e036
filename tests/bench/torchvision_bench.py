"""psaug beside torchvision's transforms (v2, uint8, image by image), one thread each, in turns:
torchvision_bench.py PSAUG SET.ps [ROUNDS]: images a second of processor time, the median of the rounds."""
import resource
import statistics
import subprocess
import sys
import time

import msgpack
import torch
from torchvision.transforms import InterpolationMode, v2

psaug, path = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
torch.set_num_threads(1)
images = [torch.frombuffer(bytearray(r["pixels"]), dtype=torch.uint8).view(r["height"], r["width"], 3).permute(2, 0, 1).contiguous()
          for r in msgpack.Unpacker(open(path, "rb"), max_buffer_size=1 << 30) if r["type"] == "image" and r["split"] == "train"]
height, width = images[0].shape[1:]
crop, flip, jitter = v2.RandomCrop((height, width), padding=4), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
affine = v2.RandomAffine(15, scale=(0.8, 1.2), interpolation=InterpolationMode.BILINEAR)
still, turned = "--shift 0 --flip 0 ", "--rotate 15 --scale 0.8..1.2 "
coloured = "--brightness 0.4 --contrast 0.4 --saturation 0.4 --hue 0.1"


def ours(options, epochs=20):
    def seconds(count):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([psaug, "-q", "-e", str(count), *options.split()], stdin=open(path), stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return epochs * len(images) / (seconds(epochs + 1) - seconds(1))


def theirs(transform):
    start = time.process_time()
    for image in images[:1000]:
        transform(image)
    return len(images[:1000]) / (time.process_time() - start)


for name, options, transform in [
    ("shift, flip", "", v2.Compose([crop, flip])),
    ("rotate, scale", still + turned, affine),
    ("colours", still + coloured, jitter),
    ("all of it", turned + coloured, v2.Compose([affine, crop, flip, jitter])),
]:
    turns = [(ours(options), theirs(transform)) for _ in range(rounds)]
    us, them = (statistics.median(turn) for turn in zip(*turns))
    print(f"{height}x{width} {name:14} psaug {us:9.0f}  torchvision {them:9.0f} images/s  {us / them:.1f} times", flush=True)
