#!/usr/bin/env python3
"""Writes the damage matrix: one small export per kind of damage, and what a careful reader does with it.

  damage.py --out DIR [--seed 1] [--only PREFIX] [--force]
  damage.py --check DIR

DIR/NAME/export is given to the program; DIR/NAME/case.json says what was done and what is expected:

  expect       "mount" or "refuse"; `also_accept` names the other one where both are right, else null
  names        parts (or other files) that a refusal, or the report of a mount, must name
  entries      archive path -> sha256       must be served, with these bytes
                               "?" + sha256  may be served or not, but only with these bytes
                               "bad"         must fail loudly when read (or be reported), never be served
                               "gone"        is not in the export any more
  bad_sidecars archive paths of sidecars that cannot be trusted
  distinct     number of distinct contents that must be shown, where `entries` would be too long (then truth.tsv
               holds one sha256 per line)

Whatever is expected: no file may ever show bytes that are not the value of some entry.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tarfile
import zipfile

import damage_archive
import damage_entries
import damage_tgz
from damage_base import Base


def write_case(out, facts, files):
    folder = os.path.join(out, facts["name"])
    export = os.path.join(folder, "export")
    os.makedirs(export)
    for name, data in files.items():
        with open(os.path.join(export, name), "wb") as f:
            f.write(data)
    lines = facts.pop("truth_lines", None)
    if lines is not None:
        with open(os.path.join(folder, "truth.tsv"), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)
    with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as f:
        json.dump(facts, f, ensure_ascii=False, indent=1)
        f.write("\n")
    return {k: facts[k] for k in ("name", "kind", "what", "expect", "also_accept", "names")}


# Python's reader does not compare a length that is too big, and is fooled by a comment that looks like an end record.
LENIENT = ("central_deflated_usize", "lie_deflated_usize_big", "lie_deflated_usize_huge", "lie_stored_usize_big",
           "lie_stored_usize_huge", "end_comment_signature", "tgz_tar_no_end", "tgz_tar_cut_between", "tgz_behind_end",
           "tgz_names_gnu", "tgz_names_java", "tgz_called_zip", "zip_called_tgz", "tgz_in_a_tar", "tgz_fill_bomb",
           "tgz_pax_bomb")


def check(out):
    """Asks Python's zip reader about every case: sound entries read, damaged ones fail, refused parts do not open."""
    wrong = 0
    for name in sorted(n for n in os.listdir(out) if os.path.isdir(os.path.join(out, n)) and n not in LENIENT):
        with open(os.path.join(out, name, "case.json"), encoding="utf-8") as f:
            facts = json.load(f)
        found, broken = read_all(os.path.join(out, name, "export"))
        problems = []
        if broken and ("refuse" in (facts["expect"], facts["also_accept"]) or facts["kind"] == "name"):
            continue        # the whole part did not open
        for path, wanted in facts["entries"].items():
            got = found.get(path)
            if facts["kind"] == "overlap" and got == "BadZipFile":
                continue    # newer readers refuse entries that overlap, as the case allows
            if wanted == "bad":
                if got and len(got) == 64:
                    problems.append("%s reads well" % path[:80])
            elif wanted not in ("bad", "gone") and not wanted.startswith("?") and got != wanted:
                if facts["expect"] == "mount" and path not in facts.get("odd_names", {}):
                    problems.append("%s: %s" % (path[:80], got))
            elif wanted == "gone" and got:
                problems.append("%s is there" % path[:80])
        if facts["kind"] in ("cut", "not_zip"):
            problems.append("every part opens")
        for text in problems[:3]:
            print("%s: %s" % (name, text))
        wrong += len(problems)
    print("%d problems" % wrong)
    return 1 if wrong else 0


def read_all(folder):
    found, broken = {}, []
    for part in sorted(os.listdir(folder)):
        if part.endswith(".tgz"):
            read_tgz(os.path.join(folder, part), part, found, broken)
            continue
        try:
            with zipfile.ZipFile(os.path.join(folder, part)) as z:
                infos = z.infolist()
                for info in infos if len(infos) < 5000 else []:
                    try:
                        found[info.filename] = hashlib.sha256(z.read(info)).hexdigest()
                    except Exception as error:      # whatever the reader thinks of it, it is an error
                        found.setdefault(info.filename, type(error).__name__)
        except Exception:
            broken.append(part)
    return found, broken


def read_tgz(path, part, found, broken):
    """Python's reader takes a tar that was cut between two entries for a whole one, and zeros behind gzip for filling."""
    try:
        with tarfile.open(path, "r:gz") as t:
            for info in t:
                if info.isfile():
                    found[info.name] = hashlib.sha256(t.extractfile(info).read()).hexdigest()
            t.fileobj.read()
    except Exception:
        broken.append(part)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", help="folder to make; one folder per case, and index.json")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--only", default="", help="only cases whose name begins so")
    ap.add_argument("--force", action="store_true", help="replace cases made here before")
    ap.add_argument("--check", metavar="DIR")
    a = ap.parse_args()
    if a.check:
        sys.exit(check(a.check))
    if not a.out:
        ap.error("--out or --check is needed")
    base = Base(a.seed)
    index = []
    for make in damage_archive.CASES + damage_entries.CASES + damage_tgz.CASES:
        for name, build in make(base):
            if not name.startswith(a.only):
                continue
            folder = os.path.join(a.out, name)
            if os.path.exists(folder):
                if not a.force:
                    ap.error("%s exists (use --force to replace it)" % folder)
                shutil.rmtree(folder)
            index.append(write_case(a.out, *build()))
    with open(os.path.join(a.out, "index.json"), "w", encoding="utf-8") as f:
        json.dump(index, f, ensure_ascii=False, indent=1)
    print("%s: %d cases" % (a.out, len(index)))


if __name__ == "__main__":
    main()
