/* SPDX-License-Identifier: Apache-2.0 */
/* Text in lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "tui/view/wrap.h"

static void wraps(const char *text, int columns, size_t count, const char *const *lines)
{
    struct wrapped w = wrap_text(text, columns);

    assert_int_equal(w.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(w.line[i], lines[i]);
    wrap_free(&w);
    assert_null(w.line);
}

static void test_between_words(void **state)
{
    (void)state;
    wraps("one two three", 8, 2, (const char *[]){"one two", "three"});
    wraps("one two three", 100, 1, (const char *[]){"one two three"});
    wraps("one\n\ntwo", 10, 3, (const char *[]){"one", "", "two"});
    wraps("", 10, 1, (const char *[]){""});
}

static void test_long_words_are_cut(void **state)
{
    (void)state;
    wraps("abcdefgh", 3, 3, (const char *[]){"abc", "def", "gh"});
    wraps("a bcdefgh", 4, 3, (const char *[]){"a", "bcde", "fgh"});
    /* No room at all still ends. */
    wraps("ab", 0, 2, (const char *[]){"a", "b"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_words),
        cmocka_unit_test(test_long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
