"""The sound export that the damage matrix starts from, and how a case is described."""

import hashlib
import io
import random

import locales
import scenes_kinds
import scenes_names
from layout import Layout, stamp_to_time
from library import Library
from make_export import method_of, zip_writer

STAMP = "20260901T000000Z"
FORMS = ("stored", "deflated", "zip64")


class Part:
    """One zip of the base export, with the place of everything in it."""

    def __init__(self, name, form, entries):
        self.name, self.form, self.entries = name, form, entries
        self.bytes, self.zip = self.build()
        self.records = dict(zip((e.path for e in entries), self.zip.records))

    def build(self, lies=None, more=None):
        """The bytes again; `lies` maps a path to fields of its central record, `more(zip)` adds entries at the end."""
        out = io.BytesIO()
        writer = zip_writer(out, self.form)
        for entry in self.entries:
            writer.add(entry.path, entry.data(), method_of(entry, self.form), **(lies or {}).get(entry.path, {}))
        if more:
            more(writer)
        writer.close()
        return out.getvalue(), writer


class Base:
    """The sound export that every case damages: 60 photos, three parts of three forms, no two equal contents."""

    def __init__(self, seed, stamp=STAMP, photos=60):
        self.stamp = stamp
        words = locales.draw(random.Random("locale/%s" % seed))
        lib = Library("damage/%s/%s" % (seed, stamp), photos, words, big=False, body_max=4000)
        while len(lib.uploads) < photos:
            scenes_names.plain(lib)
            scenes_kinds.edited(lib)
            scenes_kinds.live(lib)
        self.layout = Layout(lib, 3, stamp_to_time(stamp), albums=False, extras=False)
        self.folder = self.layout.root + words.year.format(y=2020) + "/"
        self.parts = []
        for i, form in enumerate(FORMS):
            inside = [e for e in self.layout.entries if i in e.parts]
            self.parts.append(Part("takeout-%s-1-%03d.zip" % (stamp, i + 1), form, inside))
        self.sums = {e.path: hashlib.sha256(e.data()).hexdigest() for e in self.layout.entries if e.kind == "media"}

    def files(self, **replaced):
        """Part name -> bytes. `p2=None` leaves the second part out, `p2=b"…"` replaces it."""
        out = {}
        for i, part in enumerate(self.parts):
            data = replaced.get("p%d" % (i + 1), part.bytes)
            if data is not None:
                out[part.name] = data
        return out

    def victim(self, i, kind="media", skip=0, least=0):
        """The path of an entry in the middle of part `i` (from 0) and its record."""
        part = self.parts[i]
        able = [e for e in part.entries if e.kind == kind and part.records[e.path].csize >= least]
        entry = able[(len(able) // 2 + skip) % len(able)]
        return entry.path, part.records[entry.path]

    def media_of(self, i):
        return [e.path for e in self.parts[i].entries if e.kind == "media"]


def flip(data, at, mask=0x10):
    out = bytearray(data)
    out[at] ^= mask
    return bytes(out)


def case(name, kind, what, files, entries, expect="mount", also=None, names=(), bad_sidecars=(), **more):
    facts = {"name": name, "kind": kind, "what": what, "expect": expect, "also_accept": also, "names": list(names),
             "bad_sidecars": list(bad_sidecars), "entries": entries}
    facts.update(more)
    return facts, files
