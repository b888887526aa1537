/* SPDX-License-Identifier: Apache-2.0 */
#include "soft.h"

#include <openssl/rsa.h>
#include <stdlib.h>

static bool sign(void *data, unsigned lane, enum signer_hash hash, const uint8_t *digest,
                 size_t length, struct buffer *signature, struct error *e)
{
    struct soft *s = data;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->other != NULL ? s->other : s->key, NULL);
    uint8_t bytes[1024];
    size_t size = sizeof bytes;
    bool good = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(hash)) > 0 &&
                EVP_PKEY_sign(ctx, bytes, &size, digest, length) > 0;

    (void)lane;
    EVP_PKEY_CTX_free(ctx);
    s->signatures++;
    if (!good)
        return error_set_openssl(e, ERROR_TOKEN, "cannot sign");
    buffer_append(signature, bytes, size);
    return true;
}

struct signer soft_signer(struct soft *s)
{
    struct signer signer = {.public_key = s->key, .sign = sign, .data = s};

    if (!signer_mechanism_for(s->key, &signer.mechanism, NULL))
        abort();
    return signer;
}
