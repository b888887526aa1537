/* SPDX-License-Identifier: Apache-2.0 */
/* Every stream has its sectors, as many as it needs, and shares none. */
#include <stdio.h>
#include <stdlib.h>

#include "sign/msi/cfb_parts.h"

enum { WHAT_SIZE = CFB_NAME_SIZE + 16 };

#define MINI_STREAM_MOST (4ULL << 30)

/* What the file can hold, which the chain will show, is less. */
static bool check_length(const struct cfb *c, uint64_t length, const char *what, struct error *e)
{
    return length <= c->size ||
           error_set(e, ERROR_FORMAT, "'%s': %s claims %llu bytes, more than the whole file",
                     c->name, what, (unsigned long long)length);
}

static bool check_large(struct cfb *c, uint32_t sector, uint64_t length, const char *what,
                        struct error *e)
{
    for (uint64_t left = length; left > 0;) {
        uint64_t here = left < c->sector_size ? left : c->sector_size;

        if (sector > CFB_REGULAR_MOST)
            return error_set(e, ERROR_FORMAT,
                             "'%s': %s ends %llu bytes before its %llu bytes are up", c->name, what,
                             (unsigned long long)left, (unsigned long long)length);
        if (!cfb_claim(c, sector, here, what, e) || !cfb_fat_get(c, sector, &sector, e))
            return false;
        left -= here;
    }
    return sector == CFB_END ||
           error_set(e, ERROR_FORMAT, "'%s': %s has %llu bytes, but its chain goes on after them",
                     c->name, what, (unsigned long long)length);
}

static bool claim_mini(struct cfb *c, uint32_t mini, const char *what, struct error *e)
{
    if (mini >= cfb_mini_count(c))
        return error_set(e, ERROR_FORMAT,
                         "'%s': %s goes on in small sector %u, but the mini stream ends after %u",
                         c->name, what, mini, cfb_mini_count(c));
    if (cfb_bit(c->mini_used, mini))
        return error_set(e, ERROR_FORMAT,
                         "'%s': small sector %u is in two chains, or twice in one; found by %s",
                         c->name, mini, what);
    cfb_set_bit(c->mini_used, mini);
    return true;
}

static bool check_mini(struct cfb *c, uint32_t mini, uint64_t length, const char *what,
                       struct error *e)
{
    uint64_t count = (length + CFB_MINI_SIZE - 1) / CFB_MINI_SIZE;

    for (uint64_t i = 0; i < count; i++) {
        if (mini > CFB_REGULAR_MOST)
            return error_set(e, ERROR_FORMAT, "'%s': %s ends before its %llu bytes are up", c->name,
                             what, (unsigned long long)length);
        if (!claim_mini(c, mini, what, e) || !cfb_mini_get(c, mini, &mini, e))
            return false;
    }
    return mini == CFB_END ||
           error_set(e, ERROR_FORMAT, "'%s': %s has %llu bytes, but its chain goes on after them",
                     c->name, what, (unsigned long long)length);
}

static bool check_stream(struct cfb *c, uint32_t id, struct error *e)
{
    uint32_t start = le_32(cfb_entry(c, id) + CFB_ENTRY_START);
    uint64_t length = cfb_length(c, id);
    char name[CFB_NAME_SIZE], what[WHAT_SIZE];

    snprintf(what, sizeof what, "stream '%s'", cfb_name(c, id, name));
    if (length == 0) /* where it begins is of no account */
        return true;
    if (!check_length(c, length, what, e))
        return false;
    return length < CFB_CUTOFF ? check_mini(c, start, length, what, e)
                               : check_large(c, start, length, what, e);
}

/* The stream of small sectors, which may be longer than it says, and their FAT. */
static bool check_mini_stream(struct cfb *c, struct error *e)
{
    uint32_t stated = le_32(c->header + CFB_AT_MINI_FAT_COUNT);
    uint64_t length = cfb_length(c, 0);

    if (!cfb_chain_load(c, &c->mini_fat, stated == 0 ? CFB_END : le_32(c->header + CFB_AT_MINI_FAT),
                        CFB_WHOLE, UINT32_MAX, "the mini FAT", e))
        return false;
    if (stated != c->mini_fat.count)
        return error_set(e, ERROR_FORMAT,
                         "'%s': its header counts %u sectors of the mini FAT, but there are %u",
                         c->name, stated, c->mini_fat.count);
    if (length == 0)
        return true;
    if (length > MINI_STREAM_MOST)
        return error_set(e, ERROR_UNSUPPORTED, "'%s' has more than 4 GiB of small streams",
                         c->name);
    if (!check_length(c, length, "the mini stream", e) ||
        !cfb_chain_load(c, &c->mini_stream, le_32(cfb_entry(c, 0) + CFB_ENTRY_START), length,
                        UINT32_MAX, "the mini stream", e))
        return false;
    return cfb_mini_count(c) <= (uint64_t)c->mini_fat.count * cfb_per_sector(c) ||
           error_set(e, ERROR_FORMAT,
                     "'%s': its mini stream has %u small sectors, more than the mini FAT has "
                     "entries",
                     c->name, cfb_mini_count(c));
}

/* Nobody may use the sector that is locked, and it is in use where the file goes beyond it; that it
 * is free there is forgiven. */
static bool check_lock(struct cfb *c, struct error *e)
{
    if (!cfb_is_large(c) || c->sectors <= CFB_LOCK_SECTOR || !cfb_bit(c->used, CFB_LOCK_SECTOR))
        return true;
    return error_set(e, ERROR_FORMAT,
                     "'%s': sector %u, at byte 0x7ffff000, holds data, but Windows keeps it for "
                     "locks; whoever built the file knows no more than 2 GiB",
                     c->name, CFB_LOCK_SECTOR);
}

bool cfb_streams_check(struct cfb *c, struct error *e)
{
    if (!check_mini_stream(c, e))
        return false;
    c->mini_used = calloc((size_t)cfb_mini_count(c) / 8 + 1, 1);
    if (c->mini_used == NULL)
        return error_set_memory(e);
    for (uint32_t i = 0; i < c->entries; i++)
        if (c->node[i].reached && cfb_type(c, i) == CFB_STREAM && !check_stream(c, i, e))
            return false;
    return check_lock(c, e);
}

bool cfb_tail_check(const struct cfb *c, struct error *e)
{
    uint8_t piece[CFB_SECTOR_MOST];

    for (uint64_t at = cfb_place(c, c->end); at < c->size;) {
        size_t length = c->size - at < sizeof piece ? (size_t)(c->size - at) : sizeof piece;

        if (!cfb_read_at(c, piece, length, at, e))
            return false;
        for (size_t i = 0; i < length; i++)
            if (piece[i] != 0)
                return error_set(e, ERROR_FORMAT,
                                 "'%s': bytes stand behind its last sector, at byte %llu; Windows "
                                 "takes the signature of such a file as invalid, so it is not "
                                 "signed before they are removed",
                                 c->name, (unsigned long long)(at + i));
        at += length;
    }
    return true;
}
