/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/msi/cfb_allocate.h"

#include <stdlib.h>
#include <string.h>

#include "sign/msi/cfb_parts.h"

bool cfb_freed_add(struct cfb_freed *freed, uint32_t sector, struct error *e)
{
    if (freed->count == freed->capacity) {
        size_t capacity = freed->capacity == 0 ? 64 : 2 * freed->capacity;
        uint32_t *grown = realloc(freed->sector, capacity * sizeof *grown);

        if (grown == NULL)
            return error_set_memory(e);
        freed->sector = grown;
        freed->capacity = capacity;
    }
    freed->sector[freed->count++] = sector;
    return true;
}

static int higher_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x > y ? -1 : x < y;
}

void cfb_freed_sort(struct cfb_freed *freed)
{
    if (freed->count > 1)
        qsort(freed->sector, freed->count, sizeof *freed->sector, higher_first);
}

bool cfb_write_sector(const struct cfb *c, uint32_t sector, const uint8_t *bytes, size_t length,
                      struct error *e)
{
    uint8_t whole[CFB_SECTOR_MOST] = {0};

    if (length > 0)
        memcpy(whole, bytes, length);
    return cfb_write_at(c, whole, c->sector_size, cfb_place(c, sector), e);
}

static bool write_number(const struct cfb *c, uint32_t value, uint64_t at, struct error *e)
{
    uint8_t bytes[4];

    le_put_32(bytes, value);
    return cfb_write_at(c, bytes, sizeof bytes, at, e);
}

/* One more sector of the DIFAT, which is empty and links to nothing. */
static bool grow_difat(struct cfb *c, struct error *e)
{
    uint32_t *grown = realloc(c->difat, (c->difat_count + 1ULL) * sizeof *grown);
    uint32_t sector = c->end++, before = c->difat_count;
    uint8_t bytes[CFB_SECTOR_MOST];
    bool linked = true;

    if (grown == NULL)
        return error_set_memory(e);
    c->difat = grown;
    c->difat[c->difat_count++] = sector;
    memset(bytes, 0xff, sizeof bytes);
    le_put_32(bytes + c->sector_size - 4, CFB_END);
    if (before == 0)
        le_put_32(c->header + CFB_AT_DIFAT, sector);
    else
        linked =
            write_number(c, sector, cfb_place(c, c->difat[before - 1]) + c->sector_size - 4, e);
    le_put_32(c->header + CFB_AT_DIFAT_COUNT, c->difat_count);
    return linked && cfb_write_sector(c, sector, bytes, c->sector_size, e) &&
           cfb_fat_set(c, sector, CFB_DIFAT, e);
}

/* Tells where FAT sector number `index` is. */
static bool list_fat_sector(struct cfb *c, uint32_t index, struct error *e)
{
    uint32_t per = cfb_per_sector(c) - 1, beyond;

    if (index < CFB_IN_HEADER) {
        le_put_32(c->header + CFB_AT_FAT_LIST + 4 * (size_t)index, c->fat[index]);
        return true;
    }
    beyond = index - CFB_IN_HEADER;
    if (beyond / per == c->difat_count && !grow_difat(c, e))
        return false;
    return write_number(c, c->fat[index],
                        cfb_place(c, c->difat[beyond / per]) + 4 * (uint64_t)(beyond % per), e);
}

/* One more sector of the FAT, the first that it lists itself. */
static bool grow_fat(struct cfb *c, struct error *e)
{
    uint32_t *grown = realloc(c->fat, (c->fat_count + 1ULL) * sizeof *grown);
    uint32_t index = c->fat_count, sector = c->end++;

    if (grown == NULL)
        return error_set_memory(e);
    c->fat = grown;
    c->fat[index] = sector;
    c->fat_count++;
    le_put_32(c->header + CFB_AT_FAT_COUNT, c->fat_count);
    return cfb_fat_fresh(c, index, e) && cfb_fat_set(c, sector, CFB_FAT, e) &&
           list_fat_sector(c, index, e);
}

static bool at_end(struct cfb *c, uint32_t *sector, struct error *e)
{
    if (c->end / cfb_per_sector(c) >= c->fat_count && !grow_fat(c, e))
        return false;
    if (cfb_is_large(c) && c->end == CFB_LOCK_SECTOR) {
        if (!cfb_fat_set(c, c->end, CFB_END, e) || !cfb_write_sector(c, c->end, NULL, 0, e))
            return false;
        c->end++;
    }
    *sector = c->end++;
    if (!cfb_is_large(c) && cfb_place(c, c->end) > CFB_MOST_OF_3)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' would have more than 2 GiB with its signature, which Windows does "
                         "not open in version 3; build it with sectors of 4096 bytes",
                         c->name);
    return true;
}

bool cfb_allocate(struct cfb *c, struct cfb_freed *freed, uint32_t *sector, struct error *e)
{
    if (freed->count > 0)
        *sector = freed->sector[--freed->count];
    else if (!at_end(c, sector, e))
        return false;
    return cfb_fat_set(c, *sector, CFB_END, e);
}

bool cfb_allocate_for(struct cfb *c, struct cfb_freed *freed, struct cfb_chain *chain, uint8_t fill,
                      struct error *e)
{
    uint8_t bytes[CFB_SECTOR_MOST];
    uint32_t sector, last;

    memset(bytes, fill, sizeof bytes);
    if (!cfb_allocate(c, freed, &sector, e) ||
        !cfb_write_sector(c, sector, bytes, c->sector_size, e))
        return false;
    if (chain->count > 0 &&
        (!cfb_chain_at(c, chain, chain->count - 1, &last, e) || !cfb_fat_set(c, last, sector, e)))
        return false;
    return cfb_chain_extend(chain, sector, e);
}
