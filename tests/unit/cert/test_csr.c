/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what is in them, that their signature holds, and what is not taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "cert/csr.h"
#include "cert/name.h"
#include "make.h"
#include "soft.h"

static X509_NAME *subject(void)
{
    static const char text[] = "/C=DE/L=Bonn/O=Example AG/CN=Example AG";

    return name_parse(text, sizeof text - 1, NULL);
}

static X509_REQ *build(struct soft *s, enum signer_hash hash, const char *email, struct error *e)
{
    struct signer signer = soft_signer(s);
    X509_NAME *name = subject();
    struct csr_spec spec = {.subject = name, .email = email, .hash = hash};
    X509_REQ *r = csr_build(&spec, &signer, e);

    X509_NAME_free(name);
    return r;
}

static void has_extension(STACK_OF(X509_EXTENSION) * list, int nid, int critical,
                          const char *wanted)
{
    int at = X509v3_get_ext_by_NID(list, nid, -1);
    BIO *out = BIO_new(BIO_s_mem());
    X509_EXTENSION *x;
    char *text;

    assert_true(at >= 0);
    x = X509v3_get_ext(list, at);
    assert_int_equal(X509_EXTENSION_get_critical(x), critical);
    assert_int_equal(X509V3_EXT_print(out, x, 0, 0), 1);
    BIO_write(out, "", 1);
    BIO_get_mem_data(out, &text);
    assert_string_equal(text, wanted);
    BIO_free(out);
}

static void check_kind(const char *type, enum signer_hash hash, int algorithm)
{
    struct soft s = {.key = make_key(type)};
    struct error e = ERROR_INIT;
    X509_REQ *r = build(&s, hash, "sign@example.de", &e);
    STACK_OF(X509_EXTENSION) * list;
    struct buffer pem = BUFFER_INIT, der = BUFFER_INIT;
    X509_REQ *again;

    assert_non_null(r);
    assert_int_equal(s.signatures, 1);
    assert_int_equal(X509_REQ_get_signature_nid(r), algorithm);
    assert_int_equal(X509_REQ_verify(r, s.key), 1);
    assert_int_equal(EVP_MD_get_type(signer_hash_md(hash)), csr_digest(r));
    list = X509_REQ_get_extensions(r);
    assert_int_equal(sk_X509_EXTENSION_num(list), 3);
    has_extension(list, NID_key_usage, 1, "Digital Signature");
    has_extension(list, NID_ext_key_usage, 0, "Code Signing");
    has_extension(list, NID_subject_alt_name, 0, "email:sign@example.de");
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    assert_true(csr_encode(r, true, &pem, &e) && csr_encode(r, false, &der, &e));
    again = csr_load("pem", pem.data, pem.length, &e);
    assert_true(again != NULL && csr_verify(again, &e));
    X509_REQ_free(again);
    again = csr_load("der", der.data, der.length, &e);
    assert_true(again != NULL && csr_verify(again, &e));
    X509_REQ_free(again);
    assert_null(csr_load("cut", der.data, der.length - 1, &e));
    /* One bit of the subject. */
    der.data[40] ^= 1;
    again = csr_load("changed", der.data, der.length, &e);
    assert_true(again == NULL || !csr_verify(again, &e));
    X509_REQ_free(again);
    buffer_free(&pem);
    buffer_free(&der);
    X509_REQ_free(r);
    EVP_PKEY_free(s.key);
}

static void test_kinds(void **state)
{
    (void)state;
    check_kind("RSA:2048", SIGNER_SHA256, NID_sha256WithRSAEncryption);
    check_kind("RSA:2048", SIGNER_SHA384, NID_sha384WithRSAEncryption);
    check_kind("P-256", SIGNER_SHA256, NID_ecdsa_with_SHA256);
    check_kind("P-384", SIGNER_SHA384, NID_ecdsa_with_SHA384);
    check_kind("P-521", SIGNER_SHA256, NID_ecdsa_with_SHA256);
}

static void test_wrong_key(void **state)
{
    struct soft s = {.key = make_key("P-256"), .other = make_key("P-256")};
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(build(&s, SIGNER_SHA256, NULL, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    EVP_PKEY_free(s.key);
    EVP_PKEY_free(s.other);
}

static void test_email(void **state)
{
    static const char *const good[] = {"a@b.de", "first.last+tag@mail.example-1.com"};
    static const char *const bad[] = {
        "",         "a",          "@b.de",         "a@",     "a@b",     "a b@c.de",
        "a@b..de",  "a@-b.de",    "a@b.de,c@d.de", "ä@b.de", ".a@b.de", "a.@b.de",
        "a@b.de\n", "\"a\"@b.de", "a@b-.de",       "a@@b.de"};
    struct soft s = {.key = make_key("P-256")};
    struct error e = ERROR_INIT;
    char large[400];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(csr_check_email(good[i], NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(csr_check_email(bad[i], NULL));
    memset(large, 'a', sizeof large);
    strcpy(large + 65, "@b.de");
    assert_false(csr_check_email(large, NULL));
    assert_null(build(&s, SIGNER_SHA256, "no address", &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(s.signatures, 0);
    EVP_PKEY_free(s.key);
}

static void test_load(void **state)
{
    static const char garbage[] = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END "
                                  "CERTIFICATE REQUEST-----\n";
    struct error e = ERROR_INIT;
    char *large = calloc(1, CSR_FILE_MAX + 1);

    (void)state;
    assert_null(csr_load("empty", NULL, 0, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_null(csr_load("garbage", garbage, sizeof garbage - 1, &e));
    assert_null(csr_load("large", large, CSR_FILE_MAX + 1, &e));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_email),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
