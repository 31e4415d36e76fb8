"""Reads an export again, with Python's own readers of zip and tar, and compares it with its truth.

It knows only the export and truth.json. Besides sizes and checksums it asks whether the truth could be told at all:
whether any sidecar points by name and title at a medium that the truth gives to another.
"""

import hashlib
import json
import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter, defaultdict

import naming

JUNK = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|Thumbs\.db|\.picasa\.ini|@eaDir/.*)$")
STYLES = [naming.Rule(new, clip, up, up2) for new in (True, False) for clip in (True, False)
          for up in (True, False) for up2 in (True, False)]


def read(folder, loose):
    """Yields `(part, archive path, bytes, crc or None)` of every file. `loose` has the paths of the files that are parts."""
    for part in sorted(os.listdir(folder)):
        place = os.path.join(folder, part)
        if part in loose:
            with open(place, "rb") as f:
                yield part, loose[part], f.read(), None
            continue
        if part.endswith(".tgz"):
            with tarfile.open(place, "r:gz") as t:
                for info in t:
                    if info.isfile():
                        yield part, info.name, t.extractfile(info).read(), None
            continue
        if os.path.isfile(place):
            with zipfile.ZipFile(place) as z:
                for info in z.infolist():
                    name = info.filename
                    if not info.flag_bits & 0x800:
                        name = name.encode("cp437").decode("utf-8")
                    data = z.read(info)
                    if len(data) != info.file_size:
                        raise ValueError("size of " + name)
                    yield part, name, data, info.CRC
            continue
        root = place if part != "Takeout" and part != "__MACOSX" else folder
        for base, dirs, files in os.walk(place):
            dirs.sort()
            for name in sorted(files):
                full = os.path.join(base, name)
                with open(full, "rb") as f:
                    yield "Takeout" if root == folder else part, os.path.relpath(full, root), f.read(), None


class Check:
    def __init__(self, folder):
        with open(os.path.join(folder, "truth.json"), encoding="utf-8") as f:
            self.truth = json.load(f)
        self.problems = []
        self.files = {}
        self.sums = {}
        self.media = Counter()
        product = self.truth["product"] + "/"
        loose = {e["part"]: e["path"] for e in self.truth["entries"] if e["stored"] == "loose"}
        for part, path, data, crc in read(os.path.join(folder, "export"), loose):
            if crc is not None and zlib.crc32(data) != crc:
                self.bad("crc of " + path)
            digest = (hashlib.sha256(data).hexdigest(), len(data), "%08x" % zlib.crc32(data))
            if self.sums.setdefault(path, digest) != digest:
                self.bad("two files of one path: " + path)
            if path.endswith(".json"):
                self.files[path] = data
            inside = path.startswith(product) and "/" in path[len(product):]
            if inside and not JUNK.search(path) and not path.endswith(".json"):
                self.media[path, part] += 1
        self.entries = self.truth["entries"]
        self.by_path = {e["path"]: e for e in self.entries}

    def bad(self, text):
        self.problems.append(text)

    def expect(self, what, found, wanted):
        if found != wanted:
            self.bad("%s: found %r, expected %r" % (what, found, wanted))

    def run(self):
        self.bytes()
        self.sidecars()
        self.albums()
        self.contents()
        self.pointers()
        return self.problems

    def bytes(self):
        self.expect("media", self.media, Counter((e["path"], e["part"]) for e in self.entries))
        for e in self.entries:
            self.expect(e["path"], self.sums.get(e["path"]), (e["sha256"], e["size"], e["crc32"]))
            if e["head"]:
                head = self.by_path.get(e["head"])
                if head is None or head["role"] != "original" or e["role"] == "original":
                    self.bad("head of " + e["path"])
        first = {}
        for e in self.entries:
            self.expect("duplicate " + e["path"], e["is_duplicate_of"], first.get(e["sha256"]))
            first.setdefault(e["sha256"], e["path"])
        for junk in self.truth["junk"]:
            if not JUNK.search(junk):
                self.bad("junk " + junk)

    def sidecars(self):
        owner = defaultdict(set)
        for e in self.entries:
            known = e["sidecar"] or e["sidecar_elsewhere"]
            if e["sidecar"]:
                owner[e["sidecar"]].add(e["head"] or e["path"])
            if not known:
                self.expect("facts of " + e["path"], (e["title"], e["taken"], e["people"]), (None, None, []))
                continue
            card = json.loads(self.files[known])
            self.facts(e, card)
            if e["class"] not in ("unclipped",) and naming.units(re.sub(r"\(\d+\)\.json$", ".json",
                                                                     known.rsplit("/", 1)[1])) > 52:
                self.bad("sidecar too long: " + known)
        for sidecar, owners in owner.items():
            if len(owners) > 1 and not any(self.by_path[o]["unsure"] for o in owners if o in self.by_path):
                self.bad("sidecar of several: %s %s" % (sidecar, sorted(owners)))
        for path in self.truth["bad_sidecars"]:
            try:
                if isinstance(json.loads(self.files[path]), dict):
                    self.bad("readable: " + path)
            except ValueError:
                pass
        used = set(owner) | {e["sidecar_elsewhere"] for e in self.entries}
        listed = used | set(self.truth["orphan_sidecars"]) | set(self.truth["album_only_sidecars"]) | \
            set(self.truth["bad_sidecars"]) | {a["json"] for a in self.truth["albums"]} | \
            set(self.truth["not_photos"]) | set(self.truth["junk"])
        self.expect("unlisted json", sorted(set(self.files) - listed), [])

    def facts(self, e, card):
        if "title" not in e["unsure"]:
            self.expect("title of " + e["path"], card.get("title"), e["title"])
        raw = (card.get("photoTakenTime") or {}).get("timestamp") or "0"
        taken = int(raw) if -4544208000 <= int(raw) <= 4133980799 and int(raw) else None
        self.expect("taken of " + e["path"], taken, e["taken"])
        if e["sidecar"]:
            self.expect("uploaded of " + e["path"], int(card.get("creationTime", {"timestamp": -1})["timestamp"]),
                        -1 if e["uploaded"] is None else e["uploaded"])
        self.expect("description of " + e["path"], card.get("description") or None, e["description"])
        people = list(dict.fromkeys(p["name"] for p in card.get("people", ()) if p.get("name")))
        self.expect("people of " + e["path"], people, e["people"])
        for flag, key in (("favorite", "favorited"), ("archived", "archived"), ("trashed", "trashed"),
                          ("locked", "inLockedFolder")):
            self.expect(flag + " of " + e["path"], card.get(key, False), e[flag])

    def albums(self):
        contents = self.truth["contents"]
        for album in self.truth["albums"]:
            inside = [e for e in self.entries if e["path"].rsplit("/", 1)[0] == album["folder"]]
            kind = "albums" if album["certain"] else "unsure_albums"
            for e in inside:
                if album["shown"] not in contents[e["sha256"]][kind]:
                    self.bad("%s lacks %s" % (album["shown"], e["path"]))
            if album["json"]:
                card = json.loads(self.files[album["json"]])
                card = card.get("albumData", card)
                self.expect("title of album", card.get("title") or None, album["title"])
        where = defaultdict(set)
        for e in self.entries:
            if e["role"] == "original" and e["title"]:
                where[e["title"], e["taken"]].add(e["sha256"])
        for path in self.truth["album_only_sidecars"]:
            card = json.loads(self.files[path])
            shas = where.get((card["title"], int(card["photoTakenTime"]["timestamp"])), ())
            shown = [a["shown"] for a in self.truth["albums"] if path.rsplit("/", 1)[0] == a["folder"]]
            if len(shas) != 1 or shown[0] not in contents[min(shas)]["albums"]:
                self.bad("album sidecar points at %d contents: %s" % (len(shas), path))

    def contents(self):
        t, contents = self.truth["totals"], self.truth["contents"]
        groups = defaultdict(list)
        for e in self.entries:
            groups[e["sha256"]].append(e)
        self.expect("contents", set(groups), set(contents))
        for sha, group in groups.items():
            c = contents[sha]
            self.expect("shown", c["shown"], any(not (e["trashed"] or e["locked"]) for e in group))
            self.expect("favorite", c["favorite"], any(e["favorite"] for e in group))
            self.expect("people", c["people"], sorted({p for e in group for p in e["people"]}))
        self.expect("total entries", t["media_entries"], len(self.entries))
        self.expect("total contents", t["distinct_contents"], len(groups))
        self.expect("total junk", t["junk"], sum(bool(JUNK.search(p)) for p in self.sums))

    def pointers(self):
        """Each readable sidecar, forward from its title and number, must not name a medium of another."""
        folders = defaultdict(dict)
        for e in self.entries:
            folder, name = e["path"].rsplit("/", 1)
            folders[folder][name] = e
        for path, data in self.files.items():
            folder, name = path.rsplit("/", 1)
            try:
                card = json.loads(data)
            except ValueError:
                continue
            title = card.get("title") if isinstance(card, dict) else None
            if folder not in folders or not isinstance(title, str) or "imageViews" not in card:
                continue
            clean = naming.sanitise(title)
            found = re.search(r"\((\d+)\)\.json$", name)
            for n in {0, int(found.group(1)) if found else 0}:
                for rule in STYLES:
                    if naming.sidecar_name(clean, rule, n) != name:
                        continue
                    e = folders[folder].get(naming.media_name(clean, rule, n))
                    if not e or e["sidecar"] == path or e["role"] != "original":
                        continue
                    if not e["unsure"] and not e["bad_sidecar"]:
                        self.bad("ambiguous: %s also fits %s" % (path, e["path"]))


def run(folder):
    problems = Check(folder).run()
    for text in problems[:20]:
        print("wrong: " + text)
    print("%s: %s" % (folder, "%d problems" % len(problems) if problems else "ok"))
    return 1 if problems else 0
