/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a compound file ([MS-CFB] 2.6): entries, and a tree of names for each storage.
 */
#include <stdlib.h>
#include <string.h>

#include "sign/msi/cfb_parts.h"

static uint32_t link_of(const struct cfb *c, uint32_t id, size_t which)
{
    return le_32(cfb_entry(c, id) + which);
}

static bool wrong(const struct cfb *c, uint32_t id, const char *what, struct error *e)
{
    char name[CFB_NAME_SIZE];

    return error_set(e, ERROR_FORMAT, "'%s': directory entry %u ('%s') %s", c->name, id,
                     cfb_name(c, id, name), what);
}

/* The length says how far the name goes, its NUL included; there is no other NUL in it. */
static bool name_good(const uint8_t *entry)
{
    unsigned length = le_16(entry + CFB_ENTRY_NAME_LENGTH);

    if (length < 4 || length > 64 || length % 2 != 0 || le_16(entry + length - 2) != 0)
        return false;
    for (unsigned i = 0; i + 2 < length; i += 2)
        if (le_16(entry + i) == 0)
            return false;
    return true;
}

static bool check_root(const struct cfb *c, struct error *e)
{
    if (cfb_type(c, 0) != CFB_ROOT)
        return error_set(e, ERROR_FORMAT, "'%s': the first entry of its directory is not the root",
                         c->name);
    if (link_of(c, 0, CFB_ENTRY_LEFT) != CFB_NOBODY || link_of(c, 0, CFB_ENTRY_RIGHT) != CFB_NOBODY)
        return wrong(c, 0, "is the root, and has siblings", e);
    return name_good(cfb_entry(c, 0)) || wrong(c, 0, "has a name of no valid length", e);
}

/* An entry that a tree leads to. */
static bool reach(struct cfb *c, uint32_t id, uint32_t parent, struct error *e)
{
    enum cfb_type type;

    if (id >= c->entries)
        return error_set(e, ERROR_FORMAT,
                         "'%s': its directory has %u entries, but a name stands in entry %u",
                         c->name, c->entries, id);
    if (c->node[id].reached)
        return wrong(c, id, "is reached twice: the tree of names has a loop or a short cut", e);
    c->node[id].reached = true;
    c->node[id].depth = (uint8_t)(c->node[parent].depth + 1);
    type = cfb_type(c, id);
    if (type != CFB_STORAGE && type != CFB_STREAM)
        return wrong(c, id, "is in use, but neither a stream nor a storage", e);
    if (!name_good(cfb_entry(c, id)))
        return wrong(c, id, "has a name of no valid length", e);
    if (type == CFB_STREAM && link_of(c, id, CFB_ENTRY_CHILD) != CFB_NOBODY)
        return wrong(c, id, "is a stream, and has children", e);
    return c->node[id].depth <= CFB_DEEPEST ||
           error_set(e, ERROR_UNSUPPORTED, "'%s' has storages that are nested too deep", c->name);
}

/* Each name of a storage comes after the one before, as its tree tells. */
static bool in_order(const struct cfb *c, uint32_t before, uint32_t id, struct error *e)
{
    bool sure;
    int order = cfb_compare(cfb_entry(c, before), cfb_entry(c, id), &sure);

    if (order == 0)
        return wrong(c, id, "has a name that another one beside it has too", e);
    return order < 0 || !sure ||
           wrong(c, id, "stands at the wrong place in the tree of names, where it is not found", e);
}

/* Appends the children of a storage to the order, without recursion: a tree may be as deep as it
 * has names. */
static bool walk(struct cfb *c, uint32_t parent, uint32_t *stack, uint32_t *ordered,
                 struct error *e)
{
    uint32_t id = link_of(c, parent, CFB_ENTRY_CHILD), depth = 0;

    c->node[parent].first = *ordered;
    while (id != CFB_NOBODY || depth > 0) {
        while (id != CFB_NOBODY) {
            if (!reach(c, id, parent, e))
                return false;
            stack[depth++] = id;
            id = link_of(c, id, CFB_ENTRY_LEFT);
        }
        id = stack[--depth];
        if (*ordered > c->node[parent].first && !in_order(c, c->order[*ordered - 1], id, e))
            return false;
        c->order[(*ordered)++] = id;
        id = link_of(c, id, CFB_ENTRY_RIGHT);
    }
    c->node[parent].count = *ordered - c->node[parent].first;
    return true;
}

/* The root, then every storage that was found. */
static bool walk_all(struct cfb *c, uint32_t *stack, struct error *e)
{
    uint32_t ordered = 0;

    c->node[0].reached = true;
    if (!check_root(c, e) || !walk(c, 0, stack, &ordered, e))
        return false;
    for (uint32_t i = 0; i < ordered; i++)
        if (cfb_type(c, c->order[i]) == CFB_STORAGE && !walk(c, c->order[i], stack, &ordered, e))
            return false;
    return true;
}

static bool read_entries(struct cfb *c, struct error *e)
{
    uint32_t sector;

    c->entries = c->directory.count * (c->sector_size / CFB_ENTRY_SIZE);
    c->entry = malloc((size_t)c->directory.count * c->sector_size);
    if (c->entry == NULL)
        return error_set_memory(e);
    for (uint32_t i = 0; i < c->directory.count; i++)
        if (!cfb_chain_at(c, &c->directory, i, &sector, e) ||
            !cfb_read_at(c, c->entry + (size_t)i * c->sector_size, c->sector_size,
                         cfb_place(c, sector), e))
            return false;
    return true;
}

static bool check_count(const struct cfb *c, struct error *e)
{
    uint32_t stated = le_32(c->header + CFB_AT_DIRECTORY_COUNT);

    if (c->directory.count == 0)
        return error_set(e, ERROR_FORMAT, "'%s' has no directory", c->name);
    /* Version 3 has none there. */
    return !cfb_is_large(c) || stated == c->directory.count ||
           error_set(e, ERROR_FORMAT,
                     "'%s': its header counts %u directory sectors, but there are %u; Windows "
                     "Installer would not see all of it",
                     c->name, stated, c->directory.count);
}

bool cfb_directory_load(struct cfb *c, struct error *e)
{
    uint32_t most = CFB_ENTRIES_MOST / (c->sector_size / CFB_ENTRY_SIZE), *stack;
    bool good;

    if (!cfb_chain_load(c, &c->directory, le_32(c->header + CFB_AT_DIRECTORY), CFB_WHOLE, most,
                        "the directory", e) ||
        !check_count(c, e) || !read_entries(c, e))
        return false;
    c->node = calloc(c->entries, sizeof *c->node);
    c->order = calloc(c->entries, sizeof *c->order);
    stack = calloc(c->entries, sizeof *stack);
    if (c->node == NULL || c->order == NULL || stack == NULL)
        good = error_set_memory(e);
    else
        good = walk_all(c, stack, e);
    free(stack);
    return good;
}

uint64_t cfb_length(const struct cfb *c, uint32_t id)
{
    const uint8_t *length = cfb_entry(c, id) + CFB_ENTRY_LENGTH;
    uint64_t high = cfb_is_large(c) ? le_32(length + 4) : 0;

    return high << 32 | le_32(length);
}

uint32_t cfb_mini_count(const struct cfb *c)
{
    return (uint32_t)((cfb_length(c, 0) + CFB_MINI_SIZE - 1) / CFB_MINI_SIZE);
}

uint32_t cfb_find(const struct cfb *c, const void *name, size_t length)
{
    const struct cfb_node *root = &c->node[0];

    for (uint32_t i = 0; i < root->count; i++) {
        const uint8_t *entry = cfb_entry(c, c->order[root->first + i]);

        if (le_16(entry + CFB_ENTRY_NAME_LENGTH) == length + 2 && memcmp(entry, name, length) == 0)
            return c->order[root->first + i];
    }
    return CFB_NOBODY;
}
