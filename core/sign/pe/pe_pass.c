/* SPDX-License-Identifier: Apache-2.0 */
/* The one pass over an image: digests, page hashes, checksum and copy come from the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/hashing.h"
#include "sign/pe/pe_checksum.h"
#include "sign/pe/pe_data.h"
#include "sign/pe/pe_file.h"
#include "sign/pe/pe_firmware.h"

enum { PIECE = 64 << 10 }; /* bytes read, digested and written at a time */

/* What goes along with the bytes. */
struct pass {
    int output;
    struct hashing hashing;
    uint8_t *piece;
    struct cancel *cancel;
};

/* Digests a piece that stands at `offset`, less the two fields. */
static bool digest_piece(const struct format_file *f, struct pass *p, size_t length,
                         uint64_t offset)
{
    const uint64_t fields[][2] = {
        {f->headers.checksum_at, f->headers.checksum_at + PE_CHECKSUM_SIZE},
        {f->headers.entry_at, f->headers.entry_at + PE_ENTRY_SIZE},
    };
    uint64_t at = offset, end = offset + length;

    for (size_t i = 0; i < 2; i++) {
        uint64_t from = fields[i][0], to = fields[i][1];

        if (from >= end || to <= at)
            continue;
        if (from > at && !hashing_add(&p->hashing, p->piece + (at - offset), (size_t)(from - at)))
            return false;
        at = to < end ? to : end;
    }
    return hashing_add(&p->hashing, p->piece + (at - offset), (size_t)(end - at));
}

/* Makes `size` bytes at `from` zero, as far as they stand in the piece at `offset`. */
static void blank(uint8_t *piece, size_t length, uint64_t offset, uint64_t from, size_t size)
{
    for (uint64_t at = from; at < from + size; at++)
        if (at >= offset && at < offset + length)
            piece[at - offset] = 0;
}

/* One piece: what is digested is what is written, but for the two fields, which are written as zero
 * and set later. */
static bool pass_piece(struct format_file *f, struct pass *p, size_t length, uint64_t at,
                       struct error *e)
{
    if (!digest_piece(f, p, length, at) ||
        (f->pages != NULL && !pe_pages_add(f->pages, p->piece, length, at)))
        return error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name);
    blank(p->piece, length, at, f->headers.checksum_at, PE_CHECKSUM_SIZE);
    blank(p->piece, length, at, f->headers.entry_at, PE_ENTRY_SIZE);
    f->sum += pe_checksum_of(p->piece, length, at);
    return p->output < 0 || file_io_write(p->output, p->piece, length, at) ||
           error_set_errno(e, "cannot write the new '%s'", f->name);
}

/* From zero to the table, or to the end and on to a multiple of eight. */
static bool pass(struct format_file *f, struct pass *p, struct error *e)
{
    uint64_t data = f->headers.table > 0 ? f->headers.table : f->headers.size;
    uint64_t end = pe_align(data);

    f->sum = 0;
    for (uint64_t at = 0; at < end;) {
        size_t length = end - at < PIECE ? (size_t)(end - at) : PIECE;
        size_t have = data - at < length ? (size_t)(data - at) : length;

        if (cancel_requested(p->cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while reading '%s'", f->name);
        memset(p->piece + have, 0, length - have);
        if (!file_io_read(f->input, p->piece, have, at))
            return file_io_error(e, f->name, "it became shorter while it was read");
        if (!pass_piece(f, p, length, at, e))
            return false;
        at += length;
    }
    f->written = end;
    return file_io_unchanged(f->input, &f->status, f->name, e);
}

static bool find_pages(struct format_file *f, struct error *e)
{
    if (f->pages == NULL)
        f->pages = pe_pages_new(f->input, f->name, &f->headers, e);
    return f->pages != NULL;
}

/* Some programs hide a setting of an installer behind the signature. */
static bool would_lose_bytes(const struct format_file *f)
{
    return f->headers.other_entries || f->headers.stuffed_gap || f->stuffed;
}

static bool firmware_agrees(const struct format_file *f, struct error *e)
{
    bool agrees = true;

    if (pe_firmware_runs(&f->headers) &&
        !pe_firmware_agrees(f->input, f->name, &f->headers, &agrees, e))
        return false;
    return agrees ||
           error_set(e, ERROR_UNSUPPORTED,
                     "'%s' is for firmware, which would find another digest in it and refuse it: "
                     "its headers (SizeOfHeaders) and sections do not follow each other without "
                     "gaps; build it anew so that they do",
                     f->name);
}

/* What the signature that is to be made asks for, refused before anything is written. */
static bool prepare(struct format_file *f, const struct format_options *options, struct error *e)
{
    if (!firmware_agrees(f, e))
        return false;
    if (options->append && would_lose_bytes(f))
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' carries more in its certificate table than PKCS#7 signatures, which "
                         "would be lost; only --existing replace or keep can be used",
                         f->name);
    f->make_pages = options->page_hashes;
    if (!options->page_hashes)
        return true;
    if (!find_pages(f, e) || !pe_pages_can_be_made(f->pages, f->name, e))
        return false;
    pe_pages_want(f->pages, PE_PAGES_SHA256);
    return true;
}

static bool begin(struct format_file *f, struct pass *p, const struct format_pass *wanted,
                  struct error *e)
{
    if (wanted->options != NULL && !prepare(f, wanted->options, e))
        return false;
    if (f->pages != NULL && !pe_pages_begin(f->pages, e))
        return false;
    p->piece = malloc(PIECE);
    return p->piece == NULL ? error_set_memory(e)
                            : hashing_start(&p->hashing, wanted->md, wanted->count, e);
}

bool pe_pass_digest(struct format_file *f, const struct format_pass *wanted, struct error *e)
{
    struct pass p = {.output = wanted->output, .cancel = wanted->cancel};
    bool good = begin(f, &p, wanted, e) && pass(f, &p, e) &&
                (hashing_finish(&p.hashing, wanted->digest) ||
                 error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name));

    hashing_free(&p.hashing);
    free(p.piece);
    return good;
}

/* A list of another length cannot be right; nothing is computed for it. */
static bool could_be_right(const struct format_file *f, enum pe_pages_kind kind, size_t length)
{
    return f->pages != NULL && length == pe_pages_size(f->pages, kind) &&
           length <= FORMAT_SIGNATURE_MAX;
}

void pe_pass_heed(struct format_file *f, const uint8_t *data, size_t length)
{
    enum pe_pages_kind kind;
    const uint8_t *list;
    size_t list_length;

    if (pe_data_get(data, length, &kind, &list, &list_length) == PE_DATA_PAGES &&
        find_pages(f, NULL) && could_be_right(f, kind, list_length))
        pe_pages_want(f->pages, kind);
}

enum format_pages pe_pass_pages(struct format_file *f, const uint8_t *data, size_t length)
{
    enum pe_pages_kind kind;
    const uint8_t *list, *computed;
    size_t list_length;
    enum pe_data_pages found = pe_data_get(data, length, &kind, &list, &list_length);

    if (found != PE_DATA_PAGES)
        return found == PE_DATA_NONE ? FORMAT_PAGES_NONE : FORMAT_PAGES_BAD;
    if (!could_be_right(f, kind, list_length))
        return FORMAT_PAGES_BAD;
    computed = pe_pages_list(f->pages, kind);
    return computed != NULL && memcmp(computed, list, list_length) == 0 ? FORMAT_PAGES_GOOD
                                                                        : FORMAT_PAGES_BAD;
}
