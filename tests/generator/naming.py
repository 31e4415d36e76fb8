"""Google's naming rules, applied forward: title -> media name -> sidecar name.

Lengths are counted in UTF-16 code units, as Google counts them:
a media name has 51 units with its extension, a sidecar 46 units before `.json`, and the counter `(n)` that tells
files of one name apart stands outside both budgets.
"""

import re
from dataclasses import dataclass

MEDIA_UNITS = 51
SIDECAR_UNITS = 46
FOLDER_UNITS = 50
NEW_SUFFIX = ".supplemental-metadata"


@dataclass(frozen=True)
class Rule:
    """How one upload's names were made."""
    new_style: bool = True     # X.jpg.supplemental-metadata.json, else X.jpg.json
    clipped: bool = True       # some recent exports do not clip at all
    media_up: bool = True      # a cut inside a surrogate pair keeps the pair (else drops it), media
    sidecar_up: bool = True    # the same, sidecar


def units(text):
    return len(text.encode("utf-16-le")) // 2


def cut(text, budget, up=True):
    """The first `budget` UTF-16 units; where that splits a character, keep all of it (`up`) or none."""
    out, used = [], 0
    for char in text:
        width = 2 if ord(char) > 0xFFFF else 1
        if used + width > budget:
            if up and used < budget:
                out.append(char)
            break
        out.append(char)
        used += width
    return "".join(out)


def sanitise(title, also=""):
    """Characters that no file name may hold become `_`; `also` adds those whose fate is not established."""
    return re.sub("[/'%\":&?\\\\\x00-\x1f" + re.escape(also) + "]", "_", title)


def split_ext(name):
    """Stem and extension at the last dot, whatever stands behind it (`21.12` + `.11 - 1`)."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if dot > 0 else (name, "")


def counter(n):
    return "(%d)" % n if n else ""


def media_name(base, rule, n=0, suffix=""):
    """`base` is the sanitised title with the extension the file got; `suffix` is that of an edited copy."""
    stem, ext = split_ext(base)
    stem += suffix
    if rule.clipped:
        stem = cut(stem, MEDIA_UNITS - units(ext), rule.media_up)
    return stem + counter(n) + ext


def sidecar_name(clean_title, rule, n=0):
    text = clean_title + (NEW_SUFFIX if rule.new_style else "")
    if rule.clipped:
        text = cut(text, SIDECAR_UNITS, rule.sidecar_up)
    return text + counter(n) + ".json"


def at_limit(base, rule):
    """Whether the media name fills its budget, so that an edited suffix would vanish without a trace."""
    stem, ext = split_ext(base)
    return rule.clipped and units(stem) + units(ext) >= MEDIA_UNITS


def folder_name(title, slash="_", amp_survives=True):
    """The folder of an album title: fewer characters are lost than in file names, and it is cut too."""
    text = title.replace(" / ", " %s " % slash)
    text = re.sub("['%\"/:?\\\\\x00-\x1f]", "_", text)
    if not amp_survives:
        text = text.replace("&", "_")
    return cut(text, FOLDER_UNITS)


def natural(text):
    """Sort key of Google's numbering: shorter first, digits as numbers."""
    return (units(text), [(0, int(p), "") if p.isdigit() and p.isascii() else (1, 0, p)
                          for p in re.split("([0-9]+)", text)])
