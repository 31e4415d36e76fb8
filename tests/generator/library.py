"""The invented account: uploads with their facts and bytes, before anything has a place or a file name."""

import calendar
import datetime
import itertools
import random
import re
import time
import unicodedata
from dataclasses import dataclass, field, replace
from typing import List, Optional

import naming
from content import Body, kind_of
from naming import Rule

EPOCH = datetime.datetime(1970, 1, 1)
FIRST, LAST = -4544208000, 4133980799     # 1826-01-01 .. 2100-12-31: what counts as a date
KNOWN_EXT = re.compile(r"\.(jpe?g|heic|png|gif|webp|dng|orf|tiff?|mp4|mov|m4v|3gp|avi|mts|mp|mv)$", re.I)

PEOPLE = ("Ada Lovelace", "Mum", "Zoë Åkesson", "Иван Петров", "山田太郎", "Chidi 🌻", "Ben/Jen", "Grace Hopper",
          "Søren K.", "O'Neill, Pat", "Oma & Opa", "김민수", "Little One 👶🏽", "José María", "mum", "A.", "..", "Nadia")
DESCRIPTIONS = ("At the lake", "First day of school", "Ein „guter“ Tag", "Two lines\nof text", "日本の秋",
                "<b>bold</b> & co", "100 % fun 🎈", 'She said "yes"', "C:\\old\\path", "Tab\there")
# Places far from borders, with the zones of their clocks.
PLACES = ((38.7223, -9.1393, "Europe/Lisbon"), (52.52, 13.405, "Europe/Berlin"), (35.6812, 139.7671, "Asia/Tokyo"),
          (40.7128, -74.006, "America/New_York"), (34.0522, -118.2437, "America/Los_Angeles"),
          (21.3069, -157.8583, "Pacific/Honolulu"), (-36.8485, 174.7633, "Pacific/Auckland"),
          (27.7172, 85.324, "Asia/Kathmandu"), (-33.4489, -70.6693, "America/Santiago"),
          (-33.8688, 151.2093, "Australia/Sydney"), (1.8721, -157.4278, "Pacific/Kiritimati"),
          (28.6139, 77.209, "Asia/Kolkata"))
STREETS = "Lake Harbour Garden Castle Market River Forest Bridge Island Valley Tower Station".split()
THINGS = ("Summer Ausflug Été Verano Lumières Praia Зима 夏祭り Wandeling Estate Fiesta Urlaub Noël Dovolená Карта "
          "Tisch Łąka Ağaç Häuser Garden").split()


@dataclass(eq=False)
class Piece:
    """One media file of an upload."""
    role: str                   # original | edited | clip
    base: str                   # name before the cut and the counter
    body: Body
    suffix: str = ""            # of an edited copy


@dataclass(eq=False)
class Upload:
    """One item of the account, with what its sidecar says."""
    title: Optional[str]        # as the sidecar has it
    clean: str                  # sanitised title the names come from
    rule: Rule
    pieces: List[Piece]
    taken_raw: Optional[str]    # the timestamp as written; None: no photoTakenTime at all
    uploaded: Optional[int]
    url: str
    class_: str
    home: str = "year"          # year | archive | trash | locked | failed | album
    year: int = 2020
    description: str = ""
    people: list = field(default_factory=list)      # as written, entries may be None (no name)
    favorite: bool = False
    archived: bool = False
    partner: bool = False
    geo: Optional[tuple] = None
    geo_exif: bool = False
    geo_camera: Optional[tuple] = None              # where the camera says it was; `geo` where None
    origin: dict = field(default_factory=dict)
    sidecar: str = "good"       # good | none | bad
    bad: bytes = b""
    raw_title: object = None    # written instead of the title (array, escaped)
    media: bool = True          # an orphan json has none
    exact_case: bool = False
    album_ok: bool = True
    plain_only: bool = False    # album copies always come with media and sidecar
    unsure: set = field(default_factory=set)
    named: Optional[int] = None     # the second that the title tells, read in UTC

    @property
    def zone(self):
        """The zone of the clocks at its place; None without a place."""
        at = self.geo or self.carried
        if not at:
            return None
        return min(PLACES, key=lambda p: abs(p[0] - at[0]) + abs(p[1] - at[1]))[2]

    @property
    def trashed(self):
        return self.home == "trash"

    @property
    def locked(self):
        return self.home == "locked"

    @property
    def taken(self):
        """The date as it must be understood."""
        try:
            t = int(self.taken_raw or "0")
        except ValueError:
            return None
        return t if t != 0 and FIRST <= t <= LAST else None

    @property
    def carried(self):
        """The place that the file itself has, as far as the sidecar tells."""
        return (self.geo_camera or self.geo) if self.geo_exif else None

    def entered(self):
        """What a person typed, ticked or drew in Google Photos and the file does not carry, by itself."""
        said = {"description": bool(self.description), "people": bool(self.people_named()), "favorite": self.favorite,
                "place": self.geo is not None and self.geo != self.carried}
        return sorted(key for key, on in said.items() if on)

    def people_named(self):
        return list(dict.fromkeys(p for p in self.people if p))

    @property
    def at_limit(self):
        return any(naming.at_limit(p.base, self.rule) for p in self.pieces)

    @property
    def edited(self):
        return any(p.role == "edited" for p in self.pieces)


class Library:
    def __init__(self, seed, photos, words, big=True, body_max=60000):
        self.seed, self.photos, self.words, self.body_max = seed, photos, words, body_max
        self.rng = random.Random("library/%s" % seed)
        self.uploads = []
        self._used = set()
        self._named, self.named = None, {}      # what the last title tells of its time, and all of them
        self._bodies = 0
        self.old_share = self.rng.choice((0.05, 0.15, 0.5, 0.9))
        self.people = self.rng.sample(PEOPLE, self.rng.randint(8, len(PEOPLE)))
        for must in ("Ben/Jen", "Chidi 🌻"):
            if must not in self.people:
                self.people.append(must)
        self.big = [20 * 1024 * 1024 + 4321] + [self.rng.randint(1 << 20, 3 << 20) for _ in range(5)] if big else []

    # Names ------------------------------------------------------------------------------------------------------

    def fresh(self, make):
        """A title that shares no stem with an earlier one; scenarios that want a clash build it themselves."""
        for attempt in itertools.count():
            self._named = None
            title = make() if attempt < 30 else "%05X_%s" % (self.rng.getrandbits(20), make())
            stem = KNOWN_EXT.sub("", naming.sanitise(title))
            stem = re.sub(r"\s*\(\d+\)$", "", stem)
            key = unicodedata.normalize("NFC", naming.cut(stem, 40)).casefold()
            if key not in self._used:
                self._used.add(key)
                self.named[title] = self._named
                return title

    def first(self, class_):
        """Whether no upload of that class exists yet."""
        return not any(u.class_ == class_ for u in self.uploads)

    def word(self):
        return self.rng.choice(THINGS)

    def text(self, length):
        """Words until exactly `length` UTF-16 units; starts with something rare so that stems differ early."""
        rng = self.rng
        out = "%s %05d" % (rng.choice(STREETS), rng.randint(0, 99999))
        while naming.units(out) < length:
            out += rng.choice("_ - ") + rng.choice(THINGS + STREETS)
        out = naming.cut(out, length, up=False)
        return out[:-1] + "x" if out.endswith((" ", ".")) else out

    def camera(self, taken, ext=None):
        """A title as phones and cameras give them."""
        rng = self.rng
        g = time.gmtime(taken if 0 < taken < LAST else 1500000000)
        day = time.strftime("%Y%m%d", g)
        clock = time.strftime("%H%M%S", g)
        second = calendar.timegm(g)
        noon = second - second % 86400 + 43200
        self._named = None
        stem = rng.choice((
            "IMG_%s_%s" % (day, clock), "PXL_%s_%s%03d" % (day, clock, rng.randint(0, 999)),
            "IMG_%04d" % rng.randint(0, 9999), "DSC_%04d" % rng.randint(0, 9999), "P%07d" % rng.randint(0, 9999999),
            "IMG-%s-WA%04d" % (day, rng.randint(0, 9999)), "%s_%s" % (day, clock), "DSCF%04d" % rng.randint(0, 9999),
            "Screenshot_%s-%s" % (day, clock), "%s %d" % (rng.choice(THINGS), rng.randint(0, 99999)),
            "Screenshot_%s-%s_%s" % (day, clock, rng.choice(("Maps", "Chrome", "Facebook", "Messages")))))
        if day in stem:
            self._named = noon if "-WA" in stem else second
        return stem + (ext or rng.choice((".jpg", ".jpg", ".jpg", ".JPG", ".jpeg", ".png", ".HEIC", ".heic", ".mp4",
                                          ".MOV", ".webp", ".dng", ".gif", ".AVI", ".3gp")))

    # Bytes ------------------------------------------------------------------------------------------------------

    def body(self, ext, size=None, **kw):
        rng = self.rng
        self._bodies += 1
        if size is None:
            size = int(200 * (self.body_max / 200) ** rng.random())
        kind = kw.pop("kind", None) or kind_of(ext)
        return Body("%s/body/%d" % (self.seed, self._bodies), size, kind, rng.random() < 0.05, **kw)

    # Uploads ----------------------------------------------------------------------------------------------------

    def some_year(self):
        return self.rng.randint(2005, 2025)

    def moment(self, year=None):
        """A second of that year, two days clear of its ends; of any year without one."""
        if year is None:
            return self.rng.randint(1104537600, 1767225599)     # 2005 .. 2025
        start = calendar.timegm((year, 1, 3, 0, 0, 0))
        return start + self.rng.randint(0, 360 * 86400)

    def moment_in_year(self):
        year = self.some_year()
        return self.moment(year), year

    def rule(self, **kw):
        rng = self.rng
        ups = rng.choice(((True, True), (True, True), (False, False), (True, False)))
        base = Rule(new_style=rng.random() >= self.old_share, media_up=ups[0], sidecar_up=ups[1])
        return replace(base, **kw)

    def add(self, class_, title, base=None, rule=None, body=None, taken=None, pieces=None, **kw):
        """Adds one upload with random facts; every keyword of `Upload` may be given."""
        rng = self.rng
        clean = kw.pop("clean", None)
        if clean is None:
            clean = naming.sanitise(title)
        base = clean if base is None else base
        taken = self.moment(kw.get("year")) if taken is None else taken
        rule = rule or self.rule()
        if pieces is None:
            pieces = [Piece("original", base, body or self.body(naming.split_ext(base)[1]))]
        uploaded = max(taken, 1420070400) + rng.randint(60, 90 * 86400) if taken < 1780000000 else 1600000000
        facts = dict(
            taken_raw=str(taken), uploaded=uploaded, named=self.named.get(title), url="https://photos.google.com/photo/AF1Qip%032x" %
            rng.getrandbits(128), year=self.year_of(taken, uploaded))
        facts.update(self.random_facts())
        facts.update(kw)
        up = Upload(title=title, clean=clean, rule=rule, pieces=pieces, class_=class_, **facts)
        self.uploads.append(up)
        return up

    def year_of(self, taken, uploaded):
        """Google's local time moves a few photos around New Year into the neighbouring folder."""
        shift = self.rng.choice((0, 0, 3600, -5 * 3600, 9 * 3600))
        if not -62000000000 < taken < 253400000000:
            return time.gmtime(uploaded).tm_year
        return (EPOCH + datetime.timedelta(seconds=taken + shift)).year

    def random_facts(self):
        rng = self.rng
        facts = {"origin": rng.choice(ORIGINS)(rng)}
        if rng.random() < 0.15:
            facts["description"] = rng.choice(DESCRIPTIONS)
        if rng.random() < 0.3:
            facts["people"] = rng.sample(self.people, rng.randint(1, 3))
            if rng.random() < 0.1:
                facts["people"] += [facts["people"][0], None]
        facts["favorite"] = rng.random() < 0.06
        if rng.random() < 0.5:
            lat, lon, _ = PLACES[int(rng.uniform(-60, 70) + 60) * len(PLACES) // 131]
            facts["geo"] = (round(lat, 7), round(lon + rng.uniform(-180, 180) / 36000, 7))
        facts["geo_exif"] = rng.random() < 0.51
        facts["archived"] = rng.random() < 0.03
        return facts

    def edited_piece(self, base, suffix=None):
        return Piece("edited", base, self.body(naming.split_ext(base)[1]), suffix or self.words.edited)


def _mobile(rng):
    return {"mobileUpload": {"deviceFolder": {"localFolderName": rng.choice(("", "WhatsApp Images", "Camera"))},
                             "deviceType": rng.choice(("ANDROID_PHONE", "IOS_PHONE", "ANDROID_TABLET"))}}


ORIGINS = (_mobile, _mobile, lambda rng: {"webUpload": {"computerUpload": {}}}, lambda rng: {"driveSync": {}},
           lambda rng: {"deviceType": "IOS_PHONE"}, lambda rng: {})


def build(seed, photos, words):
    """Runs every scenario once (in a shuffled order), then draws by weight until there are enough uploads."""
    import scenes_facts
    import scenes_kinds
    import scenes_names
    lib = Library(seed, photos, words)
    scenes = scenes_names.SCENES + scenes_kinds.SCENES + scenes_facts.SCENES
    first = list(scenes)
    lib.rng.shuffle(first)
    for run, _ in first:
        if len(lib.uploads) >= photos:
            break
        run(lib)
    runs, weights = zip(*scenes)
    while len(lib.uploads) < photos:
        lib.rng.choices(runs, weights)[0](lib)
    for size in lib.big:
        taken = lib.moment()
        title = lib.fresh(lambda: lib.camera(taken, ".mp4"))
        lib.add("big", title, taken=taken, body=lib.body(".mp4", size), album_ok=False)
    return lib
