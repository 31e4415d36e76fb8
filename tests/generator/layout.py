"""Gives every upload its folders, every file its name, every entry its part."""

import calendar
import random
import time
import unicodedata
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional

import naming
import sidecars
from albums import Album, invent
from library import Upload

JUNK_APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


@dataclass(eq=False)
class Placement:
    """One upload in one folder."""
    upload: Upload
    media: bool = True
    sidecar: bool = True
    album: Optional[Album] = None
    bodies: Dict[int, object] = field(default_factory=dict)     # pieces whose bytes differ here
    copy: bool = False
    folder: str = ""
    kind: str = "year"
    n: int = 0
    shift: int = 0                                              # seconds by which this copy's upload time differs
    names: List[str] = field(default_factory=list)              # of the pieces
    sidecar_file: Optional[str] = None

    def body(self, i):
        return self.bodies.get(i, self.upload.pieces[i].body)


@dataclass(eq=False)
class Entry:
    """One file of the export; `parts` are the parts that hold it."""
    path: str
    kind: str                       # media | sidecar | album | junk | other
    data: Callable[[], bytes]
    mtime: int
    parts: List[int]
    placement: Optional[Placement] = None
    piece: int = 0


def fold(name):
    return unicodedata.normalize("NFC", name).casefold()


class Folder:
    """Numbers the files of one folder: a counter is free when no name it would give is taken."""

    def __init__(self):
        self.exact, self.folded = set(), set()

    def number(self, place):
        up, n = place.upload, 0
        while not self._free(self._names(up, n), up.exact_case):
            n += 1
        place.n = n
        wanted = self._names(up, n)
        for i, piece in enumerate(up.pieces):
            name = naming.media_name(piece.base, up.rule, n, piece.suffix)
            if piece.role == "edited" and name == naming.media_name(piece.base, up.rule, n):
                # Nothing of the suffix is left: the copy takes the next number that is free.
                m = n + 1
                while not self._free({naming.media_name(piece.base, up.rule, m),
                                      naming.sidecar_name(up.clean, up.rule, m)}, False):
                    m += 1
                name = naming.media_name(piece.base, up.rule, m)
                wanted |= {name, naming.sidecar_name(up.clean, up.rule, m)}
            place.names.append(name)
        place.sidecar_file = naming.sidecar_name(up.clean, up.rule, n)
        self.exact |= wanted
        self.folded |= {fold(w) for w in wanted}

    @staticmethod
    def _names(up, n):
        names = {naming.media_name(p.base, up.rule, n, p.suffix) for p in up.pieces}
        return names | {naming.sidecar_name(up.clean, up.rule, n)}

    def _free(self, names, exact):
        if exact:
            return not names & self.exact
        return not {fold(name) for name in names} & self.folded


class Layout:
    """The whole export as a list of entries, and what `truth` needs to know about it."""

    def __init__(self, lib, parts, stamp_time, albums=True, extras=True):
        self.lib, self.parts, self.time = lib, parts, stamp_time
        self.rng = random.Random("layout/%s" % lib.seed)
        self.root = "Takeout/%s/" % lib.words.product
        self.placements: List[Placement] = []
        self.entries: List[Entry] = []
        self.albums = invent(lib, self.rng) if albums else []
        self._place()
        self._number()
        self._emit()
        if extras:
            self._extras()
            self._repeat()

    # Folders ----------------------------------------------------------------------------------------------------

    def _place(self):
        rng, words = self.rng, self.lib.words
        special = {"archive": words.archive, "trash": words.trash, "locked": words.locked, "failed": "Failed Videos"}
        days = rng.random() < 0.3
        whole = [a for a in self.albums if a.mode == "both" and a.certain]
        for up in self.lib.uploads:
            if up.home == "album":
                album = rng.choice(whole)
                self.placements.append(Placement(up, up.media, True, album, folder=album.folder, kind="album"))
                continue
            name = special.get(up.home) or words.year.format(y=up.year)
            if days and up.class_ == "plain" and rng.random() < 0.05:
                name = time.strftime("%Y-%m-%d", time.gmtime(up.taken or 0)) + rng.choice(("", " #2"))
            self.placements.append(Placement(up, up.media, up.sidecar in ("good", "bad"), folder=name,
                                             kind=up.home))
            if up.sidecar == "album":
                album = rng.choice(whole)
                self.placements.append(Placement(up, True, True, album, folder=album.folder, kind="album", copy=True))
        for album in self.albums:
            for up in album.members:
                self._place_copy(album, up)

    def _place_copy(self, album, up):
        rng = self.rng
        media, sidecar = {"both": (True, True), "sidecars": (False, True), "media": (True, False),
                          "mixed": (True, True)}[album.mode]
        if album.mode == "mixed" and up in album.loose:
            media, sidecar = rng.choice(((True, True), (True, False), (False, True)))
        place = Placement(up, media, sidecar, album, folder=album.folder, kind="album", copy=True)
        if album.mode == "both" and len(up.pieces) == 1 and up not in album.anchored and rng.random() < 0.03:
            size = max(200, up.pieces[0].body.size - rng.randint(1, 900))
            place.bodies[0] = self.lib.body("", size, kind=up.pieces[0].body.kind)
        self.placements.append(place)

    def _number(self):
        folders = {}
        for place in self.placements:
            folders.setdefault(place.folder, []).append(place)
        order = []
        for name, places in folders.items():
            self.rng.shuffle(places)
            places.sort(key=lambda p: naming.natural(p.upload.clean))
            folder = Folder()
            for place in places:
                folder.number(place)
            order += places
        self.placements = order

    # Entries ----------------------------------------------------------------------------------------------------

    def _emit(self):
        rng, total = self.rng, len(self.placements)
        shift = rng.randint(0, 500)
        for k, place in enumerate(self.placements):
            home = k * self.parts // max(total, 1)
            up, at = place.upload, self.root + place.folder + "/"
            if place.media:
                for i, name in enumerate(place.names):
                    part = home if i == 0 or rng.random() < 0.8 else rng.randrange(self.parts)
                    self.entries.append(Entry(at + name, "media", place.body(i).make, self.time, [part], place, i))
            if place.sidecar:
                part = (home + rng.randint(1, self.parts - 1)) % self.parts if self.parts > 1 and rng.random() < 0.34 \
                    else home
                text = sidecars.media(up, random.Random("%s/json/%s" % (self.lib.seed, up.url)), *self._variant(place))
                self.entries.append(Entry(at + place.sidecar_file, "sidecar", lambda text=text: text, self.time, [part],
                                          place))
        for album in self.albums:
            text = album.card
            if text is not None:
                self._add(self.root + album.folder + "/" + self.lib.words.album_json, "album", text,
                          self.time - 86400 * (700 + shift))

    def _variant(self, place):
        if not place.copy:
            return 0, None
        place.shift = self.rng.choice((0, 0, 0, 0, 1, 7))
        other = self.rng.random() < 0.1 and place.shift == 0
        return place.shift, place.upload.url[:-6] + "Album2" if other else None

    def _add(self, path, kind, data, mtime=None, part=None):
        part = self.rng.randrange(self.parts) if part is None else part
        self.entries.append(Entry(path, kind, lambda: data, mtime or self.time, [part]))

    def _extras(self):
        rng, root = self.rng, self.root
        self._add("Takeout/archive_browser.html", "other", b"<!DOCTYPE html><title>Archive</title>"
                  b'<div data-english-name="PHOTOS">Photos</div>', part=0)
        for name, data in sidecars.account_files(rng).items():
            self._add(root + name, "other", data)
        years = sorted({p.folder for p in self.placements if p.kind == "year"})
        self._add(root + rng.choice(years) + "/" + self.lib.words.album_json, "other",
                  sidecars.album("not_an_object", "", rng))
        picks = rng.sample([e for e in self.entries if e.kind == "media"], 4)
        for pick in picks:
            folder, name = pick.path.rsplit("/", 1)
            for path, data in ((folder + "/._" + name, JUNK_APPLE), (folder + "/.DS_Store", b"\0\0\0\1Bud1"),
                               (folder + "/@eaDir/" + name + "/SYNOFILE_THUMB_M.jpg", b"\xff\xd8\xff\xe0thumb"),
                               (folder + "/Thumbs.db", b"\xd0\xcf\x11\xe0"), (folder + "/.picasa.ini", b"[x]\n"),
                               (folder + "/._" + name + ".json", JUNK_APPLE),
                               ("__MACOSX/" + folder + "/._" + name, JUNK_APPLE)):
                if rng.random() < 0.7 and not any(e.path == path for e in self.entries):
                    self._add(path, "junk", data)
        self._add("Takeout/Contacts/All Contacts/All Contacts.vcf", "other", b"BEGIN:VCARD\r\nEND:VCARD\r\n")
        for i in range(rng.randint(2, 5)):
            self._add("Takeout/Contacts/All Contacts/Person %d.jpg" % i, "other", self.lib.body(".jpg").make())
        self._add("Takeout/Contacts/x.jpg", "other", self.lib.body(".jpg").make())
        self._add("Takeout/Drive/Holiday 2019/IMG_0001.jpg", "other", self.lib.body(".jpg").make())
        self._add("Takeout/Drive/Holiday 2019/notes.json", "other", b'{"title": "Holiday 2019"}')
        self._add("Takeout/Drive/report.pdf", "other", b"%PDF-1.4\n%%EOF\n")
        self._add("Takeout/Mail/All mail.mbox", "other", b"From x\n\n")

    def _repeat(self):
        """The same path in two parts, byte for byte: seen in real exports."""
        if self.parts < 2:
            return
        places = [p for p in self.placements if p.kind == "album" and p.media and p.sidecar]
        for place in self.rng.sample(places, min(4, len(places))):
            for entry in self.entries:
                if entry.placement is place:
                    entry.parts.append((entry.parts[0] + self.rng.randint(1, self.parts - 1)) % self.parts)


def stamp_to_time(stamp):
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
