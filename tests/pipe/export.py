"""What FORMAT.md says of the network of a model, in numpy; and what others make of pseval --export, beside it.

    export.py IMAGES.ps MODEL... [IMAGES.ps MODEL...]...

Beside MODEL.bin stand what was made of it, and MODEL.said, of pseval --predict with all classes.
The logits that come of the model's file alone, and those that ONNX Runtime gets from MODEL*.onnx, numpy from MODEL.npz
and, where psweep_net.py is in PYTHONPATH, PyTorch from MODEL.safetensors must be within 1e-4 of each other, and of the
probabilities that pseval told. Prints how far each was.
"""
import json
import re
import sys

import msgpack
import numpy as np
import onnx
import onnxruntime
try:
    import psweep_net  # before torch, which takes a second
    import torch
except ImportError:
    torch = None

TOLERANCE = 1e-4


def read(path):
    return list(msgpack.Unpacker(open(path, "rb"), raw=False, max_buffer_size=1 << 30))


def text_of(network):
    if "stages" in network:
        return network["stages"]
    d, n = network["depth"], max(1, int(network["filters"] / network["depth"] ** 0.5 + 0.5))
    return "-".join(f"{n << block}{'p' * (block < 2 and i == d - 1)}" for block in range(3) for i in range(d))


def logits(text, mean, deviation, tensor, pixels):
    """pixels: uint8 [image, row, column, channel]"""
    x = ((pixels - mean) / deviation).transpose(0, 3, 1, 2)
    block, number, before = 1, 1, []
    for stage in text.removesuffix("-max").split("-"):
        kernel, back, pool = re.fullmatch(r"\d+(k[13])?w?(?:\+(\d+))?(p?)", stage).groups()
        side = 1 if kernel == "k1" else 3
        height, width = x.shape[2:]
        before.append(x)
        padded = np.pad(x, ((0, 0), (0, 0), (side // 2,) * 2, (side // 2,) * 2))
        weights = tensor[f"block{block}.convolution{number}.weights"]
        z = sum(np.einsum("oi,nirc->norc", weights[:, :, a, b], padded[:, :, a:a + height, b:b + width], optimize=True)
                for a in range(side) for b in range(side))
        z = z + tensor[f"block{block}.convolution{number}.bias"][:, None, None]
        scale, offset, means, variance = (tensor[f"block{block}.normalise{number}.{name}"][:, None, None]
                                          for name in ("scale", "offset", "mean", "variance"))
        x = np.maximum(0, scale * (z - means) / np.sqrt(variance + 0.00001) + offset)
        x = x + before[-int(back)] if back else x
        block, number = (block + 1, 1) if pool else (block, number + 1)
        if pool:
            x = x.reshape(*x.shape[:2], height // 2, 2, width // 2, 2).max((3, 5))
    features = x.max((2, 3)) if text.endswith("-max") else x.mean((2, 3))
    return features @ tensor["connected.weights"].T + tensor["connected.bias"]


def log_softmax(values):
    values = values - values.max(1, keepdims=True)
    return values - np.log(np.exp(values).sum(1, keepdims=True))


def of_onnx(path, pixels):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    assert [value.name for value in inputs + outputs] == ["images", "logits", "probabilities"]
    images = pixels
    if inputs[0].type == "tensor(float)":
        images = (pixels.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    assert inputs[0].shape[1:] == list(images.shape[1:]), inputs[0].shape
    # A batch of any size.
    got = [session.run(None, {"images": part}) for part in (images[:1], images[1:])]
    found, probabilities = (np.concatenate(parts) for parts in zip(*got))
    assert abs(np.exp(log_softmax(found)) - probabilities).max() < 1e-6
    return found, json.loads(session.get_modelmeta().custom_metadata_map["classes"])


def of_torch(path, pixels):
    net = psweep_net.load(path)
    torch.set_num_threads(1)
    with torch.no_grad():
        images = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
        found = net(images).numpy()
        assert abs(net(images / 255).numpy() - found).max() < TOLERANCE
    return found, net.classes


def compare(images, stem):
    run = read(f"{stem}.bin")
    header, record = run[0], next(r for r in run if r["type"] == "model")
    pixels = np.stack([np.frombuffer(r["pixels"], np.uint8).reshape(header["shape"])
                       for r in sorted(images, key=lambda r: r["id"])])
    tensor = {t["name"]: np.frombuffer(t["values"], "<f4").reshape(t["shape"]) for t in record["tensors"]}
    text, few = text_of(record["network"]), slice(0, 200)
    wanted = logits(text, header["mean"], header["deviation"], tensor, pixels[few])
    assert abs(wanted).max() > 1, "logits too small to tell"

    npz = np.load(f"{stem}.npz")
    assert set(npz) == {"network", "classes", "mean", "deviation", *tensor} and str(npz["network"]) == text
    assert list(npz["classes"]) == header["classes"]
    assert all(npz[name].dtype == "<f4" and np.array_equal(npz[name], values) for name, values in tensor.items())
    assert (logits(text, npz["mean"], npz["deviation"], npz, pixels[few]) == wanted).all()

    told = sorted((r for r in read(f"{stem}.said") if r["type"] == "image"), key=lambda r: r["id"])
    probabilities = np.zeros((len(pixels), len(header["classes"])))
    for row, r in zip(probabilities, told, strict=True):
        row[r["guesses"]] = r["probabilities"]
    guess, told = probabilities.argmax(1), probabilities > 1e-30  # smaller ones are not told as exactly
    ways = {f"{stem}{kind}.onnx": of_onnx for kind in ("", "-float", "-keep")}
    if torch:
        ways[f"{stem}.safetensors"] = of_torch
    for path, way in ways.items():
        found, classes = way(path, pixels)
        assert classes == header["classes"]
        most, rows = abs(found[few] - wanted).max(), np.arange(len(pixels))
        beside = abs(log_softmax(found)[told] - np.log(probabilities[told])).max()
        print(f"{path}: {len(pixels)} images, logits up to {abs(wanted).max():.0f}: {most:.1e} from FORMAT.md's, "
              f"{beside:.1e} from pseval's, {(found.argmax(1) != guess).sum()} other classes")
        assert max(most, beside) < TOLERANCE
        # No other class but where two are as likely.
        assert (found.max(1) - found[rows, guess]).max() < TOLERANCE


for argument in sys.argv[1:]:
    if argument.endswith(".ps"):
        images = [r for r in read(argument) if r["type"] == "image"]
    else:
        compare(images, argument)
