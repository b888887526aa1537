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
#include "gate/tries.h"
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

static void test_lost_tries_are_remembered(void **state)
{
    struct wire_counter figure = {
        .left = 2, .maximum = 3, .usual = 3, .is_default = WIRE_UNKNOWN, .source = "card, test"};
    struct wire_counter unread = {.left = WIRE_UNKNOWN, .maximum = WIRE_UNKNOWN};
    struct tries t;

    (void)state;
    tries_judge("d", WIRE_PIN_USER, 0, &unread, &t);
    assert_false(t.low);
    tries_judge("d", WIRE_PIN_USER, 0, &figure, &t);
    assert_true(t.low);
    tries_judge("d", WIRE_PIN_USER, 0, &unread, &t);
    assert_true(t.low && t.left == WIRE_UNKNOWN && !t.final);
    assert_non_null(strstr(t.text, "2 of 3 tries left (card, test) when last read, 20"));
    /* Those of another PIN, and what the flags say for sure, are another matter. */
    tries_judge("d", WIRE_PIN_PUK, 0, &unread, &t);
    assert_false(t.low);
    tries_judge("d", WIRE_PIN_USER, CKF_USER_PIN_LOCKED, &unread, &t);
    assert_true(t.locked);
    figure.left = 3;
    tries_judge("d", WIRE_PIN_USER, 0, &figure, &t);
    tries_judge("d", WIRE_PIN_USER, 0, &unread, &t);
    assert_false(t.low);
    /* A PIN that is verified has all its tries. */
    figure.left = 1;
    tries_judge("d", WIRE_PIN_USER, 0, &figure, &t);
    unread.verified = true;
    tries_judge("d", WIRE_PIN_USER, 0, &unread, &t);
    assert_false(t.low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark_and_clear),
        cmocka_unit_test(test_a_damaged_mark_is_a_mark),
        cmocka_unit_test(test_lost_tries_are_remembered),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
