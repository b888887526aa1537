/* SPDX-License-Identifier: Apache-2.0 */
/* Noting what signing will change. */
#include <stdlib.h>
#include <string.h>

#include "sign/msi/cfb_edit.h"
#include "sign/msi/cfb_note.h"
#include "sign/msi/cfb_parts.h"
#include "sign/msi/cfb_undo.h"

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
        buffer_append_byte(note, CFB_NOTE_KIND_LINKS);
        buffer_append(note, entry + CFB_ENTRY_COLOUR, CFB_NOTE_LINKS);
    } else if (is_plain(entry)) {
        buffer_append_byte(note, CFB_NOTE_KIND_UNUSED);
    } else if (all(entry, CFB_ENTRY_SIZE, 0)) {
        buffer_append_byte(note, CFB_NOTE_KIND_ZERO);
    } else {
        buffer_append_byte(note, CFB_NOTE_KIND_WHOLE);
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
    if (c->size < at + length)
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
    *plain &= c->size <= cfb_place(c, c->end) + CFB_NOTE_ZEROS;
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
    buffer_append_byte(note, CFB_NOTE_VERSION);
    put_32(note, (uint32_t)c->size);
    put_32(note, (uint32_t)(c->size >> 32));
    put_32(note, c->end);
    buffer_append(note, c->header + CFB_AT_COUNTS, CFB_NOTE_COUNTS);
    buffer_append(note, cfb_entry(c, 0) + CFB_ENTRY_START, CFB_NOTE_ROOT);
    put_32(note, c->difat_stop);
    return note_changes(c, added, count, note, e) && note_slack(c, note, e) && buffer_ok(note, e);
}
