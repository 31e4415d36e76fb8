"""A zip writer that can write what zipfile cannot: descriptors without signature, zip64 everywhere, raw names."""

import struct
import zlib
from dataclasses import dataclass

FLAG_DESCRIPTOR = 0x0008
FLAG_UTF8 = 0x0800
U16, U32 = 0xFFFF, 0xFFFFFFFF


@dataclass
class Record:
    """Where one entry lies; `central` is relative to the start of the central directory."""
    name: bytes
    method: int
    local: int
    data: int
    csize: int
    usize: int
    crc: int
    central: int = 0


class ZipWriter:
    def __init__(self, out, utf8=True, descriptors=False, zip64=False, dos_time=0x5D210000):
        self.out, self.utf8, self.descriptors, self.zip64, self.dos_time = out, utf8, descriptors, zip64, dos_time
        self.pos = 0
        self.records = []
        self._central = []
        self._central_size = 0
        self.central_start = self.end = None

    def _write(self, data):
        self.out.write(data)
        self.pos += len(data)

    def add(self, name, data, method, **lies):
        """Writes one entry. `lies` replaces fields of the central record (usize, csize, crc, offset), `flags` in both
        places; `body` gives compressed bytes as they are. A method other than 8 leaves the bytes alone."""
        raw = name if isinstance(name, bytes) else name.encode()
        crc = zlib.crc32(data)
        if "body" in lies:
            body = lies.pop("body")
        elif method == 8:
            packer = zlib.compressobj(6 if len(data) < 65536 else 1, zlib.DEFLATED, -15)
            body = packer.compress(data) + packer.flush()
        else:
            body = data
        usual = (FLAG_UTF8 if self.utf8 else 0) | (FLAG_DESCRIPTOR if self.descriptors else 0)
        flags = lies.pop("flags", usual)
        local = self.pos
        self._local(raw, method, flags, crc, len(body), len(data))
        start = self.pos
        self._write(body)
        if self.descriptors:
            self._descriptor(crc, len(body), len(data))
        record = Record(raw, method, local, start, len(body), len(data), crc, self._central_size)
        self.records.append(record)
        self._add_central(record, flags, lies)
        return record

    def _local(self, raw, method, flags, crc, csize, usize):
        extra = b""
        size_fields = (0, 0, 0) if self.descriptors else (crc, csize, usize)
        if self.zip64:
            if len(self.records) % 3 == 1:
                size_fields = (0, U32, U32)
            extra = struct.pack("<HHQQ", 1, 16, 0, 0)
        version = 45 if self.zip64 else 20
        self._write(struct.pack("<IHHHIIIIHH", 0x04034B50, version, flags, method, self.dos_time, *size_fields,
                                len(raw), len(extra)) + raw + extra)

    def _descriptor(self, crc, csize, usize):
        signature = b"PK\x07\x08" if len(self.records) % 2 == 0 else b""
        self._write(signature + struct.pack("<IQQ" if self.zip64 else "<III", crc, csize, usize))

    def _add_central(self, r, flags, lies):
        usize, csize = lies.get("usize", r.usize), lies.get("csize", r.csize)
        offset, crc = lies.get("offset", r.local), lies.get("crc", r.crc)
        extra = b""
        if self.zip64:
            extra = struct.pack("<HHQQQ", 1, 24, usize, csize, offset)
            usize = csize = offset = U32
        version = 45 if self.zip64 else 20
        record = struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 0x0300 | version, version, flags, r.method,
                             self.dos_time, crc, csize, usize, len(r.name), len(extra), 0, 0, 0, 0o100644 << 16,
                             offset) + r.name + extra
        self._central.append(record)
        self._central_size += len(record)

    def close(self):
        start, count = self.pos, len(self.records)
        self.central_start = start
        self._write(b"".join(self._central))
        size = self.pos - start
        big = self.zip64 or count >= U16 or start >= U32
        if big:
            end64 = self.pos
            self._write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 0x032D, 45, 0, 0, count, count, size, start))
            self._write(struct.pack("<IIQI", 0x07064B50, 0, end64, 1))
        self.end = self.pos
        shown = (U16, U16, U32, U32) if self.zip64 else (min(count, U16), min(count, U16), size, min(start, U32))
        self._write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *shown, 0))
