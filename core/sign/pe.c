/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portable Executable images (Microsoft PE format; Windows Authenticode Portable Executable
 * Signature Format 1.0). The digest covers all of the file but the CheckSum, the entry of the
 * certificate table, and the table itself, which comes last; the file is padded with zeros to a
 * multiple of eight before it.
 */
#include <openssl/asn1.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign/file_io.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/pe_checksum.h"
#include "sign/pe_headers.h"
#include "sign/spc.h"

enum { PIECE = 64 << 10 }; /* bytes read, digested and written at a time */

struct format_file {
    int input;
    char *name;
    struct stat status; /* as it was when the headers were read */
    struct pe_headers headers;
    uint64_t sum;     /* of the checksum: all that was passed over, both fields as zero */
    uint64_t written; /* bytes before the table, padded */
    bool stuffed;     /* a certificate that was extracted has more behind it than padding */
};

static bool pe_detect(const uint8_t *head, size_t length)
{
    return length >= 2 && head[0] == 'M' && head[1] == 'Z';
}

static void pe_close(struct format_file **f)
{
    if (*f == NULL)
        return;
    free((*f)->name);
    free(*f);
    *f = NULL;
}

static bool pe_read_headers(struct format_file *f, struct error *e)
{
    if (fstat(f->input, &f->status) != 0)
        return error_set_errno(e, "cannot read '%s'", f->name);
    return pe_headers_read(f->input, f->name, (uint64_t)f->status.st_size, &f->headers, e);
}

static struct format_file *pe_open(int input, const char *name, struct error *e)
{
    struct format_file *f = calloc(1, sizeof *f);

    if (f == NULL || (f->name = strdup(name)) == NULL) {
        pe_close(&f);
        error_set_memory(e);
        return NULL;
    }
    f->input = input;
    if (!pe_read_headers(f, e))
        pe_close(&f);
    return f;
}

/* The DER element at the start of `length` bytes, its header included; 0 when it does not fit. */
static size_t der_length(const uint8_t *bytes, size_t length)
{
    const unsigned char *at = bytes;
    long content;
    int tag, class;
    int form = ASN1_get_object(&at, &content, &tag, &class, (long)length);

    /* 0x80: an error, 0x21: of indefinite length, which DER does not have. */
    if ((form & 0x80) != 0 || form == 0x21)
        return 0;
    return (size_t)(at - bytes) + (size_t)content;
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool read_certificate(struct format_file *f, const struct pe_certificate *c,
                             struct buffer *signature, struct error *e)
{
    size_t used;

    if (c->length > FORMAT_SIGNATURE_MAX)
        return error_set(e, ERROR_FORMAT, "its signature is larger than 16 MiB");
    if (buffer_extend(signature, c->length) == NULL)
        return error_set_memory(e);
    if (!file_io_read(f->input, signature->data, c->length, c->at))
        return error_set(e, ERROR_SYSTEM, "its certificate table cannot be read");
    used = der_length(signature->data, c->length);
    if (used == 0)
        return error_set(e, ERROR_FORMAT, "its certificate table holds no PKCS#7 signature");
    f->stuffed |= !all_zero(signature->data + used, c->length - used);
    signature->length = used;
    return true;
}

static bool pe_extract(struct format_file *f, unsigned index, struct buffer *signature,
                       struct error *e)
{
    const struct pe_headers *h = &f->headers;

    buffer_reset(signature);
    if (h->table > 0 && h->certificate_count == 0)
        return error_set(e, ERROR_FORMAT, "its certificate table holds no PKCS#7 signature");
    return index >= h->certificate_count ||
           read_certificate(f, &h->certificate[index], signature, e);
}

static bool digest_range(EVP_MD_CTX *const *ctx, size_t count, const uint8_t *bytes,
                         uint64_t length)
{
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestUpdate(ctx[i], bytes, (size_t)length) <= 0)
            return false;
    return true;
}

/* Digests a piece that stands at `offset`, less the two fields. */
static bool digest_piece(const struct format_file *f, EVP_MD_CTX *const *ctx, size_t count,
                         const uint8_t *bytes, size_t length, uint64_t offset)
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
        if (from > at && !digest_range(ctx, count, bytes + (at - offset), from - at))
            return false;
        at = to < end ? to : end;
    }
    return digest_range(ctx, count, bytes + (at - offset), end - at);
}

/* Makes `size` bytes at `from` zero, as far as they stand in the piece at `offset`. */
static void blank(uint8_t *piece, size_t length, uint64_t offset, uint64_t from, size_t size)
{
    for (uint64_t at = from; at < from + size; at++)
        if (at >= offset && at < offset + length)
            piece[at - offset] = 0;
}

static bool still_the_same(const struct format_file *f)
{
    struct stat now;

    return fstat(f->input, &now) == 0 && now.st_size == f->status.st_size &&
           now.st_mtim.tv_sec == f->status.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == f->status.st_mtim.tv_nsec;
}

/* One piece: what is digested is what is written, but for the two fields, which are written as zero
 * and set by pe_embed. */
static bool pass_piece(struct format_file *f, int output, EVP_MD_CTX *const *ctx, size_t count,
                       uint8_t *piece, size_t length, uint64_t at, struct error *e)
{
    if (!digest_piece(f, ctx, count, piece, length, at))
        return error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name);
    blank(piece, length, at, f->headers.checksum_at, PE_CHECKSUM_SIZE);
    blank(piece, length, at, f->headers.entry_at, PE_ENTRY_SIZE);
    f->sum += pe_checksum_of(piece, length, at);
    return output < 0 || file_io_write(output, piece, length, at) ||
           error_set_errno(e, "cannot write the signed '%s'", f->name);
}

/* From zero to the table, or to the end and on to a multiple of eight. */
static bool pass(struct format_file *f, int output, EVP_MD_CTX *const *ctx, size_t count,
                 uint8_t *piece, struct cancel *cancel, struct error *e)
{
    uint64_t data = f->headers.table > 0 ? f->headers.table : f->headers.size;
    uint64_t end = pe_align(data);

    f->sum = 0;
    for (uint64_t at = 0; at < end;) {
        size_t length = end - at < PIECE ? (size_t)(end - at) : PIECE;
        size_t have = data - at < length ? (size_t)(data - at) : length;

        if (cancel_requested(cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while reading '%s'", f->name);
        memset(piece + have, 0, length - have);
        if (!file_io_read(f->input, piece, have, at))
            return file_io_error(e, f->name, "it became shorter while it was read");
        if (!pass_piece(f, output, ctx, count, piece, length, at, e))
            return false;
        at += length;
    }
    f->written = end;
    return still_the_same(f) || error_set(e, ERROR_FORMAT,
                                          "'%s': it was changed while it was read; sign it again "
                                          "when nothing else writes it",
                                          f->name);
}

static bool pe_digest(struct format_file *f, const struct format_pass *p, struct error *e)
{
    EVP_MD_CTX *ctx[FORMAT_DIGESTS] = {NULL};
    uint8_t *piece = malloc(PIECE);
    bool good = piece != NULL && p->count <= FORMAT_DIGESTS;

    for (size_t i = 0; i < p->count && good; i++) {
        ctx[i] = EVP_MD_CTX_new();
        good = ctx[i] != NULL && EVP_DigestInit_ex(ctx[i], p->md[i], NULL) > 0;
    }
    if (!good)
        error_set_memory(e);
    else
        good = pass(f, p->output, ctx, p->count, piece, p->cancel, e);
    for (size_t i = 0; i < p->count && i < FORMAT_DIGESTS; i++) {
        if (good)
            good = EVP_DigestFinal_ex(ctx[i], p->digest[i], NULL) > 0;
        EVP_MD_CTX_free(ctx[i]);
    }
    free(piece);
    return good;
}

/* SpcAttributeTypeAndOptionalValue of a PE image, as signtool writes it: type SPC_PE_IMAGE_DATAOBJ
 * (1.3.6.1.4.1.311.2.1.15), value SpcPeImageData with no flags and an empty file name. */
static const uint8_t image_data[] = {
    0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
    0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,
};

static bool pe_content(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                       struct buffer *der, struct error *e)
{
    (void)f;
    return spc_indirect_data(image_data, sizeof image_data, md, digest, der, e);
}

/* The fields and the table, written and looked at again. */
static bool put(struct format_file *f, int output, const void *bytes, size_t size, uint64_t at,
                struct error *e)
{
    if (!file_io_write(output, bytes, size, at))
        return error_set_errno(e, "cannot write the signed '%s'", f->name);
    return file_io_holds(output, bytes, size, at) ||
           error_set(e, ERROR_SYSTEM, "'%s': what was written at byte %llu does not stand there",
                     f->name, (unsigned long long)at);
}

/* One WIN_CERTIFICATE after the other, each padded to a multiple of eight. */
static void lay_table(uint8_t *table, const struct buffer *signature, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = PE_CERTIFICATE_HEADER + (size_t)pe_align(signature[i].length);

        le_put_32(table, (uint32_t)size);
        le_put_16(table + 4, PE_CERTIFICATE_REVISION);
        le_put_16(table + 6, PE_CERTIFICATE_PKCS7);
        memcpy(table + PE_CERTIFICATE_HEADER, signature[i].data, signature[i].length);
        table += size;
    }
}

static bool pe_embed(struct format_file *f, int output, const struct buffer *signature,
                     size_t count, struct error *e)
{
    size_t table_size = 0;
    uint8_t *table, entry[PE_ENTRY_SIZE], checksum[PE_CHECKSUM_SIZE];
    uint64_t sum;
    bool done;

    for (size_t i = 0; i < count; i++)
        table_size += PE_CERTIFICATE_HEADER + (size_t)pe_align(signature[i].length);

    if (f->written + table_size > UINT32_MAX)
        return error_set(e, ERROR_UNSUPPORTED, "'%s' would have 4 GiB or more with its signature",
                         f->name);
    table = calloc(1, table_size);
    if (table == NULL)
        return error_set_memory(e);
    lay_table(table, signature, count);
    le_put_32(entry, (uint32_t)f->written);
    le_put_32(entry + 4, (uint32_t)table_size);
    sum = f->sum + pe_checksum_of(table, table_size, f->written) +
          pe_checksum_of(entry, sizeof entry, f->headers.entry_at);
    le_put_32(checksum, pe_checksum_finish(sum, f->written + table_size));
    done = put(f, output, table, table_size, f->written, e) &&
           put(f, output, entry, sizeof entry, f->headers.entry_at, e) &&
           put(f, output, checksum, sizeof checksum, f->headers.checksum_at, e);
    free(table);
    return done;
}

/* The file's CheckSum as it should be; false when the table cannot be read any more. */
static bool whole_checksum(const struct format_file *f, uint32_t *checksum)
{
    const struct pe_headers *h = &f->headers;
    uint64_t sum = f->sum + pe_checksum_of(h->entry, sizeof h->entry, h->entry_at);
    uint8_t piece[4096];

    for (uint64_t at = h->table; h->table > 0 && at < h->size;) {
        size_t length = h->size - at < sizeof piece ? (size_t)(h->size - at) : sizeof piece;

        if (!file_io_read(f->input, piece, length, at))
            return false;
        sum += pe_checksum_of(piece, length, at);
        at += length;
    }
    *checksum = pe_checksum_finish(sum, h->size);
    return true;
}

/* A CheckSum of zero is common and allowed. A wrong one means that something changed the file and
 * did not care; Windows looks at it for drivers only, whoever publishes wants to know. */
static bool checksum_wrong(const struct format_file *f)
{
    uint32_t stated = le_32(f->headers.checksum), computed;

    return stated != 0 && (!whole_checksum(f, &computed) || computed != stated);
}

static const char *pe_flaw(struct format_file *f, unsigned index)
{
    const char *flaw[3] = {NULL};
    unsigned count = 0;

    if (checksum_wrong(f))
        flaw[count++] = "the CheckSum in its header is wrong";
    if (f->stuffed)
        flaw[count++] = "bytes stand behind the signature in its certificate table, where no "
                        "signature protects them";
    return index < count ? flaw[index] : NULL;
}

const struct format format_pe = {
    .name = "pe",
    .title = "Windows programs, libraries, drivers and EFI images (PE)",
    .detect = pe_detect,
    .open = pe_open,
    .close = pe_close,
    .extract = pe_extract,
    .digest = pe_digest,
    .content = pe_content,
    .embed = pe_embed,
    .flaw = pe_flaw,
};
