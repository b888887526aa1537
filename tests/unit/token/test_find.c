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

/* What is not initialised has no name but its slot; what is, is never taken for it. */
static void test_new_ones(void **state)
{
    struct inventory_module modules[] = {{.entry.name = (char *)"one"},
                                         {.entry.name = (char *)"two"}};
    struct token some[] = {{.slot = {.id = 3, .has_token = true}},
                           {.slot = {.id = 4, .has_token = true}, .module = 1},
                           {.slot = {.id = 5, .has_token = true}},
                           {.slot = {.id = 6}}};
    struct inventory all = {.module = modules, .module_count = 2, .token = some, .token_count = 4};
    struct error e = ERROR_INIT;

    (void)state;
    some[2].slot.token.flags = CKF_TOKEN_INITIALIZED;
    assert_ptr_equal(inventory_find_new(&all, "new:4", &e), &some[1]);
    assert_null(inventory_find_new(&all, "new", &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_non_null(strstr(e.text, "new:3 (module one), new:4 (module two)"));
    for (const char *const *name = (const char *const[]){"new:5", "new:6", "new:7", NULL};
         *name != NULL; name++) {
        assert_null(inventory_find_new(&all, *name, &e));
        assert_int_equal(e.code, ERROR_MISSING);
    }
    error_clear(&e);
    for (const char *const *name =
             (const char *const[]){"release", "newer", "new:", "new:4x", NULL};
         *name != NULL; name++) {
        assert_null(inventory_find_new(&all, *name, &e));
        assert_int_equal(e.code, ERROR_NONE);
    }
    some[1].slot.id = 3;
    assert_null(inventory_find_new(&all, "new:3", &e));
    assert_int_equal(e.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_the_only_one),
        cmocka_unit_test(test_new_ones),
    };

    return cmocka_run_group_tests(tests, make_tokens, NULL);
}
