/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/msi/cfb_edit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sign/msi/cfb_allocate.h"
#include "sign/msi/cfb_parts.h"
#include "sign/msi/cfb_tree.h"

struct cfb_edit {
    struct cfb *c;
    struct cfb_freed freed, mini_freed;
    uint32_t minis; /* small sectors of the mini stream */
    bool mini_shrinks;
};

struct cfb_edit *cfb_edit_new(struct cfb *c, struct error *e)
{
    struct cfb_edit *edit = calloc(1, sizeof *edit);

    if (edit == NULL) {
        error_set_memory(e);
        return NULL;
    }
    edit->c = c;
    edit->minis = cfb_mini_count(c);
    return edit;
}

void cfb_edit_free(struct cfb_edit **edit)
{
    if (*edit == NULL)
        return;
    free((*edit)->freed.sector);
    free((*edit)->mini_freed.sector);
    free(*edit);
    *edit = NULL;
}

static void set_stream(struct cfb *c, uint32_t id, uint32_t start, uint64_t length)
{
    uint8_t *entry = cfb_entry(c, id);

    le_put_32(entry + CFB_ENTRY_START, start);
    le_put_32(entry + CFB_ENTRY_LENGTH, (uint32_t)length);
    le_put_32(entry + CFB_ENTRY_LENGTH + 4, (uint32_t)(length >> 32));
}

static bool mini_set(struct cfb *c, uint32_t mini, uint32_t value, struct error *e)
{
    uint32_t per = cfb_per_sector(c), sector;
    uint8_t bytes[4];

    le_put_32(bytes, value);
    if (c->mini_page.loaded && c->mini_page.index == mini / per)
        memcpy(c->mini_page.bytes + 4 * (size_t)(mini % per), bytes, sizeof bytes);
    return cfb_chain_at(c, &c->mini_fat, mini / per, &sector, e) &&
           cfb_write_at(c, bytes, sizeof bytes, cfb_place(c, sector) + 4 * (uint64_t)(mini % per),
                        e);
}

static bool free_large(struct cfb_edit *edit, uint32_t sector, struct error *e)
{
    struct cfb *c = edit->c;

    while (sector <= CFB_REGULAR_MOST) {
        uint32_t next;

        if (!cfb_fat_get(c, sector, &next, e) || !cfb_fat_set(c, sector, CFB_FREE, e) ||
            !cfb_write_sector(c, sector, NULL, 0, e) || !cfb_freed_add(&edit->freed, sector, e))
            return false;
        sector = next;
    }
    cfb_freed_sort(&edit->freed);
    return true;
}

static bool free_mini(struct cfb_edit *edit, uint32_t mini, struct error *e)
{
    static const uint8_t zeros[CFB_MINI_SIZE];
    struct cfb *c = edit->c;

    while (mini <= CFB_REGULAR_MOST) {
        uint64_t place;
        uint32_t next;

        if (!cfb_mini_get(c, mini, &next, e) || !mini_set(c, mini, CFB_FREE, e) ||
            !cfb_mini_place(c, mini, &place, e) ||
            !cfb_write_at(c, zeros, sizeof zeros, place, e) ||
            !cfb_freed_add(&edit->mini_freed, mini, e))
            return false;
        mini = next;
    }
    cfb_freed_sort(&edit->mini_freed);
    edit->mini_shrinks = true;
    return true;
}

bool cfb_edit_clear(struct cfb_edit *edit, uint32_t id, struct error *e)
{
    uint32_t start = le_32(cfb_entry(edit->c, id) + CFB_ENTRY_START);
    uint64_t length = cfb_length(edit->c, id);

    set_stream(edit->c, id, CFB_END, 0);
    if (length == 0)
        return true;
    return length < CFB_CUTOFF ? free_mini(edit, start, e) : free_large(edit, start, e);
}

/* As Windows leaves an entry that nothing uses. */
static void make_unused(uint8_t *entry)
{
    memset(entry, 0, CFB_ENTRY_SIZE);
    le_put_32(entry + CFB_ENTRY_LEFT, CFB_NOBODY);
    le_put_32(entry + CFB_ENTRY_RIGHT, CFB_NOBODY);
    le_put_32(entry + CFB_ENTRY_CHILD, CFB_NOBODY);
}

bool cfb_edit_remove(struct cfb_edit *edit, uint32_t id, struct error *e)
{
    struct cfb *c = edit->c;
    struct cfb_node *root = &c->node[0];
    uint32_t *child = c->order + root->first, kept = 0;

    if (!cfb_edit_clear(edit, id, e))
        return false;
    for (uint32_t i = 0; i < root->count; i++)
        if (child[i] != id)
            child[kept++] = child[i];
    root->count = kept;
    make_unused(cfb_entry(c, id));
    cfb_tree_lay_out(c, 0, child, kept);
    return true;
}

/* The lowest entry that nothing uses; the directory grows by a sector where there is none. */
static bool unused_entry(struct cfb *c, uint32_t *id, struct error *e)
{
    uint32_t per = c->sector_size / CFB_ENTRY_SIZE;
    uint8_t *grown;

    for (*id = 0; *id < c->entries; (*id)++)
        if (cfb_type(c, *id) == CFB_UNUSED)
            return true;
    grown = realloc(c->entry, (size_t)(c->entries + per) * CFB_ENTRY_SIZE);
    if (grown == NULL)
        return error_set_memory(e);
    c->entry = grown;
    c->entries += per;
    for (uint32_t i = *id; i < c->entries; i++)
        make_unused(cfb_entry(c, i));
    return true;
}

bool cfb_edit_add_entry(struct cfb *c, const void *name, size_t length, uint32_t *id,
                        struct error *e)
{
    uint8_t *entry;

    if (!unused_entry(c, id, e))
        return false;
    entry = cfb_entry(c, *id);
    make_unused(entry);
    memcpy(entry, name, length);
    le_put_16(entry + CFB_ENTRY_NAME_LENGTH, (uint16_t)(length + 2));
    entry[CFB_ENTRY_TYPE] = CFB_STREAM;
    set_stream(c, *id, CFB_END, 0);
    return cfb_tree_insert(c, 0, *id, e);
}

bool cfb_edit_add(struct cfb_edit *edit, const void *name, size_t length, uint32_t *id,
                  struct error *e)
{
    struct cfb *c = edit->c;
    uint32_t per = c->sector_size / CFB_ENTRY_SIZE;

    return cfb_edit_add_entry(c, name, length, id, e) &&
           (c->entries == c->directory.count * per ||
            cfb_allocate_for(c, &edit->freed, &c->directory, 0, e));
}

static bool write_large(struct cfb_edit *edit, uint32_t id, const uint8_t *bytes, size_t length,
                        struct error *e)
{
    struct cfb *c = edit->c;
    uint32_t before = CFB_END, sector;

    for (size_t at = 0; at < length; at += c->sector_size) {
        size_t here = length - at < c->sector_size ? length - at : c->sector_size;

        if (!cfb_allocate(c, &edit->freed, &sector, e) ||
            !cfb_write_sector(c, sector, bytes + at, here, e))
            return false;
        if (at == 0)
            set_stream(c, id, sector, length);
        else if (!cfb_fat_set(c, before, sector, e))
            return false;
        before = sector;
    }
    return true;
}

/* A small sector that was free or is new, at the end of the mini stream. */
static bool allocate_mini(struct cfb_edit *edit, uint32_t *mini, struct error *e)
{
    struct cfb *c = edit->c;

    if (edit->mini_freed.count > 0) {
        *mini = edit->mini_freed.sector[--edit->mini_freed.count];
        return true;
    }
    *mini = edit->minis++;
    if (*mini / cfb_per_sector(c) >= c->mini_fat.count &&
        !cfb_allocate_for(c, &edit->freed, &c->mini_fat, 0xff, e))
        return false;
    return *mini / (c->sector_size / CFB_MINI_SIZE) < c->mini_stream.count ||
           cfb_allocate_for(c, &edit->freed, &c->mini_stream, 0, e);
}

static bool write_mini(struct cfb_edit *edit, uint32_t id, const uint8_t *bytes, size_t length,
                       struct error *e)
{
    struct cfb *c = edit->c;
    uint32_t before = CFB_END, mini;

    for (size_t at = 0; at < length; at += CFB_MINI_SIZE) {
        size_t here = length - at < CFB_MINI_SIZE ? length - at : CFB_MINI_SIZE;
        uint8_t whole[CFB_MINI_SIZE] = {0};
        uint64_t place;

        memcpy(whole, bytes + at, here);
        if (!allocate_mini(edit, &mini, e) || !mini_set(c, mini, CFB_END, e) ||
            !cfb_mini_place(c, mini, &place, e) || !cfb_write_at(c, whole, sizeof whole, place, e))
            return false;
        if (at == 0)
            set_stream(c, id, mini, length);
        else if (!mini_set(c, before, mini, e))
            return false;
        before = mini;
    }
    return true;
}

bool cfb_edit_write(struct cfb_edit *edit, uint32_t id, const uint8_t *bytes, size_t length,
                    struct error *e)
{
    return length < CFB_CUTOFF ? write_mini(edit, id, bytes, length, e)
                               : write_large(edit, id, bytes, length, e);
}

/* The mini stream ends with the last small sector in use, as Windows has it; MSISIP takes a file
 * where it does not for damaged. */
static bool shrink_mini_stream(struct cfb_edit *edit, struct error *e)
{
    struct cfb *c = edit->c;
    uint32_t per = c->sector_size / CFB_MINI_SIZE, needed, sector, value = CFB_FREE;

    while (edit->minis > 0) {
        if (!cfb_mini_get(c, edit->minis - 1, &value, e))
            return false;
        if (value != CFB_FREE)
            break;
        edit->minis--;
    }
    needed = (edit->minis + per - 1) / per;
    for (uint32_t i = c->mini_stream.count; i > needed; i--) {
        if (!cfb_chain_at(c, &c->mini_stream, i - 1, &sector, e) ||
            !cfb_fat_set(c, sector, CFB_FREE, e) || !cfb_write_sector(c, sector, NULL, 0, e))
            return false;
        c->mini_stream.near_index = 0;
    }
    if (needed < c->mini_stream.count && needed > 0 &&
        (!cfb_chain_at(c, &c->mini_stream, needed - 1, &sector, e) ||
         !cfb_fat_set(c, sector, CFB_END, e)))
        return false;
    if (needed == 0)
        c->mini_stream.start = CFB_END;
    if (needed < c->mini_stream.count)
        c->mini_stream.count = needed;
    return true;
}

/* Back over sectors that are free. The one that is locked is needed only below something else. */
static bool find_end(struct cfb *c, struct error *e)
{
    uint32_t value;

    for (; c->end > 0; c->end--) {
        if (!cfb_fat_get(c, c->end - 1, &value, e))
            return false;
        if (value == CFB_FREE)
            continue;
        if (!cfb_is_large(c) || c->end - 1 != CFB_LOCK_SECTOR)
            break;
        if (!cfb_fat_set(c, c->end - 1, CFB_FREE, e))
            return false;
    }
    return true;
}

static void update_header(struct cfb_edit *edit)
{
    struct cfb *c = edit->c;

    if (edit->minis != cfb_mini_count(c))
        set_stream(c, 0, c->mini_stream.count > 0 ? c->mini_stream.start : CFB_END,
                   (uint64_t)edit->minis * CFB_MINI_SIZE);
    if (cfb_is_large(c))
        le_put_32(c->header + CFB_AT_DIRECTORY_COUNT, c->directory.count);
    if (c->mini_fat.count != le_32(c->header + CFB_AT_MINI_FAT_COUNT)) {
        le_put_32(c->header + CFB_AT_MINI_FAT, c->mini_fat.start);
        le_put_32(c->header + CFB_AT_MINI_FAT_COUNT, c->mini_fat.count);
    }
}

static bool write_directory(struct cfb *c, struct error *e)
{
    uint32_t sector;

    for (uint32_t i = 0; i < c->directory.count; i++)
        if (!cfb_chain_at(c, &c->directory, i, &sector, e) ||
            !cfb_write_at(c, c->entry + (size_t)i * c->sector_size, c->sector_size,
                          cfb_place(c, sector), e))
            return false;
    return true;
}

bool cfb_edit_finish(struct cfb_edit *edit, struct error *e)
{
    struct cfb *c = edit->c;

    if (edit->mini_shrinks && !shrink_mini_stream(edit, e))
        return false;
    update_header(edit);
    if (!find_end(c, e) || !write_directory(c, e) || !cfb_fat_flush(c, e) ||
        !cfb_write_at(c, c->header, sizeof c->header, 0, e))
        return false;
    return ftruncate(c->fd, (off_t)cfb_place(c, c->end)) == 0 ||
           error_set_errno(e, "cannot write the signed '%s'", c->name);
}
