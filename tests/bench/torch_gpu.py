"""PyTorch on a GPU, for the figures of gpu_bench: torch_gpu.py [DEVICE [STEPS [IMAGES]]]

The same four networks and the same step: 128 of 50000 images that lie on the device, each shifted by
up to four pixels, flipped and scaled there, then forward, backward and update. As it stands, and compiled into CUDA
graphs; channels last, TF32. DEVICE is cuda, or cpu to try the program itself.
"""
import statistics
import sys
import time

import torch
from torch import nn

from torch_bench import BATCH, CLASSES, SIDE, network

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 400
IMAGES = int(sys.argv[3]) if len(sys.argv) > 3 else 50000
ROUNDS, SHIFT = 5, 4


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


class Trainer:
    def __init__(self, depth, compiled):
        padded = SIDE + 2 * SHIFT
        self.images = torch.randint(0, 256, (IMAGES, 3, padded, padded), dtype=torch.uint8, device=DEVICE)
        self.labels = torch.randint(0, CLASSES, (IMAGES,), device=DEVICE)
        self.range = torch.arange(SIDE, device=DEVICE)
        self.model = network(str(depth)).to(DEVICE, memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(self.model.parameters(), 0.05, momentum=0.9, weight_decay=1e-10)
        self.learn = torch.compile(self.loss, mode="reduce-overhead") if compiled else self.loss

    def loss(self, images, labels):
        images = (images.float() - 127.5) / 64
        return nn.functional.cross_entropy(self.model(images.contiguous(memory_format=torch.channels_last)), labels)

    def step(self):
        chosen = torch.randint(0, IMAGES, (BATCH,), device=DEVICE)
        moved = torch.randint(0, 2 * SHIFT + 1, (2, BATCH, 1), device=DEVICE)
        columns = torch.where(torch.rand(BATCH, 1, device=DEVICE) < 0.5, self.range, self.range.flip(0)) + moved[1]
        rows = self.range + moved[0]
        views = self.images[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        self.optimiser.zero_grad()
        self.learn(views.permute(0, 3, 1, 2), self.labels[chosen]).backward()
        self.optimiser.step()

    def pace(self, steps):
        wait()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        wait()
        return (time.perf_counter() - start) / steps


def main():
    if DEVICE == "cuda" and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} was not measured: it finds no GPU")
        return
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    print(f"PyTorch {torch.__version__}\ndepth  compiled     images/s    µs/step")
    for compiled in [False, True] if hasattr(torch, "compile") else [False]:
        for depth in range(1, 5):
            try:
                trainer = Trainer(depth, compiled)
                trainer.pace(min(STEPS, 30))
                seconds = statistics.median(trainer.pace(STEPS) for _ in range(ROUNDS))
            except Exception as error:  # compiling needs a compiler, and more
                print(f"{depth:5} {'yes' if compiled else 'no':>9} {str(error).splitlines()[0][:80]}")
                continue
            print(f"{depth:5} {'yes' if compiled else 'no':>9} {BATCH / seconds:12.0f} {1e6 * seconds:10.1f}", flush=True)


main()
