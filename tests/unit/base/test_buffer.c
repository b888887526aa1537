/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers grow, fail for good, and hand themselves over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static void grows(void **state)
{
    struct buffer b = BUFFER_INIT;

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        buffer_append_byte(&b, (uint8_t)i);
    assert_int_equal(b.length, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (uint8_t)i);
    assert_true(buffer_ok(&b, NULL));
    buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(b.length, 0);
}

static void takes_text(void **state)
{
    struct buffer b = BUFFER_INIT;
    char *text;

    (void)state;
    buffer_append_text(&b, "tries left: ");
    buffer_printf(&b, "%d of %d", 3, 15);
    buffer_append(&b, NULL, 0);
    assert_string_equal(buffer_text(&b), "tries left: 3 of 15");
    assert_int_equal(b.length, strlen("tries left: 3 of 15"));
    text = buffer_take(&b);
    assert_string_equal(text, "tries left: 3 of 15");
    assert_null(b.data);
    free(text);
}

static void empty_is_text(void **state)
{
    struct buffer b = BUFFER_INIT;
    char *text = buffer_take(&b);

    (void)state;
    assert_string_equal(text, "");
    free(text);
}

static void extends(void **state)
{
    struct buffer b = BUFFER_INIT;
    uint8_t *room;

    (void)state;
    buffer_append_text(&b, "ab");
    room = buffer_extend(&b, 3);
    memcpy(room, "cde", 3);
    assert_int_equal(b.length, 5);
    assert_string_equal(buffer_text(&b), "abcde");
    buffer_reset(&b);
    assert_int_equal(b.length, 0);
    assert_non_null(b.data);
    assert_string_equal(buffer_text(&b), "");
    buffer_free(&b);
}

static void failure_is_sticky(void **state)
{
    struct buffer b = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    buffer_append_text(&b, "before");
    assert_null(buffer_extend(&b, SIZE_MAX - 2));
    buffer_append_text(&b, "after");
    buffer_printf(&b, "%s", "after");
    assert_int_equal(b.length, 6);
    assert_false(buffer_ok(&b, &e));
    assert_int_equal(e.code, ERROR_MEMORY);
    assert_null(buffer_text(&b));
    assert_null(buffer_take(&b));
    /* Freed by then, and usable again. */
    buffer_append_text(&b, "again");
    assert_true(buffer_ok(&b, &e));
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(takes_text),
        cmocka_unit_test(empty_is_text),
        cmocka_unit_test(extends),
        cmocka_unit_test(failure_is_sticky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
