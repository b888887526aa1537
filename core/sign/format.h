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
    FORMAT_SIGNATURES = 1024,        /* in one file, nested ones counted: a bound for attackers */
    FORMAT_SIGNATURE_MAX = 16 << 20, /* bytes of one, and of all that stand side by side */
};

/* What a signature that is to be made carries beside the digest, and how it goes into the file. */
struct format_options {
    bool page_hashes;  /* PE: SHA-256 of each page */
    bool signature_ex; /* MSI: the stream MsiDigitalSignatureEx, which protects the metadata too */
    bool append;       /* the signatures that are there stay, and must still hold afterwards */
};

/* One pass over a file. */
struct format_pass {
    /* Of the signature that is to be made. NULL: none is; the file is only judged, or copied. */
    const struct format_options *options;
    /* Where the file is written, without its signature, as it is before `embed`; -1: nowhere. */
    int output;
    const EVP_MD *const *md; /* the hashes to compute, `count` of them */
    size_t count;
    uint8_t (*digest)[EVP_MAX_MD_SIZE]; /* what comes of them */
    struct cancel *cancel;
};

/* Page hashes of a signature, compared with the file. */
enum format_pages { FORMAT_PAGES_NONE, FORMAT_PAGES_GOOD, FORMAT_PAGES_BAD };

/* A file that is being read, of one format. Freed by the format's `close`. */
struct format_file;

struct format {
    const char *name;  /* "pe" */
    const char *title; /* "Windows programs … (PE)" */
    /* True when the first bytes (up to 4096) are of this format, broken or not. */
    bool (*detect)(const uint8_t *head, size_t length);
    /* Parses and checks the structure of `input`. NULL: ERROR_FORMAT, ERROR_UNSUPPORTED. */
    struct format_file *(*open)(int input, const char *name, struct error *e);
    void (*close)(struct format_file **f);
    /* The ContentInfo of signature number `index` in it, in DER, without padding; empty when there
     * are not so many. Its messages leave the file's name to the caller. */
    bool (*extract)(struct format_file *f, unsigned index, struct buffer *signature,
                    struct error *e);
    /* Before `digest`, for each signature that is judged: `data` is what it says of the file beside
     * the digest, the whole DER of its SpcAttributeTypeAndOptionalValue; what is needed to judge
     * that comes from the same pass. NULL: nothing. */
    void (*heed)(struct format_file *f, const uint8_t *data, size_t length);
    /* Reads the input once; what is digested is what is written. ERROR_FORMAT too when the file
     * changed since `open`. */
    bool (*digest)(struct format_file *f, const struct format_pass *pass, struct error *e);
    /* After `heed` and `digest`: whether page hashes in `data` are the file's. NULL: the format has
     * none. */
    enum format_pages (*pages)(struct format_file *f, const uint8_t *data, size_t length);
    /* DER of SpcIndirectDataContent for a digest of `md` that `digest` computed. */
    bool (*content)(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                    struct buffer *der, struct error *e);
    /* Puts `count` signatures, DER each, into what `digest` wrote; sets sizes and checksums. More
     * than one only where `side_by_side` says so. */
    bool (*embed)(struct format_file *f, int output, const struct buffer *signature, size_t count,
                  struct error *e);
    /* Whether another signature stands beside those that are there, and is not nested in the first
     * of them (EFI images). NULL: never. */
    bool (*side_by_side)(const struct format_file *f);
    /* What `remove` will need to give back every bit of this file when it has been signed, as it is
     * now; empty: nothing. It goes into the signature (sign/note.h). After a `digest`. NULL: there
     * is nothing. */
    bool (*note)(struct format_file *f, struct buffer *note, struct error *e);
    /* Writes the file as it was before it was signed. `note`: of its first signature; empty: there
     * is none, and what it does not tell is taken as is most common. NULL: a signature cannot be
     * taken out. */
    bool (*remove)(struct format_file *f, const struct buffer *note, int output,
                   struct cancel *cancel, struct error *e);
    /* After `extract` of all signatures and a `digest`: what is wrong with the file beside its
     * signatures, number `index`. NULL: nothing more. Static. */
    const char *(*flaw)(struct format_file *f, unsigned index);
};

extern const struct format format_pe, format_msi, format_cab;

/* The format of a file by its first bytes. NULL: ERROR_UNSUPPORTED says what it seems to be. */
const struct format *format_detect(int input, const char *name, struct error *e);

#endif
