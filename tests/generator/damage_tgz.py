"""Damage to tgz parts. The second of three parts is a tgz; it is right as a whole, or refused by its name."""

import io
import struct
import zlib

import tgzwriter
from damage_base import case, flip
from damage_entries import HEAD, hostile_names, sha
from tgzwriter import BLOCK, TarWriter, header, member, padded, pax_record


class Tgz:
    """The second part of the base export as a tar, and as a tgz whose bytes lie open (level 0)."""

    def __init__(self, base, style="java"):
        self.base = base
        self.name = base.parts[1].name.replace(".zip", ".tgz")
        self.entries = [(e.path, e.data(), e.mtime) for e in base.parts[1].entries]
        self.tar, writer = tgzwriter.tar(self.entries, style)
        self.records = {r.name.decode(): r for r in writer.records}
        self.media = [e.path for e in base.parts[1].entries if e.kind == "media"]
        self.sidecars = [e.path for e in base.parts[1].entries if e.kind == "sidecar"]
        self.end = writer.records[-1].data + len(padded(bytes(writer.records[-1].size)))

    def files(self, data, name=None, **more):
        files = self.base.files(p2=None, **more)
        files[name or self.name] = data
        return files

    def sound(self, name, what, data, entries=None, **more):
        return name, lambda: case(name, "tgz", what, self.files(data), {**self.base.sums, **(entries or {})}, **more)

    def refused(self, name, what, data, **more):
        return name, lambda: case(name, "tgz_damaged", what, self.files(data), dict(self.base.sums),
                                  expect="refuse", names=[self.name], **more)

    def more(self, add, style="java"):
        """The part with more entries at its end."""
        writer = TarWriter(style)
        for path, data, mtime in self.entries:
            writer.add(path, data, mtime)
        add(writer)
        return writer.close()


def sound(base):
    """Nothing is wrong with these."""
    for style in tgzwriter.STYLES:
        t = Tgz(base, style)
        yield t.sound("tgz_sound_%s" % style, "as %s writes it" % style, tgzwriter.gzip(t.tar, style))
    t = Tgz(base)
    yield t.sound("tgz_stored", "gzip that does not pack", member(t.tar, level=0))
    tiny = b"".join(member(t.tar[at:at + 777]) for at in range(0, len(t.tar), 777))
    yield t.sound("tgz_tiny_members", "members of 777 bytes, cut anywhere", member(b"") + tiny + member(b"") * 3)
    yield t.sound("tgz_full_header", "a header with all that it may hold", member(
        t.tar, name=b"\xff\xfe odd.tar", extra=bytes(range(256)) * 200, comment=b"c" * 100000, system=0))
    yield t.sound("tgz_one_end_block", "one block of zeros as the end", member(t.tar[:t.end] + bytes(BLOCK)))
    files = base.files(p2=None)
    renamed = dict(files, **{base.parts[1].name: tgzwriter.gzip(t.tar, "java")})
    yield "tgz_called_zip", lambda: case("tgz_called_zip", "tgz", "a tgz that is called zip", renamed, dict(base.sums))
    yield "zip_called_tgz", lambda: case("zip_called_tgz", "tgz", "a zip that is called tgz",
                                         t.files(base.parts[1].bytes), dict(base.sums))
    twice = t.files(tgzwriter.gzip(t.tar, "java")[:5000])
    twice[t.name.replace(".tgz", " (1).tgz")] = tgzwriter.gzip(t.tar, "java")
    yield "tgz_twice", lambda: case("tgz_twice", "tgz", "a cut tgz, and the whole one beside it", twice,
                                    dict(base.sums))

    def links(w):
        w.add(base.folder + "link.jpg", b"", kind=b"1", linkname=b"/etc/passwd")
        w.add(base.folder + "soft.jpg", b"", kind=b"2", linkname=b"../../../../etc/passwd")
        w.add(base.folder + "pipe.jpg", b"", kind=b"6")
        w.add(base.folder + "device.jpg", b"", kind=b"3")
    yield t.sound("tgz_links", "links, a pipe and a device, with names of photos", member(t.more(links), level=1))


def cuts(base):
    t = Tgz(base)
    data = member(t.tar, level=1, name=b"takeout.tar")
    two = member(t.tar[:40000], level=1)
    places = [("nothing_left", data[:0]), ("in_magic", data[:2]), ("in_header", data[:9]), ("in_name", data[:15]),
              ("after_header", data[:22]), ("quarter", data[:len(data) // 4]), ("half", data[:len(data) // 2]),
              ("three_quarters", data[:len(data) * 3 // 4]), ("before_trailer", data[:-8]), ("in_trailer", data[:-4]),
              ("one_byte", data[:-1]), ("between_members", two)]
    for name, cut in places:
        yield t.refused("tgz_cut_%s" % name, "cut after %d of %d bytes" % (len(cut), len(data)), cut)


def tars(base):
    """Gzip is whole, what is in it is not."""
    t = Tgz(base)
    r = t.records[t.media[len(t.media) // 2]]
    last = t.records[t.media[-1]]
    huge = b"\x80" + bytes(3) + struct.pack(">Q", 1 << 62)
    for name, tar in (
            ("no_end", t.tar[:t.end]), ("cut_between", t.tar[:r.first]), ("cut_in_header", t.tar[:r.header + 100]),
            ("cut_in_data", t.tar[:r.data + r.size // 2]), ("header_checksum", flip(t.tar, r.header + 149)),
            ("header_name", flip(t.tar, r.header + 10)), ("size_more", resized(t.tar, r, b"%011o\0" % (r.size + 2000))),
            ("size_beyond", resized(t.tar, last, b"77777777777\0")), ("size_huge", resized(t.tar, r, huge)),
            ("size_negative", resized(t.tar, r, b"\xff" * 12)), ("size_no_number", resized(t.tar, r, b"twelve bytes")),
            ("no_tar", b"This is no tar. " * 1000), ("only_zeros", bytes(10240)), ("nothing", b"")):
        yield t.refused("tgz_tar_%s" % name, "the tar: %s" % name, member(tar, level=1))
    yield t.refused("tgz_behind_end", "more entries behind the end", member(t.tar + t.tar, level=1))
    yield t.refused("tgz_in_a_tar", "a tar without gzip", t.tar)


def resized(tar, record, field):
    head = bytearray(tar[record.header:record.header + BLOCK])
    head[124:136] = field
    return tar[:record.header] + tgzwriter.checked(head) + tar[record.header + BLOCK:]


def flips(base):
    t = Tgz(base)
    data = member(t.tar, level=0, name=b"takeout.tar", extra=b"extra")
    medium, sidecar = t.records[t.media[3]], t.records[t.sidecars[3]]

    def at(record, offset):
        lying = t.tar[record.data:record.data + min(record.size, 60)]
        return data.index(lying) + offset
    places = [("magic", 0, 1), ("method", 2, 1), ("reserved_flag", 3, 0x80), ("media", at(medium, 30), 1),
              ("sidecar", at(sidecar, 20), 1), ("tar_header", at(medium, -400), 1), ("crc", len(data) - 8, 1),
              ("isize", len(data) - 3, 1)]
    for name, place, mask in places:
        yield t.refused("tgz_flip_%s" % name, "one bit of the %s" % name, flip(data, place, mask))
    packed = member(t.tar, level=6)
    for where in (3, 5, 7):
        yield t.refused("tgz_flip_deflated_%d" % where, "one bit of what is deflated",
                        flip(packed, len(packed) * where // 10, 4))
    for name, place in (("time", 5), ("name", data.index(b"takeout.tar") + 3), ("extra", 12)):
        yield t.sound("tgz_flip_%s" % name, "one bit of the header's %s, which means nothing" % name,
                      flip(data, place, 1))
    for name, more in (("zeros", bytes(100)), ("text", b"<html>rest of a page</html>"), ("magic", b"\x1f\x8b\x08")):
        yield t.refused("tgz_trailing_%s" % name, "%s behind the end" % name, data + more)
    yield t.refused("tgz_page", "a sign-in page", b"<!DOCTYPE html><html>" + b"x" * 4000)


def names(base):
    for style in ("gnu", "java"):
        def build(style=style):
            t, entries = Tgz(base), dict(base.sums)
            bodies = [HEAD + b"hostile name %d" % i for i in range(99)]

            def more(w):
                for (_, raw, mark), body in zip(hostile_names(base), bodies):
                    if style == "gnu" and b"\0" in raw:
                        continue        # a name of GNU's ends there
                    w.add(raw, body, 1600000000)
                    entries[raw.decode("utf-8", "backslashreplace")] = mark + sha(body)
                w.add(base.folder + "both.jpg", HEAD + b"both", 1600000000)
            entries[base.folder + "both.jpg"] = "?" + sha(HEAD + b"both")
            data = member(t.more(more, style), level=1)
            return case("tgz_names_%s" % style, "name", "entries with every hostile name", t.files(data), entries)
        yield "tgz_names_%s" % style, build


def bombs(base):
    """Small files that inflate to much."""
    limits = {"rss_mb": 400, "seconds": 60}
    t = Tgz(base)
    many = 300 << 20

    def bomb(before, after, zeros=many):
        """Gzip of `before`, zeros, and `after`, without holding them."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        out, crc = io.BytesIO(), zlib.crc32(before)
        out.write(b"\x1f\x8b\x08" + bytes(7) + packer.compress(before))
        for _ in range(zeros >> 20):
            out.write(packer.compress(bytes(1 << 20)))
            crc = zlib.crc32(bytes(1 << 20), crc)
        out.write(packer.compress(after) + packer.flush())
        crc = zlib.crc32(after, crc)
        out.write(struct.pack("<II", crc, (len(before) + zeros + len(after)) & 0xFFFFFFFF))
        return out.getvalue()

    whole, end = t.tar[:t.end], t.tar[t.end:]
    photo, json = (base.folder + n for n in ("bomb.jpg", "bomb.jpg.json"))
    zeros = bytes(64 << 20)
    yield t.sound("tgz_bomb_media", "64 MiB of zeros that say so",
                  bomb(whole + header(photo.encode(), len(zeros)), end, len(zeros)), {photo: sha(zeros)}, limits=limits)
    yield t.sound("tgz_bomb_sidecar", "a sidecar of 300 MiB of zeros", bomb(whole + header(json.encode(), many), end),
                  bad_sidecars=[json], limits=limits)
    yield t.refused("tgz_fill_bomb", "300 MiB of zeros behind the end", bomb(whole, end), limits=limits)
    yield t.refused("tgz_long_name_bomb", "a GNU name of 300 MiB",
                    bomb(whole + header(b"././@LongLink", many, b"L", gnu=True), end), limits=limits)
    yield t.refused("tgz_pax_bomb", "a pax header of 300 MiB", bomb(whole + header(b"pax", many, b"x"), end),
                    limits=limits)
    record = pax_record(b"path", b"a" * 3000)
    chain = b"".join(header(b"pax", len(record), b"x") + padded(record) for _ in range(5000))
    yield t.sound("tgz_pax_chain", "5,000 pax headers before one entry",
                  member(whole + chain + header(b"x", 0) + end, level=1), {"a" * 3000: "?" + sha(b"")}, limits=limits)
    empty = member(b"") * 200000
    yield t.sound("tgz_empty_members", "200,000 members without anything", member(t.tar, level=1) + empty,
                  limits=limits)


CASES = [sound, cuts, tars, flips, names, bombs]
