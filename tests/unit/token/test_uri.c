/* SPDX-License-Identifier: Apache-2.0 */
/* URIs: what they name, what they leave open, and what has no place in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "token/uri.h"

static struct wire_slot slot;

static void pad(unsigned char *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

static int make_slot(void **state)
{
    (void)state;
    slot = (struct wire_slot){.has_token = true};
    pad(slot.token.label, sizeof slot.token.label, "Example; GmbH");
    pad(slot.token.serialNumber, sizeof slot.token.serialNumber, "02c4a19f");
    pad(slot.token.model, sizeof slot.token.model, "5110+");
    pad(slot.token.manufacturerID, sizeof slot.token.manufacturerID, "SafeNet");
    return 0;
}

static bool slot_matches(const char *text)
{
    struct token_uri *u = token_uri_parse(text, NULL);
    bool matches;

    assert_non_null(u);
    matches = token_uri_matches_slot(u, &slot);
    token_uri_free(&u);
    return matches;
}

static void test_slots(void **state)
{
    (void)state;
    assert_true(slot_matches("pkcs11:"));
    assert_true(slot_matches("pkcs11:serial=02c4a19f"));
    assert_true(slot_matches("PKCS11:token=Example%3B%20GmbH"));
    assert_true(slot_matches("pkcs11:serial=02c4a19f;model=5110%2B;id=%01"));
    assert_false(slot_matches("pkcs11:serial=02c4a19"));
    assert_false(slot_matches("pkcs11:token=Example"));
    slot.has_token = false;
    assert_false(slot_matches("pkcs11:"));
    slot.has_token = true;
}

static void test_objects(void **state)
{
    struct wire_object key = {.class = CKO_PRIVATE_KEY,
                              .id = (uint8_t *)"\x01\x02",
                              .id_length = 2,
                              .label = (char *)"key"};
    struct token_uri *u = token_uri_parse("pkcs11:id=%01%02;type=private", NULL);
    CK_OBJECT_CLASS class;

    (void)state;
    assert_true(token_uri_matches_object(u, &key));
    assert_true(token_uri_names_object(u));
    assert_true(token_uri_class(u, &class));
    assert_int_equal(class, CKO_PRIVATE_KEY);
    key.id_length = 1;
    assert_false(token_uri_matches_object(u, &key));
    key.id_length = 2;
    key.class = CKO_CERTIFICATE;
    assert_false(token_uri_matches_object(u, &key));
    token_uri_free(&u);
    u = token_uri_parse("pkcs11:object=key", NULL);
    assert_true(token_uri_matches_object(u, &key));
    assert_false(token_uri_class(u, &class));
    key.label = NULL;
    assert_false(token_uri_matches_object(u, &key));
    token_uri_free(&u);
    u = token_uri_parse("pkcs11:token=x", NULL);
    assert_false(token_uri_names_object(u));
    token_uri_free(&u);
}

/* What is printed finds the same thing again, whatever stands in a label. */
static void test_written_and_read(void **state)
{
    struct wire_object key = {.class = CKO_PRIVATE_KEY,
                              .id = (uint8_t *)"\x00\xff;",
                              .id_length = 3,
                              .label = (char *)"a;b?c%&\x1b[0m"};
    char *of_slot = token_uri_of_slot(&slot), *of_key = token_uri_of_object(&slot, &key);
    struct token_uri *u;

    (void)state;
    assert_true(slot_matches(of_slot));
    assert_null(strchr(of_key, '\x1b'));
    u = token_uri_parse(of_key, NULL);
    assert_non_null(u);
    assert_true(token_uri_matches_slot(u, &slot));
    assert_true(token_uri_matches_object(u, &key));
    token_uri_free(&u);
    free(of_slot);
    free(of_key);
}

static void refused(const char *text, const char *because)
{
    struct error e = ERROR_INIT;

    assert_null(token_uri_parse(text, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_non_null(strstr(e.text, because));
}

static void test_refused(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    refused("token=x", "not a pkcs11: URI");
    refused("pkcs11:id=%0", "not a pkcs11: URI");
    refused("pkcs11:toke=x", "not known");
    refused("pkcs11:token=x?pin-source=file:/x", "pin-source");
    refused("pkcs11:token=x?PIN-VALUE=x", "pin-value");
    /* What may be a PIN is not repeated. */
    assert_null(token_uri_parse("pkcs11:token=x?pin-value=987654", &e));
    assert_null(strstr(e.text, "987654"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, make_slot, NULL);
}
