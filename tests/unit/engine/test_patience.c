/* SPDX-License-Identifier: Apache-2.0 */
/* When timestamp servers are taken to be down, and when they are asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "profiles/engine/patience.h"

static const struct error none = {ERROR_TIMESTAMP, 0, "no answer"};

static bool lasts(struct patience *p, int64_t now)
{
    return patience_lasts(p, false, now, NULL);
}

static void refuse(struct patience *p, unsigned times, int64_t now)
{
    for (unsigned i = 0; i < times; i++)
        patience_answered(p, false, &none, now);
}

static void several_in_a_row_are_enough(void **state)
{
    struct patience p;
    struct error e = ERROR_INIT;

    (void)state;
    patience_init(&p, 6, true);
    refuse(&p, 5, 1000);
    assert_true(lasts(&p, 1000));
    patience_answered(&p, true, NULL, 1000);
    refuse(&p, 5, 1000);
    assert_true(lasts(&p, 1000));
    refuse(&p, 1, 1000);
    assert_false(patience_lasts(&p, false, 1000, &e));
    assert_int_equal(e.code, ERROR_TIMESTAMP);
    assert_string_equal(e.text, "no timestamp for 6 files in a row; the last: no answer");
    /* For good. */
    assert_false(lasts(&p, 1000 + 10 * PATIENCE_PAUSE));
    patience_destroy(&p);
}

static void one_alone_is_never_enough(void **state)
{
    struct patience p;

    (void)state;
    patience_init(&p, 1, true);
    refuse(&p, 3, 0);
    assert_true(lasts(&p, 0));
    refuse(&p, 1, 0);
    assert_false(lasts(&p, 0));
    patience_destroy(&p);
}

static void unless_the_run_is_to_end(void **state)
{
    struct patience p;
    struct error e = ERROR_INIT;

    (void)state;
    patience_init(&p, 4, false);
    assert_true(patience_lasts(&p, true, 0, NULL));
    refuse(&p, 1, 0);
    assert_true(lasts(&p, 0));
    assert_false(patience_lasts(&p, true, 10 * PATIENCE_PAUSE, &e));
    assert_non_null(strstr(e.text, "for 1 file in a row"));
    patience_destroy(&p);
}

/* Where files may go without, one of them finds out whether the servers are back. */
static void one_asks_again_after_a_pause(void **state)
{
    struct patience p;

    (void)state;
    patience_init(&p, 4, false);
    refuse(&p, 4, 1000);
    assert_false(lasts(&p, 1001));
    assert_false(lasts(&p, 999 + PATIENCE_PAUSE));
    assert_true(lasts(&p, 1000 + PATIENCE_PAUSE));
    assert_false(lasts(&p, 1001 + PATIENCE_PAUSE));
    refuse(&p, 1, 5000 + PATIENCE_PAUSE);
    assert_false(lasts(&p, 4000 + 2 * PATIENCE_PAUSE));
    assert_true(lasts(&p, 5000 + 2 * PATIENCE_PAUSE));
    patience_answered(&p, true, NULL, 5000 + 2 * PATIENCE_PAUSE);
    assert_true(lasts(&p, 5000 + 2 * PATIENCE_PAUSE));
    patience_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_in_a_row_are_enough),
        cmocka_unit_test(one_alone_is_never_enough),
        cmocka_unit_test(unless_the_run_is_to_end),
        cmocka_unit_test(one_asks_again_after_a_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
