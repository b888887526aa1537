/* SPDX-License-Identifier: Apache-2.0 */
/* What msi.c and msi_embed.c have in common. */
#ifndef SIGNET_SIGN_MSI_FILE_H
#define SIGNET_SIGN_MSI_FILE_H

#include <sys/stat.h>

#include "sign/msi/msi.h"

struct format_file {
    int input;
    char *name;
    struct stat status; /* as it was when it was parsed */
    struct cfb *c;
    uint32_t signature, ex;  /* their entries, or CFB_NOBODY */
    struct buffer stored_ex; /* what the stream holds */
    bool makes_signature;    /* the last pass was for one that is to be made, */
    bool keeps_ex;           /* and the stream stays as it is, */
    bool wants_ex;           /* or is made, */
    const EVP_MD *md[FORMAT_DIGESTS];
    uint8_t prehash[FORMAT_DIGESTS][EVP_MAX_MD_SIZE]; /* of the metadata, by each hash */
    uint8_t digest[FORMAT_DIGESTS][EVP_MAX_MD_SIZE];  /* that came of the last pass */
    size_t md_count;
    bool stuffed; /* the signature that was extracted has more behind it than zeros */
};

/* Whether the file has, or after the last pass will have, the stream MsiDigitalSignatureEx. */
bool msi_has_ex(const struct format_file *f);

/* Members of the table (sign/format.h). */
bool msi_extract(struct format_file *f, unsigned index, struct buffer *signature, struct error *e);
bool msi_digest(struct format_file *f, const struct format_pass *p, struct error *e);
bool msi_embed(struct format_file *f, int output, const struct buffer *signature, size_t count,
               struct error *e);
bool msi_note(struct format_file *f, struct buffer *note, struct error *e);
bool msi_remove(struct format_file *f, const struct buffer *note, int output, struct cancel *cancel,
                struct error *e);

#endif
