/* SPDX-License-Identifier: Apache-2.0 */
/* What a card's application, or a vendor's module, tells: it comes back as it was, and what does
 * not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/card.h"

static char name[] = "p11#0123456789abcdef", none[] = "", provider[] = "a provider";
static uint8_t spki[] = {1, 2, 3}, id[] = {7};
static struct wire_counter counters[] = {
    {.pin = WIRE_PIN_USER, .name = "PIN", .left = 12, .maximum = 15, .is_default = WIRE_UNKNOWN},
    {.pin = WIRE_PIN_PUK, .name = "PUK", .left = 254, .maximum = WIRE_UNKNOWN},
};
static struct wire_container containers[] = {
    {.name = name,
     .provider = provider,
     .place = "signature key",
     .spki = spki,
     .spki_length = sizeof spki,
     .id = id,
     .id_length = sizeof id},
    {.name = none, .provider = provider, .problem = "not UTF-8"},
};

static struct wire_application sample(void)
{
    return (struct wire_application){.family = "safenet",
                                     .title = "eToken",
                                     .container_problem = "why",
                                     .counter = counters,
                                     .counter_count = 2,
                                     .container = containers,
                                     .container_count = 2};
}

static void test_comes_back(void **state)
{
    struct wire_application sent = sample(), got;
    struct buffer b = BUFFER_INIT;
    struct wire_reader r;

    (void)state;
    wire_application_put(&b, &sent);
    assert_true(buffer_ok(&b, NULL));
    r = wire_reader_of(b.data, b.length);
    assert_true(wire_application_get(&r, &got));
    assert_true(wire_reader_done(&r, NULL));
    assert_string_equal(got.family, "safenet");
    assert_string_equal(got.container_problem, "why");
    assert_int_equal(got.counter_count, 2);
    assert_int_equal(got.counter[0].left, 12);
    assert_int_equal(got.counter[1].left, 254);
    assert_int_equal(got.counter[1].maximum, WIRE_UNKNOWN);
    assert_int_equal(got.container_count, 2);
    assert_string_equal(got.container[0].name, "p11#0123456789abcdef");
    assert_int_equal(got.container[0].spki_length, 3);
    assert_memory_equal(got.container[0].spki, sent.container[0].spki, 3);
    assert_int_equal(got.container[0].id_length, 1);
    assert_null(got.container[0].certificate);
    assert_null(got.container[1].spki);
    assert_string_equal(got.container[1].problem, "not UTF-8");
    wire_application_free(&got);
    assert_null(got.container);
    wire_application_free(&got);
    buffer_free(&b);
}

static void test_empty(void **state)
{
    struct wire_application nothing = {0}, got;
    struct buffer b = BUFFER_INIT;
    struct wire_reader r;

    (void)state;
    wire_application_put(&b, &nothing);
    r = wire_reader_of(b.data, b.length);
    assert_true(wire_application_get(&r, &got));
    assert_int_equal(got.counter_count + got.container_count, 0);
    wire_application_free(&got);
    buffer_free(&b);
}

/* Every shorter message is malformed, and leaves nothing behind. */
static void test_cut(void **state)
{
    struct wire_application sent = sample(), got;
    struct buffer b = BUFFER_INIT;

    (void)state;
    wire_application_put(&b, &sent);
    for (size_t length = 0; length < b.length; length++) {
        struct wire_reader r = wire_reader_of(b.data, length);

        assert_false(wire_application_get(&r, &got));
        assert_null(got.container);
        assert_null(got.counter);
    }
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
