/* SPDX-License-Identifier: Apache-2.0 */
/* Signers whose key is in memory, and files that are in memory too. What cannot be made ends the
 * test program. */
#ifndef SIGNET_TESTS_SIGN_SIGNING_H
#define SIGNET_TESTS_SIGN_SIGNING_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "../cert/make.h"
#include "base/buffer.h"
#include "sign/sign.h"
#include "sign/verify.h"

/* Root, intermediate and leaf. */
struct signing_identity {
    EVP_PKEY *key, *ca_key;
    X509 *root, *intermediate, *leaf;
    STACK_OF(X509) * chain; /* leaf and intermediate */
};

void signing_identity_make(struct signing_identity *i, const char *key_type);
void signing_identity_free(struct signing_identity *i);

/* With a description, a URL, and SHA-256; the fields can be changed. */
struct sign_spec signing_spec(const struct signing_identity *i);

/* Trusts the identity's root, in 2026; freed with X509_STORE_free(options.trust). */
struct verify_options signing_trust(const struct signing_identity *i);

/* Signs a digest with a key in memory, as a token would. */
void signing_sign(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                  struct buffer *signature);

/* A file in memory with these bytes; closed with close(). */
int signing_file(const void *bytes, size_t length);
void signing_read(int fd, struct buffer *bytes);

/* The whole way for one file: `signed_file` gets what is written (nothing where the state is kept).
 * `state` may be NULL. */
bool signing_run(const struct signing_identity *i, const struct sign_spec *spec,
                 const struct buffer *file, struct buffer *signed_file, enum sign_state *state,
                 struct error *e);

/* The same, where it must succeed. */
void signing_must(const struct signing_identity *i, const struct sign_spec *spec,
                  const struct buffer *file, struct buffer *signed_file);

/* Takes the signatures out of a file, with the note that is in it. */
bool signing_remove(const struct buffer *file, struct buffer *out, struct error *e);

/* The DER of signature number `index` in a file. */
void signing_extract(const struct buffer *file, unsigned index, struct buffer *der);

/* Adds an attribute with this SEQUENCE to the unsigned ones of a signature, as timestamps and
 * nested signatures are added. */
void signing_add_unsigned(struct buffer *der, const char *oid, const uint8_t *value, int length);

/* The same `count` times, in one attribute. */
void signing_add_many(struct buffer *der, const char *oid, const uint8_t *value, int length,
                      int count);

#endif
