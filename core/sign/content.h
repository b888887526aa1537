/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SpcIndirectDataContent that came from outside and is to be signed (Windows Authenticode Portable
 * Executable Signature Format 1.0). Nothing passes but what `content` of a format writes
 * (sign/format.h): whoever gets a signature over other bytes could make of it what he likes.
 */
#ifndef SIGNET_SIGN_CONTENT_H
#define SIGNET_SIGN_CONTENT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct content {
    const EVP_MD *md;      /* static */
    const uint8_t *digest; /* of the file; in the DER that was read */
    size_t digest_length;
    bool page_hashes; /* the digests of a program's pages stand in it too */
};

/* Reads DER that must be of `format` ("pe", "cab", "msi"), whole and in its only encoding.
 * ERROR_FORMAT says what is wrong; ERROR_UNSUPPORTED: there is no such format. */
bool content_read(const char *format, const uint8_t *der, size_t length, struct content *out,
                  struct error *e);

/* Whether `data` (whole DER of an SpcAttributeTypeAndOptionalValue), in a signature that anybody
 * may have made, is of a file of `format`. What a digest is over starts, in some formats, with
 * bytes of the signer's choice: without this, the signature of a package could serve a program. */
bool content_is_of(const char *format, const uint8_t *data, size_t length);

#endif
