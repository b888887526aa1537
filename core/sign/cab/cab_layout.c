/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab/cab_layout.h"

#include <string.h>

#include "sign/le.h"
#include "sign/signature_io.h"

/* A note: how large the reserve was, the length of structure 2, and what stood in its place. */
enum { NOTE_SIZE = 2 + 2 + CAB_PLACE };

void cab_layout_free(struct cab_layout *l)
{
    buffer_free(&l->head);
    *l = (struct cab_layout){.head = BUFFER_INIT};
}

/* A head whose reserve has `size` bytes, as many as there are from the old one, then zeros;
 * `reserved`: even where that are none. The sizes and offsets in it become right. */
static bool lay_out(const struct cab_headers *h, bool reserved, size_t size, struct cab_layout *out,
                    struct error *e)
{
    size_t length = CAB_FIXED + (reserved ? CAB_SIZES + size : 0);
    unsigned flags = h->flags & ~(unsigned)CAB_RESERVE;
    uint8_t *head;

    *out = (struct cab_layout){.head = BUFFER_INIT};
    head = buffer_extend(&out->head, length);
    if (head == NULL)
        return error_set_memory(e);
    memset(head, 0, length);
    memcpy(head, h->fixed, CAB_FIXED);
    out->shift = (int64_t)length - (int64_t)h->names_at;
    out->size = (uint64_t)((int64_t)h->size + out->shift);
    out->first = h->first;
    if (reserved) {
        flags |= CAB_RESERVE;
        memcpy(head + CAB_FIXED, h->sizes, CAB_SIZES);
        le_put_16(head + CAB_FIXED, (uint16_t)size);
        out->reserve_at = size > 0 ? CAB_FIXED + CAB_SIZES : 0;
        if (h->reserve_size > 0)
            memcpy(head + CAB_FIXED + CAB_SIZES, h->reserve,
                   h->reserve_size < size ? h->reserve_size : size);
    }
    le_put_32(head + CAB_AT_SIZE, (uint32_t)out->size);
    le_put_32(head + CAB_AT_FILES, (uint32_t)(le_32(h->fixed + CAB_AT_FILES) + out->shift));
    le_put_16(head + CAB_AT_FLAGS, (uint16_t)flags);
    return true;
}

bool cab_layout_same(const struct cab_headers *h, struct cab_layout *out, struct error *e)
{
    if (!lay_out(h, (h->flags & CAB_RESERVE) != 0, h->reserve_size, out, e))
        return false;
    out->place_at = out->reserve_at + CAB_LENGTHS + h->first;
    return true;
}

/* Bytes of the reserve up to the end of the signature's place. */
static size_t taken(const struct cab_headers *h)
{
    return CAB_LENGTHS + h->first + CAB_PLACE;
}

/* What stands in the reserve behind structure 1 must be a place of a signature, or zeros. */
static bool reserve_allows(const struct cab_headers *h, const char *name, struct error *e)
{
    size_t used = h->second == CAB_PLACE ? taken(h) : h->structured ? CAB_LENGTHS + h->first : 0;

    if (h->old_signature)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' carries a signature inside the reserve of its header, as old "
                         "programs put it there; it can be neither kept nor replaced; make the "
                         "cabinet anew",
                         name);
    if ((h->second == 0 || h->second == CAB_PLACE) &&
        (used >= h->reserve_size || signature_io_blank(h->reserve + used, h->reserve_size - used)))
        return true;
    return error_set(e, ERROR_UNSUPPORTED,
                     "'%s': the reserve of its header (%zu bytes) holds data of another program "
                     "where a signature must stand, or where none would protect it; make the "
                     "cabinet anew with an empty reserve",
                     name, h->reserve_size);
}

/* Every offset fits its 32 bits when all moves. */
static bool can_move(const struct cab_headers *h, const char *name, int64_t shift, struct error *e)
{
    int64_t size = (int64_t)h->size + shift;

    if (size > CAB_LARGEST)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' would have 2 GiB or more with the place for its signature; the "
                         "format ends there",
                         name);
    for (size_t i = 0; i < h->folder_count; i++) {
        int64_t start = (int64_t)h->folder[i].start + shift;

        if (start < 0 || start > UINT32_MAX)
            return error_set(e, ERROR_FORMAT,
                             "'%s': the offset of its folder %zu cannot be moved by %lld", name,
                             i + 1, (long long)shift);
    }
    return true;
}

bool cab_layout_signed(const struct cab_headers *h, const char *name, struct cab_layout *out,
                       struct error *e)
{
    size_t size = taken(h) > h->reserve_size ? taken(h) : h->reserve_size;
    uint8_t *reserve;

    if (!reserve_allows(h, name, e))
        return false;
    if (size > CAB_RESERVE_MAX)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s': the reserve of its header has no room left for a signature", name);
    if (!lay_out(h, true, size, out, e) || !can_move(h, name, out->shift, e))
        return false;
    reserve = out->head.data + out->reserve_at;
    out->place_at = out->reserve_at + CAB_LENGTHS + h->first;
    le_put_16(reserve + 2, CAB_PLACE);
    memset(out->head.data + out->place_at, 0, CAB_PLACE);
    return true;
}

/* What of the reserve is there from `at` on, then zeros. */
static void append_reserve(struct buffer *out, const struct cab_headers *h, size_t at, size_t size)
{
    for (size_t i = at; i < at + size; i++)
        buffer_append_byte(out, i < h->reserve_size ? h->reserve[i] : 0);
}

bool cab_layout_note(const struct cab_headers *h, struct buffer *note, struct error *e)
{
    uint8_t size[2];

    if ((h->flags & CAB_RESERVE) == 0)
        return true;
    le_put_16(size, (uint16_t)h->reserve_size);
    buffer_append(note, size, sizeof size);
    append_reserve(note, h, 2, 2);
    append_reserve(note, h, CAB_LENGTHS + h->first, CAB_PLACE);
    return buffer_ok(note, e);
}

/* Puts bytes at `at` into a reserve of `size` bytes, as many as it has room for. */
static void put_clipped(uint8_t *reserve, size_t size, size_t at, const uint8_t *bytes,
                        size_t count)
{
    for (size_t i = 0; i < count && at + i < size; i++)
        reserve[at + i] = bytes[i];
}

/* The reserve as it was, by the note. */
static bool restore(const struct cab_headers *h, const char *name, const struct buffer *note,
                    struct cab_layout *out, struct error *e)
{
    size_t size = note->length == NOTE_SIZE ? le_16(note->data) : 0;
    size_t grown = size > taken(h) ? size : taken(h);
    uint8_t *reserve;

    if (note->length != NOTE_SIZE || grown != h->reserve_size)
        return error_set(e, ERROR_FORMAT,
                         "'%s': what its signature says of the cabinet without it does not fit; "
                         "the original cannot be given back",
                         name);
    if (!lay_out(h, true, size, out, e))
        return false;
    reserve = out->head.data + CAB_FIXED + CAB_SIZES;
    put_clipped(reserve, size, 2, note->data + 2, 2);
    put_clipped(reserve, size, CAB_LENGTHS + h->first, note->data + 4, CAB_PLACE);
    return true;
}

bool cab_layout_unsigned(const struct cab_headers *h, const char *name, const struct buffer *note,
                         struct cab_layout *out, struct error *e)
{
    bool bare = h->first == 0 && h->reserve_size == CAB_LENGTHS + CAB_PLACE && h->sizes[2] == 0 &&
                h->sizes[3] == 0;
    bool done;

    if (h->second != CAB_PLACE)
        return error_set(e, ERROR_SIGNATURE, "'%s' is not signed", name);
    if (note->length > 0)
        done = restore(h, name, note, out, e);
    else
        done = lay_out(h, !bare, h->reserve_size, out, e);
    if (!done || !can_move(h, name, out->shift, e))
        return false;
    if (note->length == 0 && !bare) {
        memset(out->head.data + out->reserve_at + 2, 0, 2);
        memset(out->head.data + out->reserve_at + CAB_LENGTHS + h->first, 0, CAB_PLACE);
    }
    return true;
}
