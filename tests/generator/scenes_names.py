"""Scenarios about names: cuts, counters, odd titles, styles."""

import html
import unicodedata
from dataclasses import replace

import naming

SCENES = []


def scene(weight):
    def register(run):
        SCENES.append((run, weight))
        return run
    return register


def camera(lib, ext=None):
    taken = lib.moment()
    return lib.fresh(lambda: lib.camera(taken, ext)), taken


@scene(60)
def plain(lib):
    for _ in range(lib.rng.randint(2, 6)):
        title, taken = camera(lib)
        lib.add("plain", title, taken=taken)


@scene(3)
def ladder(lib):
    """Titles of every length from 20 to 64 units: every prefix of the suffix, `..json`, cut extensions."""
    rng = lib.rng
    lengths = list(range(20, 65)) if lib.first("ladder") else rng.sample(range(20, 65), 6)
    if lib.photos < 500:
        lengths = rng.sample(lengths, min(len(lengths), 12))
    for n in lengths:
        ext = rng.choice((".jpg", ".jpg", ".jpeg", ".png", ".HEIC", ".mp4"))
        title = lib.fresh(lambda: lib.text(n - len(ext)) + ext)
        lib.add("ladder", title, rule=lib.rule())


@scene(2)
def ladder_dots(lib):
    """Exactly 44 and 45 units, new style: `.s.json` and `..json`."""
    for n in (44, 45):
        lib.add("ladder_dots", lib.fresh(lambda: lib.text(n - 4) + ".jpg"), rule=lib.rule(new_style=True))


@scene(3)
def same_title(lib):
    """One title many times; the counter moves."""
    rng = lib.rng
    title, _ = camera(lib)
    year = lib.some_year()
    rule = lib.rule()
    for _ in range(rng.choice((2, 2, 3, 3, 5, 11))):
        lib.add("same_title", title, rule=rule, year=year)


@scene(2)
def shared_start(lib):
    """Different long titles whose media names are equal after the cut; numbered, shorter first."""
    rng = lib.rng
    stem = lib.fresh(lambda: lib.text(50))
    year = lib.some_year()
    rule = lib.rule()
    for i in rng.sample(range(1, 500), rng.randint(2, 5)):
        lib.add("shared_start", "%s %d.jpg" % (stem, i), rule=rule, year=year)


@scene(2)
def number_in_title(lib):
    """A number that belongs to the title stays where it is."""
    rng = lib.rng
    form = rng.choice(("%s(2).png", "%s (2).jpg", "img_(87).(%s).lol.jpg", "%s (38).JPG"))
    if form == "%s (38).JPG":
        title = form % lib.fresh(lambda: lib.text(rng.choice((38, 43))))
    else:
        title = form % lib.fresh(lambda: "%s%d" % (lib.word(), rng.randint(0, 99999)))
    year = lib.some_year()
    rule = lib.rule()
    for _ in range(rng.choice((1, 2))):
        lib.add("number_in_title", title, rule=rule, year=year)


@scene(1)
def number_both(lib):
    """`image(2).png` as a title beside three uploads called `image.png`."""
    rng = lib.rng
    stem = lib.fresh(lambda: "image%d" % rng.randint(0, 99999))
    year = lib.some_year()
    rule = lib.rule()
    for title in (stem + ".png",) * rng.choice((2, 3)) + (stem + "(2).png",):
        lib.add("number_both", title, rule=rule, year=year)


EMOJI = "😀😃😄😁😆😅😂🤣🥲😊😇🙂🙃😉😌😍🥰😘😗😙😚😋😛🌍🎉🐈"


@scene(3)
def emoji(lib):
    """Cuts inside surrogate pairs; an odd start shifts the pairs against both budgets."""
    rng = lib.rng
    start = rng.choice(("", "a", "Ü", "x1"))
    title = lib.fresh(lambda: start + "".join(rng.choice(EMOJI) for _ in range(rng.randint(14, 34))) + ".jpg")
    lib.add("emoji", title)


@scene(2)
def no_extension(lib):
    """The upload had no extension: the media got one, the sidecar did not; also numbered, also edited."""
    rng = lib.rng
    stem = lib.fresh(lambda: rng.choice(("%s Butter Balls %d" % (lib.word(), rng.randint(0, 9999)),
                                         "20%02d-12-23 %d" % (rng.randint(5, 25), rng.randint(0, 999)),
                                         "%019d" % rng.getrandbits(60))))
    ext = rng.choice((".jpg", ".jpg", ".mov"))
    year = lib.some_year()
    rule = lib.rule()
    for i in range(rng.choice((1, 1, 2))):
        up = lib.add("no_extension", stem, base=stem + ext, rule=rule, year=year)
        if rng.random() < 0.5:
            up.pieces.append(lib.edited_piece(stem + ext))


@scene(1)
def slash_no_extension(lib):
    """`27/06/12 - 2`: the slash is lost, the extension is added."""
    rng = lib.rng
    title = lib.fresh(lambda: "%02d/%02d/12 - %d" % (rng.randint(1, 28), rng.randint(1, 12), rng.randint(1, 99)))
    clean = naming.sanitise(title)
    lib.add("slash_no_extension", title, base=clean + ".jpg")


@scene(1)
def dotted_no_extension(lib):
    """Media without any real extension: the counter goes before the last dot of the title."""
    rng = lib.rng
    title = lib.fresh(lambda: "%d.%d.%d - %d" % (rng.randint(1, 28), rng.randint(1, 12), rng.randint(0, 20),
                                                 rng.randint(1, 99)))
    year = lib.some_year()
    rule = lib.rule(new_style=True)
    for _ in range(2):
        lib.add("dotted_no_extension", title, rule=rule, year=year, body=lib.body("", kind="jpeg"))


@scene(2)
def extension_case(lib):
    """Title and sidecar say `.JPG`, the media says `.jpg`."""
    title, _ = camera(lib, ".JPG")
    year = lib.some_year()
    rule = lib.rule()
    for _ in range(lib.rng.choice((1, 2))):
        lib.add("extension_case", title, base=title[:-4] + ".jpg", rule=rule, year=year)


@scene(1)
def case_twins(lib):
    """Two uploads that differ in the letter case of the extension alone, each with its own sidecar."""
    title, _ = camera(lib, ".JPG")
    year = lib.some_year()
    rule = lib.rule()
    for t in (title, title[:-4] + ".jpg"):
        lib.add("case_twins", t, rule=rule, year=year, exact_case=True, plain_only=True)


@scene(1)
def same_stem(lib):
    """gif and jpg, or raw and jpg, of one stem are two items."""
    rng = lib.rng
    stem = lib.fresh(lambda: "image%06d" % rng.randint(0, 999999))
    year = lib.some_year()
    rule = lib.rule()
    for ext in rng.choice(((".gif", ".jpg"), (".dng", ".jpg"), (".png", ".webp"))):
        lib.add("same_stem", stem + ext, rule=rule, year=year)


@scene(3)
def sanitised(lib):
    """Characters that become `_`, and a few whose fate is unknown."""
    rng = lib.rng
    mark = rng.choice("/'%\":&?")
    title = lib.fresh(lambda: "%s %s%s %d%s%s.jpg" % (lib.word(), lib.word(), mark, rng.randint(0, 99999), mark,
                                                     rng.choice(("", "+02 $#", " (b)"))))
    lib.add("sanitised", title)


@scene(1)
def perhaps_sanitised(lib):
    """`* < > |` are either kept or lost; title and name agree in one of the two ways."""
    rng = lib.rng
    title = lib.fresh(lambda: "%s <%d> %s|%s.jpg" % (lib.word(), rng.randint(0, 99999), rng.choice("*|"), lib.word()))
    lib.add("perhaps_sanitised", title, clean=naming.sanitise(title, rng.choice(("", "*<>|"))))


@scene(1)
def iso_time(lib):
    title = lib.fresh(lambda: "2021-08-%02dT%02d:%02d:24+02:00.JPEG" % (
        lib.rng.randint(1, 31), lib.rng.randint(0, 23), lib.rng.randint(0, 59)))
    lib.add("iso_time", title)


@scene(3)
def unclipped(lib):
    """Some exports do not clip."""
    rng = lib.rng
    title = lib.fresh(lambda: lib.text(rng.randint(44, 75)) + rng.choice((".jpg", ".HEIC")))
    up = lib.add("unclipped", title, rule=lib.rule(clipped=False))
    if rng.random() < 0.3:
        up.pieces.append(lib.edited_piece(up.clean))


@scene(1)
def very_long(lib):
    """A title of more than 255 bytes; the names are cut as always."""
    rng = lib.rng
    title = lib.fresh(lambda: lib.text(30) + rng.choice(("ж" * 140, "長い" * 60, "a" * 300)) + ".jpg")
    lib.add("very_long", title)


@scene(1)
def composed(lib):
    """A Mac decomposed the names of an unpacked export: media NFD, sidecar NFC, or both NFD."""
    rng = lib.rng
    title = lib.fresh(lambda: "Été à Málaga %d.jpg" % rng.randint(0, 99999))
    nfd = unicodedata.normalize("NFD", title)
    if rng.random() < 0.5:
        lib.add("composed", title, base=nfd)
    else:
        lib.add("composed", title, clean=nfd, base=nfd)


@scene(1)
def escaped_title(lib):
    """Reported, not established: a title that was HTML-escaped."""
    rng = lib.rng
    title = lib.fresh(lambda: "Tom & Jerry's %d.jpg" % rng.randint(0, 99999))
    lib.add("escaped_title", title, raw_title=html.escape(title, quote=True).replace("&#x27;", "&#39;"),
            unsure={"title"})


@scene(1)
def array_title(lib):
    title, taken = camera(lib)
    lib.add("array_title", title, taken=taken, raw_title=[title], unsure={"title"})


@scene(1)
def missing_title(lib):
    title, taken = camera(lib)
    up = lib.add("missing_title", title, taken=taken, album_ok=False)
    up.title = None


@scene(1)
def unset_title(lib):
    lib.add("unset_title", "[UNSET].jpg", rule=replace(lib.rule(), new_style=True), album_ok=False)
