"""Damage to whole archives: cut, flipped, missing, foreign, not archives at all."""

import struct

from damage_base import Base, Part, case, flip


def cuts(base):
    """One part cut short at twenty places. What is gone is unknown, so the export is refused and the part named."""
    p2, p3 = base.parts[1], base.parts[2]
    first, middle = p2.zip.records[0], p2.zip.records[len(p2.zip.records) // 2]
    last, z2 = p2.zip.records[-1], p2.zip
    step = (z2.end - z2.central_start) // 4
    places = [(p2, "nothing_left", 0), (p2, "in_first_signature", 3), (p2, "in_first_header", first.local + 15),
              (p2, "in_first_name", first.local + 31), (p2, "before_header", middle.local),
              (p2, "in_header", middle.local + 20), (p2, "before_data", middle.data),
              (p2, "in_data", middle.data + middle.csize // 2), (p2, "after_data", middle.data + middle.csize),
              (p2, "in_last_data", last.data + last.csize - 1), (p2, "before_central", z2.central_start),
              (p2, "in_first_central", z2.central_start + 30), (p2, "in_central_a", z2.central_start + step),
              (p2, "in_central_b", z2.central_start + 3 * step), (p2, "before_end", z2.end),
              (p2, "in_end", z2.end + 10), (p2, "one_byte", len(p2.bytes) - 1)]
    r3 = p3.zip.records[3]
    places += [(p3, "in_descriptor", r3.data + r3.csize + 5), (p3, "in_end64", p3.zip.end - 50),
               (p3, "in_locator", p3.zip.end - 9)]
    for i, (part, name, at) in enumerate(places):
        def build(part=part, name=name, at=at, i=i):
            number = base.parts.index(part) + 1
            return case("cut_%02d_%s" % (i + 1, name), "cut", "%s cut after %d of %d bytes" % (
                part.name, at, len(part.bytes)), base.files(**{"p%d" % number: part.bytes[:at]}), dict(base.sums),
                expect="refuse", names=[part.name])
        yield "cut_%02d_%s" % (i + 1, name), build


def data_flips(base):
    """One bit of an entry's own bytes."""
    for i, form in ((0, "stored"), (1, "deflated"), (2, "descriptor")):
        for where in ("first", "middle", "last"):
            def build(i=i, form=form, where=where):
                path, r = base.victim(i, skip=("first", "middle", "last").index(where))
                at = {"first": r.data, "middle": r.data + r.csize // 2, "last": r.data + r.csize - 1}[where]
                if r.method == 8 and where == "first":
                    at += 6         # the first bits of a deflate stream may be padding: nothing would change
                part = base.parts[i]
                data = flip(part.bytes, at, 0x01)       # bit 0: of the last byte it alone is surely in use
                return case("flip_%s_%s" % (form, where), "flip_data", "bit of %s" % path,
                            base.files(**{"p%d" % (i + 1): data}), {**base.sums, path: "bad"},
                            names=[part.name])
            yield "flip_%s_%s" % (form, where), build
    for i in (0, 2):
        def build(i=i):
            path, r = base.victim(i, "sidecar")
            return case("flip_sidecar_%d" % (i + 1), "flip_sidecar", "bit of %s" % path, base.files(
                **{"p%d" % (i + 1): flip(base.parts[i].bytes, r.data + r.csize // 2)}), dict(base.sums),
                bad_sidecars=[path], names=[base.parts[i].name])
        yield "flip_sidecar_%d" % (i + 1), build


# Field, offset in the central record, bit, what becomes of the entry (stored, deflated), the other thing that is right.
# Where length and checksum still agree, a reader that serves the right bytes all the same does no wrong.
CENTRAL = (("offset", 42, 0x10, "bad", "bad", "refuse"), ("offset_far", 45, 0x40, "bad", "bad", "refuse"),
           ("usize", 24, 0x01, "bad", "bad", "refuse"), ("csize", 20, 0x02, "?", "?", "refuse"),
           ("crc", 16, 0x10, "bad", "bad", "refuse"), ("method", 10, 0x08, "bad", "bad", "refuse"),
           ("method_unknown", 10, 0x40, "?", "bad", "refuse"), ("flags_encrypted", 8, 0x01, "?", "?", "refuse"))


def central_flips(base):
    """One bit of one field of a central record. The entry is damaged, or the directory is refused as a whole."""
    for i, form in ((0, "stored"), (1, "deflated")):
        part = base.parts[i]
        for field, offset, mask, stored, deflated, also in CENTRAL:
            def build(i=i, form=form, part=part, field=field, offset=offset, mask=mask, also=also,
                      value=(stored, deflated)[i]):
                path, r = base.victim(i, skip=offset)
                data = flip(part.bytes, part.zip.central_start + r.central + offset, mask)
                value = "?" + base.sums[path] if value == "?" else value
                return case("central_%s_%s" % (form, field), "flip_central", "%s of %s" % (field, path),
                            base.files(**{"p%d" % (i + 1): data}), {**base.sums, path: value}, also=also,
                            names=[part.name])
            yield "central_%s_%s" % (form, field), build

    def name():
        path, r = base.victim(0)
        part = base.parts[0]
        at = part.zip.central_start + r.central + 46 + len(path[:path.rindex("/")].encode()) + 1
        data = flip(part.bytes, at, 0x01)
        new = (path.encode()[:at - part.zip.central_start - r.central - 46] +
               bytes([data[at]]) + path.encode()[at - part.zip.central_start - r.central - 45:]).decode()
        return case("central_name", "flip_central", "first letter of %s" % path, base.files(p1=data),
                    {**base.sums, path: "gone", new: "?" + base.sums[path]}, also="refuse", names=[part.name])
    yield "central_name", name

    for field, offset, mask in (("signature", 1, 0x10), ("name_length", 28, 0x01), ("extra_length", 30, 0x01)):
        def whole(field=field, offset=offset, mask=mask):
            part = base.parts[0]
            _, r = base.victim(0)
            data = flip(part.bytes, part.zip.central_start + r.central + offset, mask)
            return case("central_%s" % field, "flip_central", "%s of one central record: the rest cannot be parsed" %
                        field, base.files(p1=data), dict(base.sums), expect="refuse", names=[part.name])
        yield "central_%s" % field, whole


def local_flips(base):
    """Local headers say little that the directory does not; their lengths are needed to find the data."""
    for field, offset, mask in (("signature", 1, 0x10), ("name_length", 26, 0x01), ("extra_length", 28, 0x01),
                                ("usize", 22, 0x01), ("crc", 14, 0x01), ("name", 30, 0x01)):
        def build(field=field, offset=offset, mask=mask):
            path, r = base.victim(0)
            return case("local_%s" % field, "flip_local", "%s in the local header of %s" % (field, path),
                        base.files(p1=flip(base.parts[0].bytes, r.local + offset, mask)),
                        {**base.sums, path: "?" + base.sums[path]}, also="refuse", names=[base.parts[0].name])
        yield "local_%s" % field, build


def end_flips(base):
    """One bit of the end record. A reader that still finds the whole directory may go on."""
    for field, offset, mask, also in (("signature", 1, 0x10, None), ("disk", 4, 0x01, "mount"),
                                      ("count", 10, 0x02, "mount"), ("size", 12, 0x04, "mount"),
                                      ("offset", 16, 0x10, "mount"), ("comment_length", 20, 0x01, "mount")):
        def build(field=field, offset=offset, mask=mask, also=also):
            part = base.parts[1]
            return case("end_%s" % field, "flip_end", "%s of the end record" % field, base.files(
                p2=flip(part.bytes, part.zip.end + offset, mask)), dict(base.sums), expect="refuse", also=also,
                names=[part.name])
        yield "end_%s" % field, build
    for field, back, mask in (("locator_offset", 12, 0x01), ("end64_signature", 76, 0x10),
                              ("end64_count", 76 - 32, 0x01), ("end64_offset", 76 - 48, 0x10)):
        def build64(field=field, back=back, mask=mask):
            part = base.parts[2]
            return case("end_%s" % field, "flip_end", "%s, zip64" % field, base.files(
                p3=flip(part.bytes, part.zip.end - back, mask)), dict(base.sums), expect="refuse", also="mount",
                names=[part.name])
        yield "end_%s" % field, build64


def trailing(base):
    """Bytes after the end record, a comment, a comment that looks like an end record."""
    def with_comment(comment):
        part = base.parts[0]
        return part.bytes[:-2] + struct.pack("<H", len(comment)) + comment

    for name, comment in (("comment", b"downloaded by hand"), ("comment_signature", b"PK\x05\x06" + bytes(30))):
        def build(name=name, comment=comment):
            return case("end_%s" % name, "comment", "the archive has a comment", base.files(p1=with_comment(comment)),
                        dict(base.sums), also="refuse" if b"PK" in comment else None, names=[base.parts[0].name])
        yield "end_%s" % name, build

    def garbage():
        return case("end_garbage", "trailing", "100 zero bytes behind the end record",
                    base.files(p1=base.parts[0].bytes + bytes(100)), dict(base.sums), also="refuse",
                    names=[base.parts[0].name])
    yield "end_garbage", garbage


def missing(base):
    for i, name in ((0, "first"), (1, "middle")):
        def build(i=i, name=name):
            entries = {**base.sums, **{p: "gone" for p in base.media_of(i)}}
            return case("missing_%s" % name, "missing", "%s is not there" % base.parts[i].name, base.files(
                **{"p%d" % (i + 1): None}), entries, expect="refuse", names=[base.parts[i].name])
        yield "missing_%s" % name, build

    def last():
        return case("missing_last", "missing", "the last part is not there, which nothing can tell",
                    base.files(p3=None), {**base.sums, **{p: "gone" for p in base.media_of(2)}})
    yield "missing_last", last

    def twice():
        files = base.files()
        files[base.parts[0].name.replace(".zip", " (1).zip")] = base.parts[0].bytes
        return case("part_twice", "twice", "the browser's second download of one part", files, dict(base.sums))
    yield "part_twice", twice

    def partial():
        files = base.files()
        files["takeout-%s-1-004.zip.crdownload" % base.stamp] = base.parts[0].bytes[:5000]
        files["notes.txt"] = b"remember to download part 4\n"
        return case("unfinished_download", "foreign", "an unfinished download and a text file lie beside the parts",
                    files, dict(base.sums), also="refuse", names=["takeout-%s-1-004.zip.crdownload" % base.stamp])
    yield "unfinished_download", partial


def foreign(base):
    """Parts of another export in the same folder."""
    stamp = "20250101T000000Z"

    def build(name, keep, entries_of, names, also):
        other = Base("other", stamp, photos=20)
        files = base.files()
        files.update({p.name: p.bytes for i, p in enumerate(other.parts) if i in keep})
        entries = dict(base.sums)
        entries.update({p: other.sums[p] if entries_of else "?" + other.sums[p] for i in keep
                        for p in other.media_of(i)})
        return case(name, "foreign", "parts %s of another export" % [i + 1 for i in keep], files, entries, also=also,
                    names=["takeout-%s-1-%03d.zip" % (stamp, n) for n in names])
    yield "foreign_whole", lambda: build("foreign_whole", (0, 1, 2), True, (), None)
    yield "foreign_first", lambda: build("foreign_first", (0,), True, (), None)
    yield "foreign_middle", lambda: build("foreign_middle", (1,), False, (1,), "refuse")


def not_archives(base):
    empty = b"PK\x05\x06" + bytes(18)
    name = base.parts[1].name
    gone = {**base.sums, **{p: "gone" for p in base.media_of(1)}}
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>" + b"x" * 4000 + b"</body></html>"
    stray = Part("holiday.zip", "stored", [])
    plain = stray.build(more=lambda z: (z.add("Holiday/IMG_1.jpg", b"\xff\xd8\xff\xe0 not from Takeout", 0),
                                        z.add("readme.txt", b"hello", 8)))[0]
    for case_name, what, files, entries, expect, also, names in (
            ("empty_zip_alone", "an archive without entries and nothing else", {name: empty}, {}, "refuse", None,
             [name]),
            ("empty_zip_as_part", "the second part has no entries", base.files(p2=empty), gone, "refuse", "mount",
             [name]),
            ("no_takeout_alone", "an archive without any Takeout folder", {"holiday.zip": plain}, {}, "refuse", None,
             ["holiday.zip"]),
            ("no_takeout_as_part", "the second part holds no Takeout folder", base.files(p2=plain), gone, "refuse",
             "mount", [name]),
            ("no_takeout_beside", "an unrelated archive lies beside the parts", {**base.files(), "holiday.zip": plain},
             dict(base.sums), "mount", None, []),
            ("page_as_part", "the second part is a sign-in page", base.files(p2=page), gone, "refuse", None, [name]),
            ("page_alone", "a sign-in page and nothing else", {name: page}, {}, "refuse", None, [name]),
            ("noise_as_part", "the second part is noise", base.files(p2=bytes(range(256)) * 40), gone, "refuse", None,
             [name]),
            ("empty_folder", "an export folder without any file", {}, {}, "refuse", None, [])):
        def build(case_name=case_name, what=what, files=files, entries=entries, expect=expect, also=also, names=names):
            kind = "not_zip" if case_name.startswith(("page", "noise")) else "empty"
            return case(case_name, kind, what, files, entries, expect, also, names)
        yield case_name, build


CASES = [cuts, data_flips, central_flips, local_flips, end_flips, trailing, missing, foreign, not_archives]
