/* SPDX-License-Identifier: Apache-2.0 */
/* Digest names, mechanisms, and the check of a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/signer.h"

static void hashes(void **state)
{
    static const struct {
        const char *name;
        enum signer_hash hash;
        int size;
    } cases[] = {
        {"sha256", SIGNER_SHA256, 32},
        {"sha384", SIGNER_SHA384, 48},
        {"sha512", SIGNER_SHA512, 64},
    };
    enum signer_hash hash;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(signer_hash_parse(cases[i].name, &hash));
        assert_int_equal(hash, cases[i].hash);
        assert_string_equal(signer_hash_name(hash), cases[i].name);
        assert_int_equal(EVP_MD_get_size(signer_hash_md(hash)), cases[i].size);
    }
    assert_false(signer_hash_parse("sha1", &hash));
    assert_false(signer_hash_parse("SHA256", &hash));
    assert_false(signer_hash_parse("", &hash));
}

static void mechanisms(void **state)
{
    static const struct {
        const char *type, *curve;
        bool fits;
        enum signer_mechanism mechanism;
    } cases[] = {
        {"RSA", NULL, true, SIGNER_RSA_PKCS1},
        {"EC", "P-256", true, SIGNER_ECDSA},
        {"ED25519", NULL, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVP_PKEY *key = cases[i].curve != NULL ? EVP_EC_gen(cases[i].curve)
                        : i == 0               ? EVP_RSA_gen(2048)
                                               : EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
        enum signer_mechanism mechanism = SIGNER_RSA_PKCS1;
        struct error e = ERROR_INIT;

        assert_int_equal(signer_mechanism_for(key, &mechanism, &e), cases[i].fits);
        if (cases[i].fits)
            assert_int_equal(mechanism, cases[i].mechanism);
        else
            assert_int_equal(e.code, ERROR_UNFIT);
        EVP_PKEY_free(key);
    }
}

static size_t sign(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                   uint8_t *signature, size_t capacity)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    assert_true(EVP_PKEY_sign_init(ctx) > 0);
    assert_true(EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(hash)) > 0);
    assert_true(EVP_PKEY_sign(ctx, signature, &capacity, digest, length) > 0);
    EVP_PKEY_CTX_free(ctx);
    return capacity;
}

static void check_key(EVP_PKEY *key, EVP_PKEY *other)
{
    for (enum signer_hash hash = SIGNER_SHA256; hash <= SIGNER_SHA512; hash++) {
        size_t length = (size_t)EVP_MD_get_size(signer_hash_md(hash)), size;
        uint8_t digest[64], signature[512];
        struct error e = ERROR_INIT;

        memset(digest, 0x5a + (int)hash, sizeof digest);
        size = sign(key, hash, digest, length, signature, sizeof signature);
        assert_true(signer_verify(key, hash, digest, length, signature, size, &e));
        assert_false(signer_verify(other, hash, digest, length, signature, size, &e));
        assert_int_equal(e.code, ERROR_SIGNATURE);
        assert_false(signer_verify(key, hash, digest, length, signature, size - 1, &e));
        assert_false(signer_verify(key, hash, digest, length, signature, 0, &e));
        digest[0] ^= 1;
        assert_false(signer_verify(key, hash, digest, length, signature, size, &e));
        digest[0] ^= 1;
        signature[size - 1] ^= 1;
        assert_false(signer_verify(key, hash, digest, length, signature, size, &e));
        assert_non_null(strstr(e.text, "does not fit"));
    }
}

static void verifies(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *p256 = EVP_EC_gen("P-256"), *p384 = EVP_EC_gen("P-384");

    (void)state;
    check_key(rsa, p256);
    check_key(p256, p384);
    check_key(p384, rsa);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(mechanisms),
        cmocka_unit_test(verifies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
