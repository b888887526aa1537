/* SPDX-License-Identifier: Apache-2.0 */
#include "cfb_builder.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign/le.h"

enum { MINI = 64, CUTOFF = 4096, ENTRY = 128, NONE = -1, END = -2, FAT = -3, DIFAT = -4 };

/* The file while it is built: sectors by their logical number, which `place` scatters. */
struct building {
    struct cfb_image *image;
    const struct cfb_recipe *recipe;
    size_t per; /* numbers in a sector */
    size_t directory_sectors, mini_fat_sectors, mini_sectors, large_sectors;
    size_t fat_sectors, difat_sectors, sectors, minis;
    size_t step;
    uint32_t *fat, *mini_fat;
    size_t next; /* logical sector */
};

uint8_t cfb_byte(size_t item, size_t at)
{
    return (uint8_t)(item * 37 + at * 7 + at / 251 + 1);
}

static uint32_t place(const struct building *b, size_t logical)
{
    return (uint32_t)(logical * b->step % b->sectors);
}

static uint8_t *sector_at(const struct building *b, size_t logical)
{
    return b->image->bytes.data + (place(b, logical) + 1) * b->image->sector_size;
}

static size_t up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit;
}

static size_t gcd(size_t a, size_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

static void count_sectors(struct building *b)
{
    struct cfb_image *image = b->image;
    size_t size = image->sector_size, entries = image->count + 1 + b->recipe->unused, used;

    for (size_t i = 1; i <= image->count; i++)
        if (image->item[i].size >= CUTOFF)
            b->large_sectors += up(image->item[i].size, size);
        else
            b->minis += up(image->item[i].size, MINI);
    b->directory_sectors = up(entries * ENTRY, size);
    b->mini_fat_sectors = up(b->minis * 4, size);
    b->mini_sectors = up(b->minis * MINI, size);
    used = b->directory_sectors + b->mini_fat_sectors + b->mini_sectors + b->large_sectors;
    do {
        b->fat_sectors = up(used + b->fat_sectors + b->difat_sectors, b->per);
        b->difat_sectors = b->fat_sectors > 109 ? up(b->fat_sectors - 109, b->per - 1) : 0;
        b->sectors = used + b->fat_sectors + b->difat_sectors;
    } while (b->fat_sectors * b->per < b->sectors);
    b->step = 1;
    if (b->recipe->scattered)
        for (b->step = b->sectors / 3 + 2; gcd(b->step, b->sectors) != 1;)
            b->step++;
}

/* Sectors that are a chain; the logical number of the first. */
static size_t chain(struct building *b, size_t count)
{
    size_t first = b->next;

    for (size_t i = 0; i < count; i++)
        b->fat[place(b, first + i)] = i + 1 == count ? (uint32_t)END : place(b, first + i + 1);
    b->next += count;
    return first;
}

static void put_bytes(struct building *b, uint8_t *to, size_t item, size_t from, size_t room)
{
    size_t size = b->image->item[item].size;

    for (size_t i = 0; i < room; i++)
        if (from + i < size)
            to[i] = cfb_byte(item, from + i);
        else if (b->recipe->slack)
            to[i] = 0x5a;
}

static void put_large(struct building *b, size_t item)
{
    size_t size = b->image->sector_size, count = up(b->image->item[item].size, size);
    size_t first = chain(b, count);

    b->image->start[item] = place(b, first);
    b->image->data[item] = (place(b, first) + 1) * size;
    for (size_t i = 0; i < count; i++)
        put_bytes(b, sector_at(b, first + i), item, i * size, size);
}

static uint8_t *mini_at(const struct building *b, size_t stream, size_t mini)
{
    size_t per = b->image->sector_size / MINI;

    return sector_at(b, stream + mini / per) + mini % per * MINI;
}

static void put_mini(struct building *b, size_t item, size_t stream, size_t *mini)
{
    size_t count = up(b->image->item[item].size, MINI), first = *mini;

    b->image->start[item] = (uint32_t)first;
    b->image->data[item] = (size_t)(mini_at(b, stream, first) - b->image->bytes.data);
    for (size_t i = 0; i < count; i++) {
        b->mini_fat[first + i] = i + 1 == count ? (uint32_t)END : (uint32_t)(first + i + 1);
        put_bytes(b, mini_at(b, stream, first + i), item, i * MINI, MINI);
    }
    *mini += count;
}

/* The trees, apart from core's: by length, then by capital letters. */

static int by_tree(const void *a, const void *b, void *items)
{
    const struct cfb_item *item = items;
    const char *x = item[*(const uint32_t *)a].name, *y = item[*(const uint32_t *)b].name;
    size_t m = strlen(x), n = strlen(y);

    for (size_t i = 0; m == n && i < n; i++)
        if (toupper(x[i]) != toupper(y[i]))
            return toupper(x[i]) - toupper(y[i]);
    return m < n ? -1 : m > n;
}

static uint8_t *entry_of(const struct building *b, size_t id)
{
    return b->image->bytes.data + b->image->entry[id];
}

/* The top of a tree of these. Every second level is red where that keeps it valid: the last. */
static uint32_t tree(struct building *b, const uint32_t *id, size_t count, unsigned level,
                     unsigned levels)
{
    size_t top = b->recipe->list ? 0 : count / 2;
    uint8_t *entry;

    if (count == 0)
        return (uint32_t)NONE;
    entry = entry_of(b, id[top]);
    entry[67] = b->recipe->list || level < levels || level == 0;
    le_put_32(entry + 68, tree(b, id, top, level + 1, levels));
    le_put_32(entry + 72, tree(b, id + top + 1, count - top - 1, level + 1, levels));
    return id[top];
}

static void put_tree(struct building *b, size_t parent)
{
    uint32_t id[CFB_ITEMS_MOST];
    size_t count = 0;
    unsigned levels = 0;

    for (size_t i = 1; i <= b->image->count; i++)
        if (b->image->item[i].in == parent)
            id[count++] = (uint32_t)i;
    qsort_r(id, count, sizeof *id, by_tree, b->image->item);
    while ((2U << levels) - 1 <= count)
        levels++;
    le_put_32(entry_of(b, parent) + 76, tree(b, id, count, 0, levels));
}

static void put_entry(struct building *b, size_t id)
{
    uint8_t *entry = entry_of(b, id);
    const struct cfb_item *item = &b->image->item[id];
    const char *name = id == 0 ? "Root Entry" : item->name;

    for (size_t i = 0; name[i] != '\0'; i++)
        entry[2 * i] = (uint8_t)name[i];
    entry[64] = (uint8_t)(2 * strlen(name) + 2);
    entry[66] = id == 0 ? 5 : item->storage ? 1 : 2;
    entry[67] = 1;
    memset(entry + 68, 0xff, 12);
    if (item->storage) {
        entry[80] = (uint8_t)(0xc0 + id);
        entry[96] = (uint8_t)id;
        memset(entry + 100, (int)id, 16);
    }
    le_put_32(entry + 116, item->size > 0 ? b->image->start[id] : (uint32_t)END);
    le_put_32(entry + 120, (uint32_t)item->size);
}

static void put_directory(struct building *b, size_t first)
{
    struct cfb_image *image = b->image;
    size_t per = image->sector_size / ENTRY;
    static const uint8_t class[] = {0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};

    for (size_t i = 0; i < b->directory_sectors * per; i++) {
        uint8_t *entry = sector_at(b, first + i / per) + i % per * ENTRY;

        memset(entry + 68, 0xff, 12);
        if (i > image->count)
            continue;
        image->entry[i] = (size_t)(entry - image->bytes.data);
        put_entry(b, i);
    }
    memcpy(entry_of(b, 0) + 80, class, sizeof class);
    if (b->recipe->in_class != 0)
        entry_of(b, 0)[80] = (uint8_t)b->recipe->in_class;
    put_tree(b, 0);
    for (size_t i = 1; i <= image->count; i++)
        if (image->item[i].storage)
            put_tree(b, i);
}

static void put_numbers(struct building *b, size_t first, const uint32_t *value, size_t count,
                        size_t sectors)
{
    for (size_t i = 0; i < sectors * b->per; i++)
        le_put_32(sector_at(b, first + i / b->per) + 4 * (i % b->per),
                  i < count ? value[i] : (uint32_t)NONE);
}

static void put_difat(struct building *b, size_t fat, size_t difat)
{
    uint8_t *header = b->image->bytes.data;

    for (size_t i = 0; i < 109; i++)
        le_put_32(header + 76 + 4 * i, i < b->fat_sectors ? place(b, fat + i) : (uint32_t)NONE);
    for (size_t i = 0; i < b->difat_sectors; i++) {
        uint8_t *sector = sector_at(b, difat + i);

        memset(sector, 0xff, b->image->sector_size);
        for (size_t k = 0; k + 1 < b->per; k++) {
            size_t at = 109 + i * (b->per - 1) + k;

            if (at < b->fat_sectors)
                le_put_32(sector + 4 * k, place(b, fat + at));
        }
        le_put_32(sector + 4 * (b->per - 1),
                  i + 1 < b->difat_sectors ? place(b, difat + i + 1) : (uint32_t)END);
    }
    le_put_32(header + 68, b->difat_sectors > 0 ? place(b, difat) : (uint32_t)END);
    le_put_32(header + 72, (uint32_t)b->difat_sectors);
}

static void put_header(struct building *b, size_t directory, size_t mini_fat)
{
    static const uint8_t magic[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
    uint8_t *header = b->image->bytes.data;

    memcpy(header, magic, sizeof magic);
    le_put_16(header + 24, 0x3e);
    le_put_16(header + 26, b->recipe->large ? 4 : 3);
    le_put_16(header + 28, 0xfffe);
    le_put_16(header + 30, b->recipe->large ? 12 : 9);
    le_put_16(header + 32, 6);
    le_put_32(header + 40, b->recipe->large ? (uint32_t)b->directory_sectors : 0);
    le_put_32(header + 44, (uint32_t)b->fat_sectors);
    le_put_32(header + 48, place(b, directory));
    le_put_32(header + 56, CUTOFF);
    le_put_32(header + 60, b->mini_fat_sectors > 0 ? place(b, mini_fat) : (uint32_t)END);
    le_put_32(header + 64, (uint32_t)b->mini_fat_sectors);
}

static void take_items(struct cfb_image *image, const struct cfb_recipe *recipe)
{
    static char names[CFB_ITEMS_MOST][16];

    if (recipe->count + recipe->many > CFB_ITEMS_MOST)
        abort();
    for (size_t i = 0; i < recipe->count; i++)
        image->item[++image->count] = recipe->item[i];
    for (size_t i = 0; i < recipe->many; i++) {
        snprintf(names[i], sizeof names[i], "many%zu", i * i);
        image->item[++image->count] = (struct cfb_item){.name = names[i], .size = i % 200};
    }
    image->item[0].storage = true;
}

static void put_streams(struct building *b, size_t mini_stream)
{
    size_t mini = 0;

    for (size_t i = 1; i <= b->image->count; i++)
        if (b->image->item[i].size >= CUTOFF)
            put_large(b, i);
        else if (b->image->item[i].size > 0)
            put_mini(b, i, mini_stream, &mini);
}

/* The last stream is the last in the file. */
static void end_file(struct building *b)
{
    struct buffer *bytes = &b->image->bytes;

    if (b->recipe->short_end)
        bytes->length -=
            (b->image->sector_size - b->image->item[b->image->count].size % b->image->sector_size) %
            b->image->sector_size;
    for (size_t i = 0; i < b->recipe->zeros; i++)
        buffer_append_byte(bytes, 0);
}

void cfb_build(struct cfb_image *image, const struct cfb_recipe *recipe)
{
    struct building b = {.image = image, .recipe = recipe};
    size_t directory, mini_fat, mini_stream, fat, difat;

    *image = (struct cfb_image){.bytes = BUFFER_INIT, .sector_size = recipe->large ? 4096 : 512};
    b.per = image->sector_size / 4;
    take_items(image, recipe);
    count_sectors(&b);
    image->sectors = b.sectors;
    b.fat = malloc(b.sectors * sizeof *b.fat);
    b.mini_fat = malloc((b.minis + 1) * sizeof *b.mini_fat);
    if (b.fat == NULL || b.mini_fat == NULL ||
        buffer_extend(&image->bytes, (b.sectors + 1) * image->sector_size) == NULL)
        abort();
    memset(image->bytes.data, 0, image->bytes.length);
    directory = chain(&b, b.directory_sectors);
    mini_fat = chain(&b, b.mini_fat_sectors);
    mini_stream = chain(&b, b.mini_sectors);
    fat = b.next;
    difat = fat + b.fat_sectors;
    for (size_t i = fat; i < difat; i++)
        b.fat[place(&b, i)] = (uint32_t)FAT;
    for (size_t i = difat; i < difat + b.difat_sectors; i++)
        b.fat[place(&b, i)] = (uint32_t)DIFAT;
    b.next = difat + b.difat_sectors;
    put_streams(&b, mini_stream);
    put_directory(&b, directory);
    le_put_32(entry_of(&b, 0) + 116, b.mini_sectors > 0 ? place(&b, mini_stream) : (uint32_t)END);
    le_put_32(entry_of(&b, 0) + 120, (uint32_t)(b.minis * MINI));
    put_numbers(&b, fat, b.fat, b.sectors, b.fat_sectors);
    put_numbers(&b, mini_fat, b.mini_fat, b.minis, b.mini_fat_sectors);
    put_header(&b, directory, mini_fat);
    put_difat(&b, fat, difat);
    image->fat = (place(&b, fat) + 1) * image->sector_size;
    image->difat = (place(&b, difat) + 1) * image->sector_size;
    image->directory = image->entry[0];
    image->mini_fat = (place(&b, mini_fat) + 1) * image->sector_size;
    image->mini_stream = (place(&b, mini_stream) + 1) * image->sector_size;
    end_file(&b);
    free(b.fat);
    free(b.mini_fat);
}

size_t cfb_fat_slot(const struct cfb_image *image, uint32_t sector)
{
    size_t per = image->sector_size / 4;
    uint32_t fat = le_32(image->bytes.data + 76 + 4 * (sector / per));

    return (fat + 1) * image->sector_size + 4 * (sector % per);
}

/* The digest, apart from core's. */

/* Every second byte is zero in both: as good as comparing UTF-16LE with its NUL. */
static int by_bytes(const void *a, const void *b, void *items)
{
    const struct cfb_item *item = items;

    return strcmp(item[*(const uint32_t *)a].name, item[*(const uint32_t *)b].name);
}

static void digest_storage(const struct cfb_image *image, EVP_MD_CTX *ctx, size_t storage,
                           bool names)
{
    uint32_t id[CFB_ITEMS_MOST];
    size_t count = 0;
    const uint8_t *entry = image->bytes.data + image->entry[storage];

    if (names) {
        if (storage != 0)
            EVP_DigestUpdate(ctx, entry, entry[64] - 2U);
        EVP_DigestUpdate(ctx, entry + 80, 16);
        EVP_DigestUpdate(ctx, entry + 96, storage == 0 ? 4 : 20);
    }
    for (size_t i = 1; i <= image->count; i++)
        if (image->item[i].in == storage)
            id[count++] = (uint32_t)i;
    qsort_r(id, count, sizeof *id, by_bytes, (void *)(uintptr_t)image->item);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *child = image->bytes.data + image->entry[id[i]];

        if (image->item[id[i]].storage) {
            digest_storage(image, ctx, id[i], names);
            continue;
        }
        if (names) {
            EVP_DigestUpdate(ctx, child, child[64] - 2U);
            EVP_DigestUpdate(ctx, child + 120, 4);
            EVP_DigestUpdate(ctx, child + 96, 20);
            continue;
        }
        for (size_t at = 0; at < image->item[id[i]].size; at++) {
            uint8_t byte = cfb_byte(id[i], at);

            EVP_DigestUpdate(ctx, &byte, 1);
        }
    }
    if (!names)
        EVP_DigestUpdate(ctx, entry + 80, 16);
}

void cfb_expected_digest(const struct cfb_image *image, const EVP_MD *md, bool with_ex, uint8_t *ex,
                         uint8_t *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t own[EVP_MAX_MD_SIZE];

    if (ex == NULL)
        ex = own;
    EVP_DigestInit_ex(ctx, md, NULL);
    digest_storage(image, ctx, 0, true);
    EVP_DigestFinal_ex(ctx, ex, NULL);
    EVP_DigestInit_ex(ctx, md, NULL);
    if (with_ex)
        EVP_DigestUpdate(ctx, ex, (size_t)EVP_MD_get_size(md));
    digest_storage(image, ctx, 0, false);
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
}
