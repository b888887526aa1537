/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving back the image as it was before it was signed. What signing loses is whether the CheckSum
 * was right (in most programs it is zero), and whether zeros at the end are the file's or padding.
 * Where that is not as it is taken to be without a note (CheckSum right, no padding), the note
 * tells: its version, the number of bytes that were added, and the CheckSum (little endian).
 */
#include <string.h>
#include <unistd.h>

#include "sign/file_io.h"
#include "sign/le.h"
#include "sign/pe/pe_checksum.h"
#include "sign/pe/pe_file.h"
#include "sign/signature_io.h"

enum { NOTE_VERSION = 1, NOTE_SIZE = 2 + PE_CHECKSUM_SIZE };

bool pe_remove_note(struct format_file *f, struct buffer *note, struct error *e)
{
    const struct pe_headers *h = &f->headers;
    uint8_t bytes[NOTE_SIZE] = {NOTE_VERSION, (uint8_t)(pe_align(h->size) - h->size)};

    buffer_reset(note);
    memcpy(bytes + 2, h->checksum, PE_CHECKSUM_SIZE);
    if (bytes[1] != 0 || le_32(h->checksum) != pe_checksum_finish(f->sum, h->size))
        buffer_append(note, bytes, sizeof bytes);
    return buffer_ok(note, e);
}

/* The padding that a note tells of, once it was seen to be some; 0 otherwise: a note is protected
 * by nothing. */
static uint64_t padding(const struct format_file *f, const uint8_t *note)
{
    uint64_t count = note[1], end;
    uint8_t bytes[PE_ALIGNMENT];

    if (count >= PE_ALIGNMENT || f->headers.table < count ||
        !pe_headers_data_end(f->input, f->name, &f->headers, &end, NULL) ||
        f->headers.table - count < end ||
        !file_io_read(f->input, bytes, (size_t)count, f->headers.table - count) ||
        !signature_io_blank(bytes, (size_t)count))
        return 0;
    return count;
}

/* Entries of the table that are no PKCS#7 go with it: no digest covers them, they have no use for
 * a program, and the offset of the table was ours. */
bool pe_remove_signature(struct format_file *f, const struct buffer *note, int output,
                         struct cancel *cancel, struct error *e)
{
    const struct format_pass pass = {.output = output, .cancel = cancel};
    bool noted = note->length == NOTE_SIZE && note->data[0] == NOTE_VERSION;
    uint64_t size = f->headers.table - (noted ? padding(f, note->data) : 0);
    uint8_t checksum[PE_CHECKSUM_SIZE];

    if (f->headers.table == 0)
        return error_set(e, ERROR_SIGNATURE, "'%s' carries no signature to remove", f->name);
    if (!pe_pass_digest(f, &pass, e))
        return false;
    le_put_32(checksum, noted ? le_32(note->data + 2) : pe_checksum_finish(f->sum, size));
    if (ftruncate(output, (off_t)size) != 0)
        return error_set_errno(e, "cannot write the new '%s'", f->name);
    return file_io_put(output, checksum, sizeof checksum, f->headers.checksum_at, f->name, e);
}
