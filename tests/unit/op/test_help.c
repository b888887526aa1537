/* SPDX-License-Identifier: Apache-2.0 */
/* Help, manual and completion of every operation of core: whole, and no wider than a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "op/args.h"

static void no_line_is_wide(const char *text)
{
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (length > 80)
            fail_msg("%zu columns: %.*s", length, (int)length, text);
    }
}

static void test_each_verb(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_core_count; i++) {
        const struct op *op = op_core_table[i];
        struct buffer help = BUFFER_INIT, manual = BUFFER_INIT;

        op_help_verb("signet", op, &help);
        op_manual_verb("signet", op, &manual);
        assert_non_null(strstr(buffer_text(&manual), op->summary));
        no_line_is_wide(buffer_text(&help));
        for (size_t j = 0; j < op->arg_count; j++) {
            assert_non_null(strstr(buffer_text(&help), op->args[j].name));
            assert_non_null(strstr(buffer_text(&manual), op->args[j].name));
        }
        /* A verb that can log in says where the PIN may come from; others take none. */
        assert_int_equal(strstr(buffer_text(&help), "--pin SOURCE") != NULL, op_takes_pin(op));
        buffer_free(&help);
        buffer_free(&manual);
    }
}

static void test_the_overview(void **state)
{
    struct buffer help = BUFFER_INIT, completion = BUFFER_INIT;

    (void)state;
    op_help_program("signet", "about", op_core_table, op_core_count, &help);
    op_completion("signet", op_core_table, op_core_count, &completion);
    no_line_is_wide(buffer_text(&help));
    for (size_t i = 0; i < op_core_count; i++) {
        assert_non_null(strstr(buffer_text(&help), op_core_table[i]->verb));
        assert_non_null(strstr(buffer_text(&completion), op_core_table[i]->verb));
    }
    buffer_free(&help);
    buffer_free(&completion);
}

/* The other program's verbs are not offered. */
static void test_the_other_program(void **state)
{
    static const struct op op_sign = {
        .verb = "sign", .group = "Sign", .summary = "sign files", .program = OP_BATCH};
    const struct op *const table[] = {&op_sign};
    struct buffer ours = BUFFER_INIT, other = BUFFER_INIT;

    (void)state;
    op_help_program("signet-batch", "about", table, 1, &ours);
    op_help_program("signet", "about", table, 1, &other);
    assert_non_null(strstr(buffer_text(&ours), "sign files"));
    assert_null(strstr(buffer_text(&other), "sign files"));
    buffer_free(&ours);
    buffer_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_verb),
        cmocka_unit_test(test_the_overview),
        cmocka_unit_test(test_the_other_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
