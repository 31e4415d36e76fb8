#!/usr/bin/env python3
"""Makes an export of the date table `tests/data/dates.tsv`, or works out what the table expects.

    dates.py --out DIR     DIR/export in three forms (stored zip, deflated zip, folder), DIR/cases.json
    dates.py --check       compares the last four columns of the table with Python's time zones
    dates.py --fill        writes them

In the table a person says for each photo what there is, and which time counts (`when`, with Z; without, it is local in
the configured zone). Months and seconds follow from that by `zoneinfo`, never by the program. Media are made by hand:
as little of each format as has a time in it.
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import struct
import sys
import zipfile
import zlib
import zoneinfo

import naming

TABLE = pathlib.Path(__file__).resolve().parent.parent / "data/dates.tsv"
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
STAMP = "20260901T000000Z"
NOT_DATED = 1000000000
TAGS = {"DateTime": 0x0132, "DateTimeOriginal": 0x9003, "DateTimeDigitized": 0x9004, "OffsetTime": 0x9010,
        "OffsetTimeOriginal": 0x9011}


def rows():
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    header = lines[0].split("\t")
    for line in lines[1:]:
        values = line.split("\t")
        if len(values) != len(header):
            sys.exit("dates: %d columns instead of %d in %r" % (len(values), len(header), line))
        yield dict(zip(header, values))


# What is expected ---------------------------------------------------------------------------------------------------

def moment(text, zone):
    """A time in the table: of a zone where it has no Z."""
    if text.endswith("Z"):
        return datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def seconds(time):
    return (time - EPOCH) // datetime.timedelta(seconds=1)


def expected(row, zone_name):
    zone = zoneinfo.ZoneInfo(zone_name)
    if not row["when"]:
        return "undated", str(NOT_DATED)
    time = moment(row["when"], zone)
    local = time.astimezone(zoneinfo.ZoneInfo(row["place"]) if row["place"] else zone)
    return "%04d/%04d-%02d" % (local.year, local.year, local.month), str(seconds(time))


ZONES = ("Pacific/Auckland", "America/New_York")


def columns(row):
    return [value for zone in ZONES for value in expected(row, zone)]


def check():
    wrong = [row["case"] for row in rows()
             if columns(row) != [row[z + what] for z in ("auckland", "new_york") for what in (" folder", " mtime")]]
    print("dates: %d cases, %s" % (len(list(rows())), "wrong: " + ", ".join(wrong) if wrong else "all as zoneinfo says"))
    return 1 if wrong else 0


def fill():
    out, header = [], None
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            out.append(line)
        elif header is None:
            header = line.split("\t")
            out.append(line)
        else:
            values = line.split("\t")
            given = values[:len(header) - 4]
            given += [""] * (len(header) - 4 - len(given))
            out.append("\t".join(given + columns(dict(zip(header, given)))))
    TABLE.write_text("\n".join(out) + "\n", encoding="utf-8")


# Media --------------------------------------------------------------------------------------------------------------

def tiff(texts, order="<", tail=b""):
    """A TIFF with DateTime in its first directory and the rest in the EXIF directory."""
    first = {k: v for k, v in texts.items() if k == "DateTime"}
    exif = {k: v for k, v in texts.items() if k != "DateTime"}
    at_exif = 8 + 2 + 12 * (len(first) + 1) + 4
    at_text = at_exif + 2 + 12 * len(exif) + 4
    body = b""

    def directory(entries, pointer):
        nonlocal body
        out = struct.pack(order + "H", len(entries) + bool(pointer))
        for key, text in sorted(entries.items(), key=lambda pair: TAGS[pair[0]]):
            data = text.encode() + b"\0"
            out += struct.pack(order + "HHII", TAGS[key], 2, len(data), at_text + len(body))
            body += data
        if pointer:
            out += struct.pack(order + "HHII", 0x8769, 4, 1, pointer)
        return out + b"\0\0\0\0"

    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    directories = directory(first, at_exif) + directory(exif, 0)
    return head + directories + body + tail


def jpeg(block, tail):
    segment = b"Exif\0\0" + block
    exif = b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment if block else b""
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + exif + b"\xff\xda\0\2" + tail + b"\xff\xd9"


def png(block, tail):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + chunk(b"IDAT", tail)
    return out + (chunk(b"eXIf", block) if block else b"") + chunk(b"IEND", b"")


def webp(block, tail):
    tail += b"\0" * (len(tail) % 2)
    chunks = b"WEBPVP8 " + struct.pack("<I", len(tail)) + tail + b"EXIF" + struct.pack("<I", len(block)) + block
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def heif(brand, block, tail):
    """The EXIF item stands at the end of the file, as some encoders put it."""
    item = b"\0\0\0\0" + block
    ftyp = box(b"ftyp", brand, b"\0\0\0\0", b"mif1", brand)
    info = box(b"iinf", b"\0\0\0\0\0\1", box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0"))
    data = box(b"mdat", tail)

    def meta(at):
        location = struct.pack(">IBBHHHHII", 0, 0x44, 0, 1, 1, 0, 1, at, len(item))
        return box(b"meta", b"\0\0\0\0", info, box(b"iloc", location))
    return ftyp + meta(len(ftyp) + len(meta(0)) + len(data)) + data + item


def movie(version, when, tail):
    """The header stands behind the frames."""
    since_1904 = int(when) if when.isdigit() else seconds(moment(when, UTC)) + 2082844800
    times = struct.pack(">QQ" if version else ">II", since_1904, since_1904)
    header = box(b"mvhd", bytes([version, 0, 0, 0]), times, struct.pack(">I", 600), b"\0" * 88)
    return box(b"ftyp", b"mp42\0\0\0\0mp42isom") + box(b"mdat", tail) + box(b"moov", header)


def media(row):
    """The bytes of a case: no two are alike, and all look like noise behind the part with the time."""
    tail = hashlib.sha512(row["case"].encode()).digest() * 40
    words = row["embedded"].split(";") if row["embedded"] else ["none"]
    kind, fields = words[0], dict(word.split("=", 1) for word in words[1:])
    when = fields.pop("when", "")
    if kind == "none":
        return b"\xff\xd8\xff\xda\0\2" + tail + b"\xff\xd9"
    if kind in ("mp4", "mov64"):
        return movie(1 if kind == "mov64" else 0, when, tail)
    if kind == "tiff":
        return tiff(fields, ">", tail)
    if kind == "dng":
        return tiff(fields, "<", tail)
    block = tiff(fields)
    if kind == "cut":
        return jpeg(block, tail)[:60]
    if kind in ("heic", "avif"):
        return heif(kind.encode(), block, tail)
    return {"jpeg": jpeg, "png": png, "webp": webp}[kind](block, tail)


# The export ---------------------------------------------------------------------------------------------------------

def sidecar(row):
    """The text beside a photo; none where the table has no word about one."""
    taken = row["taken"]
    if not taken:
        return None
    out = {"title": row["title"], "description": "", "url": "https://example.com/" + row["case"]}
    if taken != "-":
        number = taken if taken.lstrip("-").isdigit() else str(seconds(moment(taken, UTC)))
        out["photoTakenTime"] = {"timestamp": number, "formatted": "?"}
    if row["uploaded"]:
        out["creationTime"] = {"timestamp": str(seconds(moment(row["uploaded"], UTC))), "formatted": "?"}
    geo = row["geo"]
    if geo:
        key = "geoDataExif" if geo.startswith("exif ") else "geoData"
        lat, lon = geo.split()[-1].split(",")
        out["geoData"] = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
        out[key] = {"latitude": float(lat), "longitude": float(lon), "altitude": 0.0}
    return json.dumps(out, ensure_ascii=False).encode()


def build(out):
    parts, cases = ({}, {}, {}), {}
    rule = naming.Rule(new_style=True)
    for number, row in enumerate(rows()):
        folder = "Takeout/Google Photos/%s/" % ("Photos from " + row["year"] if row["year"] else "Some folder")
        data, text = media(row), sidecar(row)
        part = parts[number % 3]
        files = {folder + naming.media_name(row["title"], rule): data}
        if text:
            files[folder + naming.sidecar_name(row["title"], rule)] = text
        for path in files:
            if any(path in other for other in parts):
                sys.exit("dates: %s is there twice" % path)
        part.update(files)
        cases[row["case"]] = hashlib.sha256(data).hexdigest()
    if len(set(cases.values())) != len(cases):
        sys.exit("dates: two cases have the same bytes")
    export = out / "export"
    export.mkdir(parents=True)
    for number, how in ((1, zipfile.ZIP_STORED), (2, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(export / ("takeout-%s-%03d.zip" % (STAMP, number)), "w", how) as archive:
            for path, data in parts[number - 1].items():
                archive.writestr(path, data)
    for path, data in parts[2].items():
        target = export / ("takeout-%s-003" % STAMP) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (out / "cases.json").write_text(json.dumps(cases, indent=1), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--out", type=pathlib.Path)
    group.add_argument("--check", action="store_true")
    group.add_argument("--fill", action="store_true")
    args = parser.parse_args()
    if args.out:
        return build(args.out)
    return check() if args.check else fill()


if __name__ == "__main__":
    sys.exit(main())
