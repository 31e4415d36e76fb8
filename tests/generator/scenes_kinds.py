"""Scenarios about files that belong together: edited copies, live and motion photos, bursts, products of Google."""

import naming
from library import Piece
from scenes_names import camera

SCENES = []


def scene(weight):
    def register(run):
        SCENES.append((run, weight))
        return run
    return register


@scene(6)
def edited(lib):
    title, taken = camera(lib, lib.rng.choice((".jpg", ".JPG", ".jpeg", ".HEIC", ".mp4")))
    up = lib.add("edited", title, taken=taken)
    up.pieces.append(lib.edited_piece(up.clean))


@scene(3)
def edited_cut(lib):
    """The suffix of the edited copy is cut: every length of it that remains, down to the dash."""
    rng = lib.rng
    suffix = naming.units(lib.words.edited)
    left = list(range(1, suffix)) if lib.first("edited_cut") else [rng.randint(1, suffix - 1)]
    for keep in left:
        ext = rng.choice((".jpg", ".jpeg", ".JPG"))
        stem = lib.fresh(lambda: lib.text(51 - len(ext) - keep))
        up = lib.add("edited_cut", stem + ext)
        up.pieces.append(lib.edited_piece(up.clean))


@scene(2)
def edited_gone(lib):
    """Nothing of the suffix is left: the edited copy has its original's name and is numbered, without a json."""
    rng = lib.rng
    ext = rng.choice((".jpg", ".jpg", ".jpeg"))
    up = lib.add("edited_gone", lib.fresh(lambda: lib.text(rng.randint(51 - len(ext), 60)) + ext))
    up.pieces.append(lib.edited_piece(up.clean))


@scene(2)
def edited_numbered(lib):
    """`X-edited(1).jpg` belongs to `X(1).jpg`; sometimes with a cut suffix."""
    rng = lib.rng
    if rng.random() < 0.5:
        title = camera(lib, ".jpg")[0]
    else:
        title = lib.fresh(lambda: lib.text(47 - rng.randint(2, 4)) + ".jpg")
    year = lib.some_year()
    rule = lib.rule()
    n = rng.randint(2, 3)
    for i in range(n):
        up = lib.add("edited_numbered", title, rule=rule, year=year)
        if i == n - 1 or rng.random() < 0.5:
            up.pieces.append(lib.edited_piece(up.clean))


@scene(1)
def edited_own_title(lib):
    """A title that ends with the suffix but is an upload of its own, with its own sidecar."""
    title, taken = camera(lib, ".jpg")
    lib.add("edited_own_title", title[:-4] + lib.words.edited + ".jpg", taken=taken)
    if lib.rng.random() < 0.5:
        lib.add("edited_own_title", title, taken=taken + 9, rule=lib.uploads[-1].rule)


@scene(1)
def edited_alone(lib):
    """An edited copy whose original is not there: without sidecar, or with the original's."""
    title, taken = camera(lib, ".jpg")
    with_json = lib.rng.random() < 0.5
    up = lib.add("edited_alone", title, taken=taken, album_ok=False, sidecar="good" if with_json else "none",
                 unsure={"role"})
    up.pieces = [lib.edited_piece(up.clean)]


@scene(1)
def effects(lib):
    """What Google adds by itself behaves like an edit."""
    title, taken = camera(lib, ".jpg")
    up = lib.add("effects", title, taken=taken)
    up.pieces.append(lib.edited_piece(up.clean, lib.rng.choice(("-effects", "-smile", "-mix"))))


@scene(1)
def creations(lib):
    """Collages, animations and movies own a sidecar."""
    title, taken = camera(lib, ".jpg")
    lib.add("creations", title[:-4] + lib.rng.choice(("-COLLAGE.jpg", "-ANIMATION.gif", "-MOVIE.m4v")), taken=taken,
            origin={"composition": {"type": "AUTO"}})


def live_pieces(lib, still, clip):
    return [Piece("original", still, lib.body(naming.split_ext(still)[1])), Piece("clip", clip, lib.body(".mp4"))]


@scene(8)
def live(lib):
    """HEIC and its video share number and sidecar."""
    rng = lib.rng
    stem = lib.fresh(lambda: rng.choice(("IMG_%04d", "IMG_E%04d", "IMG_%04d_HDR")) % rng.randint(0, 9999))
    ext, video = rng.choice(((".HEIC", ".MP4"), (".HEIC", ".MOV"), (".heic", ".mp4"), (".JPG", ".MP4"),
                             (".jpeg", ".mov"), (".HEIC", ".MP4")))
    year = lib.some_year()
    rule = lib.rule()
    for _ in range(rng.choice((1, 1, 2, 3))):
        up = lib.add("live", stem + ext, rule=rule, pieces=live_pieces(lib, stem + ext, stem + video), year=year)
        if rng.random() < 0.15:
            up.pieces.append(lib.edited_piece(stem + ext))
        if rng.random() < 0.1:
            up.partner, up.origin = True, {"fromPartnerSharing": {}}


@scene(1)
def live_own_json(lib):
    """The video of a live pair owns a sidecar: that one wins. Whether it is still a clip is open."""
    rng = lib.rng
    stem = lib.fresh(lambda: "IMG_%04d" % rng.randint(0, 9999))
    rule, taken, year = lib.rule(), *lib.moment_in_year()
    lib.add("live_own_json", stem + ".HEIC", rule=rule, taken=taken, year=year, album_ok=False)
    lib.add("live_own_json", stem + ".MP4", rule=rule, taken=taken, year=year, album_ok=False,
            unsure={"role", "head", "people", "favorite", "description"})


@scene(1)
def live_two_stills(lib):
    """JPG and HEIC of one stem and one video: the HEIC is the likely partner."""
    rng = lib.rng
    stem = lib.fresh(lambda: "IMG_%04d" % rng.randint(0, 9999))
    rule, taken, year = lib.rule(), *lib.moment_in_year()
    facts = lib.random_facts()
    lib.add("live_two_stills", stem + ".HEIC", rule=rule, taken=taken, year=year, album_ok=False,
            pieces=live_pieces(lib, stem + ".HEIC", stem + ".MP4"), unsure={"clip"}, **facts)
    lib.add("live_two_stills", stem + ".JPG", rule=rule, taken=taken, year=year, album_ok=False, **facts)


def pixel(lib):
    rng = lib.rng
    return "PXL_20%02d%02d%02d_%09d" % (rng.randint(18, 25), rng.randint(1, 12), rng.randint(1, 28),
                                        rng.randint(0, 235959999))


@scene(3)
def motion(lib):
    """`X.MP` beside `X.MP.jpg`, also `.MP~2` and `.MV`; the json is the still's."""
    rng = lib.rng
    stem = lib.fresh(lambda: pixel(lib))
    year = lib.some_year()
    rule = lib.rule()
    for tail in rng.choice(((".MP",), (".MV",), (".MP", ".MP~2"), (".MP~2",))):
        still = stem + tail + ".jpg"
        up = lib.add("motion", still, rule=rule, year=year, pieces=live_pieces(lib, still, stem + tail))
        if rng.random() < 0.2:
            up.pieces.append(lib.edited_piece(still))


@scene(2)
def mvimg(lib):
    """Older motion photos: the video has no extension at all, or `.MP4`."""
    rng = lib.rng
    stem = lib.fresh(lambda: "MVIMG_2018%02d%02d_%06d" % (rng.randint(1, 12), rng.randint(1, 28),
                                                          rng.randint(0, 235959)))
    lib.add("mvimg", stem + ".jpg", year=lib.some_year(),
            pieces=live_pieces(lib, stem + ".jpg", stem + rng.choice(("", "", ".MP4"))))


@scene(1)
def samsung(lib):
    title, taken = camera(lib, ".jpg")
    lib.add("samsung", title, taken=taken, pieces=live_pieces(lib, title, title[:-4] + ".MP4"))


@scene(2)
def burst(lib):
    rng = lib.rng
    day = "20%02d%02d%02d%06d" % (rng.randint(15, 24), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 235959))
    form = rng.choice(("%05dIMG_%05d_BURST" + day + "%03d", "IMG_" + day[:8] + "_%05d_%05d_BURST%03d"))
    year = lib.some_year()
    rule = lib.rule()
    start = rng.randint(0, 99999)
    for i in range(rng.randint(3, 6)):
        title = lib.fresh(lambda: form % (i, start, i + rng.randint(0, 900)) + ("_COVER" if i == 1 else "") + ".jpg")
        lib.add("burst", title, rule=rule, year=year)


@scene(2)
def pixel_chain(lib):
    """Long chains of Pixel suffixes: several files of one shot, each with its own sidecar, neighbours by name."""
    rng = lib.rng
    stem = lib.fresh(lambda: pixel(lib))
    year = lib.some_year()
    rule = lib.rule()
    tails = rng.choice(((".LONG_EXPOSURE-01.COVER.jpg", ".LONG_EXPOSURE-02.ORIGINAL.jpg"),
                        (".PORTRAIT-01.COVER.jpg", ".PORTRAIT-02.ORIGINAL.jpg"), (".NIGHT.jpg",), (".PORTRAIT.jpg",),
                        (".MOTION-01.COVER.jpg", ".MOTION-02.ORIGINAL.jpg"), (".LS.mp4",), (".NIGHT.mp4",),
                        (".RAW-01.COVER.jpg", ".RAW-02.ORIGINAL.dng"), ("~2.jpg", ".jpg")))
    for tail in tails:
        lib.add("pixel_chain", stem + tail, rule=rule, year=year)
