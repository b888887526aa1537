/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All signatures of one file: those side by side, and those nested in them. They are parsed first,
 * so that one pass over the file computes every digest that is needed; then each holds or not.
 * Whether a signer is trusted is not asked here.
 */
#ifndef SIGNET_SIGN_SIGNATURES_H
#define SIGNET_SIGN_SIGNATURES_H

#include "sign/authenticode.h"
#include "sign/format.h"

enum { SIGNATURES_DEEPEST = 8 }; /* signatures within signatures */

struct signatures {
    struct authenticode_view *view; /* each before those nested in it */
    unsigned *depth;                /* 0: not nested */
    enum format_pages *pages;       /* whether its page hashes are the file's, after the pass */
    size_t count, capacity;
    const EVP_MD *md[FORMAT_DIGESTS]; /* what the pass computes */
    uint8_t digest[FORMAT_DIGESTS][EVP_MAX_MD_SIZE];
    size_t md_count;
};

/* With nothing in it. NULL: ERROR_MEMORY. */
struct signatures *signatures_new(struct error *e);
void signatures_free(struct signatures **s);

/* Reads all of them. ERROR_FORMAT: one cannot be read; ERROR_UNSUPPORTED: more than
 * FORMAT_SIGNATURES, or nested too deep. Messages leave the file's name to the caller. */
bool signatures_read(struct signatures *s, const struct format *format, struct format_file *file,
                     struct error *e);

/* The same of one signature (DER of a ContentInfo, from anywhere) that is not nested, with those
 * nested in it. */
bool signatures_add(struct signatures *s, const uint8_t *der, size_t length, struct error *e);

/* One more digest for the pass, where it is not among them already. */
bool signatures_need(struct signatures *s, const EVP_MD *md, struct error *e);

/* The pass over the file; see `digest` in sign/format.h for `options` and `output`. Nothing to do
 * where no digest is needed and nothing is to be written. */
bool signatures_digest(struct signatures *s, const struct format *format, struct format_file *file,
                       const struct format_options *options, int output, struct cancel *cancel,
                       struct error *e);

/* The file's digest by `md`, which must be one that was needed. */
const uint8_t *signatures_file_digest(const struct signatures *s, const EVP_MD *md);

/* Whether the file is what signature number `index` was made for, its page hashes aside. */
bool signatures_fits(const struct signatures *s, size_t index);

#endif
