"""Media bytes: pseudo-random, small, with the right magic for the type, made again from a key whenever needed."""

import hashlib
import random
import struct
import zlib

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000" "ffda0008010100003f00")
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
GIF = b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0, 0, 0)
TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def _boxes(brand, minor, size):
    ftyp = struct.pack(">I4s4sI4s4s", 24, b"ftyp", brand, 0, minor, brand)
    return ftyp + struct.pack(">I4s", size - 24, b"mdat")


def magic(kind, size):
    if kind == "jpeg":
        return JPEG
    if kind == "png":
        return PNG + struct.pack(">I", zlib.crc32(PNG[12:]))
    if kind == "gif":
        return GIF
    if kind == "tiff":
        return TIFF
    if kind == "webp":
        return b"RIFF" + struct.pack("<I", size - 8) + b"WEBPVP8 "
    if kind == "avi":
        return b"RIFF" + struct.pack("<I", size - 8) + b"AVI LIST"
    if kind == "heic":
        return _boxes(b"heic", b"mif1", size)
    if kind == "mov":
        return _boxes(b"qt  ", b"qt  ", size)
    return _boxes(b"mp42", b"isom", size)


KINDS = {".jpg": "jpeg", ".jpeg": "jpeg", ".heic": "heic", ".png": "png", ".gif": "gif", ".webp": "webp",
         ".dng": "tiff", ".tif": "tiff", ".orf": "tiff", ".avi": "avi", ".mov": "mov"}


def kind_of(ext):
    """The type a file of this extension usually has; unknown ones (`.MP~2`, none) are video."""
    return KINDS.get(ext.lower(), "mp4")


def _tables():
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = c >> 1 ^ (0xEDB88320 if c & 1 else 0)
        table.append(c)
    return table, {c >> 24: i for i, c in enumerate(table)}


CRC_TABLE, CRC_BACK = _tables()


def crc_tail(before, want):
    """Four bytes that carry CRC-32 `before` to `want`."""
    state, back, steps = before ^ 0xFFFFFFFF, want ^ 0xFFFFFFFF, []
    for _ in range(4):
        i = CRC_BACK[back >> 24]
        steps.append(i)
        back = (back ^ CRC_TABLE[i]) << 8 & 0xFFFFFFFF
    out = bytearray()
    for i in reversed(steps):
        out.append((state ^ i) & 0xFF)
        state = CRC_TABLE[i] ^ state >> 8
    return bytes(out)


class Body:
    """One content. Two Body objects are two contents, the same object in two places is a copy."""

    def __init__(self, key, size, kind, compressible=False, crc_like=None):
        self.key, self.size, self.kind = key, size, kind
        self.compressible, self.crc_like = compressible, crc_like
        self._facts = None

    def make(self):
        head = magic(self.kind, self.size)
        rng = random.Random(self.key)
        room = self.size - len(head)
        if self.compressible:
            block = rng.randbytes(97)
            data = head + rng.randbytes(16) + (block * (room // 97 + 1))[:room - 16]
        else:
            data = head + rng.randbytes(room)
        if self.crc_like is not None:
            data = data[:-4] + crc_tail(zlib.crc32(data[:-4]), zlib.crc32(self.crc_like.make()))
        if self._facts is None:
            self._facts = (hashlib.sha256(data).hexdigest(), "%08x" % zlib.crc32(data))
        return data

    @property
    def sha256(self):
        if self._facts is None:
            self.make()
        return self._facts[0]

    @property
    def crc32(self):
        if self._facts is None:
            self.make()
        return self._facts[1]
