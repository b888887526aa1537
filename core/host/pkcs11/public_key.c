/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EVP_PKEY *public_key_rsa(const struct buffer *modulus, const struct buffer *exponent)
{
    BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->length, NULL);
    BIGNUM *e = BN_bin2bn(exponent->data, (int)exponent->length, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (n != NULL && e != NULL && build != NULL && ctx != NULL && !BN_is_zero(n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    ERR_clear_error();
    return key;
}

enum { ED25519_BYTES = 32, ED448_BYTES = 57 };

/* What is in the OCTET STRING that fills all of `bytes`; NULL when it is no such thing. */
static ASN1_OCTET_STRING *unwrap(const struct buffer *bytes)
{
    const unsigned char *at = bytes->data;
    ASN1_OCTET_STRING *octets = d2i_ASN1_OCTET_STRING(NULL, &at, (long)bytes->length);

    if (octets != NULL && at != bytes->data + bytes->length) {
        ASN1_OCTET_STRING_free(octets);
        octets = NULL;
    }
    return octets;
}

/* Some modules (ykcs11) write out the numbers of the curve, where others and certificates name it:
 * the same key anew, by the name. NULL for a curve without one. */
static EVP_PKEY *with_named_curve(const EVP_PKEY *key)
{
    char group[64];
    uint8_t point[256];
    size_t length;
    OSSL_PARAM params[] = {OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END};
    EVP_PKEY_CTX *ctx;
    EVP_PKEY *named = NULL;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) <= 0 ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &length) <= 0)
        return NULL;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, length);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
        EVP_PKEY_fromdata(ctx, &named, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return named;
}

EVP_PKEY *public_key_ec(const struct buffer *parameters, const struct buffer *point)
{
    EVP_PKEY *named;
    const unsigned char *at = parameters->data;
    EVP_PKEY *key = d2i_KeyParams(EVP_PKEY_EC, NULL, &at, (long)parameters->length);
    ASN1_OCTET_STRING *wrapped = unwrap(point);
    bool set = false;

    /* An uncompressed point begins like an OCTET STRING (04), so both readings are tried. */
    if (key != NULL && wrapped != NULL)
        set = EVP_PKEY_set1_encoded_public_key(key, ASN1_STRING_get0_data(wrapped),
                                               (size_t)ASN1_STRING_length(wrapped)) > 0;
    if (key != NULL && !set)
        set = EVP_PKEY_set1_encoded_public_key(key, point->data, point->length) > 0;
    named = set ? with_named_curve(key) : NULL;
    if (!set || named != NULL) {
        EVP_PKEY_free(key);
        key = named;
    }
    ASN1_OCTET_STRING_free(wrapped);
    ERR_clear_error();
    return key;
}

/* A bare point may begin with any byte: its length tells it from a wrapped one (RFC 8032). */
static EVP_PKEY *edwards(const struct buffer *point)
{
    bool bare = point->length == ED25519_BYTES || point->length == ED448_BYTES;
    ASN1_OCTET_STRING *wrapped = bare ? NULL : unwrap(point);
    const uint8_t *bytes = wrapped == NULL ? point->data : ASN1_STRING_get0_data(wrapped);
    size_t length = wrapped == NULL ? point->length : (size_t)ASN1_STRING_length(wrapped);
    int type = length == ED448_BYTES ? EVP_PKEY_ED448 : EVP_PKEY_ED25519;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(type, NULL, bytes, length);

    ASN1_OCTET_STRING_free(wrapped);
    ERR_clear_error();
    return key;
}

EVP_PKEY *public_key_read(const struct object_ref *o, CK_KEY_TYPE type)
{
    bool rsa = type == CKK_RSA;
    struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
    EVP_PKEY *key = NULL;

    if (type != CKK_RSA && type != CKK_EC && type != CKK_EC_EDWARDS)
        return NULL;
    if (attribute_bytes(o, rsa ? CKA_MODULUS : CKA_EC_PARAMS, &a) == CKR_OK && a.length > 0 &&
        attribute_bytes(o, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, &b) == CKR_OK &&
        b.length > 0) {
        if (type == CKK_RSA)
            key = public_key_rsa(&a, &b);
        else if (type == CKK_EC)
            key = public_key_ec(&a, &b);
        else
            key = edwards(&b);
    }
    buffer_free(&a);
    buffer_free(&b);
    return key;
}

/* The names that people use (FIPS 186), OpenSSL's otherwise. */
static void name_curve(EVP_PKEY *key, char *out, size_t size)
{
    static const struct {
        const char *group, *name;
    } names[] = {{"prime256v1", "P-256"},
                 {"secp384r1", "P-384"},
                 {"secp521r1", "P-521"},
                 {"ED25519", "Ed25519"},
                 {"ED448", "Ed448"}};
    char group[64] = "";

    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) <= 0)
        snprintf(group, sizeof group, "%s", EVP_PKEY_get0_type_name(key));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(group, names[i].group) == 0)
            snprintf(group, sizeof group, "%s", names[i].name);
    snprintf(out, size, "%.*s", (int)size - 1, group);
}

bool public_key_describe(EVP_PKEY *key, struct wire_object *out)
{
    int length = i2d_PUBKEY(key, &out->spki);

    out->spki_length = length > 0 ? (size_t)length : 0;
    out->bits = (uint32_t)EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        name_curve(key, out->curve, sizeof out->curve);
    ERR_clear_error();
    return length > 0;
}
