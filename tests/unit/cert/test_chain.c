/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: from a jumbled pool, in spite of loops and namesakes; and who may sign code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/chain.h"
#include "make.h"

enum { ROOT, MIDDLE, LEAF, CROSS, OTHER, COUNT };

static EVP_PKEY *keys[COUNT];

static int make_keys(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        keys[i] = make_key("P-256");
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

static X509 *root(int key)
{
    return make_certificate(&(struct certificate){.name = key == ROOT ? "Root" : "Other root",
                                                  .key = keys[key],
                                                  .ca = true,
                                                  .usage = "keyCertSign"});
}

static X509 *issue(const char *name, int key, X509 *issuer, int issuer_key, bool ca, long serial)
{
    return make_certificate(&(struct certificate){.name = name,
                                                  .key = keys[key],
                                                  .issuer = issuer,
                                                  .issuer_key = keys[issuer_key],
                                                  .ca = ca,
                                                  .serial = serial});
}

/* The chain from `leaf` through `pool` is `expected`, and lacks `missing`. */
static void check_chain(X509 *leaf, STACK_OF(X509) * pool, STACK_OF(X509) * expected,
                        const char *missing)
{
    struct error e = ERROR_INIT;
    char *lacks = NULL;
    STACK_OF(X509) *chain = cert_chain_build(leaf, pool, &lacks, &e);

    assert_non_null(chain);
    assert_int_equal(sk_X509_num(chain), sk_X509_num(expected));
    for (int i = 0; i < sk_X509_num(chain); i++)
        assert_ptr_equal(sk_X509_value(chain, i), sk_X509_value(expected, i));
    if (missing == NULL)
        assert_null(lacks);
    else
        assert_string_equal(lacks, missing);
    assert_int_equal(ERR_peek_error(), 0);
    free(lacks);
    sk_X509_pop_free(chain, X509_free);
    make_free_stack(expected);
    make_free_stack(pool);
}

static void usual_chains(void **state)
{
    X509 *top = root(ROOT), *other = root(OTHER);
    X509 *middle = issue("Middle", MIDDLE, top, ROOT, true, 2);
    X509 *leaf = issue("Leaf", LEAF, middle, MIDDLE, false, 3);

    (void)state;
    check_chain(leaf, make_stack(other, top, leaf, middle, NULL), make_stack(leaf, middle, NULL),
                NULL);
    check_chain(leaf, make_stack(middle, NULL), make_stack(leaf, middle, NULL),
                "O=Practice, CN=Root");
    check_chain(leaf, make_stack(top, other, NULL), make_stack(leaf, NULL),
                "O=Practice, CN=Middle");
    check_chain(leaf, NULL, make_stack(leaf, NULL), "O=Practice, CN=Middle");
    check_chain(top, make_stack(middle, NULL), make_stack(top, NULL), NULL);
    X509_free(top);
    X509_free(other);
    X509_free(middle);
    X509_free(leaf);
}

/* Same name, other key: the signature decides. */
static void namesakes(void **state)
{
    X509 *top = root(ROOT), *middle = issue("Middle", MIDDLE, top, ROOT, true, 2);
    X509 *namesake = issue("Middle", OTHER, top, ROOT, true, 2);
    X509 *leaf = issue("Leaf", LEAF, middle, MIDDLE, false, 3);
    /* Claims to come from Middle, and to be its key, but was signed by another. */
    X509 *forged = issue("Forged", LEAF, middle, OTHER, false, 4);

    (void)state;
    check_chain(leaf, make_stack(namesake, middle, top, NULL), make_stack(leaf, middle, NULL),
                NULL);
    check_chain(leaf, make_stack(namesake, top, NULL), make_stack(leaf, NULL),
                "O=Practice, CN=Middle");
    check_chain(forged, make_stack(middle, top, NULL), make_stack(forged, NULL),
                "O=Practice, CN=Middle");
    X509_free(top);
    X509_free(middle);
    X509_free(namesake);
    X509_free(leaf);
    X509_free(forged);
}

/* Two that vouch for each other, as badly made bridges do. */
static void loops(void **state)
{
    X509 *a_self = root(ROOT), *b_self = root(OTHER);
    X509 *a = issue("Root", ROOT, b_self, OTHER, true, 5);
    X509 *b = issue("Other root", OTHER, a_self, ROOT, true, 6);
    X509 *leaf = issue("Leaf", LEAF, a_self, ROOT, false, 7);

    (void)state;
    check_chain(leaf, make_stack(a, b, NULL), make_stack(leaf, a, b, NULL), "O=Practice, CN=Root");
    X509_free(a_self);
    X509_free(b_self);
    X509_free(a);
    X509_free(b);
    X509_free(leaf);
}

/* A new root that an old one vouches for: its cross certificate goes in, the root does not. */
static void cross_certificates(void **state)
{
    X509 *old = root(OTHER), *new = root(ROOT);
    X509 *cross = issue("Root", ROOT, old, OTHER, true, 8);
    X509 *leaf = issue("Leaf", LEAF, new, ROOT, false, 9);

    (void)state;
    check_chain(leaf, make_stack(new, NULL), make_stack(leaf, NULL), NULL);
    check_chain(leaf, make_stack(new, cross, old, NULL), make_stack(leaf, cross, NULL), NULL);
    check_chain(leaf, make_stack(cross, new, NULL), make_stack(leaf, cross, NULL), NULL);
    check_chain(leaf, make_stack(cross, NULL), make_stack(leaf, cross, NULL),
                "O=Practice, CN=Other root");
    X509_free(old);
    X509_free(new);
    X509_free(cross);
    X509_free(leaf);
}

/* Of two certificates of the same issuer, the one that is valid longer. */
static void renewed_issuer(void **state)
{
    X509 *top = root(ROOT);
    struct certificate c = {.name = "Middle",
                            .key = keys[MIDDLE],
                            .issuer = top,
                            .issuer_key = keys[ROOT],
                            .ca = true,
                            .from = YEAR_2020,
                            .to = YEAR_2026};
    X509 *old = make_certificate(&c), *renewed, *leaf;

    (void)state;
    c.to = YEAR_2040;
    renewed = make_certificate(&c);
    leaf = issue("Leaf", LEAF, renewed, MIDDLE, false, 3);
    check_chain(leaf, make_stack(old, renewed, top, NULL), make_stack(leaf, renewed, NULL), NULL);
    check_chain(leaf, make_stack(renewed, old, top, NULL), make_stack(leaf, renewed, NULL), NULL);
    X509_free(top);
    X509_free(old);
    X509_free(renewed);
    X509_free(leaf);
}

static void depth_is_bounded(void **state)
{
    enum { LINKS = 40 };
    X509 *links[LINKS];
    STACK_OF(X509) *pool = sk_X509_new_null(), *chain;
    char *missing = NULL;

    (void)state;
    links[0] = root(ROOT);
    for (int i = 1; i < LINKS; i++) {
        char name[20];

        snprintf(name, sizeof name, "Link %d", i);
        links[i] = issue(name, ROOT, links[i - 1], ROOT, true, i + 1);
    }
    for (int i = 0; i < LINKS; i++)
        sk_X509_push(pool, links[i]);
    chain = cert_chain_build(links[LINKS - 1], pool, &missing, NULL);
    assert_int_equal(sk_X509_num(chain), 16);
    assert_string_equal(missing, "O=Practice, CN=Link 23");
    free(missing);
    sk_X509_pop_free(chain, X509_free);
    chain = cert_chain_build(links[LINKS - 1], pool, NULL, NULL);
    sk_X509_pop_free(chain, X509_free);
    make_free_stack(pool);
}

/* What is wrong with a certificate is said; all tries are on 1 January 2026. */
static void fit(void **state)
{
    static const struct {
        const char *key, *usage, *purposes;
        time_t from, to;
        const char *problem; /* NULL: fit */
    } cases[] = {
        {"P-256", "digitalSignature", "codeSigning", 0, 0, NULL},
        {"P-256", NULL, "codeSigning", 0, 0, NULL},
        {"P-384", "digitalSignature,keyCertSign", "clientAuth,codeSigning", 0, 0, NULL},
        {"P-521", NULL, "codeSigning", 0, 0, NULL},
        {"RSA:2048", NULL, "codeSigning", 0, 0, NULL},
        {"P-256", NULL, "codeSigning", YEAR_2026, YEAR_2026, NULL},
        {"RSA:1024", NULL, "codeSigning", 0, 0, "RSA-1024"},
        {"secp256k1", NULL, "codeSigning", 0, 0, "secp256k1"},
        {"ED25519", NULL, "codeSigning", 0, 0, "Ed25519"},
        {"P-256", NULL, NULL, 0, 0, "not for code signing"},
        {"P-256", NULL, "serverAuth,anyExtendedKeyUsage", 0, 0, "not for code signing"},
        {"P-256", "keyEncipherment", "codeSigning", 0, 0, "digital signature"},
        {"P-256", NULL, "codeSigning", YEAR_2020, YEAR_2026 - 1, "expired on 2025-12-31T23:59:59Z"},
        {"P-256", NULL, "codeSigning", YEAR_2026 + 1, YEAR_2040, "valid from 2026-01-01T00:00:01Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVP_PKEY *key = make_key(cases[i].key);
        X509 *x = make_certificate(&(struct certificate){.name = "Example",
                                                         .key = key,
                                                         .usage = cases[i].usage,
                                                         .purposes = cases[i].purposes,
                                                         .from = cases[i].from,
                                                         .to = cases[i].to});
        struct error e = ERROR_INIT;
        bool good = cert_fit_to_sign(x, key, YEAR_2026, &e);

        if (cases[i].problem == NULL) {
            assert_string_equal(e.text, "");
            assert_true(good);
            assert_true(cert_fit_to_sign(x, NULL, YEAR_2026, &e));
        } else {
            assert_false(good);
            assert_int_equal(e.code, ERROR_UNFIT);
            assert_non_null(strstr(e.text, "'Example'"));
            assert_non_null(strstr(e.text, cases[i].problem));
        }
        X509_free(x);
        EVP_PKEY_free(key);
    }
}

static void other_key(void **state)
{
    X509 *x = make_certificate(
        &(struct certificate){.name = "Example", .key = keys[LEAF], .purposes = "codeSigning"});
    EVP_PKEY *rsa = make_key("RSA:2048");
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(cert_fit_to_sign(x, keys[LEAF], YEAR_2026, &e));
    assert_false(cert_fit_to_sign(x, keys[OTHER], YEAR_2026, &e));
    assert_int_equal(e.code, ERROR_UNFIT);
    assert_non_null(strstr(e.text, "another key"));
    assert_false(cert_fit_to_sign(x, rsa, YEAR_2026, &e));
    assert_int_equal(ERR_peek_error(), 0);
    EVP_PKEY_free(rsa);
    X509_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_chains),
        cmocka_unit_test(namesakes),
        cmocka_unit_test(loops),
        cmocka_unit_test(cross_certificates),
        cmocka_unit_test(renewed_issuer),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(fit),
        cmocka_unit_test(other_key),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
