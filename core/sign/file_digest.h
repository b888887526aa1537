/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first of two steps: what a machine with the key must know of a file to sign it, without the
 * file. The second is sign_begin_content in sign/sign.h, and attach_signature in sign/attach.h
 * takes what comes of it.
 */
#ifndef SIGNET_SIGN_FILE_DIGEST_H
#define SIGNET_SIGN_FILE_DIGEST_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "sign/sign.h"

/* As in struct sign_spec. */
struct file_digest_options {
    enum signer_hash hash;
    enum sign_existing existing;
    bool page_hashes, signature_ex;
};

struct file_digest {
    const char *format; /* "pe"; static */
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length;
    struct buffer content; /* DER of SpcIndirectDataContent; empty: nothing is to be signed, as the
                              file carries signatures that hold, and they are to be kept */
    char *signer;          /* who made the first of those; NULL: there is none */
    uint64_t size;         /* bytes of the input */
};

/* Reads `input` once. Freed with file_digest_free, also after an error: those of sign_begin. */
bool file_digest_make(int input, const char *name, const struct file_digest_options *options,
                      struct file_digest *out, struct cancel *cancel, struct error *e);
void file_digest_free(struct file_digest *d);

#endif
