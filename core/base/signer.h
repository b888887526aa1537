/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cert and sign know of a private key: its public half, and a function that signs a digest.
 * They never learn where it is.
 */
#ifndef SIGNET_BASE_SIGNER_H
#define SIGNET_BASE_SIGNER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Named as OpenSSL and the profile name them: "sha256" … */
enum signer_hash { SIGNER_SHA256, SIGNER_SHA384, SIGNER_SHA512 };

enum signer_mechanism {
    SIGNER_RSA_PKCS1, /* RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2); the DigestInfo is added below */
    SIGNER_ECDSA,     /* signature as DER Ecdsa-Sig-Value (RFC 3279 section 2.2.3) */
};

struct signer {
    EVP_PKEY *public_key; /* never NULL; owned by whoever made the signer */
    enum signer_mechanism mechanism;
    /* Signs `digest` (as long as `hash` is) and appends the signature. Calls may come from several
     * threads; those of one lane (below the number of sessions that the signer was opened with)
     * are done one after the other. */
    bool (*sign)(void *data, unsigned lane, enum signer_hash hash, const uint8_t *digest,
                 size_t length, struct buffer *signature, struct error *e);
    void *data;
};

/* The digest of `hash`; static storage of OpenSSL. */
const EVP_MD *signer_hash_md(enum signer_hash hash);

/* "sha256" … ; signer_hash_parse is its inverse, false when the name is unknown. */
const char *signer_hash_name(enum signer_hash hash);
bool signer_hash_parse(const char *name, enum signer_hash *hash);

/* The mechanism that fits a key: RSA or EC; false with ERROR_UNFIT for any other type. */
bool signer_mechanism_for(EVP_PKEY *key, enum signer_mechanism *mechanism, struct error *e);

/* Checks `signature` over `digest` with the public key. ERROR_SIGNATURE when it does not hold. */
bool signer_verify(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                   const uint8_t *signature, size_t signature_length, struct error *e);

#endif
