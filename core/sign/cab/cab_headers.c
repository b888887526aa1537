/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab/cab_headers.h"

#include <stdlib.h>
#include <string.h>

#include "sign/cab/cab_files.h"
#include "sign/file_io.h"
#include "sign/le.h"
#include "sign/signature_io.h"

enum {
    NAME_MAX_BYTES = 255, /* of a cabinet or a disk, without its NUL */
    FOLDERS_AT_ONCE = 4096,
};

/* The file while its headers are read. */
struct reading {
    int input;
    const char *name;
    struct cab_headers *out;
    struct error *e;
};

static bool wrong(const struct reading *r, const char *what)
{
    return error_set(r->e, ERROR_FORMAT, "'%s': %s", r->name, what);
}

/* `size` bytes at `offset`, or the message that the cabinet is cut short there. */
static bool get(const struct reading *r, void *out, size_t size, uint64_t offset, const char *where)
{
    if (r->out->size > 0 && offset + size > r->out->size)
        return wrong(r, where);
    return file_io_read(r->input, out, size, offset) || file_io_error(r->e, r->name, where);
}

static bool check_version(const struct reading *r)
{
    const uint8_t *f = r->out->fixed;

    if (f[25] != 1 || f[24] != 3)
        return error_set(r->e, ERROR_UNSUPPORTED,
                         "'%s' is a cabinet of version %u.%u; only 1.3 is known", r->name, f[25],
                         f[24]);
    if ((r->out->flags & ~(unsigned)(CAB_PREVIOUS | CAB_NEXT | CAB_RESERVE)) != 0)
        return error_set(r->e, ERROR_UNSUPPORTED,
                         "'%s': the flags in its header are not known: %#x", r->name,
                         r->out->flags);
    /* No digest covers it. */
    return le_32(f + 4) == 0 ||
           wrong(r, "bytes 4 to 7 of its header must be zero; no signature protects them");
}

static bool check_size(const struct reading *r)
{
    struct cab_headers *h = r->out;

    h->size = le_32(h->fixed + CAB_AT_SIZE);
    if (h->size > CAB_LARGEST)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its header says that it has %llu bytes; a cabinet has less than "
                         "2 GiB",
                         r->name, (unsigned long long)h->size);
    if (h->size > h->file_size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s' is cut short: its header says that it has %llu bytes, %llu are "
                         "there",
                         r->name, (unsigned long long)h->size, (unsigned long long)h->file_size);
    return h->size >= CAB_FIXED || wrong(r, "its header says that it is smaller than a header");
}

static bool read_fixed(const struct reading *r)
{
    struct cab_headers *h = r->out;

    if (!get(r, h->fixed, CAB_FIXED, 0, "it is cut short: it ends inside its header"))
        return false;
    h->flags = le_16(h->fixed + CAB_AT_FLAGS);
    h->set = le_16(h->fixed + CAB_AT_SET);
    h->number = le_16(h->fixed + CAB_AT_NUMBER);
    return check_version(r) && check_size(r);
}

/* Whether the reserve is laid out as signing programs do it. */
static void look_into_reserve(struct cab_headers *h)
{
    const uint8_t *reserve = h->reserve, *second;

    if (h->reserve_size < CAB_LENGTHS)
        return;
    h->first = le_16(reserve);
    h->second = le_16(reserve + 2);
    h->structured = CAB_LENGTHS + h->first + h->second <= h->reserve_size;
    if (!h->structured) {
        h->first = h->second = 0;
        return;
    }
    second = reserve + CAB_LENGTHS + h->first;
    if (h->second == CAB_PLACE) {
        h->signature = le_32(second);
        h->signature_length = le_32(second + 4);
    }
    /* A SEQUENCE with two bytes of length: a ContentInfo. */
    h->old_signature = h->second > CAB_PLACE && second[0] == 0x30 && second[1] == 0x82;
}

static bool read_reserve(const struct reading *r)
{
    static const char short_text[] = "it is cut short: it ends inside the reserve of its header";
    struct cab_headers *h = r->out;

    h->names_at = CAB_FIXED;
    if ((h->flags & CAB_RESERVE) != 0) {
        if (!get(r, h->sizes, CAB_SIZES, CAB_FIXED, short_text))
            return false;
        h->names_at += CAB_SIZES;
    }
    h->reserve_size = le_16(h->sizes);
    h->folder_gap = CAB_FOLDER + (uint64_t)h->sizes[2];
    h->block_reserve = h->sizes[3];
    if (h->reserve_size == 0)
        return true;
    if (h->reserve_size > CAB_RESERVE_MAX)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its header claims a reserve of %zu bytes; 60000 is the most",
                         r->name, h->reserve_size);
    h->reserve = malloc(h->reserve_size);
    if (h->reserve == NULL)
        return error_set_memory(r->e);
    if (!get(r, h->reserve, h->reserve_size, h->names_at, short_text))
        return false;
    h->names_at += h->reserve_size;
    look_into_reserve(h);
    return true;
}

/* One name that ends with a NUL; `*at` goes behind it. `name` may be NULL. */
static bool read_name(const struct reading *r, uint64_t *at, char **name)
{
    char bytes[NAME_MAX_BYTES + 1];
    uint64_t left = r->out->size - *at;
    size_t length = left < sizeof bytes ? (size_t)left : sizeof bytes;
    const char *end;

    if (!get(r, bytes, length, *at, "it became shorter while it was read"))
        return false;
    end = memchr(bytes, 0, length);
    if (end == NULL)
        return wrong(r, "the name of another cabinet or disk in its header has no end");
    *at += (uint64_t)(end - bytes) + 1;
    if (name == NULL)
        return true;
    *name = strdup(bytes);
    return *name != NULL || error_set_memory(r->e);
}

static bool read_names(const struct reading *r)
{
    struct cab_headers *h = r->out;

    h->folders_at = h->names_at;
    if ((h->flags & CAB_PREVIOUS) != 0 &&
        (!read_name(r, &h->folders_at, &h->previous) || !read_name(r, &h->folders_at, NULL)))
        return false;
    return (h->flags & CAB_NEXT) == 0 ||
           (read_name(r, &h->folders_at, &h->next) && read_name(r, &h->folders_at, NULL));
}

static bool take_folder(const struct reading *r, const uint8_t *bytes, size_t index, uint64_t end)
{
    struct cab_folder *f = &r->out->folder[index];

    f->start = le_32(bytes);
    f->blocks = le_16(bytes + 4);
    if (f->blocks == 0)
        return true;
    if (f->start >= r->out->size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s' is cut short: folder %zu begins at byte %u, the cabinet ends at "
                         "%llu",
                         r->name, index + 1, f->start, (unsigned long long)r->out->size);
    return f->start >= end ||
           error_set(r->e, ERROR_FORMAT, "'%s': folder %zu begins at byte %u, inside the headers",
                     r->name, index + 1, f->start);
}

/* The headers of all folders, so many at once that memory stays small. */
static bool read_folders(const struct reading *r)
{
    static const char short_text[] = "it is cut short: it ends inside the headers of its folders";
    struct cab_headers *h = r->out;
    size_t count = le_16(h->fixed + 26), gap = (size_t)h->folder_gap;
    uint64_t end = h->folders_at + count * h->folder_gap, files = le_32(h->fixed + CAB_AT_FILES);
    uint8_t *bytes;
    bool good = true;

    if (count == 0 || le_16(h->fixed + 28) == 0)
        return wrong(r, "it is a cabinet without any file");
    if (end > h->size)
        return wrong(r, short_text);
    if (files < end || files > h->size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its list of files is said to begin at byte %llu, outside of %llu "
                         "to %llu",
                         r->name, (unsigned long long)files, (unsigned long long)end,
                         (unsigned long long)h->size);
    h->folder = calloc(count + 1, sizeof *h->folder);
    bytes = malloc(FOLDERS_AT_ONCE * gap);
    if (h->folder == NULL || bytes == NULL) {
        free(bytes);
        return error_set_memory(r->e);
    }
    while (good && h->folder_count < count) {
        size_t left = count - h->folder_count,
               some = left < FOLDERS_AT_ONCE ? left : FOLDERS_AT_ONCE;

        good =
            get(r, bytes, some * gap, h->folders_at + h->folder_count * h->folder_gap, short_text);
        for (size_t i = 0; good && i < some; i++)
            good = take_folder(r, bytes + i * gap, h->folder_count++, end);
    }
    free(bytes);
    return good;
}

/* The signature is the rest of the file: nothing stands between it and the cabinet, or behind. */
static bool check_signature(const struct reading *r)
{
    struct cab_headers *h = r->out;
    uint64_t end = h->size + h->signature_length;

    if (h->signature_length > 0 && h->signature != h->size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its signature is said to begin at byte %llu, but the cabinet ends "
                         "at %llu",
                         r->name, (unsigned long long)h->signature, (unsigned long long)h->size);
    if (h->file_size < end)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s' is cut short: its signature reaches to byte %llu, the file ends at "
                         "%llu",
                         r->name, (unsigned long long)end, (unsigned long long)h->file_size);
    if (h->file_size == end)
        return true;
    return error_set(r->e, ERROR_FORMAT,
                     h->signature_length > 0
                         ? "'%s': %llu bytes follow its signature, which must be last; something "
                           "was appended after it was signed"
                         : "'%s': %llu bytes follow the cabinet, which no signature would protect; "
                           "something was appended to it",
                     r->name, (unsigned long long)(h->file_size - end));
}

bool cab_headers_read(int input, const char *name, uint64_t size, struct cab_headers *out,
                      struct error *e)
{
    const struct reading r = {input, name, out, e};

    *out = (struct cab_headers){.file_size = size};
    return read_fixed(&r) && read_reserve(&r) && read_names(&r) && read_folders(&r) &&
           check_signature(&r) && cab_files_check(input, name, out, e);
}

void cab_headers_free(struct cab_headers *h)
{
    free(h->reserve);
    free(h->previous);
    free(h->next);
    free(h->folder);
    *h = (struct cab_headers){0};
}
