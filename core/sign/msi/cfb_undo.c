/* SPDX-License-Identifier: Apache-2.0 */
/* Putting back what a note tells, as far as it fits. */
#include "sign/msi/cfb_undo.h"

#include <string.h>
#include <unistd.h>

#include "sign/msi/cfb_note.h"
#include "sign/msi/cfb_parts.h"

/* The file as the note has it. */
struct before {
    uint64_t size;
    uint32_t end, fat_count, difat_count, mini_fat_count;
    uint32_t difat_stop, minis;
    const uint8_t *counts, *root, *changes, *slack;
    size_t change_count, slack_length;
};

static size_t change_size(uint8_t kind)
{
    switch (kind) {
    case CFB_NOTE_KIND_LINKS:
        return 5 + CFB_NOTE_LINKS;
    case CFB_NOTE_KIND_WHOLE:
        return 5 + CFB_ENTRY_SIZE;
    default:
        return 5;
    }
}

static bool parse(const struct buffer *note, struct before *b)
{
    const uint8_t *at = note->data, *end = at + note->length;

    if (note->length < 1 + 8 + 4 + CFB_NOTE_COUNTS + CFB_NOTE_ROOT + 4 + 2 ||
        at[0] != CFB_NOTE_VERSION)
        return false;
    b->size = le_32(at + 1) | (uint64_t)le_32(at + 5) << 32;
    b->end = le_32(at + 9);
    b->counts = at + 13;
    b->root = b->counts + CFB_NOTE_COUNTS;
    b->difat_stop = le_32(b->root + CFB_NOTE_ROOT);
    b->change_count = le_16(b->root + CFB_NOTE_ROOT + 4);
    b->changes = at = b->root + CFB_NOTE_ROOT + 6;
    for (size_t i = 0; i < b->change_count; i++) {
        if (end - at < 5 || (size_t)(end - at) < change_size(at[4]))
            return false;
        at += change_size(at[4]);
    }
    if (end - at < 2 || (size_t)(end - at) != 2 + (size_t)le_16(at))
        return false;
    b->slack_length = le_16(at);
    b->slack = at + 2;
    b->fat_count = le_32(b->counts + CFB_AT_FAT_COUNT - CFB_AT_COUNTS);
    b->difat_count = le_32(b->counts + CFB_AT_DIFAT_COUNT - CFB_AT_COUNTS);
    b->mini_fat_count = le_32(b->counts + CFB_AT_MINI_FAT_COUNT - CFB_AT_COUNTS);
    return true;
}

/* All that is taken from the note stays within the file. */
static bool fits(const struct cfb *c, struct before *b)
{
    uint64_t root = le_32(b->root + 4) | (uint64_t)le_32(b->root + 8) << 32;

    if (!cfb_is_large(c))
        root = (uint32_t)root;
    if (b->end > c->end || b->size <= cfb_place(c, b->end) - c->sector_size ||
        b->size > cfb_place(c, b->end) + CFB_NOTE_ZEROS || root > cfb_length(c, 0))
        return false;
    b->minis = (uint32_t)((root + CFB_MINI_SIZE - 1) / CFB_MINI_SIZE);
    return b->fat_count > 0 && b->fat_count <= c->fat_count && b->difat_count <= c->difat_count &&
           b->mini_fat_count <= c->mini_fat.count && b->slack_length <= c->sector_size;
}

/* Ends a chain where it enters the part of the file that goes; counts what stays. */
static bool cut(struct cfb *c, struct cfb_chain *chain, uint32_t end, uint32_t *kept,
                struct error *e)
{
    uint32_t sector, before = CFB_END;

    for (*kept = 0; *kept < chain->count; (*kept)++) {
        if (!cfb_chain_at(c, chain, *kept, &sector, e))
            return false;
        if (sector >= end)
            break;
        before = sector;
    }
    return *kept == 0 || *kept == chain->count || cfb_fat_set(c, before, CFB_END, e);
}

static bool fill_with_ff(const struct cfb *c, uint64_t at, size_t length, struct error *e)
{
    uint8_t bytes[CFB_SECTOR_MOST];

    memset(bytes, 0xff, sizeof bytes);
    return length == 0 || cfb_write_at(c, bytes, length, at, e);
}

static bool undo_difat(struct cfb *c, const struct before *b, struct error *e)
{
    uint32_t per = cfb_per_sector(c), filled;
    uint64_t last;
    uint8_t stop[4];

    for (uint32_t i = b->fat_count; i < CFB_IN_HEADER; i++)
        le_put_32(c->header + CFB_AT_FAT_LIST + 4 * (size_t)i, CFB_FREE);
    if (b->difat_count == 0 || b->fat_count <= CFB_IN_HEADER)
        return true;
    filled = (b->fat_count - CFB_IN_HEADER - 1) % (per - 1) + 1;
    last = cfb_place(c, c->difat[b->difat_count - 1]);
    le_put_32(stop, b->difat_stop);
    return fill_with_ff(c, last + 4 * (uint64_t)filled, 4 * (size_t)(per - 1 - filled), e) &&
           cfb_write_at(c, stop, sizeof stop, last + c->sector_size - 4, e);
}

static bool undo_fat(struct cfb *c, const struct before *b, struct error *e)
{
    uint64_t covered = (uint64_t)b->fat_count * cfb_per_sector(c);

    for (uint64_t i = b->end; i < covered; i++)
        if (!cfb_fat_set(c, (uint32_t)i, CFB_FREE, e))
            return false;
    return cfb_fat_flush(c, e);
}

static bool undo_mini(struct cfb *c, const struct before *b, uint32_t fat_kept, uint32_t kept,
                      struct error *e)
{
    uint32_t per = cfb_per_sector(c), sector, used;

    for (uint32_t i = b->minis / per; i < fat_kept; i++) {
        uint32_t from = i == b->minis / per ? b->minis % per : 0;

        if (!cfb_chain_at(c, &c->mini_fat, i, &sector, e) ||
            !fill_with_ff(c, cfb_place(c, sector) + 4 * (uint64_t)from, 4 * (size_t)(per - from),
                          e))
            return false;
    }
    used = b->minis % (c->sector_size / CFB_MINI_SIZE) * CFB_MINI_SIZE;
    if (used == 0 || kept == 0)
        return true;
    if (b->slack_length > c->sector_size - used ||
        !cfb_chain_at(c, &c->mini_stream, kept - 1, &sector, e))
        return false;
    for (uint32_t at = used; at < c->sector_size; at += CFB_MINI_SIZE) {
        static const uint8_t zeros[CFB_MINI_SIZE];

        if (!cfb_write_at(c, zeros, sizeof zeros, cfb_place(c, sector) + at, e))
            return false;
    }
    return b->slack_length == 0 ||
           cfb_write_at(c, b->slack, b->slack_length, cfb_place(c, sector) + used, e);
}

static bool undo_entry(struct cfb *c, const uint8_t *change)
{
    uint32_t id = le_32(change);
    uint8_t *entry;

    if (id >= c->entries)
        return false;
    entry = cfb_entry(c, id);
    if (change[4] == CFB_NOTE_KIND_LINKS) {
        memcpy(entry + CFB_ENTRY_COLOUR, change + 5, CFB_NOTE_LINKS);
        return true;
    }
    memset(entry, 0, CFB_ENTRY_SIZE);
    if (change[4] == CFB_NOTE_KIND_WHOLE)
        memcpy(entry, change + 5, CFB_ENTRY_SIZE);
    else if (change[4] == CFB_NOTE_KIND_UNUSED)
        memset(entry + CFB_ENTRY_LEFT, 0xff, 12);
    else if (change[4] != CFB_NOTE_KIND_ZERO)
        return false;
    return true;
}

static bool undo_directory(struct cfb *c, const struct before *b, uint32_t kept, struct error *e)
{
    const uint8_t *change = b->changes;
    uint32_t sector;

    memcpy(cfb_entry(c, 0) + CFB_ENTRY_START, b->root, CFB_NOTE_ROOT);
    for (size_t i = 0; i < b->change_count; i++) {
        if (!undo_entry(c, change))
            return false;
        change += change_size(change[4]);
    }
    for (uint32_t i = 0; i < kept; i++)
        if (!cfb_chain_at(c, &c->directory, i, &sector, e) ||
            !cfb_write_at(c, c->entry + (size_t)i * c->sector_size, c->sector_size,
                          cfb_place(c, sector), e))
            return false;
    return true;
}

/* Behind the last sector there was nothing but zeros. */
static bool cut_file(struct cfb *c, const struct before *b, struct error *e)
{
    uint64_t end = cfb_place(c, b->end);

    if (ftruncate(c->fd, (off_t)(end < b->size ? end : b->size)) == 0 &&
        ftruncate(c->fd, (off_t)b->size) == 0)
        return true;
    return error_set_errno(e, "cannot write '%s'", c->name);
}

bool cfb_undo(struct cfb *c, const struct buffer *note, struct error *e)
{
    struct before b = {0};
    uint32_t directory, mini_fat, mini_stream;

    if (!parse(note, &b) || !fits(c, &b))
        return false;
    /* The chains are followed before the FAT changes. */
    if (!cut(c, &c->directory, b.end, &directory, e) ||
        !cut(c, &c->mini_fat, b.end, &mini_fat, e) ||
        !cut(c, &c->mini_stream, b.end, &mini_stream, e))
        return false;
    memcpy(c->header + CFB_AT_COUNTS, b.counts, CFB_NOTE_COUNTS);
    return undo_directory(c, &b, directory, e) && undo_mini(c, &b, mini_fat, mini_stream, e) &&
           undo_difat(c, &b, e) && undo_fat(c, &b, e) &&
           cfb_write_at(c, c->header, sizeof c->header, 0, e) && cut_file(c, &b, e);
}
