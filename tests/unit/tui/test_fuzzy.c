/* SPDX-License-Identifier: Apache-2.0 */
/* A few letters, and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "tui/view/fuzzy.h"

static void test_letters_in_order(void **state)
{
    (void)state;
    assert_true(fuzzy_score("rc", "reset counter") >= 0);
    assert_true(fuzzy_score("RSTC", "reset counter") >= 0);
    assert_true(fuzzy_score("", "anything") == 0);
    assert_true(fuzzy_score("cr", "copy") < 0);
    assert_true(fuzzy_score("exportt", "export") < 0);
    assert_true(fuzzy_score("reset c", "reset counter") >= 0);
}

static void test_the_better_fit_is_higher(void **state)
{
    (void)state;
    assert_true(fuzzy_score("rc", "reset counter") > fuzzy_score("rc", "search"));
    assert_true(fuzzy_score("exp", "export") > fuzzy_score("exp", "next step"));
    assert_true(fuzzy_score("pn", "profile new") > fuzzy_score("pn", "open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_in_order),
        cmocka_unit_test(test_the_better_fit_is_higher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
