/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a compound file ([MS-CFB] 2.2). */
#include <sys/stat.h>

#include "sign/msi/cfb_parts.h"

static bool check_version(struct cfb *c, struct error *e)
{
    unsigned version = le_16(c->header + CFB_AT_VERSION);
    unsigned shift = le_16(c->header + CFB_AT_SHIFT);

    if (le_16(c->header + CFB_AT_BYTE_ORDER) != 0xfffe)
        return error_set(e, ERROR_FORMAT, "'%s': its header does not say little-endian", c->name);
    if (version != 3 && version != 4)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' is a compound file of version %u; known are 3 and 4", c->name,
                         version);
    if (shift != (version == 3 ? 9 : 12))
        return error_set(e, ERROR_FORMAT,
                         "'%s': its header says version %u with sectors of 2^%u bytes, which is "
                         "none of that version",
                         c->name, version, shift);
    c->sector_size = 1U << shift;
    return true;
}

static bool check_small(const struct cfb *c, struct error *e)
{
    if (le_16(c->header + CFB_AT_MINI_SHIFT) != 6 || le_32(c->header + CFB_AT_CUTOFF) != CFB_CUTOFF)
        return error_set(e, ERROR_FORMAT,
                         "'%s': its header has small sectors of 2^%u bytes for streams below %u; "
                         "both are fixed, at 2^6 and 4096",
                         c->name, le_16(c->header + CFB_AT_MINI_SHIFT),
                         le_32(c->header + CFB_AT_CUTOFF));
    return true;
}

static bool check_size(struct cfb *c, struct error *e)
{
    uint64_t sectors;

    if (c->size < 3ULL * c->sector_size)
        return error_set(e, ERROR_FORMAT,
                         "'%s' is too short for a compound file: header, FAT and directory are "
                         "three sectors",
                         c->name);
    if (!cfb_is_large(c) && c->size > CFB_MOST_OF_3)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' is a compound file of version 3 and larger than 2 GiB, which "
                         "Windows does not open; build it with sectors of 4096 bytes",
                         c->name);
    sectors = (c->size - 1) / c->sector_size;
    if (sectors > CFB_SECTORS_MOST)
        return error_set(e, ERROR_UNSUPPORTED, "'%s' is larger than 256 GiB", c->name);
    c->sectors = (uint32_t)sectors;
    return true;
}

bool cfb_header_read(struct cfb *c, struct error *e)
{
    struct stat status;

    if (fstat(c->fd, &status) != 0)
        return error_set_errno(e, "cannot read '%s'", c->name);
    c->size = (uint64_t)status.st_size;
    if (c->size < CFB_HEADER_SIZE)
        return error_set(e, ERROR_FORMAT, "'%s' ends in its header", c->name);
    return cfb_read_at(c, c->header, CFB_HEADER_SIZE, 0, e) && check_version(c, e) &&
           check_small(c, e) && check_size(c, e);
}
