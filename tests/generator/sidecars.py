"""The text of Google's json files: media sidecars, album cards, account-level files."""

import datetime
import json

EPOCH = datetime.datetime(1970, 1, 1)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def stamp(raw, rng):
    """`{timestamp, formatted}`; the text is localised, for people only, and no parser should need it."""
    try:
        t = EPOCH + datetime.timedelta(seconds=int(raw or 0))
        text = rng.choice(("%s %d, %d, %d:%02d:%02d\u202fPM UTC", "%s %d, %d, %d:%02d:%02d UTC",
                           "%s. %d, %d г., %d:%02d:%02d ч. UTC"))
        formatted = text % (MONTHS[t.month - 1], t.day, t.year, t.hour % 12 or 12, t.minute, t.second)
    except OverflowError:
        formatted = "Jan 1, 171546, 12:00:00 AM UTC"
    return {"timestamp": raw, "formatted": formatted}


def _geo(point):
    lat, lon = point or (0.0, 0.0)
    return {"latitude": lat, "longitude": lon, "altitude": 0.0, "latitudeSpan": 0.0, "longitudeSpan": 0.0}


def media(up, rng, created_shift=0, url=None):
    """The sidecar of an upload; copies of it may have another url and another upload second."""
    if up.sidecar == "bad":
        return up.bad
    out = {}
    title = up.raw_title if up.raw_title is not None else up.title
    if title is not None:
        out["title"] = title
    if up.description or rng.random() < 0.9:
        out["description"] = up.description
    out["imageViews"] = str(rng.randint(0, 500))
    if up.uploaded is not None:
        out["creationTime"] = stamp(str(up.uploaded + created_shift), rng)
    if up.taken_raw is not None:
        out["photoTakenTime"] = stamp(up.taken_raw, rng)
    if rng.random() < 0.3 and up.uploaded is not None:
        out["photoLastModifiedTime"] = stamp(str(up.uploaded + 1000), rng)
    out["geoData"] = _geo(up.geo)
    if up.geo_exif:
        out["geoDataExif"] = _geo(up.carried)
    if up.people:
        out["people"] = [{"name": p} if p is not None else {} for p in up.people]
    for key, on in (("favorited", up.favorite), ("archived", up.archived), ("trashed", up.trashed),
                    ("inLockedFolder", up.locked)):
        if on:
            out[key] = True
    out["url"] = url or up.url
    if up.origin:
        out["googlePhotosOrigin"] = up.origin
    if rng.random() < 0.13:
        out["appSource"] = {"androidPackageName": "com.example.camera"}
    if rng.random() < 0.02:
        out["sharedAlbumComments"] = [{"text": "Nice!", "creationTime": stamp("1600000000", rng),
                                       "contentOwnerName": "A friend"}]
    return dump(out, rng)


def dump(value, rng):
    """Two ways of writing the same json, both seen: plain UTF-8 and HTML-safe escapes."""
    text = json.dumps(value, indent=2, ensure_ascii=rng.random() < 0.1)
    if rng.random() < 0.5:
        for char in "<>&='":
            text = text.replace(char, "\\u%04x" % ord(char))
    return (text + rng.choice(("", "\n"))).encode()


def album(form, title, rng):
    """One album card; `form` names one of the shapes seen over the years. None: no card at all."""
    if form == "none":
        return None
    if form == "title_only":
        return dump({"title": title}, rng)
    if form == "empty_object":
        return b"{}"
    if form == "not_an_object":
        return rng.choice((b"[]", b'"metadata"', b"null"))
    card = {"title": title, "description": rng.choice(("", "", "What we saw")),
            "access": rng.choice(("protected", "", "public"))}
    if form == "conversation":
        card["sharedAlbumComments"] = [{"text": "Hello", "liked": True, "creationTime": stamp("1500000000", rng)}]
        return dump(card, rng)
    if rng.random() < 0.5:
        card["location"] = ""
    card["date"] = stamp(str(rng.randint(1300000000, 1700000000)), rng)
    if form == "enriched":
        card["enrichments"] = [{"narrativeEnrichment": {"text": "The long way"}}, {"locationEnrichment": {"location": [
            {"name": "Naxos", "description": "Greece", "latitudeE7": 371036000, "longitudeE7": 253766000}]}}]
    card["geoData"] = _geo(None)
    return dump({"albumData": card} if form == "legacy" else card, rng)


def account_files(rng):
    """What lies in the product folder itself and belongs to no photo."""
    return {
        "print-subscriptions.json": dump({"printSubscriptions": []}, rng),
        "shared_album_comments.json": dump({"sharedAlbumComments": [
            {"text": "Wow", "contentUrl": "https://photos.google.com/share/x", "creationTime": stamp("1550000000", rng)}
        ]}, rng),
        "user-generated-memory-titles.json": dump({"title": ["Our summer", "The baby"]}, rng),
        "print-orders.json": dump({"externalOrderId": "A-1", "type": "BOOK", "quantity": 1, "numPages": 20,
                                   "client": "web", "category": "PHOTO_BOOK"}, rng),
    }
