/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a storage are a red-black tree ([MS-CFB] 2.6.4). A name is added as any textbook has
 * it, so that few links change; where one goes, the tree is laid out anew. Trees of other writers
 * need not have the right colours (libgsf's are lists, all black): adding keeps their order, and
 * leaves no two red ones in a row where there were none.
 */
#include "sign/msi/cfb_tree.h"

#include <stdlib.h>
#include <string.h>

#include "sign/msi/cfb_parts.h"

static unsigned upper(unsigned unit)
{
    return unit >= 'a' && unit <= 'z' ? unit - 'a' + 'A' : unit;
}

/* Whether its capital letter is known without tables: ASCII, and the scripts from CJK to Yi, which
 * have no case. The packed names of Windows Installer are all in there. */
static bool known_case(unsigned unit)
{
    return unit < 0x80 || (unit >= 0x2e80 && unit <= 0xa63f);
}

int cfb_compare(const uint8_t *a, const uint8_t *b, bool *sure)
{
    unsigned length = le_16(a + CFB_ENTRY_NAME_LENGTH), other = le_16(b + CFB_ENTRY_NAME_LENGTH);

    *sure = true;
    if (length != other)
        return length < other ? -1 : 1;
    for (unsigned i = 0; i + 2 < length; i += 2) {
        unsigned x = le_16(a + i), y = le_16(b + i);

        if (upper(x) == upper(y))
            continue;
        *sure &= known_case(x) && known_case(y);
        return upper(x) < upper(y) ? -1 : 1;
    }
    return 0;
}

/* A tree that is being changed: its entries are the cfb's, in memory. */
struct path {
    struct cfb *c;
    uint32_t *id; /* from the storage down to the entry, the storage included */
    uint32_t depth;
};

static uint32_t get(const struct path *p, uint32_t id, size_t which)
{
    return le_32(cfb_entry(p->c, id) + which);
}

static void put(struct path *p, uint32_t id, size_t which, uint32_t value)
{
    le_put_32(cfb_entry(p->c, id) + which, value);
}

static bool is_red(const struct path *p, uint32_t id)
{
    return id != CFB_NOBODY && cfb_entry(p->c, id)[CFB_ENTRY_COLOUR] == CFB_RED;
}

static void paint(struct path *p, uint32_t id, enum cfb_colour colour)
{
    cfb_entry(p->c, id)[CFB_ENTRY_COLOUR] = (uint8_t)colour;
}

/* Whatever led from the one above to `old` leads to `new` now. `level`: of the one above. */
static void relink(struct path *p, uint32_t level, uint32_t old, uint32_t new)
{
    uint32_t above = p->id[level];
    size_t which = CFB_ENTRY_CHILD;

    if (level > 0)
        which = get(p, above, CFB_ENTRY_LEFT) == old ? CFB_ENTRY_LEFT : CFB_ENTRY_RIGHT;
    put(p, above, which, new);
}

/* The child of `id` on the side `down` goes up in its place. */
static void rotate(struct path *p, uint32_t level, uint32_t id, size_t down)
{
    size_t other = down == CFB_ENTRY_LEFT ? CFB_ENTRY_RIGHT : CFB_ENTRY_LEFT;
    uint32_t up = get(p, id, down);

    put(p, id, down, get(p, up, other));
    put(p, up, other, id);
    relink(p, level, id, up);
}

/* The new entry is red, at the end of the path, and the one above it may be red too. */
static void balance(struct path *p)
{
    uint32_t at = p->depth; /* id[at] is the red one that is looked at */

    /* id[0] is the storage, id[1] the top of the tree. */
    while (at >= 3 && is_red(p, p->id[at - 1])) {
        uint32_t parent = p->id[at - 1], above = p->id[at - 2];
        size_t side = get(p, above, CFB_ENTRY_LEFT) == parent ? CFB_ENTRY_LEFT : CFB_ENTRY_RIGHT;
        size_t across = side == CFB_ENTRY_LEFT ? CFB_ENTRY_RIGHT : CFB_ENTRY_LEFT;

        if (is_red(p, get(p, above, across))) {
            paint(p, parent, CFB_BLACK);
            paint(p, get(p, above, across), CFB_BLACK);
            paint(p, above, CFB_RED);
            at -= 2;
            continue;
        }
        if (get(p, parent, across) == p->id[at]) {
            rotate(p, at - 2, parent, across);
            parent = p->id[at];
        }
        rotate(p, at - 3, above, side);
        paint(p, parent, CFB_BLACK);
        paint(p, above, CFB_RED);
        break;
    }
    paint(p, get(p, p->id[0], CFB_ENTRY_CHILD), CFB_BLACK);
}

static bool descend(struct path *p, uint32_t id, struct error *e)
{
    uint32_t at = get(p, p->id[0], CFB_ENTRY_CHILD);
    size_t which = CFB_ENTRY_CHILD;

    while (at != CFB_NOBODY) {
        bool sure;
        int order = cfb_compare(cfb_entry(p->c, id), cfb_entry(p->c, at), &sure);
        char name[CFB_NAME_SIZE];

        if (order == 0)
            return error_set(e, ERROR_FORMAT,
                             "'%s' has a stream '%s', whose name differs from the signature's only "
                             "in case",
                             p->c->name, cfb_name(p->c, at, name));
        p->id[++p->depth] = at;
        which = order < 0 ? CFB_ENTRY_LEFT : CFB_ENTRY_RIGHT;
        at = get(p, at, which);
    }
    put(p, p->id[p->depth], which, id);
    p->id[++p->depth] = id;
    return true;
}

bool cfb_tree_insert(struct cfb *c, uint32_t storage, uint32_t id, struct error *e)
{
    struct path p = {.c = c, .id = calloc((size_t)c->entries + 2, sizeof *p.id)};
    bool good;

    if (p.id == NULL)
        return error_set_memory(e);
    p.id[0] = storage;
    put(&p, id, CFB_ENTRY_LEFT, CFB_NOBODY);
    put(&p, id, CFB_ENTRY_RIGHT, CFB_NOBODY);
    paint(&p, id, CFB_RED);
    good = descend(&p, id, e);
    if (good)
        balance(&p);
    free(p.id);
    return good;
}

/* The middle one is on top of those before and those after it. Only the lowest level is red, so
 * that every way down has as many black ones; `full`: levels above that one. */
static uint32_t lay_out(struct cfb *c, const uint32_t *id, uint32_t count, unsigned full)
{
    uint32_t middle = count / 2, top;
    uint8_t *entry;

    if (count == 0)
        return CFB_NOBODY;
    top = id[middle];
    entry = cfb_entry(c, top);
    entry[CFB_ENTRY_COLOUR] = full == 0 ? CFB_RED : CFB_BLACK;
    le_put_32(entry + CFB_ENTRY_LEFT, lay_out(c, id, middle, full == 0 ? 0 : full - 1));
    le_put_32(entry + CFB_ENTRY_RIGHT,
              lay_out(c, id + middle + 1, count - middle - 1, full == 0 ? 0 : full - 1));
    return top;
}

void cfb_tree_lay_out(struct cfb *c, uint32_t storage, const uint32_t *id, uint32_t count)
{
    unsigned full = 0;

    /* As many levels as are full: 1, 3, 7, … */
    while ((2ULL << full) - 1 <= count)
        full++;
    le_put_32(cfb_entry(c, storage) + CFB_ENTRY_CHILD, lay_out(c, id, count, full));
    if (count > 0)
        cfb_entry(c, le_32(cfb_entry(c, storage) + CFB_ENTRY_CHILD))[CFB_ENTRY_COLOUR] = CFB_BLACK;
}
