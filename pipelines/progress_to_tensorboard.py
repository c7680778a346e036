#!/usr/bin/env python3
"""Shows in TensorBoard what trainers report, while they train:

    mkfifo fifo && progress_to_tensorboard.py logs < fifo &
    psfetch photos/ | psaug | pstrain --depth 3 --progress fifo --name depth3 > net3.bin
    tensorboard --logdir logs

Several trainers may share the FIFO; each is a run. Needs tensorboard and msgpack.
"""
import sys
import msgpack
from tensorboard.summary import Writer

writers = {}
unpacker = msgpack.Unpacker()
while data := sys.stdin.buffer.read1(1 << 16):
    unpacker.feed(data)
    for record in unpacker:
        name = record["name"]
        if name not in writers:
            writers[name] = Writer(f"{sys.argv[1]}/{name}")
        for figure in "loss", "accuracy", "rate":
            if figure in record:
                writers[name].add_scalar(f"{figure}/{record['type']}", record[figure], record["iteration"])
        if record["type"] != "progress":
            writers[name].flush()
for writer in writers.values():
    writer.close()
