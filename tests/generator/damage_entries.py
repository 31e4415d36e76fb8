"""Damage by single entries: sizes that lie, hostile names, methods nobody knows, bombs, crowds."""

import hashlib
import io
import struct
import zlib

from damage_base import case
from zipwriter import ZipWriter

HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def lies(base):
    """The directory lies about one entry."""
    for i, form in ((0, "stored"), (1, "deflated")):
        part = base.parts[i]
        path, r = base.victim(i, skip=3, least=300)
        maybe = "?" + base.sums[path]       # length and checksum are true: the right bytes can still be had
        for name, fields, value in (
                ("usize_small", {"usize": r.usize - 10}, "bad"), ("usize_big", {"usize": r.usize + 10}, "bad"),
                ("usize_huge", {"usize": 0xFFFFFFF0}, "bad"), ("usize_zero", {"usize": 0}, "bad"),
                ("csize_small", {"csize": r.csize - 10}, maybe), ("csize_beyond", {"csize": 0x7FFFFFF0}, maybe),
                ("offset_beyond", {"offset": 0x7FFFFFF0}, "bad"),
                ("offset_central", {"offset": part.zip.central_start}, "bad")):
            def build(i=i, form=form, part=part, path=path, name=name, fields=fields, value=value):
                data = part.build(lies={path: fields})[0]
                return case("lie_%s_%s" % (form, name), "lie", "%s of %s" % (name, path),
                            base.files(**{"p%d" % (i + 1): data}), {**base.sums, path: value}, also="refuse",
                            names=[part.name])
            yield "lie_%s_%s" % (form, name), build


def overlaps(base):
    part = base.parts[0]

    def same():
        path, r = base.victim(0)
        new = base.folder + "overlap.jpg"

        def more(z):
            z.add(new, b"", 0, offset=r.local, csize=r.csize, usize=r.usize, crc=r.crc)
        return case("overlap_same", "overlap", "a second name for the bytes of %s" % path,
                    base.files(p1=part.build(more=more)[0]), {**base.sums, new: "?" + base.sums[path]}, also="refuse",
                    names=[part.name])
    yield "overlap_same", same

    def nested():
        inner, inside = base.folder + "inner.jpg", HEAD + b"inner " * 20
        outer = base.folder + "outer.jpg"
        local = struct.pack("<IHHHIIIIHH", 0x04034B50, 20, 0x0800, 0, 0x5D210000, zlib.crc32(inside), len(inside),
                            len(inside), len(inner.encode()), 0) + inner.encode() + inside
        body = HEAD + b"outer" + local + b"outer"

        def more(z):
            r = z.add(outer, body, 0)
            z.add(inner, b"", 0, offset=r.data + len(HEAD) + 5, csize=len(inside), usize=len(inside),
                  crc=zlib.crc32(inside))
        return case("overlap_nested", "overlap", "one entry lies inside the bytes of another",
                    base.files(p1=part.build(more=more)[0]),
                    {**base.sums, outer: sha(body), inner: "?" + sha(inside)}, also="refuse", names=[part.name])
    yield "overlap_nested", nested


def hostile_names(base):
    """Names no file system should meet: what they are called, the bytes, "?" where they may be left out."""
    f = base.folder
    root = base.layout.root
    return (
        ("dotdot", b"../../x.jpg", "?"), ("absolute", b"/abs/x.jpg", "?"),
        ("dotdot_inside", (f + "../../../../tmp/evil.jpg").encode(), "?"),
        ("dotdot_last", (f + "..").encode(), "?"), ("dot", (f + "./x.jpg").encode(), "?"),
        ("double_slash", (f + "/x.jpg").encode(), "?"), ("folder_with_bytes", f.encode() + b"sub/", "?"),
        ("nul", f.encode() + b"a\x00b.jpg", "?"), ("newline", f.encode() + b"a\nb.jpg", ""),
        ("control", f.encode() + b"a\x1b[2Jb\x07.jpg", ""), ("backslash", f.encode() + b"a\\b.jpg", ""),
        ("backslash_path", f.replace("/", "\\").encode() + b"w.jpg", "?"),
        ("not_utf8", f.encode() + b"caf\xe9 \xff\xfe.jpg", ""), ("surrogate", f.encode() + b"x\xed\xa0\x80y.jpg", ""),
        ("right_to_left", (f + "photo\u202egpj.exe.jpg").encode(), ""),
        ("blank", (f + " .jpg").encode(), ""), ("trailing_dot", (f + "x.jpg. .").encode(), ""),
        ("only_extension", (f + ".jpg").encode(), ""), ("device", (f + "CON.jpg").encode(), ""),
        ("bytes_300", (f + "n" * 296 + ".jpg").encode(), ""),
        ("bytes_65535", f.encode() + b"n" * (65535 - len(f.encode()) - 4) + b".jpg", "?"),
        ("deep", (root + "d/" * 2000 + "x.jpg").encode(), "?"), ("empty", b"", "?"),
        ("file_and_folder", f.encode() + b"both.jpg/x.jpg", "?"),
        ("fuse_hidden", (f + ".fuse_hidden01.jpg").encode(), ""),
    )


def names(base):
    """What lies under Takeout is a photo all the same, under a legal name."""
    for i, (name, raw, mark) in enumerate(hostile_names(base)):
        for utf8 in (True, False) if name == "not_utf8" else (True,):
            full = "name_%s%s" % (name, "" if utf8 else "_no_flag")

            def build(full=full, raw=raw, mark=mark, i=i, utf8=utf8):
                body = HEAD + b"hostile name %d" % i
                side = b'{"title": "x", "photoTakenTime": {"timestamp": "1600000000"}, "url": "u"}'

                def more(z):
                    z.utf8 = utf8
                    z.add(raw, body, 0)
                    if i % 2 and len(raw) < 65000:
                        z.add(raw + b".json", side, 8)
                    if b"both.jpg" in raw:
                        z.add(base.folder + "both.jpg", HEAD + b"both", 0)
                key = raw.decode("utf-8", "backslashreplace")
                entries = {**base.sums, key: mark + sha(body)}
                if b"both.jpg" in raw:
                    entries[base.folder + "both.jpg"] = "?" + sha(HEAD + b"both")
                return case(full, "name", "one more entry with a hostile name", base.files(
                    p1=base.parts[0].build(more=more)[0]), entries, odd_names={key: raw.hex()})
            yield full, build


def methods(base):
    """An entry that is encrypted or packed in a way nobody promised."""
    for name, method, flags in (("encrypted", 0, 0x0801), ("strong", 0, 0x0841), ("deflate64", 9, 0x0800),
                                ("bzip2", 12, 0x0800), ("lzma", 14, 0x0800), ("zstd", 93, 0x0800), ("aes", 99, 0x0801)):
        def build(name=name, method=method, flags=flags):
            path = base.folder + "odd_method.jpg"
            data = HEAD + b"packed in an odd way " * 9

            def more(z):
                z.add(path, data, method, flags=flags, body=bytes(b ^ 0x5A for b in data))
            return case("method_%s" % name, "method", "one more entry, %s" % name,
                        base.files(p1=base.parts[0].build(more=more)[0]), {**base.sums, path: "bad"}, also="refuse",
                        names=[base.parts[0].name])
        yield "method_%s" % name, build


def zeros(n):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(n >> 20)) + packer.flush()


def bombs(base):
    """Small entries that inflate to much. The limits are for the whole program, not for the entry."""
    limits = {"rss_mb": 400, "seconds": 60}
    part = base.parts[1]

    def one(name, what, path, data, kw, entries, bad=()):
        def more(z):
            z.add(path, data, 8, **kw)
        return case(name, "bomb", what, base.files(p2=part.build(more=more)[0]), {**base.sums, **entries},
                    bad_sidecars=bad, limits=limits, names=[part.name] if bad or "bad" in entries.values() else [])

    path = base.folder + "bomb.jpg"
    hundred, fifty = 100 << 20, 50 << 20
    yield "bomb_lying", lambda: one(
        "bomb_lying", "inflates to 100 MiB, says 1 KiB, with the checksum of the whole", path, bytes(1024),
        {"body": zeros(hundred), "crc": zlib.crc32(bytes(hundred))}, {path: "bad"})
    yield "bomb_lying_well", lambda: one(
        "bomb_lying_well", "inflates to 100 MiB, says 1 KiB, with the checksum of the first 1 KiB", path, bytes(1024),
        {"body": zeros(hundred)}, {path: "?" + sha(bytes(1024))})
    yield "bomb_honest", lambda: one(
        "bomb_honest", "50 MiB of zeros that say so", path, bytes(fifty), {"body": zeros(fifty)},
        {path: sha(bytes(fifty))})
    yield "bomb_sidecar", lambda: one(
        "bomb_sidecar", "a sidecar that inflates to 100 MiB and says 1 KiB", path + ".json", bytes(1024),
        {"body": zeros(hundred), "crc": zlib.crc32(bytes(hundred))}, {}, [path + ".json"])
    yield "bomb_sidecar_honest", lambda: one(
        "bomb_sidecar_honest", "a sidecar of 50 MiB of zeros that says so", path + ".json", bytes(fifty),
        {"body": zeros(fifty)}, {}, [path + ".json"])


def crowds(base):
    """A hundred thousand entries of one name."""
    count = 100000
    path = base.folder + "IMG_0001.jpg"
    limits = {"rss_mb": 600, "seconds": 120}

    def crowd(name, what, bodies, distinct):
        out = io.BytesIO()
        z = ZipWriter(out)
        seen = {}
        z.add(path + ".supplemental-metadata.json",
              b'{"title": "IMG_0001.jpg", "photoTakenTime": {"timestamp": "1600000000"}, "url": "u"}', 8)
        for body in bodies:
            z.add(path, body, 0)
            seen[sha(body)] = None
        z.close()
        assert len(seen) == distinct
        return case(name, "crowd", what, {base.parts[0].name: out.getvalue()}, {}, distinct=distinct, limits=limits,
                    truth_lines=list(seen))
    yield "crowd_distinct", lambda: crowd("crowd_distinct", "one name, all contents distinct",
                                          (HEAD + b"%06d" % i for i in range(count)), count)
    yield "crowd_equal", lambda: crowd("crowd_equal", "one name, all contents equal",
                                       (HEAD + b"equal" for _ in range(count)), 1)


CASES = [lies, overlaps, names, methods, bombs, crowds]
