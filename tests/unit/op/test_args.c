/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to checked values, and to errors that a person can act on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "op/args.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct op_arg declared[] = {
    {.name = "PROFILE", .type = OP_PROFILE, .positional = true, .required = true, .help = "which"},
    {.name = "FILE", .type = OP_PATH, .positional = true, .repeatable = true, .help = "files"},
    {.name = "output", .type = OP_PATH, .value = "FILE", .letter = 'o', .help = "where to"},
    {.name = "jobs",
     .type = OP_INTEGER,
     .value = "N",
     .minimum = 1,
     .maximum = 8,
     .default_text = "2",
     .help = "how many"},
    {.name = "colour", .type = OP_CHOICE, .value = "C", .choices = colours, .help = "a colour"},
    {.name = "force", .type = OP_FLAG, .help = "go on"},
};
static const struct op op = {
    .verb = "paint",
    .group = "Look",
    .summary = "paint files",
    .effects = OP_LOGS_IN,
    .args = declared,
    .arg_count = sizeof declared / sizeof *declared,
};

#define PARSE(e, ...)                                                                              \
    op_args_parse(&op, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)),        \
                  (const char *[]){__VA_ARGS__}, e)

static void test_values(void **state)
{
    struct op_args *a = PARSE(NULL, "release", "--jobs=4", "a.exe", "-o", "out", "--force",
                              "--colour", "green", "--", "--b.exe");

    (void)state;
    assert_non_null(a);
    assert_string_equal(op_text(a, "PROFILE"), "release");
    assert_int_equal(op_count(a, "FILE"), 2);
    assert_string_equal(op_text_at(a, "FILE", 0), "a.exe");
    assert_string_equal(op_text_at(a, "FILE", 1), "--b.exe");
    assert_null(op_text_at(a, "FILE", 2));
    assert_int_equal(op_integer(a, "jobs"), 4);
    assert_string_equal(op_text(a, "output"), "out");
    assert_string_equal(op_text(a, "colour"), "green");
    assert_true(op_flag(a, "force"));
    assert_false(op_flag(a, "json"));
    op_args_free(&a);
    assert_null(a);
}

static void test_defaults(void **state)
{
    struct op_args *a = PARSE(NULL, "release");

    (void)state;
    assert_int_equal(op_integer(a, "jobs"), 2);
    assert_false(op_given(a, "jobs"));
    assert_null(op_text(a, "output"));
    assert_int_equal(op_count(a, "FILE"), 0);
    op_args_free(&a);
}

static void test_a_letter_with_its_value(void **state)
{
    struct op_args *a = PARSE(NULL, "release", "-oout", "-v");

    (void)state;
    assert_string_equal(op_text(a, "output"), "out");
    assert_true(op_flag(a, "verbose"));
    op_args_free(&a);
}

/* --help asks for nothing else. */
static void test_help_without_the_required(void **state)
{
    struct op_args *a = PARSE(NULL, "--help");

    (void)state;
    assert_true(op_flag(a, "help"));
    op_args_free(&a);
}

#define REFUSES(because, ...)                                                                      \
    do {                                                                                           \
        struct error e = ERROR_INIT;                                                               \
                                                                                                   \
        assert_null(PARSE(&e, __VA_ARGS__));                                                       \
        assert_int_equal(e.code, ERROR_USAGE);                                                     \
        if (strstr(e.text, because) == NULL)                                                       \
            fail_msg("'%s' does not say '%s'", e.text, because);                                   \
    } while (0)

static void test_errors_say_what_to_do(void **state)
{
    (void)state;
    REFUSES("PROFILE is missing: which", "--force");
    REFUSES("unknown option --jbos; did you mean --jobs?", "p", "--jbos=1");
    REFUSES("--jobs takes a number from 1 to 8, not 9", "p", "--jobs", "9");
    REFUSES("--jobs takes a number, not '2x'", "p", "--jobs=2x");
    REFUSES("--jobs takes a number, not ''", "p", "--jobs=");
    REFUSES("--jobs takes a number, not '99999999999999999999'", "p",
            "--jobs=99999999999999999999");
    REFUSES("--colour takes one of red, green, not 'blue'", "p", "--colour", "blue");
    REFUSES("--output needs a value: FILE", "p", "--output");
    REFUSES("--output is given twice", "p", "-o", "a", "--output=b");
    REFUSES("--force takes no value", "p", "--force=yes");
    REFUSES("unknown option -x", "p", "-x");
}

static void test_a_pin_is_not_repeated(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(PARSE(&e, "p", "--pin", "987654"));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_null(strstr(e.text, "987654"));
    assert_null(PARSE(&e, "p", "--pin=987654"));
    assert_null(strstr(e.text, "987654"));
}

static const struct op op_new = {.verb = "profile new"}, op_list = {.verb = "profile list"};
static const struct op *const table[] = {&op, &op_new, &op_list};

static void test_verbs(void **state)
{
    struct error e = ERROR_INIT;
    int words;

    (void)state;
    assert_ptr_equal(op_find(table, 3, 2, (const char *[]){"paint", "x"}, &words, &e), &op);
    assert_int_equal(words, 1);
    assert_ptr_equal(op_find(table, 3, 2, (const char *[]){"profile", "list"}, &words, &e),
                     &op_list);
    assert_int_equal(words, 2);
    assert_null(op_find(table, 3, 1, (const char *[]){"profile"}, &words, &e));
    assert_non_null(strstr(e.text, "One of: profile new, profile list"));
    assert_null(op_find(table, 3, 1, (const char *[]){"piant"}, &words, &e));
    assert_non_null(strstr(e.text, "did you mean 'paint'?"));
    assert_null(op_find(table, 3, 1, (const char *[]){"painter"}, &words, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_a_letter_with_its_value),
        cmocka_unit_test(test_help_without_the_required),
        cmocka_unit_test(test_errors_say_what_to_do),
        cmocka_unit_test(test_a_pin_is_not_repeated),
        cmocka_unit_test(test_verbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
