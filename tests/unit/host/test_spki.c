/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys read as bytes: the same that OpenSSL writes, or left to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "host/pkcs11/spki.h"
#include "make.h"

/* A certificate for a key of this type, in DER; the caller frees it. */
static uint8_t *certificate(const char *type, size_t *length, uint8_t **spki, size_t *spki_length)
{
    EVP_PKEY *key = make_key(type);
    struct certificate c = {.name = "test", .key = key};
    X509 *x = make_certificate(&c);
    uint8_t *der = NULL;

    *length = (size_t)i2d_X509(x, &der);
    *spki = NULL;
    *spki_length = (size_t)i2d_PUBKEY(key, spki);
    X509_free(x);
    EVP_PKEY_free(key);
    return der;
}

static void found_as_openssl_does(const char *type, bool described, const char *curve,
                                  uint32_t bits)
{
    size_t length, wanted_length, found_length;
    uint8_t *wanted, *der = certificate(type, &length, &wanted, &wanted_length);
    struct wire_object o = {0};
    const uint8_t *found;

    assert_true(spki_of_certificate(der, length, &found, &found_length));
    assert_int_equal(found_length, wanted_length);
    assert_memory_equal(found, wanted, wanted_length);
    assert_int_equal(spki_describe(found, found_length, &o), described);
    if (described) {
        assert_int_equal(o.bits, bits);
        assert_string_equal(o.curve, curve);
        assert_int_equal(o.spki_length, wanted_length);
        assert_memory_equal(o.spki, wanted, wanted_length);
    }
    wire_object_free(&o);
    OPENSSL_free(der);
    OPENSSL_free(wanted);
}

static void test_usual_keys(void **state)
{
    (void)state;
    found_as_openssl_does("RSA:2048", true, "", 2048);
    found_as_openssl_does("RSA:1023", true, "", 1023);
    found_as_openssl_does("P-256", true, "P-256", 256);
    found_as_openssl_does("P-384", true, "P-384", 384);
    found_as_openssl_does("P-521", true, "P-521", 521);
}

static void test_the_rest_is_left_to_openssl(void **state)
{
    (void)state;
    found_as_openssl_does("secp256k1", false, NULL, 0);
    found_as_openssl_does("ED25519", false, NULL, 0);
}

static void test_cut_anywhere(void **state)
{
    size_t length, spki_length, found_length;
    uint8_t *spki, *der = certificate("P-256", &length, &spki, &spki_length);
    const uint8_t *found;

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a step beyond */

        memcpy(exact, der, cut);
        assert_false(spki_of_certificate(exact, cut, &found, &found_length));
        free(exact);
    }
    for (size_t cut = 0; cut < spki_length; cut++) {
        struct wire_object o = {0};

        assert_false(spki_describe(spki, cut, &o));
        assert_null(o.spki);
    }
    OPENSSL_free(der);
    OPENSSL_free(spki);
}

/* The same key in another dress would not be equal, byte by byte, to what a key object gives. */
static void test_other_forms_are_left_to_openssl(void **state)
{
    size_t length, spki_length;
    uint8_t *spki, *der = certificate("P-256", &length, &spki, &spki_length);
    struct wire_object o = {0};

    (void)state;
    spki[26] = 2; /* a compressed point, by its first byte */
    assert_false(spki_describe(spki, spki_length, &o));
    OPENSSL_free(der);
    OPENSSL_free(spki);
    der = certificate("RSA:1024", &length, &spki, &spki_length);
    assert_int_equal(spki[21], 0); /* the unused bits of the BIT STRING */
    spki[21] = 1;
    assert_false(spki_describe(spki, spki_length, &o));
    OPENSSL_free(der);
    OPENSSL_free(spki);
}

static void made_as_openssl_does(EVP_PKEY *key, const struct buffer *made)
{
    uint8_t *wanted = NULL;
    int length = i2d_PUBKEY(key, &wanted);

    assert_int_equal(made->length, length);
    assert_memory_equal(made->data, wanted, made->length);
    OPENSSL_free(wanted);
}

static void rsa_is_made(const char *type)
{
    EVP_PKEY *key = make_key(type);
    BIGNUM *n = NULL, *e = NULL;
    uint8_t modulus[1024], exponent[16];
    struct spki_part parts[2] = {{modulus, 0}, {exponent, 0}};
    struct buffer made = BUFFER_INIT;

    assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(key, "e", &e), 1);
    /* Some tokens give numbers with zeros before them. */
    parts[0].length = (size_t)BN_bn2binpad(n, modulus, BN_num_bytes(n) + 2);
    parts[1].length = (size_t)BN_bn2binpad(e, exponent, 4);
    spki_from_rsa(parts[0], parts[1], &made);
    made_as_openssl_does(key, &made);
    buffer_free(&made);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_free(key);
}

static void ec_is_made(const char *type)
{
    EVP_PKEY *key = make_key(type);
    uint8_t point[256] = {V_ASN1_OCTET_STRING}, *parameters = NULL;
    int parameters_length = i2d_KeyParams(key, &parameters);
    struct buffer bare = BUFFER_INIT, wrapped = BUFFER_INIT;
    size_t length;

    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point + 3, 200, &length), 1);
    spki_from_ec((struct spki_part){parameters, (size_t)parameters_length},
                 (struct spki_part){point + 3, length}, &bare);
    made_as_openssl_does(key, &bare);
    point[1] = 0x81;
    point[2] = (uint8_t)length;
    if (length < 0x80) {
        point[1] = V_ASN1_OCTET_STRING;
        spki_from_ec((struct spki_part){parameters, (size_t)parameters_length},
                     (struct spki_part){point + 1, length + 2}, &wrapped);
    } else {
        spki_from_ec((struct spki_part){parameters, (size_t)parameters_length},
                     (struct spki_part){point, length + 3}, &wrapped);
    }
    made_as_openssl_does(key, &wrapped);
    buffer_free(&bare);
    buffer_free(&wrapped);
    OPENSSL_free(parameters);
    EVP_PKEY_free(key);
}

/* A bare point that goes on like an OCTET STRING of all that is left. */
static void test_a_point_that_looks_wrapped(void **state)
{
    static const struct {
        const char *parameters;
        size_t parameters_length, length;
    } cases[] = {
        {"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 65},
        {"\x06\x05\x2b\x81\x04\x00\x22", 7, 97},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t point[97] = {4, (uint8_t)(cases[i].length - 2), 4};
        struct buffer made = BUFFER_INIT;

        spki_from_ec(
            (struct spki_part){(const uint8_t *)cases[i].parameters, cases[i].parameters_length},
            (struct spki_part){point, cases[i].length}, &made);
        assert_true(made.length > cases[i].length);
        assert_memory_equal(made.data + made.length - cases[i].length, point, cases[i].length);
        buffer_free(&made);
    }
}

static void test_made_from_attributes(void **state)
{
    struct buffer nothing = BUFFER_INIT;

    (void)state;
    rsa_is_made("RSA:2048");
    rsa_is_made("RSA:1023");
    rsa_is_made("RSA:4096");
    ec_is_made("P-256");
    ec_is_made("P-384");
    ec_is_made("P-521");
    spki_from_rsa((struct spki_part){NULL, 0}, (struct spki_part){NULL, 0}, &nothing);
    spki_from_ec((struct spki_part){NULL, 0}, (struct spki_part){NULL, 0}, &nothing);
    assert_int_equal(nothing.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_keys),
        cmocka_unit_test(test_the_rest_is_left_to_openssl),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_other_forms_are_left_to_openssl),
        cmocka_unit_test(test_a_point_that_looks_wrapped),
        cmocka_unit_test(test_made_from_attributes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
