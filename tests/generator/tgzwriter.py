"""A tgz writer with the freedoms of both formats: pax or GNU names, members cut anywhere, headers with everything."""

import struct
import zlib
from dataclasses import dataclass

BLOCK = 512


@dataclass
class Record:
    """Where one entry lies in the tar: its first header (a long name's, if it has one), its own, its data."""
    name: bytes
    first: int
    header: int
    data: int
    size: int


def checked(header):
    header = bytearray(header)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def header(name, size, kind=b"0", mtime=0, prefix=b"", gnu=False, linkname=b""):
    out = bytearray(BLOCK)
    out[0:len(name)] = name
    out[100:124] = b"0000644\0" + b"0000000\0" * 2
    out[124:136] = b"%011o\0" % size
    out[136:148] = b"%011o\0" % max(mtime, 0)
    out[156:157] = kind
    out[157:157 + len(linkname)] = linkname
    out[257:265] = b"ustar  \0" if gnu else b"ustar\00000"
    out[345:345 + len(prefix)] = prefix
    return checked(out)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) + rest != length:
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


class TarWriter:
    """`style` is "gnu", "pax" (a pax header for every name that needs one) or "java" (one for every entry)."""

    def __init__(self, style):
        self.style, self.parts, self.pos, self.records = style, [], 0, []

    def write(self, data):
        self.parts.append(data)
        self.pos += len(data)

    def add(self, name, data, mtime=0, kind=b"0", size=None, **more):
        """Writes one entry; `size` is what the header says where that is a lie."""
        raw = name if isinstance(name, bytes) else name.encode()
        first, short, prefix = self.pos, raw, b""
        plain = len(raw) <= 100 and raw.isascii()
        if self.style == "gnu":
            if len(raw) > 100:
                self.write(header(b"././@LongLink", len(raw) + 1, b"L", gnu=True) + padded(raw + b"\0"))
                short = raw[:100]
        else:
            cut = raw.rfind(b"/", 0, 156) if raw.isascii() else -1
            if self.style == "pax" and plain:
                pass
            elif self.style == "pax" and 0 < cut and len(raw) - cut - 1 <= 100:
                prefix, short = raw[:cut], raw[cut + 1:]
            else:
                records = pax_record(b"mtime", b"%d.5" % mtime) + pax_record(b"path", raw)
                self.write(header(b"./PaxHeaders.X/entry", len(records), b"x") + padded(records))
                short = raw[:100]
        at = self.pos
        self.write(header(short, len(data) if size is None else size, kind, mtime, prefix, self.style == "gnu", **more))
        self.records.append(Record(raw, first, at, self.pos, len(data)))
        self.write(padded(data))

    def close(self, fill=True):
        self.write(bytes(2 * BLOCK))
        if fill:
            self.write(bytes(-self.pos % 10240))
        return b"".join(self.parts)


def member(data, level=6, name=b"", extra=b"", comment=b"", system=3, mtime=0):
    """One gzip member. System 0 is FAT, as Google's were seen to say."""
    flags = (4 if extra else 0) | (8 if name else 0) | (16 if comment else 0)
    out = struct.pack("<2sBBIBB", b"\x1f\x8b", 8, flags, mtime & 0xFFFFFFFF, 0, system)
    if extra:
        out += struct.pack("<H", len(extra)) + extra
    out += (name + b"\0" if name else b"") + (comment + b"\0" if comment else b"")
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return out + packer.compress(data) + packer.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


# What the parts of one export are written as, in turn: one member as Google writes it, members cut anywhere, plain gzip.
STYLES = ("java", "gnu", "pax")


def tar(entries, style):
    """`entries` are `(path, bytes, mtime)`."""
    writer = TarWriter(style)
    done = set()
    for path, data, mtime in entries:
        folder = path.rpartition("/")[0]
        if style == "gnu" and folder not in done:
            done.add(folder)
            writer.add(folder + "/", b"", mtime, b"5")
        writer.add(path, data, mtime)
    return writer.close(), writer


def gzip(data, style):
    if style == "java":
        return member(data, level=1, system=0)
    if style == "gnu":
        size = max(len(data) // 5 + 77, 1000)
        return b"".join(member(data[at:at + size], level=1, extra=b"GP\x04\0part", comment=b"cut")
                        for at in range(0, len(data), size))
    return member(data, level=4, name=b"takeout.tar", mtime=1788220800)
