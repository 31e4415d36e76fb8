#!/usr/bin/env python3
"""Writes a year's series of exports of an invented account, and what a careful reader shows after each of them.

Usage: series.py --out DIR [--seed N] [--photos 5000] [--added 200] [--edited 20]

One full export, five that hold only what was added or edited since, and a new full one. By then a fiftieth of the
photos of the first export was deleted at Google, as many lie in the trash, and a tenth was compressed for 'Storage
saver'. Each export is one zip, DIR/N/takeout-STAMP-001.zip; DIR/truth.json says for each what it brought, and which
contents (SHA-256 to path) are shown after it: everything that was ever shown, of edited copies the newest version, of
originals the better one.

What happens to photos, besides: two of each increment get a date in another month, two another title.
"""
import argparse
import datetime
import hashlib
import json
import pathlib
import random

from zipwriter import ZipWriter

STAMPS = ["20260101T000000Z", "20260301T000000Z", "20260501T000000Z", "20260701T000000Z", "20260901T000000Z",
          "20261101T000000Z", "20270101T000000Z"]
FIRST = 1_262_304_000  # 2010
PHOTOS = "Takeout/Google Photos"


def picture(rng, size, width, height):
    """As much of a JPEG as tells its size, and noise."""
    frame = b"\xff\xc0\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x03" + b"\x01\x11\x00" * 3
    head = b"\xff\xd8" + frame + b"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    noise = rng.randbytes(size - len(head) - 2).replace(b"\xff", b"\xfe")
    return head + noise + b"\xff\xd9"


class Item:
    def __init__(self, rng, number, uploaded):
        self.number, self.uploaded = number, uploaded
        self.title = f"IMG_{number:05}.jpg"
        self.taken = FIRST + number * 45_000 + rng.randrange(40_000)
        self.original = picture(rng, rng.randrange(4_000, 24_000), 4000, 3000)
        self.best = self.original
        self.edited = None
        self.people = rng.sample(["Ada", "Bob", "Cy"], rng.randrange(3))
        self.favorite = rng.random() < 0.05
        self.album = rng.choice(["Lisbon", "Garden", None, None, None])
        self.trashed = False

    def edit(self, rng, equal):
        size = len(self.edited) if self.edited and equal else rng.randrange(4_000, 24_000)
        self.edited = picture(rng, size, 4000, 3000)

    def compress(self, rng):
        self.original = picture(rng, len(self.original) // 2, 2000, 1500)

    def sidecar(self):
        out = {"title": self.title, "description": "", "creationTime": {"timestamp": str(self.uploaded)},
               "photoTakenTime": {"timestamp": str(self.taken)},
               "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
               "people": [{"name": person} for person in self.people],
               "url": f"https://photos.google.com/photo/{self.number}"}
        out.update({"favorited": True} if self.favorite else {})
        out.update({"trashed": True} if self.trashed else {})
        return json.dumps(out, indent=2).encode()

    def month(self):
        return datetime.datetime.fromtimestamp(self.taken, datetime.timezone.utc).strftime("by-date/%Y/%Y-%m")

    def shown(self):
        """SHA-256 of what is shown of it: its path in by-date."""
        stem = self.title.removesuffix(".jpg")
        found = {hashlib.sha256(self.best).hexdigest(): f"{self.month()}/{self.title}"}
        if self.edited:
            found[hashlib.sha256(self.edited).hexdigest()] = f"{self.month()}/{stem}-edited.jpg"
        return found


def write(path, items):
    path.parent.mkdir(parents=True)
    with open(path, "wb") as out:
        archive = ZipWriter(out)
        albums = set()
        for item in items:
            year = f"{PHOTOS}/Photos from {datetime.datetime.fromtimestamp(item.taken, datetime.timezone.utc).year}"
            folders = [f"{PHOTOS}/Trash" if item.trashed else year]
            if item.album and not item.trashed:
                folders.append(f"{PHOTOS}/{item.album}")
                albums.add(item.album)
            for folder in folders:
                archive.add(f"{folder}/{item.title}", item.original, 0)
                archive.add(f"{folder}/{item.title}.supplemental-metadata.json", item.sidecar(), 8)
                if item.edited:
                    archive.add(f"{folder}/{item.title.removesuffix('.jpg')}-edited.jpg", item.edited, 0)
        for album in sorted(albums):
            archive.add(f"{PHOTOS}/{album}/metadata.json", json.dumps({"title": album}).encode(), 8)
        archive.close()


def change(rng, items, edits):
    """Edits, some of them again and of equal length, and moves a few. Gives the items that changed, and how many moved."""
    again = [item for item in items if item.edited]
    chosen = rng.sample(again, min(edits // 2, len(again)))
    chosen += rng.sample([item for item in items if not item.edited], edits - len(chosen))
    for at, item in enumerate(chosen):
        item.edit(rng, equal=at % 2 == 0)
    others = rng.sample([item for item in items if item not in chosen], 4)
    for item in others[:2]:
        item.taken += 40 * 86_400
    for item in others[2:]:
        item.title = f"Renamed {item.number}.jpg"
    return chosen + others, others


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--added", type=int, default=200)
    parser.add_argument("--edited", type=int, default=20)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    items = [Item(rng, number, 1_700_000_000 + number * 10) for number in range(args.photos)]
    for item in rng.sample(items, args.photos // 25):
        item.edit(rng, equal=False)
    truth = []

    def export(held, **brought):
        number = len(truth)
        write(args.out / str(number) / f"takeout-{STAMPS[number]}-001.zip", held)
        shown = {}
        for item in items:
            shown.update(item.shown())
        truth.append({"stamp": STAMPS[number], "shown": shown, **brought})

    export(items, full=True, moved=[], new=sum(len(item.shown()) for item in items))
    for _ in range(5):
        changed, moved = change(rng, items, args.edited)
        before = len(items)
        added = [Item(rng, before + n, 1_700_000_000 + (before + n) * 10) for n in range(args.added)]
        items += added
        # Months that were there before stay full of what was moved out of them.
        export(changed + added, full=False, moved=[item.number for item in moved],
               new=args.added + args.edited)
    first = items[:args.photos]
    rng.shuffle(first)
    part = args.photos // 50
    gone, trashed, compressed = first[:part], first[part:2 * part], first[2 * part:2 * part + args.photos // 10]
    for item in trashed:
        item.trashed = True
    for item in compressed:
        item.compress(rng)
    # Whatever is compressed was not shown worse before.
    held = [item for item in items if item not in gone]
    export(held, full=True, moved=[], new=0,
           gone=sorted(sha for item in gone + trashed for sha in item.shown()),
           compressed=[item.month() + "/" + item.title for item in compressed])
    (args.out / "truth.json").write_text(json.dumps(truth, indent=1))


if __name__ == "__main__":
    main()
