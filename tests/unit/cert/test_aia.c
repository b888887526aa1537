/* SPDX-License-Identifier: Apache-2.0 */
/* Issuers from the addresses in certificates. The world outside is a table here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <stdlib.h>
#include <string.h>

#include "cert/aia.h"
#include "cert/chain.h"
#include "cert/load.h"
#include "make.h"

enum { CHAIN = 8 };

/* A chain from a root to a leaf; number i says that its issuer is at http://ca.test/(i-1). */
struct rig {
    EVP_PKEY *key[CHAIN];
    X509 *cert[CHAIN];
    struct buffer at[CHAIN]; /* what is at http://ca.test/i; empty: nothing */
    size_t fetched;
    STACK_OF(X509) * pool;
};

static void publish(struct rig *r, int i, X509 *x)
{
    unsigned char *der = NULL;
    int length = i2d_X509(x, &der);

    buffer_reset(&r->at[i]);
    buffer_append(&r->at[i], der, (size_t)length);
    OPENSSL_free(der);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    for (int i = 0; i < CHAIN; i++) {
        char name[] = {'c', (char)('0' + i), '\0'};
        char access[] = "OCSP;URI:http://ocsp.test,caIssuers;URI:http://ca.test/0";
        struct certificate c = {.name = name, .ca = i < CHAIN - 1};

        r->key[i] = c.key = make_key("P-256");
        if (i > 0) {
            access[sizeof access - 2] = (char)('0' + i - 1);
            c.issuer = r->cert[i - 1];
            c.issuer_key = r->key[i - 1];
            c.access = access;
        }
        r->cert[i] = make_certificate(&c);
        publish(r, i, r->cert[i]);
    }
    r->pool = sk_X509_new_null();
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < CHAIN; i++) {
        X509_free(r->cert[i]);
        EVP_PKEY_free(r->key[i]);
        buffer_free(&r->at[i]);
    }
    sk_X509_pop_free(r->pool, X509_free);
    free(r);
    return 0;
}

static bool fetch(void *data, const char *url, struct buffer *out, struct error *e)
{
    static const char base[] = "http://ca.test/";
    struct rig *r = data;
    const struct buffer *b;

    assert_memory_equal(url, base, sizeof base - 1);
    b = &r->at[url[sizeof base - 1] - '0'];
    r->fetched++;
    if (b->length == 0)
        return error_set(e, ERROR_SYSTEM, "nobody is there");
    buffer_append(out, b->data, b->length);
    return true;
}

/* From certificate `leaf` to its root. */
static bool complete(struct rig *r, int leaf, size_t *count, struct error *e)
{
    return aia_complete(r->cert[leaf], r->pool, NULL, fetch, r, count, e);
}

static void test_addresses(void **state)
{
    struct certificate c = {.name = "x",
                            .key = make_key("P-256"),
                            .access = "caIssuers;URI:ldap://ca.test/,OCSP;URI:http://ocsp.test/,"
                                      "caIssuers;URI:HTTPS://ca.test/a,caIssuers;DNS:ca.test,"
                                      "caIssuers;URI:http://ca.test/b c,"
                                      "caIssuers;URI:http://ca.test/d"};
    X509 *x = make_certificate(&c);
    char *url = aia_url(x, 0);

    (void)state;
    assert_string_equal(url, "HTTPS://ca.test/a");
    free(url);
    url = aia_url(x, 1);
    assert_string_equal(url, "http://ca.test/d");
    free(url);
    assert_null(aia_url(x, 2));
    X509_free(x);
    c.access = NULL;
    x = make_certificate(&c);
    assert_null(aia_url(x, 0));
    X509_free(x);
    EVP_PKEY_free(c.key);
}

static void test_complete(void **state)
{
    struct rig *r = *state;
    struct error e = ERROR_INIT;
    STACK_OF(X509) * chain;
    char *missing;
    size_t count;

    assert_true(complete(r, 3, &count, &e));
    assert_int_equal(count, 3);
    chain = cert_chain_build(r->cert[3], r->pool, &missing, &e);
    assert_null(missing);
    assert_int_equal(sk_X509_num(chain), 3);
    make_free_stack(chain);
    /* Nothing is missing now. */
    r->fetched = 0;
    assert_true(complete(r, 3, &count, &e));
    assert_int_equal(count, 0);
    assert_int_equal(r->fetched, 0);
}

static void test_forms(void **state)
{
    struct rig *r = *state;
    PKCS7 *p7 = PKCS7_new();
    BIO *pem = BIO_new(BIO_s_mem());
    struct error e = ERROR_INIT;
    unsigned char *der = NULL;
    char *text;
    size_t count;
    int length;

    /* p7c, with others in it too */
    PKCS7_set_type(p7, NID_pkcs7_signed);
    PKCS7_content_new(p7, NID_pkcs7_data);
    PKCS7_add_certificate(p7, r->cert[5]);
    PKCS7_add_certificate(p7, r->cert[1]);
    length = i2d_PKCS7(p7, &der);
    buffer_reset(&r->at[1]);
    buffer_append(&r->at[1], der, (size_t)length);
    OPENSSL_free(der);
    PKCS7_free(p7);
    PEM_write_bio_X509(pem, r->cert[0]);
    length = (int)BIO_get_mem_data(pem, &text);
    buffer_reset(&r->at[0]);
    buffer_append(&r->at[0], text, (size_t)length);
    BIO_free(pem);

    assert_true(complete(r, 2, &count, &e));
    assert_int_equal(count, 2);
    assert_int_equal(sk_X509_num(r->pool), 2);
}

static void test_too_many(void **state)
{
    struct rig *r = *state;
    struct error e = ERROR_INIT;
    size_t count;

    assert_false(complete(r, 6, &count, &e));
    assert_int_equal(e.code, ERROR_MISSING);
    assert_non_null(strstr(e.text, "more than 4 certificates are missing"));
    assert_int_equal(count, 4);
    assert_int_equal(r->fetched, 4);
}

static void assert_missing(struct rig *r, const char *why)
{
    struct error e = ERROR_INIT;
    size_t count;

    assert_false(complete(r, 3, &count, &e));
    assert_int_equal(e.code, ERROR_MISSING);
    if (strstr(e.text, "CN=c1' could not be fetched: ") == NULL || strstr(e.text, why) == NULL)
        fail_msg("'%s' is not in: %s", why, e.text);
    assert_int_equal(count, 1);
    X509_free(sk_X509_pop(r->pool));
}

static void test_what_cannot_be_had(void **state)
{
    struct rig *r = *state;
    struct certificate same = {.name = "c1", .key = r->key[4], .ca = true};
    X509 *x;

    buffer_reset(&r->at[1]);
    assert_missing(r, "nobody is there");
    buffer_append_text(&r->at[1], "<html>Please log in</html>");
    assert_missing(r, "the answer");
    /* The right certificate of another subject; the right name with another key. */
    publish(r, 1, r->cert[4]);
    assert_missing(r, "did not issue");
    x = make_certificate(&same);
    publish(r, 1, x);
    assert_missing(r, "did not issue");
    X509_free(x);
    buffer_reset(&r->at[1]);
    memset(buffer_extend(&r->at[1], AIA_MAX + 1), ' ', AIA_MAX + 1);
    assert_missing(r, "larger than 1 MiB");
}

/* What is known need not be fetched; what only has the right name does not help. */
static void test_known(void **state)
{
    struct rig *r = *state;
    struct certificate same = {.name = "c1", .key = r->key[4], .ca = true};
    X509 *namesake = make_certificate(&same);
    X509_STORE *known = X509_STORE_new();
    struct error e = ERROR_INIT;
    size_t count;

    X509_STORE_add_cert(known, r->cert[0]);
    X509_STORE_add_cert(known, namesake);
    assert_true(aia_complete(r->cert[3], r->pool, known, fetch, r, &count, &e));
    assert_int_equal(count, 2);
    assert_int_equal(r->fetched, 2);
    assert_int_equal(sk_X509_num(r->pool), 3);
    X509_STORE_free(known);
    X509_free(namesake);
}

/* Two CAs that issue each other, both known, and no root: the way up has an end nevertheless. */
static void test_circle(void **state)
{
    struct rig *r = *state;
    struct certificate one = {.name = "one", .key = r->key[4], .ca = true};
    struct certificate two = {.name = "two", .key = r->key[5], .ca = true};
    X509 *root_one = make_certificate(&one), *root_two = make_certificate(&two);
    X509_STORE *known = X509_STORE_new();
    struct error e = ERROR_INIT;
    X509 *leaf, *cross_one, *cross_two;
    size_t count;

    one.issuer = root_two;
    one.issuer_key = r->key[5];
    two.issuer = root_one;
    two.issuer_key = r->key[4];
    cross_one = make_certificate(&one);
    cross_two = make_certificate(&two);
    leaf = make_certificate(&(struct certificate){
        .name = "leaf", .key = r->key[6], .issuer = cross_one, .issuer_key = r->key[4]});
    X509_STORE_add_cert(known, cross_one);
    X509_STORE_add_cert(known, cross_two);
    assert_false(aia_complete(leaf, r->pool, known, fetch, r, &count, &e));
    assert_int_equal(e.code, ERROR_MISSING);
    assert_non_null(strstr(e.text, "in a circle"));
    assert_int_equal(count, 0);
    assert_int_equal(sk_X509_num(r->pool), 2);
    X509_STORE_free(known);
    X509_free(root_one);
    X509_free(root_two);
    X509_free(cross_one);
    X509_free(cross_two);
    X509_free(leaf);
}

/* A certificate that tells no address. */
static void test_no_address(void **state)
{
    struct rig *r = *state;
    struct certificate c = {
        .name = "last", .key = r->key[7], .issuer = r->cert[2], .issuer_key = r->key[2]};
    X509 *leaf = make_certificate(&c);
    struct error e = ERROR_INIT;
    size_t count;

    assert_false(aia_complete(leaf, r->pool, NULL, fetch, r, &count, &e));
    assert_non_null(strstr(e.text, "does not say where it is to be had"));
    assert_int_equal(r->fetched, 0);
    X509_free(leaf);
}

/* Nobody's server decides how long a password is worked on. */
static void test_no_pkcs12(void **state)
{
    struct rig *r = *state;
    PKCS12 *p12 = PKCS12_create("", NULL, NULL, r->cert[0], NULL, -1, -1, 0, -1, 0);
    STACK_OF(X509) *plain = sk_X509_new_null();
    struct error e = ERROR_INIT;
    unsigned char *der = NULL;
    int length = i2d_PKCS12(p12, &der);

    assert_true(cert_load("it", der, (size_t)length, plain, &e));
    assert_null(aia_issuer(r->cert[1], der, (size_t)length, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    sk_X509_pop_free(plain, X509_free);
    OPENSSL_free(der);
    PKCS12_free(p12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_addresses),          TEST(test_complete),   TEST(test_forms), TEST(test_too_many),
        TEST(test_what_cannot_be_had), TEST(test_no_address), TEST(test_known), TEST(test_circle),
        TEST(test_no_pkcs12),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
