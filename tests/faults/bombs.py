#!/usr/bin/python3
"""Writes small files into the present folder that ask for very much: time, memory or room on the disk."""
import os
import struct
import sys
import zlib


def save(path, *parts):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"".join(parts))


# JPEG: scans of which each is a pass through the picture, and pictures whose coefficients are kept until the last one.
def marker(code, data):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data


def scan(head, bits):
    return marker(0xda, bytes(head)) + b"\0" * (bits // 8) + (bytes([(1 << -bits % 8) - 1]) if bits % 8 else b"")


def progressive(side, scans):
    # Of the one code of a table, a bit each: "the mean is that of the block before", "the next 16384 blocks are flat".
    blocks = (side // 8) ** 2
    tables = b"".join(marker(0xc4, bytes([kind, 1] + [0] * 15 + [symbol])) for kind, symbol in ((0x00, 0), (0x10, 0xe0)))
    return (b"\xff\xd8" + marker(0xdb, b"\0" + b"\1" * 64) + marker(0xc2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
            + tables + scan([1, 1, 0, 0, 0, 0], blocks) + scan([1, 1, 0, 1, 63, 0], blocks // 16384 * 15) * scans + b"\xff\xd9")


# Packed a thousandfold, as a part of what inflate reads; and not packed.
def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def stored(data):
    return struct.pack("<BHH", 0, len(data), len(data) ^ 0xffff) + data


def zeros(mib):
    return deflated(bytes(1 << 20)) * mib


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(data, side=1):
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def member(name, size, kind=b"0", holes=0):
    head = bytearray(512)
    head[:len(name)] = name
    head[100:148] = b"0000644\0" + b"0000000\0" * 2 + b"%011o " % size + b"%011o " % 0
    head[156:157] = kind
    head[257:265] = b"ustar  \0"
    if holes:  # before the last 512 bytes
        head[386:410] = b"%011o %011o " % (holes, 512)
        head[483:495] = b"%011o " % (holes + 512)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
LONG = deflated(b"a/" * ((900 << 9) - 2) + b"a")
LARGE = png(zlib.compress(bytes(15000 * 15001), 1), 15000) if "large" in sys.argv else b""
MAKE = {
    "scans": lambda: save("scans/cat/1.jpg", progressive(4096, 27000)),
    "coefficients": lambda: save("coefficients/cat/1.jpg", progressive(16384, 0)),
    # 1 x 1 pixels, and 2 GB behind them.
    "behind": lambda: save("behind/cat/1.png", png(zlib.compress(b"")[:2] + stored(b"\0\0") + zeros(2000))),
    # 12 images of 225 MB.
    "large": lambda: [save("large/cat/%d.png" % i, LARGE) for i in range(12)],
    # 16384 x 5461 pixels, all black.
    "webp": lambda: save("webp/cat/1.webp", b"RIFF\x1c\0\0\0WEBPVP8L\x10\0\0\0\x2f\xff\x3f\x55\x05\x88\x88\x08" + bytes(8)),
    "packed": lambda: save("packed.tar.gz", GZIP, *(stored(member(b"cat/%d.png" % i, 200 << 20)) + zeros(200) for i in range(5))),
    "holes": lambda: save("holes.tar", *(member(b"cat/%d.png" % i, 512, b"S", 200 << 20) + bytes(512) for i in range(5)), bytes(1024)),
    "names": lambda: save("names.tar.gz", GZIP, *(
        stored(member(b"././@LongLink", 900 << 10, b"L") + b"%02d/" % i) + LONG + stored(member(b"cat/1.png", 0)) for i in range(60))),
}
for kind in sys.argv[1:]:
    MAKE[kind]()
