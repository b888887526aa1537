/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/spki.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 8192 }; /* of a number or a point */

/* rsaEncryption (RFC 8017 appendix A.1), id-ecPublicKey (RFC 5480 section 2.1.1). */
static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

/* Bytes that are left to read. */
struct der {
    const uint8_t *at;
    size_t left;
};

/* Takes one element off: its content, and where it began. False unless it is whole, of definite
 * length, and `tag` of `class`. */
static bool take_class(struct der *d, int class, int tag, struct der *content, struct der *whole)
{
    const uint8_t *at = d->at;
    int found, its_class, result;
    long length;

    if (d->left == 0)
        return false;
    result = ASN1_get_object(&at, &length, &found, &its_class, (long)d->left);
    if ((result & 0x81) != 0 || found != tag || its_class != class) {
        ERR_clear_error();
        return false;
    }
    *content = (struct der){at, (size_t)length};
    *whole = (struct der){d->at, (size_t)(at - d->at) + (size_t)length};
    d->at += whole->left;
    d->left -= whole->left;
    return true;
}

static bool take(struct der *d, int tag, struct der *content)
{
    struct der whole;

    return take_class(d, V_ASN1_UNIVERSAL, tag, content, &whole);
}

/* RFC 5280 section 4.1: version, serial number, signature, issuer, validity, subject, key. */
bool spki_of_certificate(const uint8_t *der, size_t length, const uint8_t **spki,
                         size_t *spki_length)
{
    struct der all = {der, length}, certificate, tbs, skip, whole;

    if (!take(&all, V_ASN1_SEQUENCE, &certificate) || all.left != 0 ||
        !take(&certificate, V_ASN1_SEQUENCE, &tbs))
        return false;
    take_class(&tbs, V_ASN1_CONTEXT_SPECIFIC, 0, &skip, &whole);
    if (!take(&tbs, V_ASN1_INTEGER, &skip))
        return false;
    for (int i = 0; i < 4; i++)
        if (!take(&tbs, V_ASN1_SEQUENCE, &skip))
            return false;
    if (!take_class(&tbs, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &skip, &whole))
        return false;
    *spki = whole.at;
    *spki_length = whole.left;
    return true;
}

static bool equals(const struct der *d, const void *bytes, size_t length)
{
    return d->left == length && memcmp(d->at, bytes, length) == 0;
}

/* A positive INTEGER in its shortest form. */
static bool is_positive(const struct der *n)
{
    return n->left > 0 && !(n->at[0] & 0x80) &&
           (n->at[0] != 0 || (n->left > 1 && (n->at[1] & 0x80)));
}

/* RFC 8017 appendix A.1.1: RSAPublicKey. */
static uint32_t rsa_bits(struct der key)
{
    struct der fields, modulus, exponent;
    uint32_t bits;

    if (!take(&key, V_ASN1_SEQUENCE, &fields) || key.left != 0 ||
        !take(&fields, V_ASN1_INTEGER, &modulus) || !take(&fields, V_ASN1_INTEGER, &exponent) ||
        fields.left != 0 || !is_positive(&modulus) || !is_positive(&exponent))
        return 0;
    if (modulus.at[0] == 0) {
        modulus.at++;
        modulus.left--;
    }
    bits = (uint32_t)modulus.left * 8;
    for (uint8_t first = modulus.at[0]; first < 0x80; first = (uint8_t)(first << 1))
        bits--;
    return bits;
}

/* RFC 5480 section 2.1.1.1; point_length: of an uncompressed one (SEC 1, section 2.3.3). */
struct curve {
    const char *oid, *name;
    size_t oid_length, point_length;
    uint32_t bits;
};

static const struct curve *find_curve(const struct der *parameters)
{
    static const struct curve curves[] = {
        {"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256", 10, 65, 256},
        {"\x06\x05\x2b\x81\x04\x00\x22", "P-384", 7, 97, 384},
        {"\x06\x05\x2b\x81\x04\x00\x23", "P-521", 7, 133, 521},
    };

    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (equals(parameters, curves[i].oid, curves[i].oid_length))
            return &curves[i];
    return NULL;
}

static bool is_point(const struct curve *c, const uint8_t *at, size_t length)
{
    return length == c->point_length && at[0] == 4;
}

static bool describe_ec(const struct der *parameters, const struct der *point,
                        struct wire_object *out)
{
    const struct curve *c = find_curve(parameters);

    if (c == NULL)
        return false;
    out->bits = c->bits;
    snprintf(out->curve, sizeof out->curve, "%s", c->name);
    return is_point(c, point->at, point->left);
}

/* A tag and a length (ITU-T X.690 section 8.1.3), for content below 64 KiB. */
static void put_head(struct buffer *out, uint8_t tag, size_t length)
{
    buffer_append_byte(out, tag);
    if (length > 0xff) {
        buffer_append_byte(out, 0x82);
        buffer_append_byte(out, (uint8_t)(length >> 8));
    } else if (length > 0x7f) {
        buffer_append_byte(out, 0x81);
    }
    buffer_append_byte(out, (uint8_t)length);
}

static void put(struct buffer *out, uint8_t tag, const void *bytes, size_t length)
{
    put_head(out, tag, length);
    buffer_append(out, bytes, length);
}

/* A positive INTEGER in its shortest form. */
static void put_number(struct buffer *out, struct spki_part n)
{
    while (n.length > 1 && n.at[0] == 0) {
        n.at++;
        n.length--;
    }
    put_head(out, V_ASN1_INTEGER, n.length + (n.at[0] >> 7));
    if (n.at[0] >> 7)
        buffer_append_byte(out, 0);
    buffer_append(out, n.at, n.length);
}

/* Algorithm and key, with the byte that counts the unused bits. */
static void put_info(struct buffer *out, const struct buffer *algorithm, const struct buffer *key)
{
    struct buffer body = BUFFER_INIT;

    put(&body, 0x30, algorithm->data, algorithm->length);
    put_head(&body, V_ASN1_BIT_STRING, key->length + 1);
    buffer_append_byte(&body, 0);
    buffer_append(&body, key->data, key->length);
    put(out, 0x30, body.data, body.length);
    out->failed = out->failed || body.failed || algorithm->failed || key->failed;
    buffer_free(&body);
}

void spki_from_rsa(struct spki_part modulus, struct spki_part exponent, struct buffer *out)
{
    struct buffer algorithm = BUFFER_INIT, numbers = BUFFER_INIT, key = BUFFER_INIT;

    if (modulus.length == 0 || exponent.length == 0 || modulus.length > MOST_BYTES ||
        exponent.length > MOST_BYTES)
        return;
    put(&algorithm, V_ASN1_OBJECT, oid_rsa, sizeof oid_rsa);
    put_head(&algorithm, V_ASN1_NULL, 0);
    put_number(&numbers, modulus);
    put_number(&numbers, exponent);
    put(&key, 0x30, numbers.data, numbers.length);
    put_info(out, &algorithm, &key);
    buffer_free(&algorithm);
    buffer_free(&numbers);
    buffer_free(&key);
}

void spki_from_ec(struct spki_part parameters, struct spki_part point, struct buffer *out)
{
    struct buffer algorithm = BUFFER_INIT, key = BUFFER_INIT;
    struct der all = {point.at, point.length}, curve = {parameters.at, parameters.length}, inner;
    const struct curve *known = find_curve(&curve);

    if (point.length == 0 || point.length > MOST_BYTES || parameters.length > MOST_BYTES)
        return;
    /* Wrapped in an OCTET STRING, or bare; but an uncompressed point begins like an OCTET STRING
     * (04), and one of 256 goes on like one that fills the rest. */
    if ((known == NULL || !is_point(known, point.at, point.length)) &&
        take(&all, V_ASN1_OCTET_STRING, &inner) && all.left == 0)
        point = (struct spki_part){inner.at, inner.left};
    put(&algorithm, V_ASN1_OBJECT, oid_ec, sizeof oid_ec);
    buffer_append(&algorithm, parameters.at, parameters.length);
    buffer_append(&key, point.at, point.length);
    put_info(out, &algorithm, &key);
    buffer_free(&algorithm);
    buffer_free(&key);
}

bool spki_describe(const uint8_t *spki, size_t length, struct wire_object *out)
{
    struct der all = {spki, length}, info, algorithm, oid, key;
    bool known = false;

    if (!take(&all, V_ASN1_SEQUENCE, &info) || all.left != 0 ||
        !take(&info, V_ASN1_SEQUENCE, &algorithm) || !take(&algorithm, V_ASN1_OBJECT, &oid) ||
        !take(&info, V_ASN1_BIT_STRING, &key) || info.left != 0 || key.left < 2 || key.at[0] != 0)
        return false;
    /* The first byte of a BIT STRING counts its unused bits. */
    key.at++;
    key.left--;
    if (equals(&oid, oid_rsa, sizeof oid_rsa) && equals(&algorithm, "\x05\x00", 2))
        known = (out->bits = rsa_bits(key)) != 0;
    else if (equals(&oid, oid_ec, sizeof oid_ec))
        known = describe_ec(&algorithm, &key, out);
    if (!known)
        return false;
    out->spki = malloc(length);
    out->spki_length = out->spki == NULL ? 0 : length;
    if (out->spki != NULL)
        memcpy(out->spki, spki, length);
    return out->spki != NULL;
}
