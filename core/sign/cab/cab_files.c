/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab/cab_files.h"

#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/le.h"

enum {
    ENTRY = 16,      /* CFFILE up to its name */
    NAME_ROOM = 257, /* a name and its NUL */
    WINDOW = 64 << 10,
};

/* iFolder of files that reach over the ends of a cabinet. */
enum { FROM_PREVIOUS = 0xfffd, TO_NEXT = 0xfffe, FROM_PREVIOUS_TO_NEXT = 0xffff };

/* The list, seen through a window. */
struct list {
    int input;
    const char *name;
    struct cab_headers *h;
    struct error *e;
    uint8_t *window;
    size_t used, filled; /* bytes in it: looked at, read */
    uint64_t at;         /* offset of what is read next */
};

static bool wrong(const struct list *l, size_t index, const char *what)
{
    return error_set(l->e, ERROR_FORMAT, "'%s': file %zu in its list %s", l->name, index + 1, what);
}

/* Makes a whole entry visible, or what is left of the cabinet. */
static bool fill(struct list *l)
{
    uint64_t left = l->h->size - l->at;
    size_t room, more;

    if (l->filled - l->used >= ENTRY + NAME_ROOM || left == 0)
        return true;
    memmove(l->window, l->window + l->used, l->filled - l->used);
    l->filled -= l->used;
    l->used = 0;
    room = WINDOW - l->filled;
    more = left < room ? (size_t)left : room;
    if (!file_io_read(l->input, l->window + l->filled, more, l->at))
        return file_io_error(l->e, l->name, "it became shorter while it was read");
    l->filled += more;
    l->at += more;
    return true;
}

/* A folder that goes on in another cabinet: how much it unpacks to cannot be known here. */
static bool goes_on(const struct cab_headers *h, size_t folder)
{
    return (folder == 0 && (h->flags & CAB_PREVIOUS) != 0) ||
           (folder + 1 == h->folder_count && (h->flags & CAB_NEXT) != 0);
}

static bool take_folder(const struct list *l, size_t index, const uint8_t *entry)
{
    struct cab_headers *h = l->h;
    size_t folder = le_16(entry + 8);
    uint64_t end = (uint64_t)le_32(entry + 4) + le_32(entry);
    unsigned wanted = folder == FROM_PREVIOUS ? CAB_PREVIOUS
                      : folder == TO_NEXT     ? CAB_NEXT
                                              : CAB_PREVIOUS | CAB_NEXT;

    if (folder >= FROM_PREVIOUS)
        return (h->flags & wanted) == wanted ||
               wrong(l, index, "reaches into another cabinet, which its header does not name");
    if (folder >= h->folder_count)
        return wrong(l, index, "belongs to a folder that is not there");
    if (!goes_on(h, folder) && end > h->folder[folder].needs)
        h->folder[folder].needs = end;
    return true;
}

static bool take_entry(struct list *l, size_t index)
{
    const uint8_t *entry, *end;
    size_t length;

    if (!fill(l))
        return false;
    entry = l->window + l->used;
    length = l->filled - l->used;
    if (length <= ENTRY)
        return wrong(l, index, "is cut short: the cabinet ends there");
    length = length - ENTRY < NAME_ROOM ? length - ENTRY : NAME_ROOM;
    end = memchr(entry + ENTRY, 0, length);
    if (end == NULL)
        return wrong(l, index, "has a name without an end");
    l->used += (size_t)(end - entry) + 1;
    return take_folder(l, index, entry);
}

bool cab_files_check(int input, const char *name, struct cab_headers *h, struct error *e)
{
    struct list l = {.input = input, .name = name, .h = h, .e = e, .window = malloc(WINDOW)};
    size_t count = le_16(h->fixed + 28);
    bool good = l.window != NULL || error_set_memory(e);

    l.at = le_32(h->fixed + CAB_AT_FILES);
    for (size_t i = 0; good && i < count; i++)
        good = take_entry(&l, i);
    free(l.window);
    return good;
}
