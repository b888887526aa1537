/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that change a token: each struct comes back as it was, and what must not be in one is
 * refused, cut at every byte too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/write.h"

static struct buffer b;
static char name_release[] = "release", name_old[] = "old", name_new[] = "new", no_name[] = "";
static uint8_t id[] = {0xa1, 0x00, 0x02}, other_id[] = {7}, der[] = {0x30, 0x03, 0x02, 0x01, 0x00};

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

/* No shorter message is taken for one, and nothing is left to free. */
#define CUT(kind)                                                                                  \
    for (size_t length = 0; length < b.length; length++) {                                         \
        struct wire_reader cut = wire_reader_of(b.data, length);                                   \
        struct wire_##kind got_cut;                                                                \
                                                                                                   \
        assert_false(wire_##kind##_get(&cut, &got_cut));                                           \
        assert_memory_equal(&got_cut, &(struct wire_##kind){0}, sizeof got_cut);                   \
    }

static bool key_comes_back(const struct wire_new_key *sent)
{
    struct wire_new_key got;
    struct wire_reader r;
    bool taken;

    buffer_reset(&b);
    wire_new_key_put(&b, sent);
    r = reader();
    taken = wire_new_key_get(&r, &got);
    if (!taken)
        return false;
    assert_true(wire_reader_done(&r, NULL));
    assert_int_equal(got.slot, sent->slot);
    assert_int_equal(got.rsa_bits, sent->rsa_bits);
    assert_string_equal(got.curve, sent->curve);
    assert_string_equal(got.label, sent->label);
    assert_int_equal(got.id_length, sent->id_length);
    assert_memory_equal(got.id, sent->id, sent->id_length);
    wire_new_key_free(&got);
    return true;
}

static void test_a_new_key_is_of_one_kind_and_has_an_id(void **state)
{
    struct wire_new_key key = {
        .slot = 5, .rsa_bits = 3072, .id = id, .id_length = sizeof id, .label = name_release};

    (void)state;
    assert_true(key_comes_back(&key));
    CUT(new_key)
    strcpy(key.curve, "P-384");
    assert_false(key_comes_back(&key));
    key.rsa_bits = 0;
    assert_true(key_comes_back(&key));
    key.id_length = 0;
    assert_false(key_comes_back(&key));
    key.id_length = sizeof id;
    key.curve[0] = '\0';
    assert_false(key_comes_back(&key));
}

static void test_a_new_certificate_has_a_value(void **state)
{
    struct wire_new_certificate sent = {.slot = 5,
                                        .der = der,
                                        .der_length = sizeof der,
                                        .id = id,
                                        .id_length = sizeof id,
                                        .label = name_release},
                                got;
    struct wire_reader r;

    (void)state;
    wire_new_certificate_put(&b, &sent);
    CUT(new_certificate)
    r = reader();
    assert_true(wire_new_certificate_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_memory_equal(got.der, der, sizeof der);
    assert_memory_equal(got.id, id, sizeof id);
    assert_string_equal(got.label, "release");
    wire_new_certificate_free(&got);
    buffer_reset(&b);
    sent.der_length = 0;
    wire_new_certificate_put(&b, &sent);
    r = reader();
    assert_false(wire_new_certificate_get(&r, &got));
}

static bool which_is_taken(const struct wire_which *sent)
{
    struct wire_which got;
    struct wire_reader r;
    bool taken;

    buffer_reset(&b);
    wire_which_put(&b, sent);
    r = reader();
    taken = wire_which_get(&r, &got);
    assert_true(!taken || (got.class == sent->class && got.value_length == sent->value_length));
    wire_which_free(&got);
    return taken;
}

/* A secret key or data object, or any object with the right name alone, is never meant. */
static void test_which_names_a_key_or_certificate_by_its_value(void **state)
{
    struct wire_which which = {.slot = 5,
                               .class = CKO_PRIVATE_KEY,
                               .label = no_name,
                               .value = der,
                               .value_length = sizeof der};

    (void)state;
    assert_true(which_is_taken(&which));
    CUT(which)
    which.class = CKO_SECRET_KEY;
    assert_false(which_is_taken(&which));
    which.class = CKO_CERTIFICATE;
    assert_true(which_is_taken(&which));
    which.value_length = 0;
    assert_false(which_is_taken(&which));
}

static void test_new_names_change_something(void **state)
{
    struct wire_new_names sent = {.which = {.slot = 5,
                                            .class = CKO_PUBLIC_KEY,
                                            .id = id,
                                            .id_length = sizeof id,
                                            .label = name_old,
                                            .value = der,
                                            .value_length = sizeof der},
                                  .id = other_id,
                                  .id_length = sizeof other_id,
                                  .set_label = true,
                                  .label = name_new},
                          got;
    struct wire_reader r;

    (void)state;
    wire_new_names_put(&b, &sent);
    CUT(new_names)
    r = reader();
    assert_true(wire_new_names_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_string_equal(got.which.label, "old");
    assert_string_equal(got.label, "new");
    assert_true(got.set_label);
    assert_memory_equal(got.id, other_id, sizeof other_id);
    wire_new_names_free(&got);
    buffer_reset(&b);
    sent.id_length = 0;
    sent.set_label = false;
    wire_new_names_put(&b, &sent);
    r = reader();
    assert_false(wire_new_names_get(&r, &got));
}

static void test_a_token_is_initialised_by_one_source(void **state)
{
    struct wire_init_token sent = {.slot = 5, .label = "release"}, got;
    struct wire_reader r;

    (void)state;
    wire_init_token_put(&b, &sent);
    r = reader();
    assert_false(wire_init_token_get(&r, &got));
    buffer_reset(&b);
    sent.so_pin = secret_new("12345678", 8, NULL);
    wire_init_token_put(&b, &sent);
    CUT(init_token)
    r = reader();
    assert_true(wire_init_token_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_string_equal(got.label, "release");
    assert_memory_equal(secret_bytes(got.so_pin), "12345678", 8);
    wire_init_token_free(&got);
    wire_init_token_free(&sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_new_key_is_of_one_kind_and_has_an_id, reset),
        cmocka_unit_test_teardown(test_a_new_certificate_has_a_value, reset),
        cmocka_unit_test_teardown(test_which_names_a_key_or_certificate_by_its_value, reset),
        cmocka_unit_test_teardown(test_new_names_change_something, reset),
        cmocka_unit_test_teardown(test_a_token_is_initialised_by_one_source, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
