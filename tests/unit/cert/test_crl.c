/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists from files, in the forms that CAs publish them in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/pem.h>
#include <string.h>

#include "base/buffer.h"
#include "cert/crl.h"
#include "make.h"

static EVP_PKEY *key;
static X509 *ca;

static int set_up(void **state)
{
    (void)state;
    key = make_key("P-256");
    ca = make_certificate(&(struct certificate){.name = "CA", .key = key, .ca = true});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(ca);
    return 0;
}

static X509_CRL *make_list(void)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, YEAR_2020), *to = ASN1_TIME_set(NULL, YEAR_2026);

    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, to), 1);
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return crl;
}

static void append_bio(struct buffer *out, BIO *bio)
{
    char *text;
    long length = BIO_get_mem_data(bio, &text);

    buffer_append(out, text, (size_t)length);
    BIO_free(bio);
}

static void append_pem_list(struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_CRL *crl = make_list();

    assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    append_bio(out, bio);
    X509_CRL_free(crl);
}

static void append_pem_certificate(struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_X509(bio, ca), 1);
    append_bio(out, bio);
}

static void append_der(struct buffer *out)
{
    X509_CRL *crl = make_list();
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);

    assert_true(length > 0);
    buffer_append(out, der, (size_t)length);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

/* How many lists are in it; -1: it is refused, and the reason says `says`. */
static int load(const struct buffer *bytes, const char *says)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    struct error e = ERROR_INIT;
    bool loaded = cert_crl_load("lists.crl", bytes->data, bytes->length, lists, &e);
    int count = loaded ? sk_X509_CRL_num(lists) : -1;

    if (!loaded) {
        assert_int_equal(e.code, ERROR_FORMAT);
        if (says == NULL || strstr(e.text, says) == NULL || strstr(e.text, "'lists.crl'") == NULL)
            fail_msg("%s", e.text);
        assert_int_equal(sk_X509_CRL_num(lists), 0);
    }
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    return count;
}

static void forms(void **state)
{
    struct buffer bytes = BUFFER_INIT;

    (void)state;
    append_der(&bytes);
    assert_int_equal(load(&bytes, NULL), 1);
    buffer_reset(&bytes);
    append_pem_list(&bytes);
    assert_int_equal(load(&bytes, NULL), 1);
    buffer_append_text(&bytes, "some text between them\n");
    append_pem_certificate(&bytes);
    append_pem_list(&bytes);
    assert_int_equal(load(&bytes, NULL), 2);
    buffer_free(&bytes);
}

static void refused(void **state)
{
    struct buffer bytes = BUFFER_INIT;
    char *end;

    (void)state;
    assert_int_equal(load(&bytes, "no revocation list in it"), -1);
    buffer_append_text(&bytes, "hello\n");
    assert_int_equal(load(&bytes, "no revocation list in it"), -1);
    buffer_reset(&bytes);
    append_pem_certificate(&bytes);
    assert_int_equal(load(&bytes, "no revocation list in it"), -1);

    buffer_reset(&bytes);
    append_der(&bytes);
    buffer_append_byte(&bytes, 0);
    assert_int_equal(load(&bytes, "cannot be read"), -1);
    bytes.length -= 2;
    assert_int_equal(load(&bytes, "cannot be read"), -1);

    buffer_reset(&bytes);
    append_pem_list(&bytes);
    append_pem_list(&bytes);
    end = memmem(bytes.data, bytes.length, "-----END", 8);
    assert_non_null(end);
    end[-3] = '*';
    assert_int_equal(load(&bytes, "a PEM block that cannot be read"), -1);
    buffer_free(&bytes);
}

static void missing_file(void **state)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    struct error e = ERROR_INIT;

    (void)state;
    assert_false(cert_crl_load_file("/nonexistent/list.crl", lists, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(sk_X509_CRL_num(lists), 0);
    sk_X509_CRL_free(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(missing_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
