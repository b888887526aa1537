/* SPDX-License-Identifier: Apache-2.0 */
/* The table of file formats. A member that is NULL: not for this format. Each format is one file
 * (or a few with its name). */
#ifndef SIGNET_SIGN_FORMAT_H
#define SIGNET_SIGN_FORMAT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"

enum {
    FORMAT_DIGESTS = 8,              /* hashes that one pass can compute */
    FORMAT_SIGNATURES = 64,          /* in one file, nested ones counted */
    FORMAT_SIGNATURE_MAX = 16 << 20, /* bytes of one */
};

/* What a pass over a file found. Freed by the format's `close`. */
struct format_file;

struct format {
    const char *name;  /* "pe" */
    const char *title; /* "Windows program (PE)" */
    /* True when the first bytes (up to 4096) are of this format, broken or not. */
    bool (*detect)(const uint8_t *head, size_t length);
    /* Parses and checks the headers of `input`. NULL: ERROR_FORMAT, ERROR_UNSUPPORTED. */
    struct format_file *(*open)(int input, const char *name, struct error *e);
    void (*close)(struct format_file **f);
    /* The ContentInfo of signature number `index` in it, in DER, without padding; empty when there
     * are not so many. Its messages leave the file's name to the caller. */
    bool (*extract)(struct format_file *f, unsigned index, struct buffer *signature,
                    struct error *e);
    /* One pass over the input: digests it with each of `count` hashes and, with output >= 0, writes
     * the file without its signature (padded as the format wants it before a signature; checksums
     * are zero until `embed`). ERROR_FORMAT too when the file changed since `open`. */
    bool (*digest)(struct format_file *f, int output, const EVP_MD *const *md, size_t count,
                   uint8_t (*out)[EVP_MAX_MD_SIZE], struct cancel *cancel, struct error *e);
    /* DER of SpcIndirectDataContent (SpcAttributeTypeAndOptionalValue and DigestInfo) for a digest
     * of `md`. */
    bool (*content)(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                    struct buffer *der, struct error *e);
    /* Puts a signature after what `digest` wrote, and sets sizes and checksums. */
    bool (*embed)(struct format_file *f, int output, const uint8_t *signature, size_t length,
                  struct error *e);
    /* After `extract` of all signatures and a `digest`: what is wrong with the file beside its
     * signatures, number `index`. NULL: nothing more. Static. */
    const char *(*flaw)(struct format_file *f, unsigned index);
};

extern const struct format format_pe;

/* The format of a file by its first bytes. NULL: ERROR_UNSUPPORTED says what it seems to be. */
const struct format *format_detect(int input, const char *name, struct error *e);

#endif
