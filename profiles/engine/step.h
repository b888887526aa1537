/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the files that travel between the two steps of signing (NDJSON, a line a file).
 *
 * `digest` writes: {"signet-digest": 1, "file": the name as it was given, "format": "pe", "hash":
 * "sha256", "digest": the file's, in hex, "content": DER of its SpcIndirectDataContent in base64},
 * and where they say something: "existing": "append" or "replace", "page-hashes": true,
 * "msi-signature-ex": true. `sign --digests` answers each with the same line, but
 * "signet-signature": 1 in the place of "signet-digest", and "signature": DER of a ContentInfo in
 * base64, in the place of "content". Both sides take the other's lines for what they are: bytes
 * from outside. A member that is not known is refused, so that nothing is signed, or left out, that
 * one side meant otherwise.
 */
#ifndef SIGNET_PROFILES_ENGINE_STEP_H
#define SIGNET_PROFILES_ENGINE_STEP_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "sign/sign.h"

enum { STEP_LINE_MAX = 32 << 20, STEP_NAME_MAX = 4096 };

enum step_kind { STEP_DIGEST, STEP_SIGNATURE };

struct step {
    char *file;   /* UTF-8 */
    char *format; /* "pe" */
    enum signer_hash hash;
    uint8_t digest[EVP_MAX_MD_SIZE]; /* of the file */
    size_t digest_length;
    enum sign_existing existing;
    bool page_hashes, signature_ex;
    struct buffer der; /* of the content, or of the signature */
};

void step_free(struct step *s);

/* The member that marks a line: "signet-digest", "signet-signature". Static. */
const char *step_mark(enum step_kind kind);

/* The object of a line; NULL: ERROR_MEMORY. New reference. */
json_t *step_record(enum step_kind kind, const struct step *s, struct error *e);

/* Reads a line. A digest's content is checked, too: it is what Signet makes for this format, and
 * holds this very digest. ERROR_FORMAT says what is wrong with it; nothing to free then. */
bool step_parse(enum step_kind kind, const void *line, size_t length, struct step *out,
                struct error *e);

#endif
