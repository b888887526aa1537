/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab/cab_data.h"

#include <stdlib.h>
#include <string.h>

#include "sign/le.h"

struct chain {
    struct cab_folder folder;
    size_t number; /* in the cabinet, from one */
};

struct cab_data {
    const struct cab_headers *h;
    const char *name;
    struct chain *chain; /* folders that have data here, in the order of their places */
    size_t count, current;
    uint64_t next;     /* of the current one: where its next block, or the rest of its header, is */
    unsigned left;     /* its blocks that are still to come */
    uint64_t unpacked; /* what those that came become */
    uint8_t header[CAB_BLOCK];
    size_t have; /* bytes of the header, which may stand in two pieces */
};

static int by_place(const void *a, const void *b)
{
    const struct chain *one = a, *two = b;

    return one->folder.start < two->folder.start ? -1 : one->folder.start > two->folder.start;
}

static bool too_little(const struct cab_data *d, size_t number, uint64_t needs, uint64_t unpacked,
                       struct error *e)
{
    return error_set(e, ERROR_FORMAT,
                     "'%s': the files in folder %zu are said to take %llu bytes, but its data "
                     "unpacks to %llu",
                     d->name, number, (unsigned long long)needs, (unsigned long long)unpacked);
}

/* The current folder from its first block; it may not reach back into the one before. */
static bool begin_folder(struct cab_data *d, struct error *e)
{
    const struct chain *c = &d->chain[d->current];

    if (d->current == d->count)
        return true;
    if (c->folder.start < d->next)
        return error_set(e, ERROR_FORMAT, "'%s': folders %zu and %zu share some of their data",
                         d->name, d->chain[d->current - 1].number, c->number);
    d->next = c->folder.start;
    d->left = c->folder.blocks;
    d->unpacked = 0;
    return true;
}

static bool collect(struct cab_data *d, struct error *e)
{
    for (size_t i = 0; i < d->h->folder_count; i++) {
        const struct cab_folder *f = &d->h->folder[i];

        if (f->blocks > 0)
            d->chain[d->count++] = (struct chain){*f, i + 1};
        else if (f->needs > 0)
            return too_little(d, i + 1, f->needs, 0, e);
    }
    qsort(d->chain, d->count, sizeof *d->chain, by_place);
    return begin_folder(d, e);
}

struct cab_data *cab_data_new(const struct cab_headers *h, const char *name, struct error *e)
{
    struct cab_data *d = calloc(1, sizeof *d);

    if (d == NULL || (d->chain = calloc(h->folder_count + 1, sizeof *d->chain)) == NULL) {
        cab_data_free(&d);
        error_set_memory(e);
        return NULL;
    }
    d->h = h;
    d->name = name;
    if (!collect(d, e))
        cab_data_free(&d);
    return d;
}

void cab_data_free(struct cab_data **d)
{
    if (*d != NULL)
        free((*d)->chain);
    free(*d);
    *d = NULL;
}

static bool end_folder(struct cab_data *d, struct error *e)
{
    const struct chain *c = &d->chain[d->current];

    if (d->unpacked < c->folder.needs)
        return too_little(d, c->number, c->folder.needs, d->unpacked, e);
    d->current++;
    return begin_folder(d, e);
}

/* A whole header is there. */
static bool take_block(struct cab_data *d, struct error *e)
{
    const struct chain *c = &d->chain[d->current];

    d->have = 0;
    d->next += d->h->block_reserve + (uint64_t)le_16(d->header + 4);
    d->unpacked += le_16(d->header + 6);
    if (d->next > d->h->size)
        return error_set(e, ERROR_FORMAT,
                         "'%s' is cut short: block %u of folder %zu reaches to byte %llu, the "
                         "cabinet ends at %llu",
                         d->name, c->folder.blocks - d->left + 1, c->number,
                         (unsigned long long)d->next, (unsigned long long)d->h->size);
    return --d->left > 0 || end_folder(d, e);
}

bool cab_data_add(struct cab_data *d, const uint8_t *bytes, size_t length, uint64_t offset,
                  struct error *e)
{
    uint64_t end = offset + length;

    while (d->current < d->count && d->next < end) {
        size_t wanted = CAB_BLOCK - d->have;
        size_t some = end - d->next < wanted ? (size_t)(end - d->next) : wanted;

        memcpy(d->header + d->have, bytes + (d->next - offset), some);
        d->have += some;
        d->next += some;
        if (d->have == CAB_BLOCK && !take_block(d, e))
            return false;
    }
    return true;
}

bool cab_data_end(const struct cab_data *d, struct error *e)
{
    return d->current == d->count ||
           error_set(e, ERROR_FORMAT, "'%s' is cut short: folder %zu has %u blocks, %u are there",
                     d->name, d->chain[d->current].number, d->chain[d->current].folder.blocks,
                     d->chain[d->current].folder.blocks - d->left);
}
