/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of the CAs finds what it is for, and nothing in what keeps them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "cert/lint.h"
#include "cert/name.h"
#include "cert/roca.h"
#include "make.h"

static EVP_PKEY *good_key; /* P-256 */

static const char good_subject[] = "/C=DE/L=Bonn/O=Example AG/CN=Example AG";
static const struct lint_key good_facts = {
    .extractable = 0, .never_extractable = 1, .sensitive = 1, .local = 1};

static bool has(const struct lint *found, const char *rule, enum lint_level level)
{
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->finding[i].rule, rule) == 0) {
            assert_int_equal(found->finding[i].level, level);
            assert_true(strlen(found->finding[i].text) > 0);
            assert_true(strlen(found->finding[i].section) > 0);
            assert_true(lint_is_rule(rule));
            return true;
        }
    return false;
}

/* The one finding is `rule`; NULL: there is none. */
static void expect(const char *subject, EVP_PKEY *key, int digest, const struct lint_key *facts,
                   const char *rule, enum lint_level level)
{
    X509_NAME *name = name_parse(subject, strlen(subject), NULL);
    struct lint found;

    assert_non_null(name);
    lint_request(name, key, digest, facts, &found);
    assert_int_equal(found.count, rule == NULL ? 0 : 1);
    if (rule != NULL)
        assert_true(has(&found, rule, level));
    X509_NAME_free(name);
}

static void expect_subject(const char *subject, const char *rule, enum lint_level level)
{
    expect(subject, good_key, NID_sha256, &good_facts, rule, level);
}

static void expect_key(EVP_PKEY *key, const char *rule, enum lint_level level)
{
    expect(good_subject, key, NID_sha256, &good_facts, rule, level);
    EVP_PKEY_free(key);
}

static void expect_facts(const struct lint_key *facts, const char *rule, enum lint_level level)
{
    expect(good_subject, good_key, NID_sha256, facts, rule, level);
}

static void test_subjects(void **state)
{
    (void)state;
    expect_subject(good_subject, NULL, LINT_ERROR);
    expect_subject("/C=XX/ST=Kosovo/O=a/CN=a", NULL, LINT_ERROR);
    expect_subject("/L=Bonn/O=a/CN=a", "country", LINT_ERROR);
    expect_subject("/C=de/L=Bonn/O=a/CN=a", "country-code", LINT_ERROR);
    expect_subject("/C=UK/L=Bonn/O=a/CN=a", "country-code", LINT_ERROR);
    expect_subject("/C=D /L=Bonn/O=a/CN=a", "country-code", LINT_ERROR);
    expect_subject("/C=DE/O=a/CN=a", "place", LINT_ERROR);
    expect_subject("/C=DE/L=Bonn/CN=a", "organization", LINT_ERROR);
    expect_subject("/C=DE/L=Bonn/O=a", "common-name", LINT_ERROR);
    expect_subject("/C=DE/L=Bonn/O=a/CN=b", "common-name-differs", LINT_WARNING);
    expect_subject("/C=DE/L=Bonn/O=a/OU=b/CN=a", "unit", LINT_WARNING);
    expect_subject("/DC=de/C=DE/L=Bonn/O=a/CN=a", "domain-component", LINT_ERROR);
    expect_subject("/C=DE/ST=-/L=Bonn/O=a/CN=a", "placeholder", LINT_ERROR);
    expect_subject("/C=DE/ST=Some-State/L=Bonn/O=a/CN=a", "placeholder", LINT_ERROR);
}

static void test_foreign_subject(void **state)
{
    X509_NAME *name = name_parse(good_subject, sizeof good_subject - 1, NULL);
    char longer[70];
    struct lint found;

    (void)state;
    memset(longer, 'x', sizeof longer);
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_localityName, V_ASN1_UTF8STRING,
                                                (const uint8_t *)"Köln", -1, -1, 0),
                     1);
    lint_request(name, good_key, NID_sha256, &good_facts, &found);
    assert_true(has(&found, "subject", LINT_ERROR));
    X509_NAME_free(name);
    name = X509_NAME_new();
    X509_NAME_add_entry_by_NID(name, NID_organizationName, V_ASN1_UTF8STRING, (uint8_t *)longer,
                               sizeof longer, -1, 0);
    lint_request(name, good_key, NID_sha256, &good_facts, &found);
    assert_true(has(&found, "subject", LINT_ERROR));
    assert_non_null(strstr(found.finding[0].text, "70 characters"));
    X509_NAME_free(name);
}

/* An RSA public key of these numbers, in hexadecimal. */
static EVP_PKEY *rsa_key(const BIGNUM *n, const char *exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;
    BIGNUM *e = NULL;

    assert_true(BN_hex2bn(&e, exponent) > 0);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    return key;
}

static BIGNUM *modulus_of(EVP_PKEY *key)
{
    BIGNUM *n = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    return n;
}

static void test_keys(void **state)
{
    EVP_PKEY *rsa = make_key("RSA:3072");
    BIGNUM *n = modulus_of(rsa), *even = BN_dup(n), *multiple = BN_dup(n);

    (void)state;
    expect_key(rsa_key(n, "010001"), NULL, LINT_ERROR);
    expect_key(rsa_key(n, "010003"), NULL, LINT_ERROR);
    expect_key(rsa_key(n, "03"), "exponent-range", LINT_WARNING);
    expect_key(rsa_key(n, "FFFF"), "exponent-range", LINT_WARNING);
    expect_key(rsa_key(n, "01000000000000000000000000000000000000000000000000000000000000000001"),
               "exponent-range", LINT_WARNING);
    expect_key(rsa_key(n, "010002"), "exponent", LINT_ERROR);
    expect_key(rsa_key(n, "01"), "exponent", LINT_ERROR);
    BN_sub_word(even, 1);
    expect_key(rsa_key(even, "010001"), "modulus", LINT_ERROR);
    BN_mul_word(multiple, 751);
    expect_key(rsa_key(multiple, "010001"), "modulus", LINT_ERROR);
    expect_key(make_key("RSA:2048"), "key-size", LINT_ERROR);
    expect_key(make_key("P-384"), NULL, LINT_ERROR);
    expect_key(make_key("P-521"), NULL, LINT_ERROR);
    expect_key(make_key("secp256k1"), "curve", LINT_ERROR);
    expect_key(make_key("brainpoolP256r1"), "curve", LINT_ERROR);
    expect_key(make_key("ED25519"), "key-type", LINT_ERROR);
    BN_free(n);
    BN_free(even);
    BN_free(multiple);
    EVP_PKEY_free(rsa);
}

static void test_digests(void **state)
{
    (void)state;
    expect(good_subject, good_key, NID_sha384, &good_facts, NULL, LINT_ERROR);
    expect(good_subject, good_key, NID_sha1, &good_facts, "weak-digest", LINT_ERROR);
    expect(good_subject, good_key, NID_undef, &good_facts, "weak-digest", LINT_ERROR);
}

static void test_facts(void **state)
{
    struct lint_key f = good_facts;

    (void)state;
    f.extractable = 1;
    expect_facts(&f, "key-extractable", LINT_ERROR);
    f = good_facts;
    f.sensitive = 0;
    expect_facts(&f, "key-not-sensitive", LINT_ERROR);
    f = good_facts;
    f.local = 0;
    expect_facts(&f, "key-imported", LINT_WARNING);
    f.attested = true;
    expect_facts(&f, NULL, LINT_ERROR);
    f = good_facts;
    f.never_extractable = 0;
    expect_facts(&f, "key-imported", LINT_WARNING);
    f = good_facts;
    f.local = LINT_UNKNOWN;
    expect_facts(&f, "key-untold", LINT_WARNING);
    f.not_looked = true;
    expect_facts(&f, NULL, LINT_ERROR);
}

/* k * M + (65537^a mod M), where M is the product of the primes up to 701: the form of the weak
 * primes of 1024 bits (paper, section 2.1 and table 1). */
static BIGNUM *weak_prime(BN_CTX *ctx)
{
    BIGNUM *m = BN_new(), *g = BN_new(), *a = BN_new(), *p = BN_new(), *k = BN_new();

    BN_one(m);
    for (unsigned n = 2; n <= 701; n++) {
        unsigned d = 2;

        while (d * d <= n && n % d != 0)
            d++;
        if (d * d > n)
            BN_mul_word(m, n);
    }
    BN_set_word(g, 65537);
    do {
        BN_rand(k, 1024 - BN_num_bits(m), BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
        BN_rand(a, 200, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        BN_mod_exp(p, g, a, m, ctx);
        BN_mul(k, k, m, ctx);
        BN_add(p, p, k);
    } while (BN_check_prime(p, ctx, NULL) != 1);
    BN_free(m);
    BN_free(g);
    BN_free(a);
    BN_free(k);
    return p;
}

static void test_roca(void **state)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = weak_prime(ctx), *q = weak_prime(ctx), *n = BN_new(), *sound;
    EVP_PKEY *weak, *other = make_key("RSA:2048");
    X509_NAME *name = name_parse(good_subject, sizeof good_subject - 1, NULL);
    struct lint found;

    (void)state;
    BN_mul(n, p, q, ctx);
    assert_true(roca_has_fingerprint(n));
    weak = rsa_key(n, "010001");
    lint_request(name, weak, NID_sha256, &good_facts, &found);
    assert_true(has(&found, "roca", LINT_ERROR));
    sound = modulus_of(other);
    assert_false(roca_has_fingerprint(sound));
    X509_NAME_free(name);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(other);
    BN_free(sound);
    BN_free(p);
    BN_free(q);
    BN_free(n);
    BN_CTX_free(ctx);
}

static void test_order(void **state)
{
    static const char subject[] = "/C=de/L=Bonn/O=a/OU=b/CN=c/DC=x";
    X509_NAME *name = name_parse(subject, sizeof subject - 1, NULL);
    struct lint found;
    bool warned = false;

    (void)state;
    lint_request(name, good_key, NID_sha1, &good_facts, &found);
    assert_int_equal(found.count, 5);
    for (size_t i = 0; i < found.count; i++) {
        warned = warned || found.finding[i].level == LINT_WARNING;
        assert_true(!warned || found.finding[i].level == LINT_WARNING);
    }
    assert_true(warned);
    assert_false(lint_is_rule("all"));
    X509_NAME_free(name);
}

static int set_up(void **state)
{
    (void)state;
    good_key = make_key("P-256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(good_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects), cmocka_unit_test(test_foreign_subject),
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_digests),
        cmocka_unit_test(test_facts),    cmocka_unit_test(test_roca),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
