#!/usr/bin/env python3
"""Writes an invented Google Photos export and the truth about it.

  make_export.py --out DIR --seed 1 --photos 2000 --parts 3 --form stored|deflated|zip64|tgz|unpacked|mixed
  make_export.py --check DIR

DIR/export holds the export, DIR/truth.json and DIR/truth.tsv what must be found in it. With `--form all` there is one
such folder for each form, DIR/stored and so on. Same arguments, same bytes (deflated ones as long as zlib is the same).
`--loose N` puts the N largest photos beside the archives, as Google does with media larger than a part; an unpacked export
has none.
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
import time

import library
import locales
import tgzwriter
import truth
from layout import Layout, stamp_to_time
from zipwriter import ZipWriter

FORMS = ("stored", "deflated", "zip64", "tgz", "unpacked", "mixed")


def part_form(form, i, seed):
    """The form of one part; `mixed` goes round a stored zip, a folder and a tgz, or, for even seeds, a tgz, a folder, and
    a zip as a streaming writer leaves it."""
    if form != "mixed":
        return form
    return (("stored", "folder", "tgz") if seed % 2 else ("tgz", "folder", "streamed"))[i % 3]


def part_name(stamp, i, form, loose=0):
    """The loose files have the numbers behind that of the first part."""
    base = "takeout-%s-1-%03d" % (stamp, i + 1 + (loose if i else 0))
    if form == "unpacked":
        return "Takeout"
    return base + {"folder": "", "tgz": ".tgz"}.get(form, ".zip")


def method_of(entry, form):
    """0 stored, 8 deflated. Sidecars are always deflated."""
    if entry.kind != "media":
        return 8
    if form in ("deflated", "streamed"):
        return 8
    return 8 if form == "zip64" and entry.placement.body(entry.piece).size % 4 == 0 else 0


def dos_time(seconds):
    t = time.gmtime(max(seconds, 315532800))
    return (t.tm_year - 1980) << 25 | t.tm_mon << 21 | t.tm_mday << 16 | t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec // 2


def write_zip(path, entries, form):
    with open(path, "wb", buffering=1 << 20) as out:
        zip_out = zip_writer(out, form)
        for entry in entries:
            zip_out.dos_time = dos_time(entry.mtime)
            zip_out.add(entry.path, entry.data(), method_of(entry, form))
        zip_out.close()
    return zip_out


def zip_writer(out, form):
    return ZipWriter(out, utf8=form != "streamed", descriptors=form in ("streamed", "zip64"), zip64=form == "zip64")


def write_tgz(path, entries, i):
    style = tgzwriter.STYLES[i % len(tgzwriter.STYLES)]
    with open(path, "wb") as out:
        out.write(tgzwriter.gzip(tgzwriter.tar(((e.path, e.data(), e.mtime) for e in entries), style)[0], style))


def write_tree(root, entries):
    done = {}
    for entry in entries:
        data = entry.data()
        digest = hashlib.sha256(data).digest()
        if entry.path in done:
            if done[entry.path] != digest:
                raise SystemExit("two files of one path: " + entry.path)
            continue
        done[entry.path] = digest
        path = os.path.join(root, entry.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
        os.utime(path, (entry.mtime, entry.mtime))


def pick_loose(layout, n):
    """The files that are too large for a part, each with its name: photos of one file that lie in no album."""
    def fits(entry):
        place = entry.placement
        return (entry.kind == "media" and place.kind == "year" and place.sidecar and place.upload.class_ == "plain"
                and len(place.upload.pieces) == 1 and sum(p.upload is place.upload for p in layout.placements) == 1)
    fitting = [entry for entry in layout.entries if fits(entry)] if n else []
    fitting.sort(key=lambda entry: (-entry.placement.body(entry.piece).size, entry.path))
    if len(fitting) < n:
        raise SystemExit("only %d photos can be loose" % len(fitting))
    names = {}
    for i, entry in enumerate(fitting[:n]):
        stem, ending = os.path.splitext(entry.path.rsplit("/", 1)[1])
        names[entry.path] = "%s-%03d%s" % (stem, i + 2, ending)
    return names


def placed(layout, form, seed, loose):
    """Per part: its form and its entries."""
    parts = [(part_form(form, i, seed), []) for i in range(layout.parts)]
    for entry in layout.entries:
        if entry.path in loose:
            continue
        for part in sorted(set(entry.parts)):
            parts[part][1].append(entry)
    return parts


def storage(form, stamp, seed, loose):
    """A function that tells of an entry in which parts it is, and how it is stored there."""
    def where(entry):
        if form == "unpacked":
            return [("Takeout", "file")]
        if entry.path in loose:
            return [(loose[entry.path], "loose")]
        found = []
        for i in sorted(set(entry.parts)):
            kind = part_form(form, i, seed)
            stored = {"folder": "file", "tgz": "gzipped"}.get(
                kind, "deflated" if method_of(entry, kind) else "stored")
            found.append((part_name(stamp, i, kind, len(loose)), stored))
        return found
    return where


def plan(seed, photos, parts, stamp):
    words = locales.draw(random.Random("locale/%s" % seed))
    return Layout(library.build(seed, photos, words), parts, stamp_to_time(stamp))


def make(out, layout, form, arguments):
    export = os.path.join(out, "export")
    os.makedirs(export)
    stamp, seed = arguments["stamp"], arguments["seed"]
    loose = pick_loose(layout, arguments["loose"]) if form != "unpacked" else {}
    for entry in layout.entries:
        if entry.path in loose:
            path = os.path.join(export, loose[entry.path])
            with open(path, "wb") as out_file:
                out_file.write(entry.data())
            os.utime(path, (entry.mtime, entry.mtime))
    if form == "unpacked":
        write_tree(export, layout.entries)
    else:
        for i, (kind, entries) in enumerate(placed(layout, form, seed, loose)):
            path = os.path.join(export, part_name(stamp, i, kind, len(loose)))
            if kind == "folder":
                write_tree(path, entries)
            elif kind == "tgz":
                write_tgz(path, entries, i)
            else:
                write_zip(path, entries, kind)

    facts = truth.build(layout, storage(form, stamp, seed, loose), dict(arguments, form=form))
    truth.write(facts, out)
    return facts


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", help="folder to make; gets export/, truth.json, truth.tsv")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--photos", type=int, default=2000, help="number of uploads (default 2000)")
    ap.add_argument("--parts", type=int, default=3)
    ap.add_argument("--loose", type=int, default=0, metavar="N", help="photos that lie beside the archives (default 0)")
    ap.add_argument("--form", choices=FORMS + ("all",), default="stored")
    ap.add_argument("--stamp", default="20260901T000000Z")
    ap.add_argument("--force", action="store_true", help="replace an export made here before")
    ap.add_argument("--check", metavar="DIR", help="read an export again and compare it with its truth")
    a = ap.parse_args()
    if a.check:
        import check
        sys.exit(check.run(a.check))
    if not a.out:
        ap.error("--out or --check is needed")
    if a.parts < 1 or a.photos < 1:
        ap.error("--parts and --photos must be at least 1")
    layout = plan(a.seed, a.photos, a.parts, a.stamp)
    arguments = {"seed": a.seed, "photos": a.photos, "parts": a.parts, "stamp": a.stamp, "loose": a.loose}
    for form in FORMS if a.form == "all" else (a.form,):
        out = os.path.join(a.out, form) if a.form == "all" else a.out
        export = os.path.join(out, "export")
        if os.path.exists(export):
            if not a.force:
                ap.error("%s exists (use --force to replace it)" % export)
            shutil.rmtree(export)
        t = make(out, layout, form, arguments)["totals"]
        print("%s: %d media entries, %d contents, %d albums, %.1f MB" % (
            out, t["media_entries"], t["distinct_contents"], t["album_folders"], t["media_bytes"] / 1e6))


if __name__ == "__main__":
    main()
