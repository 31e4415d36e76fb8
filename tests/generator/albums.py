"""Invents albums: titles, folder names, cards in all their shapes, and who is in them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import List, Optional

import naming
import sidecars

SPECIAL = (     # title, form of the card, what the folder holds
    ("Thailand 2019", "flat", "both"), ("Summer in Naxos", "flat", "both"), ("Summer in Naxos", "title_only", "both"),
    ("summer in naxos", "flat", "both"), ("New Zealand / 12 North Island", "flat", "both"),
    ('"Esquadern" 2020', "legacy", "both"), ("Gary's birthday", "enriched", "mixed"),
    ("Oud Album'7$%#", "title_only", "media"), ("Lisbon ❤ with the family", "flat", "sidecars"),
    ("[E&S] 2016-01-05 - Castello De Albertis e Mostra di Arte Contemporanea", "flat", "both"),
    ("Photos from 2019 in Paris", "flat", "mixed"), ("2016", "title_only", "both"), ("日本旅行 2018", "legacy", "sidecars"),
    ("", "flat", "both"), ("", "empty_object", "both"), ("", "title_only", "media"),
    ("", "conversation", "both"), ("No card at all", "none", "both"),
)
FORMS = ("flat", "flat", "title_only", "title_only", "legacy", "enriched")
MODES = ("both",) * 7 + ("sidecars", "media", "mixed")
WORDS = ("Wedding", "Garten", "Été", "Trip to Oslo", "Cats 🐈", "Familie & Freunde", "Scans: 1950s", "100 %", "Baby",
         "Прогулка", "Schnee?", "C/D", "Weekend #3", "Мама", "夏祭り", "Tage & Nächte")


@dataclass(eq=False)
class Album:
    title: Optional[str]            # of the card; None: no card, or a card without one
    folder: str
    form: str
    mode: str                       # both | sidecars | media | mixed
    card: Optional[bytes]
    certain: bool                   # whether the facts say clearly that it is an album
    members: List[object] = field(default_factory=list)
    loose: set = field(default_factory=set)         # members that may lack media or sidecar here (mixed)
    anchored: set = field(default_factory=set)      # members whose bytes must be those of the home folder

    @property
    def shown(self):
        return self.title or self.folder


def invent(lib, rng):
    """The special albums always, then random ones until there are enough."""
    wanted = list(SPECIAL)
    for i in range(max(0, lib.photos // 40 - len(wanted))):
        title = rng.choice(WORDS) + rng.choice(("", "", " %d" % rng.randint(1990, 2025), " %d" % i))
        wanted.append(("" if rng.random() < 0.15 else title, rng.choice(FORMS), rng.choice(MODES)))
    albums, taken = [], set()
    for title, form, mode in wanted:
        name = naming.folder_name(title, rng.choice("-_"), rng.random() < 0.7) if title else lib.words.untitled
        n = 0
        while (name + naming.counter(n)).casefold() in taken:
            n += 1
        folder = name + naming.counter(n)
        taken.add(folder.casefold())
        card = sidecars.album(form, title, rng)
        certain = form not in ("conversation", "none")
        albums.append(Album(title if title and form != "none" else None, folder, form, mode, card, certain))
    _fill(lib, albums, rng)
    return [a for a in albums if a.members or a.mode == "both"]


def _fill(lib, albums, rng):
    """Draws members. A sidecar alone must point at exactly one upload: its title and second are unique."""
    pairs = Counter((u.title, u.taken_raw) for u in lib.uploads)
    able = [u for u in lib.uploads if u.album_ok and u.media and u.home in ("year", "archive")]
    named = [u for u in able if u.sidecar == "good" and not u.plain_only and u.taken is not None and u.title
             and u.raw_title is None and pairs[u.title, u.taken_raw] == 1]
    free = [u for u in able if not u.plain_only]
    pool = {"both": able, "mixed": able, "sidecars": named, "media": free}
    budget = max(len(lib.uploads) // 3, 20)
    referenced = set()
    for album in albums:
        source = pool[album.mode]
        if not source:
            continue
        count = min(len(source), max(1, min(int(rng.lognormvariate(1.8, 1.0)), 80, budget // 3)))
        if album.title is None and rng.random() < 0.6:
            count = 1
        budget -= count
        if rng.random() < 0.5:
            start = rng.randrange(len(source) - count + 1)
            album.members = source[start:start + count]
        else:
            album.members = rng.sample(source, count)
        if album.mode == "mixed":
            album.loose = {id(u) for u in album.members if not (u.plain_only or u.at_limit or u.edited)} & \
                          {id(u) for u in named}
            album.loose = {u for u in album.members if id(u) in album.loose}
            referenced |= {id(u) for u in album.loose}
        if album.mode in ("sidecars", "media"):
            referenced |= {id(u) for u in album.members}
    for album in albums:
        album.anchored = {u for u in album.members if id(u) in referenced or u.plain_only}
