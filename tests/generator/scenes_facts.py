"""Scenarios about what sidecars say, what is missing, and which bytes are the same."""

import calendar
import json

import naming
from library import PLACES
from scenes_names import camera

SCENES = []


def scene(weight):
    def register(run):
        SCENES.append((run, weight))
        return run
    return register


@scene(2)
def orphan(lib):
    """A json without any media, which no neighbour may take."""
    title, taken = camera(lib)
    lib.add("orphan", title, taken=taken, media=False, album_ok=False, home=lib.rng.choice(("year", "year", "album")))


@scene(2)
def orphan_numbered(lib):
    """Two jsons, one media: the other json stays alone."""
    title, _ = camera(lib, ".jpg")
    rule, year = lib.rule(), lib.some_year()
    lib.add("orphan_numbered", title, rule=rule, year=year, plain_only=True)
    lib.add("orphan_numbered", title, rule=rule, year=year, media=False, album_ok=False)


@scene(3)
def no_sidecar(lib):
    title, taken = camera(lib)
    lib.add("no_sidecar", title, taken=taken, sidecar="none", album_ok=False)


@scene(1)
def no_sidecar_numbered(lib):
    """Of two uploads of one title one has no sidecar (and sometimes the other no media)."""
    title, _ = camera(lib, ".JPG")
    rule, year = lib.rule(), lib.some_year()
    lib.add("no_sidecar_numbered", title, rule=rule, year=year, album_ok=False, media=lib.rng.random() < 0.6)
    lib.add("no_sidecar_numbered", title, rule=rule, year=year, album_ok=False, sidecar="none")


@scene(1)
def no_sidecar_whatsapp(lib):
    rng = lib.rng
    at = []

    def make():
        at[:] = (rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))
        return "WhatsApp Image 2023-%02d-%02d at %02d.%02d.%02d (10).jpeg" % tuple(at)

    title = lib.fresh(make)
    named = calendar.timegm((2023, *at))
    lib.add("no_sidecar_whatsapp", title, sidecar="none", album_ok=False, named=named)


@scene(2)
def bad_sidecar(lib):
    """The json is there but unreadable."""
    title, taken = camera(lib)
    whole = json.dumps({"title": title, "photoTakenTime": {"timestamp": str(taken)}}, indent=2).encode()
    bad = lib.rng.choice((whole[:-9], b"", b"[]", b"<html>503</html>", b'{"title": "\xff\xfe\xe9.jpg"',
                          b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", whole + b"}"))
    lib.add("bad_sidecar", title, taken=taken, sidecar="bad", bad=bad, album_ok=False)


@scene(2)
def wrong_extension(lib):
    """JPEG bytes in a .HEIC, PNG in a .jpg, QuickTime in a .png."""
    ext, kind = lib.rng.choice(((".HEIC", "jpeg"), (".heic", "jpeg"), (".jpg", "png"), (".png", "mov")))
    title, taken = camera(lib, ext)
    lib.add("wrong_extension", title, taken=taken, body=lib.body(ext, kind=kind))


@scene(3)
def archived(lib):
    """Archived: the flag, and often a folder of its own outside the years."""
    title, taken = camera(lib)
    lib.add("archived", title, taken=taken, archived=True, home=lib.rng.choice(("year", "archive", "archive")))


@scene(3)
def trashed(lib):
    title, taken = camera(lib)
    up = lib.add("trashed", title, taken=taken, home="trash", album_ok=False, archived=False)
    if lib.rng.random() < 0.2 and up.clean.lower().endswith(".jpg"):
        up.pieces.append(lib.edited_piece(up.clean))


@scene(1)
def trashed_android(lib):
    title, taken = camera(lib, ".jpg")
    lib.add("trashed_android", ".trashed-%d-%s" % (taken + 10 ** 8, title), taken=taken, home="trash", album_ok=False,
            archived=False)


@scene(1)
def trashed_live(lib):
    from scenes_kinds import live_pieces
    stem = lib.fresh(lambda: "IMG_%04d" % lib.rng.randint(0, 9999))
    lib.add("trashed_live", stem + ".HEIC", pieces=live_pieces(lib, stem + ".HEIC", stem + ".MP4"), home="trash",
            album_ok=False, archived=False)


@scene(1)
def trashed_copy(lib):
    """The same bytes twice uploaded, one of them thrown away: they stay visible."""
    title, taken = camera(lib, ".jpg")
    kept = lib.add("trashed_copy", title, taken=taken, plain_only=True)
    lib.add("trashed_copy", title, taken=taken, home="trash", album_ok=False, archived=False,
            body=kept.pieces[0].body)


@scene(2)
def locked(lib):
    title, taken = camera(lib)
    lib.add("locked", title, taken=taken, home="locked", album_ok=False, archived=False)


@scene(1)
def failed_video(lib):
    title, taken = camera(lib, ".mp4")
    lib.add("failed_video", title, taken=taken, home="failed", sidecar="none", album_ok=False)


@scene(3)
def partner(lib):
    title, taken = camera(lib)
    lib.add("partner", title, taken=taken, partner=True, origin={"fromPartnerSharing": {}})


@scene(3)
def album_only(lib):
    """Files that only an album holds: others shared them."""
    title, taken = camera(lib)
    lib.add("album_only", title, taken=taken, home="album", album_ok=False, origin={"fromSharedAlbum": {}})


@scene(3)
def odd_date(lib):
    """Before 1970, zero, absurd, and the ends of what counts as a date."""
    title, _ = camera(lib)
    t = lib.rng.choice((-2082844800, -2082844800 + 86399, -157766400, -1, 1, 4165689599, 5348846937600, 5771000000000,
                        -4544208000, -4544208001, 4133980799, 4133980800, -62135596800))
    lib.add("odd_date", title, taken=t)


@scene(2)
def no_date(lib):
    """`0`, empty, or no photoTakenTime at all."""
    title, taken = camera(lib)
    raw = lib.rng.choice(("0", "0", "", None))
    lib.add("no_date", title, taken=taken, taken_raw=raw, album_ok=False)


@scene(1)
def no_upload_time(lib):
    title, taken = camera(lib)
    lib.add("no_upload_time", title, taken=taken, uploaded=None)


@scene(1)
def equal_size(lib):
    """Two photos of equal length."""
    size = lib.rng.randint(300, max(301, lib.body_max - 1))
    for _ in range(2):
        title, taken = camera(lib, ".jpg")
        lib.add("equal_size", title, taken=taken, body=lib.body(".jpg", size))


@scene(1)
def equal_crc(lib):
    """Two photos of equal length and equal CRC-32 with different bytes."""
    size = lib.rng.randint(300, max(301, lib.body_max - 1))
    first = None
    for _ in range(2):
        title, taken = camera(lib, ".jpg")
        body = lib.body(".jpg", size, crc_like=first)
        first = first or body
        lib.add("equal_crc", title, taken=taken, body=body)


@scene(2)
def uploaded_twice(lib):
    """Equal bytes under two titles, sometimes with two dates."""
    rng = lib.rng
    title, taken = camera(lib, ".jpg")
    other, later = camera(lib, ".jpg")
    up = lib.add("uploaded_twice", title, taken=taken, plain_only=True)
    lib.add("uploaded_twice", other, taken=rng.choice((taken, later)), body=up.pieces[0].body, plain_only=True)


@scene(1)
def uploaded_twice_same_title(lib):
    """Equal bytes and equal title: numbered, each with a sidecar."""
    title, _ = camera(lib, ".jpg")
    rule, year = lib.rule(), lib.some_year()
    taken = lib.moment(year)
    up = lib.add("uploaded_twice_same_title", title, taken=taken, rule=rule, year=year, plain_only=True)
    lib.add("uploaded_twice_same_title", title, taken=taken, rule=rule, year=year, body=up.pieces[0].body,
            plain_only=True)


@scene(1)
def everything_said(lib):
    """Description, people, place and favourite at once, on a live pair with an edited copy."""
    from scenes_kinds import live_pieces
    rng = lib.rng
    stem = lib.fresh(lambda: "IMG_%04d" % rng.randint(0, 9999))
    up = lib.add("everything_said", stem + ".HEIC", pieces=live_pieces(lib, stem + ".HEIC", stem + ".MOV"),
                 description="Line one\nline two & <three> 🎈", people=["Ben/Jen", "Chidi 🌻", "Ben/Jen", None],
                 favorite=True, geo=(38.7223, -9.1393), geo_exif=False)
    up.pieces.append(lib.edited_piece(naming.sanitise(stem + ".HEIC")))


@scene(4)
def one_thing_said(lib):
    """One thing that a person entered, or none, so that each alone decides about a document."""
    rng = lib.rng
    nothing = dict(description="", people=[], favorite=False, geo=None, geo_exif=False, geo_camera=None)
    lat, lon, _ = rng.choice(PLACES)
    place = (round(lat + rng.uniform(-0.005, 0.005), 7), round(lon + rng.uniform(-0.005, 0.005), 7))
    said = rng.choice((
        {}, {"description": "Only words, \u202e\u05e9\u05dc\u05d5\u05dd & <more>"}, {"people": ["O'Neill, Pat"]},
        {"favorite": True}, {"people": [None]}, {"geo": place, "geo_exif": True}, {"geo": place}, {"geo_camera": place, "geo_exif": True},
        {"geo": place, "geo_exif": True, "geo_camera": (round(place[0] + 1e-7, 7), place[1])},
        {"geo": place, "geo_exif": True, "geo_camera": (place[0], round(place[1] - 3, 7))}))
    title, taken = camera(lib)
    up = lib.add("one_thing_said", title, taken=taken, plain_only=True, **dict(nothing, **said))
    if rng.random() < 0.3 and up.clean.lower().endswith(".jpg"):
        up.pieces.append(lib.edited_piece(up.clean))


@scene(1)
def year_without_sidecar(lib):
    """The year folder's copy has no sidecar, an album's copy has one."""
    title, taken = camera(lib, ".jpg")
    lib.add("year_without_sidecar", title, taken=taken, sidecar="album", album_ok=False)
