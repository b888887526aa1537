/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what a token says reaches people and programs as it is, and whole, but never raw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "op/names.h"
#include "op/record.h"

static struct token token = {.number = 1, .label = (char *)"label", .serial = (char *)"1"};
static struct inventory_module module = {.entry = {.name = (char *)"m", .path = (char *)"/m.so"}};
static struct inventory inventory = {
    .module = &module, .module_count = 1, .token = &token, .token_count = 1};

static int make_token(void **state)
{
    CK_TOKEN_INFO *info = &token.slot.token;

    (void)state;
    token.manufacturer = token.model = token.device = token.label;
    token.slot.has_token = true;
    memset(info->label, ' ', sizeof info->label);
    memcpy(info->label, "label", 5);
    info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_COUNT_LOW;
    info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulMinPinLen = 4;
    info->ulMaxPinLen = 16;
    return 0;
}

static bool holds(const json_t *record, const char *text)
{
    char *dump = json_dumps(record, JSON_COMPACT | JSON_ENCODE_ANY);
    bool found = dump != NULL && strstr(dump, text) != NULL;

    if (!found)
        print_message("# %s\n", dump);
    free(dump);
    return found;
}

/* Every flag of the standard's table stands in the record, as true or false. */
static void test_token_flags(void **state)
{
    json_t *record = record_token(&inventory, &token, false);

    (void)state;
    assert_non_null(record);
    for (size_t i = 0; i < name_token_flag_count; i++)
        assert_true(holds(record, name_token_flags[i].name));
    assert_true(holds(record, "\"user-pin-count-low\":true"));
    assert_true(holds(record, "\"user-pin-locked\":false"));
    assert_true(holds(record, "\"unlimited\""));
    json_decref(record);
}

static void test_a_hostile_label(void **state)
{
    struct wire_object key = {.class = CKO_PRIVATE_KEY,
                              .type = CKK_RSA,
                              .label = (char *)"a\x1b[2J\n\"b\xff",
                              .bits = 2048};
    struct wire_objects all = {&key, 1, 0, 0};
    json_t *record = record_object(&token.slot, &all, &key);
    char *dump = json_dumps(record, 0);

    (void)state;
    assert_non_null(dump);
    assert_null(strchr(dump, '\x1b'));
    assert_null(strchr(dump, '\n'));
    free(dump);
    json_decref(record);
}

/* What the token did not tell is null, not false. */
static void test_attributes_not_told(void **state)
{
    struct wire_object key = {.class = CKO_PRIVATE_KEY,
                              .type = CKK_EC,
                              .flags_known = 1u << WIRE_SENSITIVE | 1u << WIRE_EXTRACTABLE,
                              .flags_set = 1u << WIRE_SENSITIVE,
                              .curve = "P-256",
                              .bits = 256};
    struct wire_objects all = {&key, 1, 0, 0};
    json_t *record = record_object(&token.slot, &all, &key);

    (void)state;
    assert_true(holds(record, "\"sensitive\":true"));
    assert_true(holds(record, "\"extractable\":false"));
    assert_true(holds(record, "\"never-extractable\":null"));
    assert_true(holds(record, "\"P-256\""));
    json_decref(record);
}

static void test_names(void **state)
{
    char name[NAME_SIZE];

    (void)state;
    assert_string_equal(name_mechanism(CKM_RSA_PKCS, name), "CKM_RSA_PKCS");
    assert_string_equal(name_mechanism(0x80000001UL, name), "0x80000001");
    assert_string_equal(name_key_type(CKK_RSA, name), "RSA");
    assert_string_equal(name_class(CKO_CERTIFICATE), "certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_flags),
        cmocka_unit_test(test_a_hostile_label),
        cmocka_unit_test(test_attributes_not_told),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, make_token, NULL);
}
