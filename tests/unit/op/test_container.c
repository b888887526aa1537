/* SPDX-License-Identifier: Apache-2.0 */
/* Which container belongs to a key, and what is said where none is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "op/container.h"

enum { KEYS = 2 };
static uint8_t *spki[KEYS];
static size_t spki_length[KEYS];
static uint8_t id[] = {1};
static char one[] = "one", two[] = "two", none[] = "", provider[] = "a provider";

static int make_keys(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");

        spki_length[i] = (size_t)i2d_PUBKEY(key, &spki[i]);
        EVP_PKEY_free(key);
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        OPENSSL_free(spki[i]);
    return 0;
}

static struct wire_object key(int which)
{
    return (struct wire_object){
        .class = CKO_PUBLIC_KEY, .spki = spki[which], .spki_length = spki_length[which]};
}

static struct wire_container named(char *name, int which)
{
    return (struct wire_container){.name = name,
                                   .provider = provider,
                                   .source = "a test",
                                   .spki = spki[which],
                                   .spki_length = spki_length[which]};
}

static void test_by_public_key(void **state)
{
    struct wire_container list[] = {named(one, 0), named(two, 1)};
    struct wire_application a = {.container = list, .container_count = 2};
    struct wire_object first = key(0), second = key(1);

    (void)state;
    assert_ptr_equal(container_match(&a, &first), &list[0]);
    assert_ptr_equal(container_match(&a, &second), &list[1]);
    a.container_count = 1;
    assert_null(container_match(&a, &second));
}

/* A certificate of the key, in DER. */
static uint8_t *certify(EVP_PKEY *of, EVP_PKEY *signer, size_t *length)
{
    X509 *x = X509_new();
    uint8_t *der = NULL;

    X509_set_pubkey(x, of);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 1000);
    assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
    *length = (size_t)i2d_X509(x, &der);
    X509_free(x);
    return der;
}

/* As cards tell it: by the certificate that stands in the container. */
static void test_by_certificate(void **state)
{
    const unsigned char *at = spki[0];
    EVP_PKEY *of = d2i_PUBKEY(NULL, &at, (long)spki_length[0]), *ca = EVP_EC_gen("P-256");
    struct wire_container list[] = {{.name = one, .provider = provider}};
    struct wire_application a = {.container = list, .container_count = 1};
    struct wire_object first = key(0), second = key(1);

    (void)state;
    assert_null(container_match(&a, &first));
    list[0].certificate = certify(of, ca, &list[0].certificate_length);
    assert_ptr_equal(container_match(&a, &first), &list[0]);
    assert_null(container_match(&a, &second));
    list[0].certificate[0] ^= 1; /* no certificate any more */
    assert_null(container_match(&a, &first));
    OPENSSL_free(list[0].certificate);
    EVP_PKEY_free(of);
    EVP_PKEY_free(ca);
}

/* An equal id is nothing against another public key. */
static void test_by_id(void **state)
{
    struct wire_container list[] = {named(one, 0)};
    struct wire_application a = {.container = list, .container_count = 1};
    struct wire_object other = key(1), hidden = {.class = CKO_PRIVATE_KEY};

    (void)state;
    list[0].id = other.id = hidden.id = id;
    list[0].id_length = other.id_length = sizeof id;
    assert_null(container_match(&a, &other));
    assert_null(container_match(&a, &hidden));
    hidden.id_length = sizeof id;
    assert_ptr_equal(container_match(&a, &hidden), &list[0]);
}

static void test_default_first(void **state)
{
    struct wire_container list[] = {named(one, 0), named(two, 0)};
    struct wire_application a = {.container = list, .container_count = 2};
    struct wire_object first = key(0);

    (void)state;
    assert_ptr_equal(container_match(&a, &first), &list[0]);
    list[1].is_default = true;
    assert_ptr_equal(container_match(&a, &first), &list[1]);
}

static void set(CK_UTF8CHAR *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

/* What was read comes before what is computed, and that before "cannot be known". */
static void test_find(void **state)
{
    struct wire_container list[] = {named(one, 0), named(none, 1)};
    struct seen_token t = {.card = SEEN_NO_CARD};
    struct seen s = {.token = &t, .token_count = 1};
    struct wire_application application = {0};
    struct wire_card card = {.application = &application, .count = 1};
    struct wire_object first = key(0), second = key(1);
    struct container c;

    (void)state;
    first.id = second.id = id;
    first.id_length = second.id_length = sizeof id;
    strcpy(list[1].problem, "not UTF-8");
    t.vendor =
        (struct wire_application){.family = "safenet", .container = list, .container_count = 2};
    container_find(&s, &t, &first, &c);
    assert_string_equal(container_name(&c), "one");
    assert_string_equal(container_source(&c), "a test");
    container_find(&s, &t, &second, &c);
    assert_null(container_name(&c));
    assert_string_equal(c.problem, "not UTF-8");

    t.vendor = (struct wire_application){0};
    set(t.maker.libraryDescription, sizeof t.maker.libraryDescription,
        "OpenSC smartcard framework");
    set(t.info.serialNumber, sizeof t.info.serialNumber, "000612345678");
    container_find(&s, &t, &first, &c);
    assert_string_equal(container_provider(&c), "Microsoft Base Smart Card Crypto Provider");
    assert_non_null(strstr(container_source(&c), "computed, as OpenSC's minidriver does"));
    set(t.info.serialNumber, sizeof t.info.serialNumber, "0123456789abcdef");
    container_find(&s, &t, &first, &c);
    assert_null(container_name(&c));
    assert_non_null(strstr(c.problem, "serial is longer"));

    s.card = &card;
    s.card_count = 1;
    t.card = 0;
    strcpy(application.family, "piv");
    strcpy(application.serial, "a80b99285040a63d0123456789abcdef");
    container_find(&s, &t, &first, &c);
    assert_string_equal(container_name(&c), "010b99285040a63d0123456789abcdef");
    t.card = SEEN_NO_CARD;

    memset(&t.maker, ' ', sizeof t.maker);
    set(t.info.serialNumber, sizeof t.info.serialNumber, "000612345678");
    container_find(&s, &t, &first, &c);
    assert_null(container_name(&c));
    assert_string_not_equal(c.problem, "");
}

static void test_printable(void **state)
{
    (void)state;
    assert_true(container_is_printable("te-0f8fad5b \xc3\xa4"));
    assert_false(container_is_printable("a\tb"));
    assert_false(container_is_printable("a\xe2\x80\xae"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_public_key),  cmocka_unit_test(test_by_id),
        cmocka_unit_test(test_by_certificate), cmocka_unit_test(test_default_first),
        cmocka_unit_test(test_find),           cmocka_unit_test(test_printable),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
