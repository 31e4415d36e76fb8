"""What is true about an export, told from how it was made and never from its names."""

import datetime
import json
import zoneinfo
from collections import Counter

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def month(second, zone):
    """The folder of a second by the clocks of a zone; the bytes of the generator carry no time of their own."""
    if second is None:
        return None
    local = (EPOCH + datetime.timedelta(seconds=second)).astimezone(zoneinfo.ZoneInfo(zone or "UTC"))
    return "%04d/%04d-%02d" % (local.year, local.year, local.month)


def entry_rows(layout, where):
    """One object per media entry. `where(entry)` gives `(part name, how it is stored)` for each time it is there."""
    home_json, clips_of = {}, {}
    for place in layout.placements:
        if place.sidecar and place.upload.sidecar in ("good", "album"):
            key = id(place.upload)
            if key not in home_json or not place.copy and place.media:
                home_json[key] = path(layout, place, place.sidecar_file)
    rows = []
    for entry in layout.entries:
        if entry.kind == "media":
            rows += [row(layout, entry, part, stored, home_json) for part, stored in where(entry)]
    first, seen = {}, set()
    for r in rows:
        r["is_duplicate_of"] = first.get(r["sha256"])
        first.setdefault(r["sha256"], r["path"])
        r["same_path_again"] = r["path"] in seen
        seen.add(r["path"])
    return rows


def path(layout, place, name):
    return "%s%s/%s" % (layout.root, place.folder, name)


def row(layout, entry, part, stored, home_json):
    place, up = entry.placement, entry.placement.upload
    piece, body = up.pieces[entry.piece], entry.placement.body(entry.piece)
    known = up.sidecar in ("good", "album")
    originals = [i for i, p in enumerate(up.pieces) if p.role == "original"]
    head = path(layout, place, place.names[originals[0]]) if piece.role != "original" and originals else None
    own = path(layout, place, place.sidecar_file) if place.sidecar else None
    unsure = set(up.unsure)
    if "clip" in unsure:
        unsure.discard("clip")
        if piece.role == "clip":
            unsure |= {"sidecar", "head", "title"}
    if piece.role == "edited" and not place.sidecar and up.at_limit:
        unsure |= {"role", "head"}
    taken = up.taken if known else None
    return {
        "named": up.named if taken is None else None,
        "month": month(up.named if taken is None else taken, up.zone if known else None),
        "path": entry.path, "part": part, "stored": stored, "size": body.size, "sha256": body.sha256,
        "crc32": body.crc32, "class": up.class_, "folder_kind": place.kind, "role": piece.role, "head": head,
        "sidecar": own if known else None,
        "sidecar_elsewhere": home_json.get(id(up)) if known and own is None else None,
        "bad_sidecar": own if up.sidecar == "bad" else None,
        "title": up.title if known else None, "taken": taken,
        "uploaded": up.uploaded + place.shift if known and up.uploaded is not None else None,
        "description": (up.description or None) if known else None,
        "people": up.people_named() if known else [], "favorite": known and up.favorite,
        "archived": known and up.archived, "trashed": up.trashed, "locked": up.locked,
        "partner": known and up.partner, "geo": list(up.geo or up.carried) if known and (up.geo or up.carried) else None,
        "entered": up.entered() if known else [], "albums": [],
        "unsure": sorted(unsure),
    }


def album_rows(layout):
    """Per album folder: who is in it, by content. Edited copies and clips go where their head goes."""
    rows = []
    for album in layout.albums:
        places = [p for p in layout.placements if p.album is album]
        shas = set()
        for place in places:
            if place.media or place.copy:       # a copy without media points at the bytes of the home folder
                shas |= {place.body(i).sha256 for i in range(len(place.upload.pieces))}
        card = "%s%s/%s" % (layout.root, album.folder, layout.lib.words.album_json)
        rows.append({"title": album.title, "shown": album.shown, "folder": layout.root + album.folder,
                     "json": card if album.card is not None else None, "form": album.form, "holds": album.mode,
                     "certain": album.certain, "contents": sorted(shas)})
    return rows


def documents(rows):
    """Per content: what calls for a document beside it, or None where the known facts leave that open.

    Of several uploads of the same bytes the earliest speaks; people and favourites hold for all of them. The clip of a
    live photo is a part of its still and has no document of its own.
    """
    owner = {}
    for r in rows:
        if r["sidecar"]:
            owner.setdefault(r["sidecar"], r)
    copies, said = {}, {}
    for r in rows:
        copies.setdefault(r["sha256"], []).append(r)
    for sha, of in copies.items():
        if any(set(r["unsure"]) & {"sidecar", "role", "head", "people", "favorite", "description", "clip"} for r in of):
            said[sha] = None
            continue
        if all(r["role"] == "clip" for r in of) and any(r["head"] for r in of):
            said[sha] = []
            continue
        speakers = [owner[s] for s in (r["sidecar"] or r["sidecar_elsewhere"] for r in of) if s in owner]
        first = min(speakers, default=None, key=lambda r: (
            r["uploaded"] if r["uploaded"] is not None else float("inf"),
            r["taken"] if r["taken"] is not None else float("inf"), r["title"] or ""))
        entered = {"people"} if any(r["people"] for r in of) else set()
        entered |= {"favorite"} if any(r["favorite"] for r in of) else set()
        if first:
            entered |= {what for what in first["entered"] if what in ("description", "place")}
        said[sha] = sorted(entered)
    return said


def build(layout, where, arguments):
    rows = entry_rows(layout, where)
    beside = documents(rows)
    albums = album_rows(layout)
    contents = {}
    for r in rows:
        c = contents.setdefault(r["sha256"], {
            "size": r["size"], "crc32": r["crc32"], "shown": False, "favorite": False, "people": set(), "albums": set(),
            "unsure_albums": set(), "titles": set(), "taken": set(), "roles": set(), "entries": 0,
            "document": beside[r["sha256"]]})
        c["shown"] |= not (r["trashed"] or r["locked"])
        c["favorite"] |= r["favorite"]
        c["people"] |= set(r["people"])
        c["roles"].add(r["role"])
        c["entries"] += 1
        if r["title"] is not None:
            c["titles"].add(r["title"])
        if r["taken"] is not None:
            c["taken"].add(r["taken"])
    for a in albums:
        for sha in a["contents"]:
            if sha in contents:
                contents[sha]["albums" if a["certain"] else "unsure_albums"].add(a["shown"])
    for c in contents.values():
        for key, value in c.items():
            if isinstance(value, set):
                c[key] = sorted(value)
    for r in rows:
        r["albums"] = contents[r["sha256"]]["albums"]
    people = Counter(p for c in contents.values() for p in c["people"])
    shown_people = sorted({p for c in contents.values() if c["shown"] for p in c["people"]})
    used = {r["sidecar"] for r in rows} | {r["sidecar_elsewhere"] for r in rows} | {r["bad_sidecar"] for r in rows}
    jsons = sorted({e.path for e in layout.entries if e.kind == "sidecar"})
    alone = {path(layout, p, p.sidecar_file) for p in layout.placements if p.sidecar and not p.media and p.copy}
    certain = [a for a in albums if a["certain"]]
    sure = sorted({a["shown"] for a in certain if any(contents.get(s, {}).get("shown") for s in a["contents"])})
    return {
        "arguments": arguments, "locale": layout.lib.words.code, "product": layout.root.rstrip("/"),
        "totals": {
            "media_entries": len(rows), "media_bytes": sum(r["size"] for r in rows),
            "distinct_contents": len(contents), "shown_contents": sum(c["shown"] for c in contents.values()),
            "trashed_entries": sum(r["trashed"] for r in rows), "locked_entries": sum(r["locked"] for r in rows),
            "same_path_again": sum(r["same_path_again"] for r in rows),
            "without_sidecar": sum(r["sidecar"] is None for r in rows), "sidecars": len(jsons),
            "junk": len({e.path for e in layout.entries if e.kind == "junk"}), "album_folders": len(albums),
            "albums_certain": len(certain), "people": len(people), "people_shown": len(shown_people)},
        "classes": dict(sorted(Counter(u.class_ for u in layout.lib.uploads).items())),
        "people": sorted(people), "people_shown": shown_people, "album_titles_shown": sure, "albums": albums,
        "entries": rows, "contents": contents,
        "junk": sorted({e.path for e in layout.entries if e.kind == "junk"}),
        "not_photos": sorted({e.path for e in layout.entries if e.kind == "other"}),
        "orphan_sidecars": [j for j in jsons if j not in used and j not in alone],
        "album_only_sidecars": sorted(alone),
        "bad_sidecars": sorted({r["bad_sidecar"] for r in rows if r["bad_sidecar"]}),
    }


def write(truth, folder):
    with open(folder + "/truth.json", "w", encoding="utf-8") as out:
        json.dump(truth, out, ensure_ascii=False, indent=1)
        out.write("\n")
    with open(folder + "/truth.tsv", "w", encoding="utf-8") as out:
        out.write("sha256\tsize\tpath\tkind\n")
        for r in truth["entries"]:
            out.write("%s\t%d\t%s\t%s\n" % (r["sha256"], r["size"], r["path"], r["role"]))
