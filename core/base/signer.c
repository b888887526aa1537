/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, mechanisms and the check that every signature gets before it is kept. */
#include "base/signer.h"

#include <openssl/rsa.h>
#include <string.h>

static const char *const names[] = {
    [SIGNER_SHA256] = "sha256",
    [SIGNER_SHA384] = "sha384",
    [SIGNER_SHA512] = "sha512",
};

const EVP_MD *signer_hash_md(enum signer_hash hash)
{
    switch (hash) {
    case SIGNER_SHA384:
        return EVP_sha384();
    case SIGNER_SHA512:
        return EVP_sha512();
    case SIGNER_SHA256:
        break;
    }
    return EVP_sha256();
}

const char *signer_hash_name(enum signer_hash hash)
{
    return names[hash];
}

bool signer_hash_parse(const char *name, enum signer_hash *hash)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *hash = (enum signer_hash)i;
            return true;
        }
    return false;
}

bool signer_mechanism_for(EVP_PKEY *key, enum signer_mechanism *mechanism, struct error *e)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        *mechanism = SIGNER_RSA_PKCS1;
        return true;
    case EVP_PKEY_EC:
        *mechanism = SIGNER_ECDSA;
        return true;
    default:
        return error_set(e, ERROR_UNFIT, "a key of type %s cannot sign code; RSA and EC keys can",
                         EVP_PKEY_get0_type_name(key));
    }
}

bool signer_verify(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                   const uint8_t *signature, size_t signature_length, struct error *e)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0;

    if (good && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    good = good && EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(hash)) > 0 &&
           EVP_PKEY_verify(ctx, signature, signature_length, digest, length) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!good)
        error_set_openssl(e, ERROR_SIGNATURE, "the signature does not fit the certificate's key");
    return good;
}
