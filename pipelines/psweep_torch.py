"""The images of a psweep stream as mini-batches for a training loop of PyTorch:

    psfetch photos/ --resize 32x32 --split 0.9 | psaug --epochs 10 | python3 train.py

    images = psweep_torch.Images(batch=128)      # of standard input
    for epoch in range(10):
        for pixels, labels in images:            # uint8 [batch, channels, rows, columns], int64 [batch]
            ...

images.validation and images.test are lists of such batches; images.header has classes (names), and mean and deviation
by channel. A stream that is cut short or damaged is a ValueError.
"""
import itertools
import sys
import msgpack
import torch
import xxhash


class Images(torch.utils.data.IterableDataset):
    """A pass over it is the next epoch of the stream, or has no batches where none is left."""

    def __init__(self, file=None, batch=128):
        self.records, self.batch = records(file or sys.stdin.buffer), batch
        self.header, self.next = next(self.records), next(self.records, None)
        if self.header["kind"] != "epochs" or self.header["views"]:
            raise ValueError("this is no output of psaug, or one of psaug --views, which has no pixels of the epochs")
        aside = list(self.images("validation", "test"))  # these come before the first epoch
        self.validation, self.test = ([*self.batches(image for image in aside if image["split"] == split)]
                                      for split in ("validation", "test"))

    def __iter__(self):
        assert not torch.utils.data.get_worker_info(), "a stream has one reader: num_workers must be 0"
        yield from self.batches(self.images("train"))
        self.next = next(self.records, None)  # behind the epoch's mark

    def images(self, *splits):
        while self.next and self.next.get("split") in splits:
            yield self.next
            self.next = next(self.records, None)

    def batches(self, images):
        while some := list(itertools.islice(images, self.batch)):
            pixels = torch.frombuffer(bytearray().join(image["pixels"] for image in some), dtype=torch.uint8)
            yield pixels.view(-1, *self.header["shape"]).movedim(3, 1), torch.tensor([image["label"] for image in some])


def records(file):
    """The records of a stream before its end, which proves that nothing is damaged or missing."""
    unpacker, digest, tail, count = msgpack.Unpacker(max_buffer_size=1 << 30), xxhash.xxh3_64(), b"", 0
    while chunk := file.read1(1 << 20):
        unpacker.feed(chunk)
        digest.update((tail + chunk)[:-43])  # the end has 43 bytes
        tail = (tail + chunk)[-43:]
        for record in unpacker:
            if record["type"] != "end":
                count += 1
                yield record
    if not count or record != {"type": "end", "records": count, "digest": digest.intdigest()}:
        raise ValueError("the stream was cut short or is damaged")
