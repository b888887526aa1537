/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's marks: durable, per device and user, and set when they cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "gate/guard.h"
#include "scratch.h"

static bool is_set(const char *device, const char *who)
{
    struct guard_mark mark;

    assert_true(guard_read(device, who, &mark, NULL));
    return mark.set;
}

static void test_mark_and_clear(void **state)
{
    struct guard_mark mark;

    (void)state;
    assert_false(is_set("a", "user"));
    assert_true(guard_mark("a", "user", "headless", "refused", "CKR_PIN_INCORRECT", NULL));
    assert_true(guard_read("a", "user", &mark, NULL));
    assert_true(mark.set);
    assert_string_equal(mark.reason, "refused");
    assert_string_equal(mark.rv, "CKR_PIN_INCORRECT");
    assert_false(is_set("a", "so"));
    assert_false(is_set("b", "user"));
    assert_true(guard_clear("a", "user", NULL));
    assert_false(is_set("a", "user"));
    assert_true(guard_clear("a", "user", NULL));
}

static void test_a_damaged_mark_is_a_mark(void **state)
{
    char *path = text_format("%s/signet/guard/c.user", scratch);

    (void)state;
    assert_true(guard_mark("c", "user", "headless", "pending", "", NULL));
    assert_true(path_write_file(path, "\xff{", 2, 0600, NULL));
    assert_true(is_set("c", "user"));
    assert_true(path_write_file(path, "", 0, 0600, NULL));
    assert_true(is_set("c", "user"));
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark_and_clear),
        cmocka_unit_test(test_a_damaged_mark_is_a_mark),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
