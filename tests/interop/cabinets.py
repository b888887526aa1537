#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cabinets that no maker on Linux makes, and a judge of cabinets that shares nothing with Signet.

usage: cabinets.py make OUT HEADER FOLDER BLOCK [TEXT]   reserves of these sizes (HEADER -: none at all), two folders;
                                                         TEXT: what stands in the header's, as Python has it
       cabinets.py set FOLDER                            one.cab, two.cab, three.cab with one file through all of them
       cabinets.py huge OUT                              1.5 GiB in 24,000 folders, mostly a hole
       cabinets.py digest FILE                           SHA-256 as the signature of FILE must have it
       cabinets.py signature FILE OUT                    the signature, which must be last, without its padding
"""
import hashlib
import struct
import sys

DATA = bytes((i * 7919 >> 5) & 0xFF for i in range(150000))


def blocks(parts, reserve):
    """CFDATA of (bytes, size unpacked)."""
    out = b""
    for data, unpacked in parts:
        out += struct.pack("<IHH", 0, len(data), unpacked) + b"b" * reserve + data
    return out


def cabinet(folders, files, flags=0, names=b"", number=0, sizes=None, content=b""):
    """folders: lists of blocks; files: (name, size, offset, folder); sizes: of the reserves."""
    header, folder, block = sizes or (0, 0, 0)
    flags |= 4 if sizes else 0
    reserve = struct.pack("<HBB", header, folder, block) + content.ljust(header, b"\0") if sizes else b""
    listed = b"".join(struct.pack("<IIHHHH", size, at, index, 0x5B7B, 0x3C73, 0x20) + name + b"\0"
                      for name, size, at, index in files)
    start = 36 + len(reserve) + len(names)
    at = start + len(folders) * (8 + folder) + len(listed)
    heads, data = b"", b""
    for parts in folders:
        heads += struct.pack("<IHH", at + len(data), len(parts), 0) + b"f" * folder
        data += blocks(parts, block)
    fixed = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, at + len(data), 0, start + len(heads), 0, 3, 1, len(folders),
                        len(files), flags, 4711, number)
    return fixed + reserve + names + heads + listed + data


def make(out, header, folder, block, text=""):
    sizes = None if header == "-" else (int(header), int(folder), int(block))
    cut = [(DATA[at:at + 32768], len(DATA[at:at + 32768])) for at in range(0, len(DATA), 32768)]
    files = [(b"one.bin", 100000, 0, 0), (b"two.bin", 50000, 100000, 0), (b"three.bin", 1000, 0, 1)]
    content = text.encode().decode("unicode_escape").encode("latin-1")
    with open(out, "wb") as f:
        f.write(cabinet([cut, [(DATA[:1000], 1000)]], files, sizes=sizes, content=content))


def make_set(folder):
    """A file whose second and fourth block are torn apart: a part in one cabinet, the rest in the next."""
    cut = [DATA[at:at + 32768] for at in range(0, len(DATA), 32768)]
    volumes = [
        [(cut[0], 32768), (cut[1][:10000], 0)],
        [(cut[1][10000:], 32768), (cut[2], 32768), (cut[3][:1], 0)],
        [(cut[3][1:], 32768), (cut[4], len(cut[4]))],
    ]
    names = [b"one.cab\0First disk\0", b"two.cab\0\0", b"three.cab\0Third\0"]
    for i, name in enumerate(("one", "two", "three")):
        flags = (i > 0) + 2 * (i < 2)
        around = (names[i - 1] if i > 0 else b"") + (names[i + 1] if i < 2 else b"")
        files = [(b"through.bin", len(DATA), 0, (0xFFFE, 0xFFFF, 0xFFFD)[i])]
        with open(f"{folder}/{name}.cab", "wb") as f:
            f.write(cabinet([volumes[i]], files, flags=flags, names=around, number=i))


def huge(out):
    folders, size = 24000, 65535
    listed = b"".join(struct.pack("<IIHHHH", size, 0, i, 0x5B7B, 0x3C73, 0x20) + b"%d.bin\0" % i for i in range(folders))
    start, gap = 36 + folders * 8, 8 + size
    heads = b"".join(struct.pack("<IHH", start + len(listed) + i * gap, 1, 0) for i in range(folders))
    with open(out, "wb") as f:
        f.write(struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, start + len(listed) + folders * gap, 0, start, 0, 3, 1, folders,
                            folders, 0, 0, 0))
        f.write(heads + listed)
        for i in range(folders):
            f.seek(start + len(listed) + i * gap)
            f.write(struct.pack("<IHH", 0, size, size))
        f.truncate(start + len(listed) + folders * gap)


def parts(path):
    with open(path, "rb") as f:
        data = f.read()
    size, = struct.unpack_from("<I", data, 8)
    header, = struct.unpack_from("<H", data, 36)
    assert struct.unpack_from("<H", data, 30)[0] & 4 and header >= 20
    first, second = struct.unpack_from("<HH", data, 40)
    at, length = struct.unpack_from("<II", data, 44 + first)
    assert second == 16 and at == size and at + length == len(data) and length % 8 == 0
    return data, size, 40 + header, first


def digest(path):
    data, size, rest, first = parts(path)
    covered = data[:4] + data[8:36] + data[40:42] + data[44:44 + first] + data[rest:size]
    print(hashlib.sha256(covered).hexdigest())


def signature(path, out):
    data, size, _, _ = parts(path)
    assert data[size:size + 2] == b"\x30\x82"
    length = 4 + int.from_bytes(data[size + 2:size + 4], "big")
    assert not any(data[size + length:])
    with open(out, "wb") as f:
        f.write(data[size:size + length])


if __name__ == "__main__":
    {"make": make, "set": make_set, "huge": huge, "digest": digest, "signature": signature}[sys.argv[1]](*sys.argv[2:])
