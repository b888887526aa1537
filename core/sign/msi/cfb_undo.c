/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note, all numbers little-endian: version 1 (1 byte); bytes of the file (8); sectors up to the
 * last in use (4); nine counts of the header (36); start and length of the mini stream (12); what
 * ends the DIFAT (4); entries that change (2) and for each its number (4), kind (1) and content;
 * bytes after the mini stream in its last sector (2 and so many; none: zeros).
 */
#include "sign/msi/cfb_undo.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sign/msi/cfb_edit.h"
#include "sign/msi/cfb_parts.h"

enum {
    VERSION = 1,
    COUNTS_SIZE = CFB_AT_FAT_LIST - CFB_AT_COUNTS,
    ROOT_SIZE = 12,
    LINKS_SIZE = 13,      /* colour, left, right, child */
    ZEROS_MOST = 1 << 20, /* behind the last sector */
};

enum kind {
    KIND_LINKS,  /* an entry in use, whose links change */
    KIND_UNUSED, /* one that nothing used, as Windows leaves it */
    KIND_ZERO,   /* the same, all zero */
    KIND_WHOLE,  /* the same, with something in it */
};

static void put_32(struct buffer *b, uint32_t value)
{
    uint8_t bytes[4];

    le_put_32(bytes, value);
    buffer_append(b, bytes, sizeof bytes);
}

static void put_16(struct buffer *b, uint16_t value)
{
    uint8_t bytes[2];

    le_put_16(bytes, value);
    buffer_append(b, bytes, sizeof bytes);
}

static bool all(const uint8_t *bytes, size_t length, uint8_t value)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* Only the links are not zero, and they lead nowhere. */
static bool is_plain(const uint8_t *entry)
{
    return all(entry, CFB_ENTRY_LEFT, 0) && all(entry + CFB_ENTRY_LEFT, 12, 0xff) &&
           all(entry + CFB_ENTRY_CLSID, CFB_ENTRY_SIZE - CFB_ENTRY_CLSID, 0);
}

static void note_change(const struct cfb *c, uint32_t id, struct buffer *note)
{
    const uint8_t *entry = cfb_entry(c, id);

    put_32(note, id);
    if (cfb_type(c, id) != CFB_UNUSED) {
        buffer_append_byte(note, KIND_LINKS);
        buffer_append(note, entry + CFB_ENTRY_COLOUR, LINKS_SIZE);
    } else if (is_plain(entry)) {
        buffer_append_byte(note, KIND_UNUSED);
    } else if (all(entry, CFB_ENTRY_SIZE, 0)) {
        buffer_append_byte(note, KIND_ZERO);
    } else {
        buffer_append_byte(note, KIND_WHOLE);
        buffer_append(note, entry, CFB_ENTRY_SIZE);
    }
}

/* Sets a bit for each entry that is another one in the copy. */
static void mark_changes(const struct cfb *c, const struct cfb *copy, uint8_t *bits)
{
    for (uint32_t id = 0; id < c->entries; id++)
        if (memcmp(cfb_entry(c, id), cfb_entry(copy, id), CFB_ENTRY_SIZE) != 0)
            cfb_set_bit(bits, id);
}

static void note_marked(const struct cfb *c, const uint8_t *bits, struct buffer *note)
{
    size_t at = note->length;
    uint16_t changes = 0;

    put_16(note, 0);
    for (uint32_t id = 0; id < c->entries; id++)
        if (cfb_bit(bits, id)) {
            note_change(c, id, note);
            changes++;
        }
    if (!note->failed)
        le_put_16(note->data + at, changes);
}

/* Adds the names to a copy of the directory, and notes which entries that changes, after the first
 * of them too: perhaps not all will be added. */
static bool note_changes(struct cfb *c, const struct cfb_new_name *added, size_t count,
                         struct buffer *note, struct error *e)
{
    size_t size = (size_t)c->entries * CFB_ENTRY_SIZE;
    uint8_t *bits = calloc((size_t)c->entries / 8 + 1, 1);
    struct cfb copy = *c;
    bool good = bits != NULL;
    uint32_t id;

    copy.entry = malloc(size);
    if (copy.entry == NULL || bits == NULL)
        good = error_set_memory(e);
    else
        memcpy(copy.entry, c->entry, size);
    for (size_t i = 0; i < count && good; i++) {
        good = cfb_edit_add_entry(&copy, added[i].name, added[i].length, &id, e);
        if (good)
            mark_changes(c, &copy, bits);
    }
    if (good)
        note_marked(c, bits, note);
    free(copy.entry);
    free(bits);
    return good;
}

/* Where the mini stream's last sector is not filled, and how far. */
static bool find_slack(struct cfb *c, uint64_t *at, uint32_t *length, struct error *e)
{
    uint32_t used = cfb_mini_count(c) % (c->sector_size / CFB_MINI_SIZE) * CFB_MINI_SIZE, last;

    *length = 0;
    if (used == 0)
        return true;
    if (!cfb_chain_at(c, &c->mini_stream, c->mini_stream.count - 1, &last, e))
        return false;
    *at = cfb_place(c, last) + used;
    *length = c->sector_size - used;
    return true;
}

static bool note_slack(struct cfb *c, struct buffer *note, struct error *e)
{
    uint8_t slack[CFB_SECTOR_MOST];
    uint64_t at = 0;
    uint32_t length;

    if (!find_slack(c, &at, &length, e))
        return false;
    /* The file may end there. */
    if (length > 0 && c->size - at < length)
        length = c->size > at ? (uint32_t)(c->size - at) : 0;
    if (length > 0 && !cfb_read_at(c, slack, length, at, e))
        return false;
    if (all(slack, length, 0))
        length = 0;
    put_16(note, (uint16_t)length);
    buffer_append(note, slack, length);
    return true;
}

/* Whether what the tables do not use is empty, and the mini stream has no sectors to spare. */
static bool is_plain_file(struct cfb *c, bool *plain, struct error *e)
{
    uint32_t per = cfb_per_sector(c), filled, value;
    uint8_t bytes[CFB_SECTOR_MOST];

    *plain = true;
    for (uint32_t i = c->fat_count; i < CFB_IN_HEADER; i++)
        *plain &= le_32(c->header + CFB_AT_FAT_LIST + 4 * (size_t)i) == CFB_FREE;
    if (c->difat_count > 0) {
        filled = (c->fat_count - CFB_IN_HEADER - 1) % (per - 1) + 1;
        if (!cfb_read_at(c, bytes, c->sector_size, cfb_place(c, c->difat[c->difat_count - 1]), e))
            return false;
        *plain &= all(bytes + 4 * (size_t)filled, 4 * (size_t)(per - 1 - filled), 0xff);
    }
    for (uint64_t i = cfb_mini_count(c); i < (uint64_t)c->mini_fat.count * per; i++) {
        if (!cfb_mini_get(c, (uint32_t)i, &value, e))
            return false;
        *plain &= value == CFB_FREE;
    }
    *plain &= c->size <= cfb_place(c, c->end) + ZEROS_MOST;
    filled = c->sector_size / CFB_MINI_SIZE;
    *plain &= c->mini_stream.count == (cfb_mini_count(c) + filled - 1) / filled;
    return true;
}

bool cfb_undo_note(struct cfb *c, const struct cfb_new_name *added, size_t count,
                   struct buffer *note, struct error *e)
{
    bool plain;

    if (!is_plain_file(c, &plain, e))
        return false;
    if (!plain)
        return true;
    buffer_append_byte(note, VERSION);
    put_32(note, (uint32_t)c->size);
    put_32(note, (uint32_t)(c->size >> 32));
    put_32(note, c->end);
    buffer_append(note, c->header + CFB_AT_COUNTS, COUNTS_SIZE);
    buffer_append(note, cfb_entry(c, 0) + CFB_ENTRY_START, ROOT_SIZE);
    put_32(note, c->difat_stop);
    return note_changes(c, added, count, note, e) && note_slack(c, note, e) && buffer_ok(note, e);
}

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
    case KIND_LINKS:
        return 5 + LINKS_SIZE;
    case KIND_WHOLE:
        return 5 + CFB_ENTRY_SIZE;
    default:
        return 5;
    }
}

static bool parse(const struct buffer *note, struct before *b)
{
    const uint8_t *at = note->data, *end = at + note->length;

    if (note->length < 1 + 8 + 4 + COUNTS_SIZE + ROOT_SIZE + 4 + 2 || at[0] != VERSION)
        return false;
    b->size = le_32(at + 1) | (uint64_t)le_32(at + 5) << 32;
    b->end = le_32(at + 9);
    b->counts = at + 13;
    b->root = b->counts + COUNTS_SIZE;
    b->difat_stop = le_32(b->root + ROOT_SIZE);
    b->change_count = le_16(b->root + ROOT_SIZE + 4);
    b->changes = at = b->root + ROOT_SIZE + 6;
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
        b->size > cfb_place(c, b->end) + ZEROS_MOST || root > cfb_length(c, 0))
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
    if (change[4] == KIND_LINKS) {
        memcpy(entry + CFB_ENTRY_COLOUR, change + 5, LINKS_SIZE);
        return true;
    }
    memset(entry, 0, CFB_ENTRY_SIZE);
    if (change[4] == KIND_WHOLE)
        memcpy(entry, change + 5, CFB_ENTRY_SIZE);
    else if (change[4] == KIND_UNUSED)
        memset(entry + CFB_ENTRY_LEFT, 0xff, 12);
    else if (change[4] != KIND_ZERO)
        return false;
    return true;
}

static bool undo_directory(struct cfb *c, const struct before *b, uint32_t kept, struct error *e)
{
    const uint8_t *change = b->changes;
    uint32_t sector;

    memcpy(cfb_entry(c, 0) + CFB_ENTRY_START, b->root, ROOT_SIZE);
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
    memcpy(c->header + CFB_AT_COUNTS, b.counts, COUNTS_SIZE);
    return undo_directory(c, &b, directory, e) && undo_mini(c, &b, mini_fat, mini_stream, e) &&
           undo_difat(c, &b, e) && undo_fat(c, &b, e) &&
           cfb_write_at(c, c->header, sizeof c->header, 0, e) && cut_file(c, &b, e);
}
