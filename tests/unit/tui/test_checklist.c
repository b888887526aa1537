/* SPDX-License-Identifier: Apache-2.0 */
/* The steps to signed builds, from records made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "tui/model/checklist.h"

static struct store store;
static json_t *token;

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    assert_non_null(value);
    return value;
}

static int open_store(void **state)
{
    json_t *tokens = parse("{\"modules\": [{\"name\": \"m\", \"path\": \"/m.so\"}]}");

    (void)state;
    assert_true(store_init(&store));
    store_set_tokens(&store, tokens, true);
    json_decref(tokens);
    token =
        parse("{\"uri\": \"pkcs11:serial=1;token=t\", \"module\": \"m\", \"user-pin\": \"fine\","
              "\"flags\": {\"user-pin-initialized\": true}}");
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    json_decref(token);
    store_free(&store);
    return 0;
}

static void set_objects(const char *objects)
{
    json_t *document = json_pack("{s:o}", "objects", parse(objects));

    store_set_objects(&store, "pkcs11:serial=1;token=t", document);
    json_decref(document);
}

static void set_profile(const char *pin)
{
    json_t *p = json_pack("{s:[{s:s, s:s, s:s, s:s, s:b}]}", "profiles", "name", "release", "path",
                          "/p.yaml", "key", "pkcs11:serial=1;id=%01", "pin", pin, "valid", true);

    store_set_profiles(&store, p);
    json_decref(p);
}

static const char pair[] =
    "[{\"group\": 0, \"class\": \"private-key\", \"type\": \"RSA-3072\", \"ca-accepts\": true,"
    "  \"ca-reason\": \"CAs accept it\"},"
    " {\"group\": 0, \"class\": \"certificate\", \"uri\": \"c\", \"code-signing\": true,"
    "  \"days-left\": 100},"
    " {\"group\": 1, \"class\": \"certificate\", \"uri\": \"ca\", \"code-signing\": false,"
    "  \"days-left\": 900}]";

static void test_an_empty_token(void **state)
{
    struct checklist c;

    (void)state;
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_KEY].text, "being read");
    set_objects("[]");
    checklist_make(&c, &store, token);
    assert_int_equal(c.next, STEP_KEY);
    assert_int_equal(c.step[STEP_KEY].state, STATE_NEXT);
    assert_string_equal(c.step[STEP_DRIVER].text, "/m.so");
    assert_int_equal(c.done, 3); /* token, driver, password */
}

static void test_key_and_certificate(void **state)
{
    struct checklist c;

    (void)state;
    set_objects(pair);
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_KEY].state, STATE_DONE);
    assert_int_equal(c.step[STEP_CERTIFICATE].state, STATE_DONE);
    assert_string_equal(checklist_certificate(&store, token), "c");
    /* The chain can wait: what signs comes first. */
    assert_int_equal(c.next, STEP_PROFILE);
}

static void test_an_expired_certificate(void **state)
{
    struct checklist c;

    (void)state;
    set_objects("[{\"group\": 0, \"class\": \"public-key\", \"type\": \"P-256\"},"
                " {\"group\": 0, \"class\": \"certificate\", \"code-signing\": true,"
                "  \"days-left\": -3}]");
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_CERTIFICATE].state, STATE_WRONG);
    assert_string_equal(c.step[STEP_CERTIFICATE].text, "expired 3 days ago");
}

static void test_a_small_key(void **state)
{
    struct checklist c;

    (void)state;
    set_objects("[{\"group\": 0, \"class\": \"private-key\", \"type\": \"RSA-2048\","
                "  \"ca-accepts\": false, \"ca-reason\": \"too small\"}]");
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_KEY].state, STATE_WRONG);
    assert_string_equal(c.step[STEP_KEY].text, "RSA-2048, too small");
}

static void test_passwords(void **state)
{
    struct checklist c;

    (void)state;
    json_object_set_new(json_object_get(token, "flags"), "user-pin-to-be-changed", json_true());
    checklist_make(&c, &store, token);
    assert_int_not_equal(c.step[STEP_PASSWORD].state, STATE_DONE);
    json_object_set_new(json_object_get(token, "flags"), "user-pin-locked", json_true());
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_PASSWORD].state, STATE_WRONG);
}

static void test_profile_pin_and_trial(void **state)
{
    json_t *check = parse("{\"ready\": true, \"findings\": ["
                          " {\"level\": \"ok\", \"subject\": \"chain\", \"text\": \"complete\"},"
                          " {\"level\": \"ok\", \"subject\": \"pin\", \"text\": \"file:/x\"}]}");
    struct checklist c;

    (void)state;
    set_objects(pair);
    set_profile("prompt");
    checklist_make(&c, &store, token);
    assert_int_equal(c.next, STEP_PIN);
    set_profile("file:/x");
    store_set_check(&store, "/p.yaml", check, false);
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_CHAIN].state, STATE_DONE);
    assert_int_equal(c.next, STEP_TRIAL);
    store_set_check(&store, "/p.yaml", check, true);
    checklist_make(&c, &store, token);
    assert_int_equal(c.next, STEP_COUNT);
    assert_int_equal(c.done, STEP_COUNT);
    json_decref(check);
}

/* A profile for another token of the same label is not this one's. */
static void test_profiles_go_by_serial(void **state)
{
    json_t *p = parse("{\"key\": \"pkcs11:serial=2;token=t\"}");
    json_t *by_label = parse("{\"key\": \"pkcs11:id=%01;token=t\"}");
    json_t *none = parse("{\"key\": \"pkcs11:id=%01\"}");

    (void)state;
    assert_false(store_profile_is_for(p, token));
    assert_true(store_profile_is_for(by_label, token));
    assert_false(store_profile_is_for(none, token));
    json_decref(p);
    json_decref(by_label);
    json_decref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_empty_token, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_key_and_certificate, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_an_expired_certificate, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_a_small_key, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_passwords, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_profile_pin_and_trial, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_profiles_go_by_serial, open_store, close_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
