#!/usr/bin/env python3
"""Objects with the keys that break clients of S3, for tests: odd.py OBJECTS.json, or odd.py IMAGES.ps

With .json it writes {key: body in base64} for put.py, each body a grey PNG of its own value. With .ps it
compares what psfetch made of them, ends with 1 if that is not all of them, each with its pixel.
"""
import base64, json, struct, sys, zlib

KEYS = ["plain/1.png", "a b/2 3.png", " lead/4.png", "p+q/5+.png", "a=b/6=.png", "a&b/&amp;7.png", "h#h/8.png",
        "100%/9.png", "%41%2F/10%20.png", "~t/~11.png", "(!')*/12.png", ":@,;$/13.png", "two//14.png",
        "q?x=y/15.png", "[x]/16.png", "{y}/17.png", '"z"/<18>.png', "b\\s/19.png", "ü日本/é20.png",
        "tail/21.png/", "dot/./22.png", "dot/../23.png", "^`|/24.png", "nl\n\t/25.png", "cat/26"]


def png(value):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes([0, value]))) + chunk(b"IEND", b""))


def class_of(key):
    parts = [part for part in key.split("/") if part]
    return parts[-2]


if sys.argv[1].endswith(".json"):
    with open(sys.argv[1], "w") as out:
        json.dump({key: base64.b64encode(png(9 * i)).decode() for i, key in enumerate(KEYS)}, out)
else:
    import msgpack
    header, *images, end = msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False)
    got = {image["key"]: (image["pixels"][0], header["classes"][image["label"]]) for image in images}
    want = {key: (9 * i, class_of(key)) for i, key in enumerate(KEYS)}
    assert end["type"] == "end" and len(images) == len(KEYS)
    for key in want | got:
        assert got.get(key) == want.get(key), (key, got.get(key), want.get(key))
