/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: each struct comes back as it was, and what must not be in one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/card.h"
#include "wire/frame.h"
#include "wire/message.h"

static struct buffer b;

static struct wire_reader reader(void)
{
    assert_true(buffer_ok(&b, NULL));
    return wire_reader_of(b.data, b.length);
}

static int reset(void **state)
{
    (void)state;
    buffer_free(&b);
    return 0;
}

static void test_status(void **state)
{
    struct wire_status sent = {.rv = CKR_PIN_INCORRECT,
                               .function = "C_Login",
                               .text = "why",
                               .attempted = true,
                               .accepted = true,
                               .flags_known = true,
                               .token_flags = CKF_USER_PIN_COUNT_LOW};
    struct wire_status got;
    struct wire_reader r;

    (void)state;
    wire_status_put(&b, &sent);
    r = reader();
    assert_true(wire_status_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_true(got.rv == sent.rv && got.token_flags == sent.token_flags);
    assert_true(got.attempted && got.accepted && got.flags_known);
    assert_string_equal(got.function, "C_Login");
    assert_string_equal(got.text, "why");
}

static void test_slots(void **state)
{
    struct wire_mechanism mechanisms[] = {{CKM_RSA_PKCS, {2048, 4096, CKF_SIGN}}, {CKM_EDDSA, {0}}};
    struct wire_slot slots[] = {
        {.id = 3, .has_token = true, .mechanisms = mechanisms, .mechanism_count = 2},
        {.id = 9, .problem = "C_GetTokenInfo: CKR_DEVICE_ERROR"},
    };
    struct wire_slots sent = {slots, 2}, got;
    struct wire_reader r;

    (void)state;
    memcpy(slots[0].token.label, "label", 5);
    wire_slots_put(&b, &sent);
    r = reader();
    assert_true(wire_slots_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_int_equal(got.count, 2);
    assert_int_equal(got.slot[0].id, 3);
    assert_true(got.slot[0].has_token);
    assert_memory_equal(&got.slot[0].token, &slots[0].token, sizeof slots[0].token);
    assert_int_equal(got.slot[0].mechanism_count, 2);
    assert_int_equal(got.slot[0].mechanisms[0].info.ulMaxKeySize, 4096);
    assert_int_equal(got.slot[0].mechanisms[1].type, CKM_EDDSA);
    assert_false(got.slot[1].has_token);
    assert_string_equal(got.slot[1].problem, slots[1].problem);
    wire_slots_free(&got);
    assert_null(got.slot);
}

static void test_objects(void **state)
{
    struct wire_object objects[] = {
        {.class = CKO_PRIVATE_KEY,
         .type = CKK_RSA,
         .id = (uint8_t *)"\x01\x00",
         .id_length = 2,
         .label = (char *)"key",
         .flags_known = 7,
         .flags_set = 5,
         .bits = 3072,
         .spki = (uint8_t *)"spki",
         .spki_length = 4},
        {.class = CKO_CERTIFICATE, .der = (uint8_t *)"der", .der_length = 3, .curve = "P-256"},
    };
    struct wire_objects sent = {objects, 2, 17, 19}, got;
    struct wire_reader r;

    (void)state;
    wire_objects_put(&b, &sent);
    r = reader();
    assert_true(wire_objects_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_int_equal(got.count, 2);
    assert_int_equal(got.others, 17);
    assert_int_equal(got.total, 19);
    assert_int_equal(got.object[0].id_length, 2);
    assert_memory_equal(got.object[0].id, "\x01\x00", 2);
    assert_string_equal(got.object[0].label, "key");
    assert_int_equal(got.object[0].bits, 3072);
    assert_memory_equal(got.object[0].spki, "spki", 4);
    assert_null(got.object[1].id);
    assert_string_equal(got.object[1].label, "");
    assert_string_equal(got.object[1].curve, "P-256");
    assert_memory_equal(got.object[1].der, "der", 3);
    wire_objects_free(&got);
}

/* Whatever is cut off, nothing is half read and nothing is left to free. */
static void test_cut_records(void **state)
{
    struct wire_mechanism mechanism = {CKM_RSA_PKCS, {0}};
    struct wire_slot slot = {.mechanisms = &mechanism, .mechanism_count = 1};
    struct wire_object object = {.label = (char *)"l", .spki = (uint8_t *)"s", .spki_length = 1};
    struct wire_slots slots = {&slot, 1};
    struct wire_objects objects = {&object, 1, 0, 0};
    struct wire_reader r;

    (void)state;
    wire_slots_put(&b, &slots);
    for (size_t cut = 0; cut < b.length; cut++) {
        r = wire_reader_of(b.data, cut);
        assert_false(wire_slots_get(&r, &slots));
        assert_null(slots.slot);
    }
    buffer_reset(&b);
    wire_objects_put(&b, &objects);
    for (size_t cut = 0; cut < b.length; cut++) {
        r = wire_reader_of(b.data, cut);
        assert_false(wire_objects_get(&r, &objects));
        assert_null(objects.object);
    }
}

static void test_a_count_of_slots_that_cannot_be(void **state)
{
    struct wire_slots got;
    struct wire_reader r;

    (void)state;
    wire_put_u32(&b, 1000000);
    wire_put_bytes(&b, "few bytes", 9);
    r = reader();
    assert_false(wire_slots_get(&r, &got));
    assert_null(got.slot);
}

static bool lanes_pass(uint32_t lanes)
{
    struct wire_open_key key = {.label = (char *)"l", .lanes = lanes}, got;
    struct wire_opened opened = {.key = 1, .lanes = lanes}, opened_got;
    struct wire_reader r;
    bool passed;

    buffer_reset(&b);
    wire_open_key_put(&b, &key);
    wire_opened_put(&b, &opened);
    r = reader();
    passed = wire_open_key_get(&r, &got);
    if (!passed)
        return false;
    wire_open_key_free(&got);
    return wire_opened_get(&r, &opened_got) && opened_got.lanes == lanes;
}

static void test_lanes_have_bounds(void **state)
{
    (void)state;
    assert_true(lanes_pass(1));
    assert_true(lanes_pass(WIRE_LANES_MAX));
    assert_false(lanes_pass(0));
    assert_false(lanes_pass(WIRE_LANES_MAX + 1));
}

static bool sign_passes(enum signer_hash hash, size_t length)
{
    struct wire_sign sent = {.key = 4, .hash = hash, .digest_length = length}, got;
    struct wire_reader r;
    bool passed;

    buffer_reset(&b);
    memset(sent.digest, 0xab, sizeof sent.digest);
    wire_sign_put(&b, &sent);
    r = reader();
    passed = wire_sign_get(&r, &got);
    if (passed) {
        assert_memory_equal(got.digest, sent.digest, length);
        assert_int_equal(got.key, 4);
    }
    return passed;
}

/* A digest of another length than the hash's would be signed as it stands. */
static void test_digests_fit_their_hash(void **state)
{
    (void)state;
    assert_true(sign_passes(SIGNER_SHA256, 32));
    assert_true(sign_passes(SIGNER_SHA512, 64));
    assert_false(sign_passes(SIGNER_SHA256, 31));
    assert_false(sign_passes(SIGNER_SHA256, 64));
    assert_false(sign_passes(SIGNER_SHA512, 0));
    assert_false(sign_passes((enum signer_hash)7, 32));
}

static bool login_passes(CK_USER_TYPE user, bool pinpad, const char *pin)
{
    struct wire_login sent = {.slot = 1, .user = user, .pinpad = pinpad}, got;
    struct wire_reader r;
    bool passed;

    buffer_reset(&b);
    if (pin != NULL)
        sent.pin = secret_new(pin, strlen(pin), NULL);
    wire_login_put(&b, &sent);
    r = reader();
    passed = wire_login_get(&r, &got);
    if (passed && pin != NULL) {
        assert_int_equal(secret_length(got.pin), strlen(pin));
        assert_memory_equal(secret_bytes(got.pin), pin, strlen(pin));
    }
    if (passed)
        wire_login_free(&got);
    wire_login_free(&sent);
    return passed;
}

/* No PIN without a pinpad would be an empty PIN, and a try. */
static void test_logins_have_one_source(void **state)
{
    (void)state;
    assert_true(login_passes(CKU_USER, false, "test-pin"));
    assert_true(login_passes(CKU_SO, true, NULL));
    assert_false(login_passes(CKU_USER, false, NULL));
    assert_false(login_passes(CKU_USER, true, "test-pin"));
    assert_false(login_passes(CKU_CONTEXT_SPECIFIC, false, "test-pin"));
}

static void test_a_change_has_both_pins(void **state)
{
    struct wire_set_pin sent = {.user = CKU_USER}, got;
    struct wire_reader r;

    (void)state;
    sent.old_pin = secret_new("old", 3, NULL);
    wire_set_pin_put(&b, &sent);
    r = reader();
    assert_false(wire_set_pin_get(&r, &got));
    assert_null(got.old_pin);
    buffer_reset(&b);
    sent.new_pin = secret_new("new", 3, NULL);
    wire_set_pin_put(&b, &sent);
    r = reader();
    assert_true(wire_set_pin_get(&r, &got));
    assert_memory_equal(secret_bytes(got.new_pin), "new", 3);
    wire_set_pin_free(&got);
    wire_set_pin_free(&sent);
}

static void test_a_management_key_comes_along(void **state)
{
    struct wire_generate key = {.reader = strdup("reader"), .slot = 0x9c}, got_key;
    struct wire_store store = {.reader = strdup("reader"), .slot = 0x9c}, got_store;
    struct wire_reader r;

    (void)state;
    wire_generate_put(&b, &key);
    r = reader();
    assert_false(wire_generate_get(&r, &got_key));
    assert_null(got_key.reader);
    buffer_reset(&b);
    strcpy(key.algorithm, "RSA-3072");
    key.pin_policy = 2;
    key.touch_policy = 3;
    key.management_key = secret_new("0123456789abcdef", 16, NULL);
    wire_generate_put(&b, &key);
    r = reader();
    assert_true(wire_generate_get(&r, &got_key));
    assert_true(wire_reader_done(&r, NULL));
    assert_string_equal(got_key.algorithm, "RSA-3072");
    assert_int_equal(got_key.slot << 16 | got_key.pin_policy << 8 | got_key.touch_policy, 0x9c0203);
    assert_int_equal(secret_length(got_key.management_key), 16);
    wire_generate_free(&got_key);
    buffer_reset(&b);

    wire_store_put(&b, &store);
    r = reader();
    assert_false(wire_store_get(&r, &got_store));
    assert_null(got_store.reader);
    buffer_reset(&b);
    store.certificate = (uint8_t *)strdup("certificate");
    store.certificate_length = 11;
    store.management_key = secret_dup(key.management_key, NULL);
    wire_store_put(&b, &store);
    r = reader();
    assert_true(wire_store_get(&r, &got_store));
    assert_true(wire_reader_done(&r, NULL));
    assert_int_equal(got_store.certificate_length, 11);
    assert_memory_equal(got_store.certificate, "certificate", 11);
    wire_store_free(&got_store);
    wire_store_free(&store);
    wire_generate_free(&key);
}

/* A card that comes and goes while nobody looks is another one: its events tell. */
static void test_readers_tell_their_events(void **state)
{
    struct wire_readers sent = {0}, got;
    struct wire_reader_state *one = wire_readers_add(&sent);
    struct wire_reader r;

    (void)state;
    assert_non_null(one);
    one->name = strdup("reader");
    one->present = one->in_use = true;
    one->events = 0xfffe;
    wire_readers_put(&b, &sent);
    r = reader();
    assert_true(wire_readers_get(&r, &got));
    assert_int_equal(got.count, 1);
    assert_int_equal(got.reader[0].events, 0xfffe);
    assert_true(got.reader[0].present && got.reader[0].in_use && !got.reader[0].exclusive);
    wire_readers_free(&got);
    wire_readers_free(&sent);
}

/* The gate relies on it: these, and no other. */
static void test_which_requests_spend(void **state)
{
    (void)state;
    for (int type = WIRE_REPLY; type < WIRE_TYPES; type++) {
        bool spends = type == WIRE_LOGIN || type == WIRE_SET_PIN || type == WIRE_SIGN_LOGIN ||
                      type == WIRE_INIT_PIN || type == WIRE_UNBLOCK || type == WIRE_CARD_GENERATE ||
                      type == WIRE_CARD_STORE || type == WIRE_INIT_TOKEN;

        assert_int_equal(wire_type_spends((enum wire_type)type), spends);
        assert_true(type == WIRE_REPLY || wire_type_deadline((enum wire_type)type) > 0);
        assert_true(*wire_type_name((enum wire_type)type) != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_status, reset),
        cmocka_unit_test_teardown(test_slots, reset),
        cmocka_unit_test_teardown(test_objects, reset),
        cmocka_unit_test_teardown(test_cut_records, reset),
        cmocka_unit_test_teardown(test_a_count_of_slots_that_cannot_be, reset),
        cmocka_unit_test_teardown(test_lanes_have_bounds, reset),
        cmocka_unit_test_teardown(test_digests_fit_their_hash, reset),
        cmocka_unit_test_teardown(test_logins_have_one_source, reset),
        cmocka_unit_test_teardown(test_a_change_has_both_pins, reset),
        cmocka_unit_test_teardown(test_a_management_key_comes_along, reset),
        cmocka_unit_test_teardown(test_readers_tell_their_events, reset),
        cmocka_unit_test_teardown(test_which_requests_spend, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
