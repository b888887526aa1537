/* SPDX-License-Identifier: Apache-2.0 */
/* Values in a message: what is written is read again, and nothing beyond the message ever is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/codec.h"

static void test_values_come_back(void **state)
{
    struct buffer b = BUFFER_INIT;
    struct wire_reader r;
    char field[8], exact[3];
    size_t length;
    char *text;
    uint8_t *copy;

    (void)state;
    wire_put_u8(&b, 0xfe);
    wire_put_u32(&b, 0x01020304);
    wire_put_u64(&b, UINT64_MAX - 1);
    wire_put_text(&b, "label");
    wire_put_text(&b, NULL);
    wire_put_bytes(&b, "abc", 3);
    wire_put_bytes(&b, "de\0", 3);
    wire_put_text(&b, "1234567");
    wire_put_u8(&b, 1);
    assert_true(buffer_ok(&b, NULL));

    r = wire_reader_of(b.data, b.length);
    assert_int_equal(wire_get_u8(&r), 0xfe);
    assert_int_equal(wire_get_u32(&r), 0x01020304);
    assert_true(wire_get_u64(&r) == UINT64_MAX - 1);
    text = wire_get_text(&r);
    assert_string_equal(text, "label");
    free(text);
    text = wire_get_text(&r);
    assert_string_equal(text, "");
    free(text);
    wire_get_exact(&r, exact, sizeof exact);
    assert_memory_equal(exact, "abc", 3);
    copy = wire_get_copy(&r, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(copy, "de\0", 3);
    free(copy);
    wire_get_field(&r, field, sizeof field);
    assert_string_equal(field, "1234567");
    assert_true(wire_get_bool(&r));
    assert_true(wire_reader_done(&r, NULL));
    buffer_free(&b);
}

/* Big endian, and a length before bytes: what another implementation would have to write. */
static void test_the_bytes_are_as_documented(void **state)
{
    static const uint8_t wanted[] = {0, 0, 1, 2, 0, 0, 0, 2, 'a', 'b'};
    struct buffer b = BUFFER_INIT;

    (void)state;
    wire_put_u32(&b, 258);
    wire_put_text(&b, "ab");
    assert_int_equal(b.length, sizeof wanted);
    assert_memory_equal(b.data, wanted, sizeof wanted);
    buffer_free(&b);
}

static void test_every_cut_fails_for_good(void **state)
{
    struct buffer b = BUFFER_INIT;

    (void)state;
    wire_put_u64(&b, 7);
    wire_put_text(&b, "some text");
    wire_put_u32(&b, 9);
    for (size_t cut = 0; cut < b.length; cut++) {
        uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a step beyond */
        struct wire_reader r = wire_reader_of(exact, cut);
        struct error e = ERROR_INIT;

        memcpy(exact, b.data, cut);
        wire_get_u64(&r);
        free(wire_get_text(&r));
        assert_int_equal(wire_get_u32(&r), 0);
        assert_true(r.failed);
        assert_int_equal(wire_get_u8(&r), 0);
        assert_false(wire_reader_done(&r, &e));
        assert_int_equal(e.code, ERROR_HOST);
        free(exact);
    }
    buffer_free(&b);
}

static void test_what_is_left_over_is_an_error(void **state)
{
    struct wire_reader r = wire_reader_of("\0\0\0\1\0", 5);

    (void)state;
    assert_int_equal(wire_get_u32(&r), 1);
    assert_false(wire_reader_done(&r, NULL));
}

static bool reads_as_field(const char *bytes, size_t length, size_t room)
{
    struct wire_reader r = wire_reader_of(bytes, length);
    char out[16];

    memset(out, 'x', sizeof out);
    wire_get_field(&r, out, room);
    assert_non_null(memchr(out, '\0', room));
    return !r.failed;
}

static void test_fields_are_terminated_and_fit(void **state)
{
    (void)state;
    assert_true(reads_as_field("\0\0\0\3abc", 7, 4));
    assert_false(reads_as_field("\0\0\0\4abcd", 8, 4));
    assert_false(reads_as_field("\0\0\0\3a\0c", 7, 4));
    assert_false(reads_as_field("\xff\xff\xff\xff", 4, 4));
}

static void test_a_lie_about_a_length(void **state)
{
    struct wire_reader r = wire_reader_of("\0\0\0\5abcd", 8);
    size_t length = 99;
    char exact[4] = "xxx";

    (void)state;
    assert_null(wire_get_bytes(&r, &length));
    assert_int_equal(length, 0);
    r = wire_reader_of("\0\0\0\3abc", 7);
    wire_get_exact(&r, exact, sizeof exact);
    assert_true(r.failed);
    assert_memory_equal(exact, "\0\0\0\0", 4);
    r = wire_reader_of("\2", 1);
    assert_false(wire_get_bool(&r));
    assert_true(r.failed);
}

static void test_a_count_must_fit_what_is_left(void **state)
{
    struct wire_reader r = wire_reader_of("\0\0\0\2abcdef", 10);

    (void)state;
    assert_int_equal(wire_get_count(&r, 3), 2);
    r = wire_reader_of("\0\0\0\3abcdef", 10);
    assert_int_equal(wire_get_count(&r, 3), 0);
    assert_true(r.failed);
    r = wire_reader_of("\xff\xff\xff\xff", 4);
    assert_int_equal(wire_get_count(&r, 1), 0);
    assert_true(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_the_bytes_are_as_documented),
        cmocka_unit_test(test_every_cut_fails_for_good),
        cmocka_unit_test(test_what_is_left_over_is_an_error),
        cmocka_unit_test(test_fields_are_terminated_and_fit),
        cmocka_unit_test(test_a_lie_about_a_length),
        cmocka_unit_test(test_a_count_must_fit_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
