/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the PE format share: one image that is being read. */
#ifndef SIGNET_SIGN_PE_FILE_H
#define SIGNET_SIGN_PE_FILE_H

#include <sys/stat.h>

#include "sign/format.h"
#include "sign/pe/pe_headers.h"
#include "sign/pe/pe_pages.h"

struct format_file {
    int input;
    char *name;
    struct stat status; /* as it was when the headers were read */
    struct pe_headers headers;
    struct pe_pages *pages; /* NULL: nobody asked for them */
    bool make_pages;        /* those of the signature that is to be made */
    uint64_t sum;           /* of the checksum: all that was passed over, both fields as zero */
    uint64_t written;       /* bytes before the table, padded */
    bool stuffed;           /* a certificate that was extracted has more behind it than padding */
};

/* Members of the format's table (sign/format.h), each in the file of its name. */
bool pe_pass_digest(struct format_file *f, const struct format_pass *pass, struct error *e);
void pe_pass_heed(struct format_file *f, const uint8_t *data, size_t length);
enum format_pages pe_pass_pages(struct format_file *f, const uint8_t *data, size_t length);
bool pe_remove_note(struct format_file *f, struct buffer *note, struct error *e);
bool pe_remove_signature(struct format_file *f, const struct buffer *note, int output,
                         struct cancel *cancel, struct error *e);
const char *pe_flaws_of(struct format_file *f, unsigned index);

#endif
