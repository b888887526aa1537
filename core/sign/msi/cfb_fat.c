/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sectors, and the one that says where its own sectors are ([MS-CFB] 2.3, 2.5). */
#include <stdlib.h>
#include <string.h>

#include "sign/msi/cfb_parts.h"

enum { PAGES = 16 };

/* A FAT that a file shrank in may be longer than needed, within reason. */
enum { FAT_EXCESS = 16 };

bool cfb_claim(struct cfb *c, uint32_t sector, uint64_t bytes, const char *what, struct error *e)
{
    if (sector >= c->sectors)
        return error_set(e, ERROR_FORMAT,
                         "'%s': %s goes on in sector %u, but the file has only %u sectors; it was "
                         "cut short or is damaged",
                         c->name, what, sector, c->sectors);
    if (c->size - cfb_place(c, sector) < bytes)
        return error_set(e, ERROR_FORMAT,
                         "'%s': the file ends in sector %u, before the end of %s; it was cut short",
                         c->name, sector, what);
    if (cfb_bit(c->used, sector))
        return error_set(e, ERROR_FORMAT,
                         "'%s': sector %u is in two chains, or twice in one; found by %s", c->name,
                         sector, what);
    cfb_set_bit(c->used, sector);
    return true;
}

static bool lies(const struct cfb *c, const char *what, uint32_t count, struct error *e)
{
    return error_set(e, ERROR_FORMAT,
                     "'%s': its header counts %u %s, which does not fit the file or what they hold",
                     c->name, count, what);
}

static bool check_counts(struct cfb *c, struct error *e)
{
    uint32_t per = cfb_per_sector(c), needed = 0;

    c->fat_count = le_32(c->header + CFB_AT_FAT_COUNT);
    c->difat_count = le_32(c->header + CFB_AT_DIFAT_COUNT);
    if (c->fat_count == 0 || c->fat_count > c->sectors ||
        c->fat_count / FAT_EXCESS > c->sectors / per + 1)
        return lies(c, "FAT sectors", c->fat_count, e);
    if (c->fat_count > CFB_IN_HEADER)
        needed = (c->fat_count - CFB_IN_HEADER + per - 2) / (per - 1);
    if (c->difat_count != needed)
        return lies(c, "DIFAT sectors", c->difat_count, e);
    c->fat = calloc(c->fat_count, sizeof *c->fat);
    c->difat = calloc((size_t)needed + 1, sizeof *c->difat);
    c->page = calloc(PAGES, sizeof *c->page);
    return (c->fat != NULL && c->difat != NULL && c->page != NULL) || error_set_memory(e);
}

static bool load_difat(struct cfb *c, struct error *e)
{
    uint32_t per = cfb_per_sector(c), found = CFB_IN_HEADER;
    uint32_t next = le_32(c->header + CFB_AT_DIFAT);
    uint8_t bytes[CFB_SECTOR_MOST];

    for (uint32_t i = 0; i < c->difat_count; i++) {
        if (!cfb_claim(c, next, c->sector_size, "the DIFAT", e) ||
            !cfb_read_at(c, bytes, c->sector_size, cfb_place(c, next), e))
            return false;
        c->difat[i] = next;
        for (uint32_t k = 0; k < per - 1 && found < c->fat_count; k++)
            c->fat[found++] = le_32(bytes + 4 * (size_t)k);
        next = le_32(bytes + c->sector_size - 4);
    }
    c->difat_stop = next;
    return next == CFB_END || next == CFB_FREE ||
           error_set(e, ERROR_FORMAT,
                     "'%s': its DIFAT goes on in sector %u, after all that the header counts",
                     c->name, next);
}

/* FAT and DIFAT sectors are marked as such in the FAT. */
static bool check_mark(struct cfb *c, uint32_t sector, uint32_t mark, const char *what,
                       struct error *e)
{
    uint32_t value;

    if (!cfb_fat_get(c, sector, &value, e))
        return false;
    return value == mark ||
           error_set(e, ERROR_FORMAT,
                     "'%s': sector %u is one of the %s, but the FAT has %08x for it", c->name,
                     sector, what, value);
}

bool cfb_fat_load(struct cfb *c, struct error *e)
{
    if (!check_counts(c, e))
        return false;
    for (uint32_t i = 0; i < c->fat_count && i < CFB_IN_HEADER; i++)
        c->fat[i] = le_32(c->header + CFB_AT_FAT_LIST + 4 * (size_t)i);
    if (!load_difat(c, e))
        return false;
    for (uint32_t i = 0; i < c->fat_count; i++)
        if (!cfb_claim(c, c->fat[i], c->sector_size, "the FAT", e))
            return false;
    for (uint32_t i = 0; i < c->fat_count; i++)
        if (!check_mark(c, c->fat[i], CFB_FAT, "FAT", e))
            return false;
    for (uint32_t i = 0; i < c->difat_count; i++)
        if (!check_mark(c, c->difat[i], CFB_DIFAT, "DIFAT", e))
            return false;
    return true;
}

static bool write_page(struct cfb *c, struct cfb_page *page, struct error *e)
{
    if (!page->loaded || !page->dirty)
        return true;
    page->dirty = false;
    return cfb_write_at(c, page->bytes, c->sector_size, cfb_place(c, c->fat[page->index]), e);
}

static struct cfb_page *load_page(struct cfb *c, uint32_t index, struct error *e)
{
    struct cfb_page *page = &c->page[index % PAGES];

    if (page->loaded && page->index == index)
        return page;
    if (!write_page(c, page, e))
        return NULL;
    page->loaded = false;
    if (!cfb_read_at(c, page->bytes, c->sector_size, cfb_place(c, c->fat[index]), e))
        return NULL;
    page->index = index;
    page->loaded = true;
    return page;
}

/* The four bytes of a sector. */
static uint8_t *fat_slot(struct cfb *c, uint32_t sector, bool change, struct error *e)
{
    uint32_t per = cfb_per_sector(c);
    struct cfb_page *page;

    if (sector / per >= c->fat_count) {
        error_set(e, ERROR_FORMAT, "'%s': sector %u is beyond the FAT", c->name, sector);
        return NULL;
    }
    page = load_page(c, sector / per, e);
    if (page == NULL)
        return NULL;
    page->dirty |= change;
    return page->bytes + 4 * (size_t)(sector % per);
}

bool cfb_fat_get(struct cfb *c, uint32_t sector, uint32_t *value, struct error *e)
{
    const uint8_t *slot = fat_slot(c, sector, false, e);

    if (slot != NULL)
        *value = le_32(slot);
    return slot != NULL;
}

bool cfb_fat_set(struct cfb *c, uint32_t sector, uint32_t value, struct error *e)
{
    uint8_t *slot = fat_slot(c, sector, true, e);

    if (slot != NULL)
        le_put_32(slot, value);
    return slot != NULL;
}

bool cfb_fat_flush(struct cfb *c, struct error *e)
{
    for (size_t i = 0; i < PAGES; i++)
        if (!write_page(c, &c->page[i], e))
            return false;
    return true;
}

bool cfb_fat_fresh(struct cfb *c, uint32_t index, struct error *e)
{
    struct cfb_page *page = &c->page[index % PAGES];

    if (!write_page(c, page, e))
        return false;
    page->index = index;
    page->loaded = page->dirty = true;
    memset(page->bytes, 0xff, sizeof page->bytes);
    return true;
}

bool cfb_fat_check(struct cfb *c, struct error *e)
{
    uint64_t covered = (uint64_t)c->fat_count * cfb_per_sector(c);
    uint32_t value;

    c->end = 0;
    for (uint64_t i = 0; i < covered; i++) {
        if (!cfb_fat_get(c, (uint32_t)i, &value, e))
            return false;
        if (value == CFB_FREE)
            continue;
        c->end = (uint32_t)i + 1;
        if (i >= c->sectors)
            return error_set(e, ERROR_FORMAT,
                             "'%s': its FAT has sector %u in use, but the file ends before it; it "
                             "was cut short",
                             c->name, (uint32_t)i);
    }
    return true;
}
