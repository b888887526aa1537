#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: sparse_msi.py FILE VERSION SIZE…    a compound file with an installer's class and a stream of each size. Most of
a stream is a hole in FILE, so that it costs no disk; a few bytes of every 64 MiB differ. VERSION: 3 (sectors of 512
bytes) or 4 (4096)."""
import sys
from array import array

FREE, END, FAT, DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
CLASS = bytes.fromhex("84100c0000000000c000000000000046")


def up(size, unit):
    return -(-size // unit)


def entry(name, kind, start, size, links=(FREE, FREE, FREE), class_id=bytes(16)):
    """A directory entry; all of them are black."""
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (encoded.ljust(64, b"\0") + len(encoded).to_bytes(2, "little") + bytes([kind, 1]) +
            b"".join(x.to_bytes(4, "little") for x in links) + class_id + bytes(20) + start.to_bytes(4, "little") +
            size.to_bytes(8, "little"))


class Sparse:
    """Sectors in the order in which they are taken."""

    def __init__(self, path, version):
        self.file = open(path, "wb")
        self.version = version
        self.sector = 512 if version == 3 else 4096
        self.lock = 0x7FFFFF00 // 4096 - 1 if version == 4 else None
        self.fat = array("I")

    def take(self, count):
        """The first of a chain of sectors."""
        first = len(self.fat)
        if self.lock is not None and first <= self.lock < first + count:
            before = self.lock - first
            self.fat.extend(range(first + 1, self.lock))
            self.fat.append(self.lock + 1)
            self.fat.append(END)
            self.fat.extend(range(self.lock + 2, first + count + 1))
            assert len(self.fat) == first + count and before > 0
            self.fat.append(END)
        else:
            self.fat.extend(range(first + 1, first + count))
            self.fat.append(END)
        return first

    def put(self, sector, data):
        self.file.seek((sector + 1) * self.sector)
        self.file.write(data)

    def fill(self, sector, size):
        """Some of a stream's bytes; its chain jumps over at most one sector."""
        step = 64 << 20
        for at in range(0, size, step):
            self.put(sector + at // self.sector, f"{size} bytes, at {at}\n".encode()[:size - at])

    def tables(self):
        """Adds FAT and DIFAT; where they are."""
        per = self.sector // 4
        count = chained = 0
        while count * per < len(self.fat) + count + chained:
            count = up(len(self.fat) + count + chained, per)
            chained = up(max(0, count - 109), per - 1)
        first = len(self.fat)
        self.fat.extend([FAT] * count + [DIFAT] * chained)
        whole = array("I", self.fat)
        whole.extend([FREE] * (count * per - len(whole)))
        self.put(first, whole.tobytes())
        listed = list(range(first, first + count))
        for i in range(chained):
            part = listed[109 + i * (per - 1):109 + (i + 1) * (per - 1)]
            following = first + count + i + 1 if i + 1 < chained else END
            self.put(first + count + i, array("I", part + [FREE] * (per - 1 - len(part)) + [following]).tobytes())
        return listed, first + count if chained else END, chained


def main():
    out = Sparse(sys.argv[1], int(sys.argv[2]))
    sizes = [int(x) for x in sys.argv[3:]]
    assert all(x >= 4096 for x in sizes) and sys.byteorder == "little"
    per = out.sector // 128
    # One more stream, in the mini stream: a few lines that are not all zero.
    small = b"a package for the benchmark\n" * 100
    sectors = up(len(sizes) + 2, per)
    # Not the first: osslsigncode does not take a directory in sector 0.
    mini_fat = out.take(1)
    directory = out.take(sectors)
    minis = up(len(small), 64)
    mini_stream = out.take(up(minis * 64, out.sector))
    starts = [out.take(up(x, out.sector)) for x in sizes]
    names = [f"stream{i:03}" for i in range(len(sizes))]
    entries = entry("Root Entry", 5, mini_stream, minis * 64, (FREE, FREE, 1), CLASS)
    # A list: the shortest name first.
    entries += entry("small", 2, 0, len(small), (FREE, 2, FREE))
    for i, (name, start, size) in enumerate(zip(names, starts, sizes)):
        entries += entry(name, 2, start, size, (FREE, i + 3 if i + 1 < len(sizes) else FREE, FREE))
    unused = bytes(68) + b"\xff" * 12 + bytes(48)
    out.put(directory, entries + unused * (sectors * per - len(sizes) - 2))
    chain = array("I", list(range(1, minis)) + [END] + [FREE] * (out.sector // 4 - minis))
    out.put(mini_fat, chain.tobytes())
    out.put(mini_stream, small.ljust(up(minis * 64, out.sector) * out.sector, b"\0"))
    for start, size in zip(starts, sizes):
        out.fill(start, size)
    fat, difat, difats = out.tables()
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + b"\x3e\0" + bytes([out.version, 0, 0xFE, 0xFF])
    header += bytes([9 if out.version == 3 else 12, 0, 6, 0]) + bytes(6)
    counts = [sectors if out.version == 4 else 0, len(fat), directory, 0, 4096, mini_fat, 1, difat, difats]
    header += array("I", counts + (fat + [FREE] * 109)[:109]).tobytes()
    out.put(-1, header)
    out.file.truncate((len(out.fat) + 1) * out.sector)
    out.file.close()


main()
