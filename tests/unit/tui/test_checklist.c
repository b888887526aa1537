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

static void set_orders(const char *orders)
{
    json_t *document = json_pack("{s:o}", "orders", parse(orders));

    store_set_orders(&store, document);
    json_decref(document);
}

static const char lone_key[] =
    "[{\"group\": 0, \"class\": \"public-key\", \"type\": \"P-384\", \"ca-accepts\": true,"
    "  \"uri\": \"pkcs11:serial=1;token=t;id=%01;type=public\"}]";

#define ORDER(folder, state, made, id)                                                             \
    "{\"folder\": \"" folder "\", \"state\": \"" state "\", \"made\": \"" made "T08:00:00Z\","     \
    " \"ordered\": \"2026-02-03T08:00:00Z\", \"issued\": \"2026-02-09T08:00:00Z\","                \
    " \"key\": {\"uri\": \"pkcs11:serial=1;token=t;id=%" id                                        \
    ";type=private\"}, \"days-left\": 400}"

/* How far an order is comes from its folder; what is of another key, or cannot be read, is none. */
static void test_the_way_to_a_certificate(void **state)
{
    struct checklist c;

    (void)state;
    set_objects(lone_key);
    checklist_make(&c, &store, token);
    assert_int_equal(c.next, STEP_CERTIFICATE);
    assert_string_equal(c.step[STEP_CERTIFICATE].text,
                        "none yet: a CSR for the CA, then what it returns");
    set_orders("[" ORDER("./other", "made", "2026-05-01",
                         "02") ","
                               " {\"folder\": \"./bad\", \"problem\": \"no order\"}]");
    checklist_make(&c, &store, token);
    assert_null(checklist_order(&store, token));
    assert_int_equal(strncmp(c.step[STEP_CERTIFICATE].text, "none yet", 8), 0);
    set_orders("[" ORDER("./order", "made", "2026-02-01", "01") "]");
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_CERTIFICATE].text,
                        "request made 2026-02-01, in ./order: give it to the CA");
    set_orders("[" ORDER("./order", "ordered", "2026-02-01",
                         "01") "," ORDER("./older", "made", "2026-01-01", "01") "]");
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_CERTIFICATE].text,
                        "ordered 2026-02-03, in ./order: waiting for the CA");
    set_orders("[" ORDER("./order", "issued", "2026-02-01", "01") "]");
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_CERTIFICATE].text, "issued 2026-02-09, in ./order: import it");
    assert_int_equal(c.step[STEP_CERTIFICATE].state, STATE_NEXT);
}

static void set_days(int days)
{
    json_t *document = json_pack("{s:[{s:i, s:s, s:b, s:s}, {s:i, s:s, s:s, s:b, s:i}]}", "objects",
                                 "group", 0, "class", "public-key", "ca-accepts", 1, "uri",
                                 "pkcs11:serial=1;token=t;id=%01", "group", 0, "class",
                                 "certificate", "uri", "c", "code-signing", 1, "days-left", days);

    store_set_objects(&store, "pkcs11:serial=1;token=t", document);
    json_decref(document);
}

/* It signs still: the steps to builds go first, then the next order. */
static void test_a_certificate_that_ends_soon(void **state)
{
    struct checklist c;

    (void)state;
    set_days(60);
    assert_false(checklist_expires_soon(&store, token));
    checklist_make(&c, &store, token);
    assert_int_equal(c.step[STEP_CERTIFICATE].state, STATE_DONE);
    set_days(59);
    assert_true(checklist_expires_soon(&store, token));
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_CERTIFICATE].text, "59 days left; next: order it now");
    assert_int_equal(c.next, STEP_PROFILE);
    set_profile("file:/x");
    checklist_make(&c, &store, token);
    assert_int_equal(c.next, STEP_CERTIFICATE);
    set_days(-1);
    assert_false(checklist_expires_soon(&store, token));
}

#define ISSUED(end)                                                                                \
    "{\"folder\": \"./next\", \"state\": \"issued\", \"made\": \"2026-11-01T08:00:00Z\","          \
    " \"key\": {\"uri\": \"pkcs11:serial=1;token=t;id=%01\"},"                                     \
    " \"certificate\": {\"not-after\": \"" end "\"}}"

/* The order that the certificate came from is done with, whether it says so or not. */
static void test_an_order_for_the_next_one(void **state)
{
    json_t *shown = parse("{\"certificate\": {\"not-before\": \"2026-01-31T08:00:00Z\","
                          " \"not-after\": \"2026-12-27T08:00:00Z\"}}");
    struct checklist c;

    (void)state;
    set_days(30);
    store_set_detail(&store, "c", shown);
    set_orders("[" ORDER("./first", "ordered", "2026-02-01", "01") "]");
    assert_null(checklist_order(&store, token));
    set_orders("[" ORDER("./first", "ordered", "2026-02-01",
                         "01") "," ORDER("./next", "ordered", "2026-11-01", "01") "]");
    checklist_make(&c, &store, token);
    assert_string_equal(c.step[STEP_CERTIFICATE].text,
                        "30 days left; next: ordered 2026-02-03, in ./next: waiting for the CA");
    set_orders("[" ISSUED("2026-12-27T08:00:00Z") "]");
    assert_null(checklist_order(&store, token));
    set_orders("[" ISSUED("2027-12-27T08:00:00Z") "]");
    assert_non_null(checklist_order(&store, token));
    json_decref(shown);
}

static void test_slots_that_are_not_initialised(void **state)
{
    json_t *tokens = parse("{\"tokens\": [{\"hidden\": null}, {\"hidden\": \"empty slot\"},"
                           " {\"hidden\": \"not initialised\", \"slot\": {\"id\": 7}},"
                           " {\"hidden\": \"not initialised\", \"slot\": {\"id\": 8}}]}");
    const json_t *first;

    (void)state;
    assert_int_equal(store_blanks(&store, &first), 0);
    assert_null(first);
    store_set_tokens(&store, tokens, true);
    assert_int_equal(store_blanks(&store, &first), 2);
    assert_true(store_is_blank(first));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "slot"), "id")), 7);
    json_decref(tokens);
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
        cmocka_unit_test_setup_teardown(test_the_way_to_a_certificate, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_a_certificate_that_ends_soon, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_an_order_for_the_next_one, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_slots_that_are_not_initialised, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(test_passwords, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_profile_pin_and_trial, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_profiles_go_by_serial, open_store, close_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
