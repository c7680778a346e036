#!/usr/bin/python3
"""A filter to start from: the negative of every image. One of your own changes change().

    psfetch | pipelines/filters/negative.py | psaug | pstrain > net.bin

Needs msgpack and xxhash (Debian's python3-msgpack and python3-xxhash); lib/FORMAT.md tells what is in a stream.
"""
import sys
import msgpack
import xxhash

NEGATIVE = bytes(reversed(range(256)))


def change(image):
    image["pixels"] = image["pixels"].translate(NEGATIVE)


def records(file):
    """The records of one stream but its end, once that has shown that nothing is damaged or missing."""
    unpacker = msgpack.Unpacker(raw=False, max_buffer_size=1 << 30)
    digest, count, kept, start = xxhash.xxh3_64(), 0, b"", 0
    while chunk := file.read1(1 << 20):
        unpacker.feed(chunk)
        kept += chunk
        used = 0
        for record in unpacker:
            end = unpacker.tell() - start
            if record["type"] == "end":
                if (record["records"], record["digest"]) != (count, digest.intdigest()):
                    sys.exit("negative: the input is damaged")
                if end < len(kept) or file.read(1):
                    sys.exit("negative: the input is several sets: join them behind this filter, with cat")
                return
            digest.update(kept[used:end])
            count, used = count + 1, end
            yield record
        kept, start = kept[used:], start + used
    sys.exit("negative: the input was cut short")


def write(record):
    data = msgpack.packb(record)
    written.update(data)
    sys.stdout.buffer.write(data)


if len(sys.argv) > 1:
    print(f"negative: unexpected argument {sys.argv[1]}: the images come on standard input", file=sys.stderr)
    sys.exit(2)
written, total = xxhash.xxh3_64(), 0
for record in records(sys.stdin.buffer):
    if record["type"] == "header":
        if record["kind"] != "images":
            sys.exit("negative: the input is no set of images; this filter stands before psaug")
        record = {"type": "header", "version": 1, "kind": "images", "tool": "negative 1", "options": {},
                  "upstream": [record], "classes": record["classes"]}
    elif record["type"] == "image":
        change(record)
    write(record)
    total += 1
# {"type": "end", "records": total, "digest": …}, the two always in eight bytes
sys.stdout.buffer.write(b"\x83\xa4type\xa3end\xa7records\xcf%b\xa6digest\xcf%b"
                        % (total.to_bytes(8, "big"), written.intdigest().to_bytes(8, "big")))
