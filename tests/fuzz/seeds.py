#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tests/fuzz/seeds.py    makes the corpus of fuzz_card from the records of tests/unit/card/records"""
import re
from pathlib import Path

HERE = Path(__file__).parent
RECORDS = HERE.parent / "unit/card/records"
WHAT = {
    "read piv": 0, "read openpgp": 1, "read gids": 2, "read idprime": 3, "read sc-hsm": 4, "read": 5, "counters": 6,
    "unblock piv by PUK": 7, "unblock openpgp by reset-code": 8, "unblock openpgp by SO": 9,
    "unblock sc-hsm by SO": 10, "attest": 11,
}


def data(text):
    """The bytes of a line, as records/README.md has them."""
    out = b""
    for wide, words, pair, times in re.findall(r'(u?)"([^"]*)"|([0-9A-Fa-f]{2})(?:\*(\d+))?', text.split("  #")[0]):
        if pair:
            out += bytes.fromhex(pair) * int(times or 1)
        else:
            out += words.encode("utf-16-le" if wide else "utf-8")
    return out


def steps(lines):
    """(what, answers) of each step; the ATR stands before it."""
    atr, what, answers, last, t0 = b"", None, [], None, 0
    for line in lines:
        if line == "T=0":
            t0 = 0x80
        elif line.startswith("atr "):
            atr = data(line[4:])
        elif line.startswith("* "):
            if what is not None:
                yield what | t0, atr, answers
            what = next((n for w, n in WHAT.items() if re.match(re.escape(w) + r"( \S+(, new .*)?)?$", line[2:])), None)
            answers = []
        elif line.startswith("<") and line != "< gone":
            answers.append(data(line[1:]))
        elif line.startswith(" ") and last == "<":
            answers[-1] += data(line)
        if line[:1] not in (" ", "#", ""):
            last = line[0]
    if what is not None:
        yield what | t0, atr, answers


corpus = HERE / "corpus/card"
corpus.mkdir(parents=True, exist_ok=True)
for record in sorted(RECORDS.glob("*.txt")):
    for i, (what, atr, answers) in enumerate(steps(record.read_text(encoding="utf-8").splitlines())):
        if not answers:
            continue
        seed = bytes([what, len(atr)]) + atr + b"".join(len(a).to_bytes(2, "little") + a for a in answers)
        (corpus / f"{record.stem}-{i + 1}").write_bytes(seed)
(corpus / "chained").write_bytes(bytes([12, 0]) + b"\x02\0\x90\0" * 2 + b"\x03\0A\x61\x02" + b"\x02\0\x6c\x01" + b"\x03\0B\x90\0")
