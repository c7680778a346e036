"""A network of psweep in PyTorch, from pseval --export net3.safetensors net3.bin:

    net = psweep_net.load("net3.safetensors")
    probabilities = net(images).softmax(1)  # images as torchvision has them: uint8 0 to 255 or float 0 to 1,
    net.classes[probabilities[0].argmax()]  # [N, channels, height, width]

The file has the network's text (pstrain --network), of which the module is made; so any network loads, and can be
trained further: net.train(). FORMAT.md tells what is computed.
"""
import json
import re

import torch
from safetensors import safe_open


class Network(torch.nn.Module):
    def __init__(self, text, channels, classes):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.classes, self.largest, self.stages, block, number = classes, text.endswith("-max"), [], 1, 1
        for stage in text.removesuffix("-max").split("-"):
            filters, kernel, fixed, back, pool = re.fullmatch(r"(\d+)(?:k(\d))?(w?)(?:\+(\d+))?(p?)", stage).groups()
            convolution = torch.nn.Conv2d(channels, int(filters), int(kernel or 3), padding="same")
            convolution.weight.requires_grad_(not fixed)
            channels, normalise = int(filters), torch.nn.BatchNorm2d(int(filters), eps=1e-5)
            if number == 1:
                self.add_module(f"block{block}", torch.nn.Module())
            getattr(self, f"block{block}").add_module(f"convolution{number}", convolution)
            getattr(self, f"block{block}").add_module(f"normalise{number}", normalise)
            self.stages.append((convolution, normalise, int(back or 0), pool))
            block, number = (block + 1, 1) if pool else (block, number + 1)
        self.connected = torch.nn.Linear(channels, len(classes))

    def forward(self, images):
        """The logits."""
        pixels = images if images.dtype == torch.uint8 else 255 * images
        x, before = (pixels - self.mean[:, None, None]) / self.deviation[:, None, None], []
        for convolution, normalise, back, pool in self.stages:
            before.append(x)
            x = normalise(convolution(x)).relu()
            x = x + before[-back] if back else x
            x = torch.nn.functional.max_pool2d(x, 2) if pool else x
        return self.connected(x.amax((2, 3)) if self.largest else x.mean((2, 3)))


def load(path):
    with safe_open(path, "pt") as file:
        tensors, told = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    net = Network(told["network"], len(tensors["mean"]), json.loads(told["classes"]))
    net.load_state_dict(tensors)
    return net.eval()
