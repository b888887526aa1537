/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the certificate of a token: what is found in them is what OpenSSL finds. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "host/pkcs11/spki.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void compare(EVP_PKEY *key, const struct wire_object *o)
{
    uint8_t *spki = NULL;
    int size = i2d_PUBKEY(key, &spki);

    if (size < 0 || (size_t)size != o->spki_length || memcmp(spki, o->spki, o->spki_length) != 0 ||
        (uint32_t)EVP_PKEY_get_bits(key) != o->bits)
        abort();
    OPENSSL_free(spki);
}

/* The same bytes as the attributes of a key: what is made of them is one for OpenSSL, too. */
static void make_keys(const uint8_t *bytes, size_t length)
{
    size_t first = length == 0 ? 0 : bytes[0] % length;
    struct spki_part a = {bytes, first}, b = {bytes + first, length - first};
    struct buffer made[2] = {BUFFER_INIT, BUFFER_INIT};

    spki_from_rsa(b, a, &made[0]);
    spki_from_ec(a, b, &made[1]);
    for (int i = 0; i < 2; i++) {
        struct wire_object o = {0};
        const unsigned char *at = made[i].data;
        EVP_PKEY *key;

        if (made[i].length > 0 && spki_describe(made[i].data, made[i].length, &o)) {
            key = d2i_PUBKEY(NULL, &at, (long)made[i].length);
            if (key != NULL)
                compare(key, &o);
            EVP_PKEY_free(key);
        }
        wire_object_free(&o);
        buffer_free(&made[i]);
    }
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct wire_object o = {0};
    const unsigned char *at = bytes;
    const uint8_t *spki;
    size_t spki_length;
    EVP_PKEY *key;
    X509 *x;

    make_keys(bytes, length);
    if (!spki_of_certificate(bytes, length, &spki, &spki_length))
        return 0;
    if (spki < bytes || spki_length > length || spki > bytes + length - spki_length)
        abort();
    if (!spki_describe(spki, spki_length, &o))
        return 0;
    x = d2i_X509(NULL, &at, (long)length);
    key = x == NULL ? NULL : X509_get0_pubkey(x);
    /* A point that is not on its curve is for OpenSSL to refuse when it is used. */
    if (key != NULL)
        compare(key, &o);
    X509_free(x);
    wire_object_free(&o);
    ERR_clear_error();
    return 0;
}
