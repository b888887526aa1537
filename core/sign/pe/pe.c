/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portable Executable images (Microsoft PE format; Windows Authenticode Portable Executable
 * Signature Format 1.0). The digest covers all of the file but the CheckSum, the entry of the
 * certificate table, and the table itself, which comes last; the file is padded with zeros to a
 * multiple of eight before it.
 */
#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/le.h"
#include "sign/pe/pe_checksum.h"
#include "sign/pe/pe_data.h"
#include "sign/pe/pe_file.h"
#include "sign/pe/pe_firmware.h"
#include "sign/signature_io.h"
#include "sign/spc.h"

static bool pe_detect(const uint8_t *head, size_t length)
{
    return length >= 2 && head[0] == 'M' && head[1] == 'Z';
}

static void pe_close(struct format_file **f)
{
    if (*f == NULL)
        return;
    pe_pages_free(&(*f)->pages);
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

static bool pe_extract(struct format_file *f, unsigned index, struct buffer *signature,
                       struct error *e)
{
    const struct pe_headers *h = &f->headers;

    buffer_reset(signature);
    if (h->table > 0 && h->certificate_count == 0)
        return error_set(e, ERROR_FORMAT, "its certificate table holds no PKCS#7 signature");
    /* All of them are in memory at once, and a table may have nearly 4 GiB. */
    if (h->certificate_count > 1 && h->certificates_size > FORMAT_SIGNATURE_MAX)
        return error_set(e, ERROR_FORMAT, "its signatures are larger than 16 MiB together");
    return index >= h->certificate_count ||
           signature_io_read(f->input, h->certificate[index].at, h->certificate[index].length,
                             "its certificate table", signature, &f->stuffed, e);
}

static bool pe_content(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                       struct buffer *der, struct error *e)
{
    const uint8_t *list = f->make_pages ? pe_pages_list(f->pages, PE_PAGES_SHA256) : NULL;
    size_t length = list == NULL ? 0 : (size_t)pe_pages_size(f->pages, PE_PAGES_SHA256);
    struct buffer data = BUFFER_INIT;
    bool done = pe_data_put(list, length, &data, e) &&
                spc_indirect_data(data.data, data.length, md, digest, der, e);

    buffer_free(&data);
    return done;
}

/* A place in the output, and the checksum of what was written there. */
struct writing {
    const struct format_file *f;
    int output;
    uint64_t at, sum;
};

static bool put_on(struct writing *w, const uint8_t *bytes, size_t size, struct error *e)
{
    if (!file_io_put(w->output, bytes, size, w->at, w->f->name, e))
        return false;
    w->sum += pe_checksum_of(bytes, size, w->at);
    w->at += size;
    return true;
}

/* A WIN_CERTIFICATE, padded to a multiple of eight. */
static bool put_certificate(struct writing *w, const struct buffer *signature, struct error *e)
{
    static const uint8_t zeros[PE_ALIGNMENT];
    size_t padded = (size_t)pe_align(signature->length);
    uint8_t header[PE_CERTIFICATE_HEADER];

    le_put_32(header, (uint32_t)(sizeof header + padded));
    le_put_16(header + 4, PE_CERTIFICATE_REVISION);
    le_put_16(header + 6, PE_CERTIFICATE_PKCS7);
    return put_on(w, header, sizeof header, e) &&
           put_on(w, signature->data, signature->length, e) &&
           put_on(w, zeros, padded - signature->length, e);
}

static bool pe_embed(struct format_file *f, int output, const struct buffer *signature,
                     size_t count, struct error *e)
{
    struct writing w = {.f = f, .output = output, .at = f->written};
    uint64_t end = f->written;
    uint8_t entry[PE_ENTRY_SIZE], checksum[PE_CHECKSUM_SIZE];

    for (size_t i = 0; i < count; i++)
        end += PE_CERTIFICATE_HEADER + pe_align(signature[i].length);
    if (end > UINT32_MAX)
        return error_set(e, ERROR_UNSUPPORTED, "'%s' would have 4 GiB or more with its signature",
                         f->name);
    for (size_t i = 0; i < count; i++)
        if (!put_certificate(&w, &signature[i], e))
            return false;
    le_put_32(entry, (uint32_t)f->written);
    le_put_32(entry + 4, (uint32_t)(end - f->written));
    w.sum += f->sum + pe_checksum_of(entry, sizeof entry, f->headers.entry_at);
    le_put_32(checksum, pe_checksum_finish(w.sum, end));
    return file_io_put(output, entry, sizeof entry, f->headers.entry_at, f->name, e) &&
           file_io_put(output, checksum, sizeof checksum, f->headers.checksum_at, f->name, e);
}

/* Windows wants a further signature nested in the first. Firmware knows no nested ones; it looks
 * through the table (UEFI specification, Secure Boot, image execution). */
static bool pe_side_by_side(const struct format_file *f)
{
    return pe_firmware_runs(&f->headers);
}

const struct format format_pe = {
    .name = "pe",
    .title = "Windows programs, libraries, drivers and EFI images (PE)",
    .detect = pe_detect,
    .open = pe_open,
    .close = pe_close,
    .extract = pe_extract,
    .heed = pe_pass_heed,
    .digest = pe_pass_digest,
    .pages = pe_pass_pages,
    .content = pe_content,
    .embed = pe_embed,
    .side_by_side = pe_side_by_side,
    .note = pe_remove_note,
    .remove = pe_remove_signature,
    .flaw = pe_flaws_of,
};
