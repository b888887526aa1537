/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions: whole, and without two meanings of one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "tui/action.h"

static void test_no_collision(void **state)
{
    (void)state;
    assert_null(action_collision());
}

static void test_each_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < action_count; i++) {
        const struct action *a = &actions[i];

        assert_non_null(a->run);
        assert_true(*a->id != '\0' && *a->group != '\0' && *a->name != '\0' && *a->help != '\0');
        assert_true(a->keys[0] != 0);
        for (size_t k = 0; k < ACTION_KEYS && a->keys[k] != 0; k++)
            assert_ptr_equal(action_of_key(a->keys[k]), action_exists(a) ? a : NULL);
    }
    assert_null(action_of_key(0x1f600));
}

/* Groups stand together: help and manual have one heading for each. */
static void test_groups_stand_together(void **state)
{
    (void)state;
    for (size_t i = 1; i < action_count; i++)
        for (size_t j = 0; j + 1 < i; j++)
            if (strcmp(actions[i].group, actions[j].group) == 0)
                assert_string_equal(actions[i].group, actions[i - 1].group);
}

static void test_lists_name_all(void **state)
{
    struct buffer help = BUFFER_INIT, manual = BUFFER_INIT;

    (void)state;
    action_help(&help);
    action_manual(&manual);
    for (size_t i = 0; i < action_count; i++) {
        bool exists = action_exists(&actions[i]);

        assert_int_equal(strstr(buffer_text(&help), actions[i].help) != NULL, exists);
        assert_int_equal(strstr(buffer_text(&manual), actions[i].help) != NULL, exists);
    }
    buffer_free(&help);
    buffer_free(&manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_collision),
        cmocka_unit_test(test_each_is_whole),
        cmocka_unit_test(test_groups_stand_together),
        cmocka_unit_test(test_lists_name_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
