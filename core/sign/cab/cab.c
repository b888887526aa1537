/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cabinets ([MS-CAB]). A signature stands behind the cabinet; the reserve of the header says where,
 * in its second structure (sign/cab_headers.h). The digest covers all of the cabinet but bytes 4 to
 * 7, the sizes of the reserves, and of the header's reserve all except the length of structure 1
 * and this structure; offsets are those of the finished file. Microsoft has not written that down:
 * it agrees with catalogues that makecat made, and with osslsigncode, jsign and relic where these
 * agree with each other.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign/cab/cab_data.h"
#include "sign/cab/cab_layout.h"
#include "sign/cab/cab_set.h"
#include "sign/file_io.h"
#include "sign/format.h"
#include "sign/hashing.h"
#include "sign/le.h"
#include "sign/signature_io.h"
#include "sign/spc.h"

enum {
    PIECE = 64 << 10, /* bytes read, digested and written at a time */
    ALIGNMENT = 8,    /* of the signature's length */
};

struct format_file {
    int input;
    char *name;
    struct stat status; /* as it was when the headers were read */
    struct cab_headers headers;
    struct cab_layout layout; /* of the last pass */
    bool stuffed;             /* the signature has more behind it than padding */
};

/* One way through the cabinet. */
struct copying {
    struct format_file *f;
    const struct cab_layout *layout;
    struct cab_data *data;   /* NULL: the blocks are not looked at */
    struct hashing *hashing; /* NULL: nothing is hashed */
    int output;              /* -1: nothing is written */
    struct cancel *cancel;
};

static bool cab_detect(const uint8_t *head, size_t length)
{
    return length >= 4 && memcmp(head, "MSCF", 4) == 0;
}

static void cab_close(struct format_file **f)
{
    if (*f == NULL)
        return;
    cab_headers_free(&(*f)->headers);
    cab_layout_free(&(*f)->layout);
    free((*f)->name);
    free(*f);
    *f = NULL;
}

static bool read_headers(struct format_file *f, struct error *e)
{
    if (fstat(f->input, &f->status) != 0)
        return error_set_errno(e, "cannot read '%s'", f->name);
    return cab_headers_read(f->input, f->name, (uint64_t)f->status.st_size, &f->headers, e);
}

static struct format_file *cab_open(int input, const char *name, struct error *e)
{
    struct format_file *f = calloc(1, sizeof *f);

    if (f == NULL || (f->name = strdup(name)) == NULL) {
        cab_close(&f);
        error_set_memory(e);
        return NULL;
    }
    f->input = input;
    if (!read_headers(f, e))
        cab_close(&f);
    return f;
}

static bool cab_extract(struct format_file *f, unsigned index, struct buffer *signature,
                        struct error *e)
{
    const struct cab_headers *h = &f->headers;

    buffer_reset(signature);
    if (h->old_signature)
        return error_set(e, ERROR_UNSUPPORTED,
                         "its signature stands inside the reserve of its header, as old programs "
                         "put it there; such are not read");
    return index > 0 || h->signature_length == 0 ||
           signature_io_read(f->input, h->signature, h->signature_length,
                             "what stands behind the cabinet", signature, &f->stuffed, e);
}

static bool write_at(const struct copying *c, const void *bytes, size_t length, uint64_t at,
                     struct error *e)
{
    return c->output < 0 || file_io_write(c->output, bytes, length, at) ||
           error_set_errno(e, "cannot write what becomes of '%s'", c->f->name);
}

static bool hash(const struct copying *c, const void *bytes, size_t length, struct error *e)
{
    return c->hashing == NULL || hashing_add(c->hashing, bytes, length) ||
           error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", c->f->name);
}

/* The fixed part and the reserve, less what the signature does not cover. */
static bool copy_head(const struct copying *c, struct error *e)
{
    const struct cab_layout *l = c->layout;
    const uint8_t *head = l->head.data, *reserve = head + l->reserve_at;

    if (!hash(c, head, 4, e) || !hash(c, head + CAB_AT_SIZE, CAB_FIXED - CAB_AT_SIZE, e))
        return false;
    if (l->head.length > CAB_FIXED + CAB_SIZES + CAB_LENGTHS &&
        (!hash(c, reserve, 2, e) || !hash(c, reserve + CAB_LENGTHS, l->first, e)))
        return false;
    return write_at(c, head, l->head.length, 0, e);
}

/* Moves the offsets of those folders whose headers stand in the piece at `at`, also in part. */
static void move_folders(const struct copying *c, uint8_t *piece, size_t length, uint64_t at)
{
    const struct cab_headers *h = &c->f->headers;
    size_t i = at > h->folders_at ? (size_t)((at - h->folders_at) / h->folder_gap) : 0;

    for (; i < h->folder_count && h->folders_at + i * h->folder_gap < at + length; i++) {
        uint64_t field = h->folders_at + i * h->folder_gap;
        uint8_t start[4];

        le_put_32(start, (uint32_t)(h->folder[i].start + c->layout->shift));
        for (size_t k = 0; k < sizeof start; k++)
            if (field + k >= at && field + k < at + length)
                piece[field + k - at] = start[k];
    }
}

/* All behind the head. */
static bool copy_body(const struct copying *c, uint8_t *piece, struct error *e)
{
    const struct format_file *f = c->f;
    uint64_t end = f->headers.size;

    for (uint64_t at = f->headers.names_at; at < end;) {
        size_t length = end - at < PIECE ? (size_t)(end - at) : PIECE;

        if (cancel_requested(c->cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while reading '%s'", f->name);
        if (!file_io_read(f->input, piece, length, at))
            return file_io_error(e, f->name, "it became shorter while it was read");
        if (c->data != NULL && !cab_data_add(c->data, piece, length, at, e))
            return false;
        move_folders(c, piece, length, at);
        if (!hash(c, piece, length, e) ||
            !write_at(c, piece, length, (uint64_t)((int64_t)at + c->layout->shift), e))
            return false;
        at += length;
    }
    if (c->data != NULL && !cab_data_end(c->data, e))
        return false;
    return file_io_unchanged(f->input, &f->status, f->name, e);
}

static bool copy(const struct copying *c, struct error *e)
{
    uint8_t *piece = malloc(PIECE);
    bool good = piece != NULL ? copy_head(c, e) && copy_body(c, piece, e) : error_set_memory(e);

    free(piece);
    return good;
}

/* What is to carry a signature needs a place for it, and its whole set. */
static bool prepare(struct format_file *f, const struct format_pass *p, struct error *e)
{
    cab_layout_free(&f->layout);
    if (p->options == NULL)
        return cab_layout_same(&f->headers, &f->layout, e);
    return cab_set_complete(&f->headers, f->name, e) &&
           (!p->options->append || signature_io_may_add(f->stuffed, f->name, e)) &&
           cab_layout_signed(&f->headers, f->name, &f->layout, e);
}

static bool cab_digest(struct format_file *f, const struct format_pass *p, struct error *e)
{
    struct hashing hashing = {.count = 0};
    struct copying c = {
        .f = f,
        .layout = &f->layout,
        .hashing = &hashing,
        .output = p->output,
        .cancel = p->cancel,
    };
    bool good = prepare(f, p, e);

    if (good) {
        c.data = cab_data_new(&f->headers, f->name, e);
        good = c.data != NULL && hashing_start(&hashing, p->md, p->count, e) && copy(&c, e) &&
               (hashing_finish(&hashing, p->digest) ||
                error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name));
    }
    hashing_free(&hashing);
    cab_data_free(&c.data);
    return good;
}

/* SpcAttributeTypeAndOptionalValue of a cabinet: type SPC_CAB_DATA_OBJID (1.3.6.1.4.1.311.2.1.25),
 * value SpcLink with an empty file name, as catalogues that Windows makes have it now; older
 * signatures say "<<<Obsolete>>>" there, and nobody reads it. */
static const uint8_t cabinet_data[] = {
    0x30, 0x10, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01,
    0x82, 0x37, 0x02, 0x01, 0x19, 0xa2, 0x02, 0x80, 0x00,
};

static bool cab_content(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                        struct buffer *der, struct error *e)
{
    (void)f;
    return spc_indirect_data(cabinet_data, sizeof cabinet_data, md, digest, der, e);
}

static bool cab_embed(struct format_file *f, int output, const struct buffer *signature,
                      size_t count, struct error *e)
{
    const struct cab_layout *l = &f->layout;
    size_t length, padded;
    uint8_t place[CAB_PLACE] = {0};
    struct buffer bytes = BUFFER_INIT;
    bool done;

    if (count != 1)
        return error_set(e, ERROR_UNSUPPORTED, "'%s': a cabinet has room for one signature",
                         f->name);
    length = signature->length;
    padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    buffer_append(&bytes, signature->data, length);
    for (size_t i = length; i < padded; i++)
        buffer_append_byte(&bytes, 0);
    le_put_32(place, (uint32_t)l->size);
    le_put_32(place + 4, (uint32_t)padded);
    done = buffer_ok(&bytes, e) && file_io_put(output, bytes.data, padded, l->size, f->name, e) &&
           file_io_put(output, place, sizeof place, l->place_at, f->name, e);
    buffer_free(&bytes);
    return done;
}

static bool cab_note(struct format_file *f, struct buffer *note, struct error *e)
{
    return cab_layout_note(&f->headers, note, e);
}

static bool cab_remove(struct format_file *f, const struct buffer *note, int output,
                       struct cancel *cancel, struct error *e)
{
    struct cab_layout layout = {.head = BUFFER_INIT};
    const struct copying c = {.f = f, .layout = &layout, .output = output, .cancel = cancel};
    bool done = f->headers.signature_length > 0
                    ? cab_layout_unsigned(&f->headers, f->name, note, &layout, e) && copy(&c, e)
                    : error_set(e, ERROR_SIGNATURE, "'%s' is not signed", f->name);

    cab_layout_free(&layout);
    return done;
}

/* Whether anything but zeros stands in the header's reserve where the digest does not reach. */
static bool has_loose_bytes(const struct cab_headers *h)
{
    size_t place = CAB_LENGTHS + h->first, end = place + h->second;

    return h->second == CAB_PLACE && (!signature_io_blank(h->reserve + place + 8, CAB_PLACE - 8) ||
                                      !signature_io_blank(h->reserve + end, h->reserve_size - end));
}

static const char *cab_flaw(struct format_file *f, unsigned index)
{
    const char *flaw[3] = {NULL};
    unsigned count = 0;

    if (has_loose_bytes(&f->headers))
        flaw[count++] = "the reserve of its header holds bytes that no signature protects";
    if (f->stuffed)
        flaw[count++] = "bytes stand behind its signature, where no signature protects them";
    return index < count ? flaw[index] : NULL;
}

const struct format format_cab = {
    .name = "cab",
    .title = "cabinets (CAB)",
    .detect = cab_detect,
    .open = cab_open,
    .close = cab_close,
    .extract = cab_extract,
    .digest = cab_digest,
    .content = cab_content,
    .embed = cab_embed,
    .note = cab_note,
    .remove = cab_remove,
    .flaw = cab_flaw,
};
