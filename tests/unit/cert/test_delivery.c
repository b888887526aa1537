/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA sent is put in order by what it proves, not by the order it came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "cert/delivery.h"
#include "cert/view.h"
#include "make.h"

enum { SIGNING_KEYS = 3 };

static EVP_PKEY *ca_key, *sub_key, *keys[SIGNING_KEYS];
static X509 *root, *sub, *leaf, *older, *other;

static X509 *make_ca(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    return make_certificate(&(struct certificate){.name = name,
                                                  .key = key,
                                                  .issuer = issuer,
                                                  .issuer_key = issuer_key,
                                                  .serial = 7,
                                                  .ca = true,
                                                  .usage = "critical,keyCertSign"});
}

static X509 *make_leaf(const char *name, EVP_PKEY *key, long serial, time_t to)
{
    return make_certificate(&(struct certificate){.name = name,
                                                  .key = key,
                                                  .issuer = sub,
                                                  .issuer_key = sub_key,
                                                  .serial = serial,
                                                  .from = YEAR_2020,
                                                  .to = to,
                                                  .usage = "critical,digitalSignature",
                                                  .purposes = "codeSigning"});
}

static int make_all(void **state)
{
    (void)state;
    ca_key = make_key("P-256");
    sub_key = make_key("P-256");
    for (int i = 0; i < SIGNING_KEYS; i++)
        keys[i] = make_key("P-256");
    root = make_ca("Root", ca_key, NULL, NULL);
    sub = make_ca("Sub", sub_key, root, ca_key);
    leaf = make_leaf("Leaf", keys[0], 1, YEAR_2040);
    older = make_leaf("Leaf", keys[0], 2, YEAR_2026);
    other = make_leaf("Other", keys[1], 3, YEAR_2040);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    X509_free(root);
    X509_free(sub);
    X509_free(leaf);
    X509_free(older);
    X509_free(other);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(sub_key);
    for (int i = 0; i < SIGNING_KEYS; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

static void twice(void **state)
{
    STACK_OF(X509) *sent = make_stack(leaf, root, leaf, sub, root, leaf, NULL);
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(delivery_unique(sent, &e));
    assert_int_equal(sk_X509_num(sent), 3);
    assert_ptr_equal(sk_X509_value(sent, 0), leaf);
    assert_ptr_equal(sk_X509_value(sent, 1), root);
    assert_ptr_equal(sk_X509_value(sent, 2), sub);
    make_free_stack(sent);
}

static void too_many(void **state)
{
    STACK_OF(X509) *sent = sk_X509_new_null();
    struct error e = ERROR_INIT;

    (void)state;
    for (int i = 0; i <= DELIVERY_MAX; i++)
        sk_X509_push(sent, make_leaf("Leaf", keys[0], 100 + i, YEAR_2040));
    assert_false(delivery_unique(sent, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, "101 different"));
    X509_free(sk_X509_pop(sent));
    assert_true(delivery_unique(sent, &e));
    make_free_stack(sent);
}

static void by_key(void **state)
{
    STACK_OF(X509) *sent = make_stack(root, older, sub, leaf, NULL);
    struct error e = ERROR_INIT;
    size_t which = 9;

    (void)state;
    assert_ptr_equal(delivery_leaf(sent, keys, SIGNING_KEYS, &which, &e), leaf);
    assert_int_equal(which, 0);
    assert_null(delivery_leaf(sent, keys + 1, SIGNING_KEYS - 1, &which, &e));
    assert_int_equal(e.code, ERROR_NONE);
    /* A CA's key on the token makes no signer of it. */
    assert_null(delivery_leaf(sent, &sub_key, 1, &which, &e));
    assert_int_equal(e.code, ERROR_NONE);
    sk_X509_push(sent, other);
    X509_up_ref(other);
    assert_null(delivery_leaf(sent, keys, SIGNING_KEYS, &which, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(ERR_peek_error(), 0);
    make_free_stack(sent);
}

static void check_chain(STACK_OF(X509) * sent, STACK_OF(X509) * known, const char *missing)
{
    struct error e = ERROR_INIT;
    struct delivery d;

    assert_true(delivery_chain(leaf, sent, known, &d, &e));
    assert_ptr_equal(d.leaf, leaf);
    if (missing == NULL || strcmp(missing, "O=Practice, CN=Root") == 0) {
        assert_int_equal(sk_X509_num(d.issuers), 1);
        assert_ptr_equal(sk_X509_value(d.issuers, 0), sub);
    } else {
        assert_int_equal(sk_X509_num(d.issuers), 0);
    }
    if (missing == NULL)
        assert_null(d.missing);
    else
        assert_string_equal(d.missing, missing);
    delivery_free(&d);
    make_free_stack(sent);
    make_free_stack(known);
}

static void chains(void **state)
{
    (void)state;
    check_chain(make_stack(root, leaf, sub, NULL), NULL, NULL);
    check_chain(make_stack(sub, leaf, NULL), NULL, "O=Practice, CN=Root");
    check_chain(make_stack(leaf, NULL), make_stack(sub, root, NULL), NULL);
    check_chain(make_stack(leaf, NULL), NULL, "O=Practice, CN=Sub");
    check_chain(make_stack(leaf, root, NULL), NULL, "O=Practice, CN=Sub");
}

static void check_refused(X509 *of, STACK_OF(X509) * sent, const char *why)
{
    struct error e = ERROR_INIT;
    struct delivery d;

    assert_false(delivery_chain(of, sent, NULL, &d, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(e.text, why));
    assert_int_equal(ERR_peek_error(), 0);
    delivery_free(&d);
    make_free_stack(sent);
}

static void false_issuers(void **state)
{
    X509 *forged = make_ca("Sub", keys[2], root, ca_key);
    X509 *false_root = make_ca("Root", keys[2], NULL, NULL);
    X509 *no_ca = make_certificate(&(struct certificate){.name = "Sub",
                                                         .key = sub_key,
                                                         .issuer = root,
                                                         .issuer_key = ca_key,
                                                         .serial = 9,
                                                         .usage = "critical,digitalSignature"});

    (void)state;
    check_refused(leaf, make_stack(forged, leaf, root, NULL), "'Leaf' was not signed by");
    check_refused(leaf, make_stack(sub, false_root, leaf, NULL), "'Sub' was not signed by");
    check_refused(leaf, make_stack(no_ca, leaf, root, NULL), "may not issue");
    /* The right one beside a false one is found. */
    check_chain(make_stack(forged, leaf, root, sub, NULL), NULL, NULL);
    X509_free(forged);
    X509_free(false_root);
    X509_free(no_ca);
}

/* Two CAs that issue each other, and no root. */
static void circle(void **state)
{
    X509 *one_root = make_ca("One", ca_key, NULL, NULL),
         *two_root = make_ca("Sub", sub_key, NULL, NULL);
    X509 *one = make_ca("One", ca_key, two_root, sub_key);
    X509 *two = make_ca("Sub", sub_key, one_root, ca_key);

    (void)state;
    check_refused(leaf, make_stack(leaf, one, two, NULL), "issued in a circle");
    X509_free(one_root);
    X509_free(two_root);
    X509_free(one);
    X509_free(two);
}

/* One bit of its signature is turned. */
static void damaged(void **state)
{
    unsigned char *der = NULL;
    int length = i2d_X509(leaf, &der);
    const unsigned char *at = der;
    X509 *x;

    (void)state;
    der[length - 1] ^= 1;
    x = d2i_X509(NULL, &at, length);
    assert_non_null(x);
    check_refused(x, make_stack(x, sub, root, NULL), "was not signed by");
    X509_free(x);
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice),         cmocka_unit_test(too_many), cmocka_unit_test(by_key),
        cmocka_unit_test(chains),        cmocka_unit_test(circle),   cmocka_unit_test(damaged),
        cmocka_unit_test(false_issuers),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
