/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a signed image beside its signatures. */
#include "sign/file_io.h"
#include "sign/le.h"
#include "sign/pe/pe_checksum.h"
#include "sign/pe/pe_file.h"
#include "sign/pe/pe_firmware.h"

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

static bool firmware_differs(const struct format_file *f)
{
    bool agrees;

    return pe_firmware_runs(&f->headers) &&
           (!pe_firmware_agrees(f->input, f->name, &f->headers, &agrees, NULL) || !agrees);
}

const char *pe_flaws_of(struct format_file *f, unsigned index)
{
    const char *flaw[5] = {0};
    unsigned count = 0;

    if (checksum_wrong(f))
        flaw[count++] = "the CheckSum in its header is wrong";
    if (f->stuffed || f->headers.stuffed_gap)
        flaw[count++] = "bytes stand behind the signature in its certificate table, where no "
                        "signature protects them";
    if (f->headers.other_entries)
        flaw[count++] = "an entry of its certificate table is no PKCS#7 signature, and nothing "
                        "protects it";
    if (f->headers.other_revision)
        flaw[count++] = "an entry of its certificate table has another revision than 2.0, so that "
                        "some programs do not see the signature in it";
    if (firmware_differs(f))
        flaw[count++] = "its headers (SizeOfHeaders) and sections do not follow each other without "
                        "gaps: firmware finds another digest in it than Windows";
    return index < count ? flaw[index] : NULL;
}
