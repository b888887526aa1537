/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a name means, of an inventory made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "token/inventory.h"

static struct token tokens[] = {
    {.number = 1, .label = (char *)"Release", .serial = (char *)"02c4a19f"},
    {.number = 2, .label = (char *)"Release test", .serial = (char *)"0313"},
    {.number = 0, .hidden = "same device", .label = (char *)"Hidden", .serial = (char *)"0999"},
    {.number = 3, .label = (char *)"0313", .serial = (char *)"77"},
};
static struct inventory inventory = {.token = tokens, .token_count = 4};

static int make_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct wire_slot *s = &tokens[i].slot;

        s->has_token = true;
        memset(s->token.label, ' ', sizeof s->token.label);
        memcpy(s->token.label, tokens[i].label, strlen(tokens[i].label));
        memset(s->token.serialNumber, ' ', sizeof s->token.serialNumber);
        memcpy(s->token.serialNumber, tokens[i].serial, strlen(tokens[i].serial));
    }
    return 0;
}

static void finds(const char *name, unsigned number)
{
    struct error e = ERROR_INIT;
    struct token *t = inventory_find(&inventory, name, &e);

    if (t == NULL)
        fail_msg("'%s': %s", name, e.text);
    assert_int_equal(t->number, number);
}

static void refuses(const char *name, enum error_code code, const char *text)
{
    struct error e = ERROR_INIT;

    assert_null(inventory_find(&inventory, name, &e));
    assert_int_equal(e.code, code);
    assert_non_null(strstr(e.text, text));
}

static void test_names(void **state)
{
    (void)state;
    finds("@1", 1);
    finds("02c4a19f", 1);
    finds("02c", 1);
    finds("release test", 2);
    finds("Release t", 2);
    finds("pkcs11:serial=77", 3);
    /* The whole label of one beats the prefix of another. */
    finds("Release", 1);
}

static void test_doubts(void **state)
{
    (void)state;
    /* A PIN must not go to a guess. */
    refuses("Rel", ERROR_USAGE, "@2 'Release test' (serial 0313)");
    refuses("0313", ERROR_USAGE, "several tokens fit");
    refuses(NULL, ERROR_USAGE, "several tokens");
    refuses("pkcs11:", ERROR_USAGE, "quote the URI");
    refuses("@4", ERROR_MISSING, "no such token");
    refuses("@0", ERROR_MISSING, "no such token");
    refuses("@1x", ERROR_MISSING, "no such token");
    refuses("@", ERROR_MISSING, "no such token");
    refuses("", ERROR_MISSING, "no such token");
    refuses("Hidden", ERROR_MISSING, "no such token");
    refuses("pkcs11:token=Hidden", ERROR_MISSING, "no such token");
}

static void test_the_only_one(void **state)
{
    struct inventory one = {.token = &tokens[2], .token_count = 2}, none = {0};
    struct error e = ERROR_INIT;

    (void)state;
    assert_ptr_equal(inventory_find(&one, NULL, &e), &tokens[3]);
    assert_null(inventory_find(&none, NULL, &e));
    assert_int_equal(e.code, ERROR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_the_only_one),
    };

    return cmocka_run_group_tests(tests, make_tokens, NULL);
}
