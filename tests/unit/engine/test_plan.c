/* SPDX-License-Identifier: Apache-2.0 */
/* From names, lists and jobs to files and outputs, each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>

#include "../base/scratch.h"
#include "profiles/engine/plan.h"

static const struct profile_list no_patterns;

#define NAMES(...)                                                                                 \
    ((const char *const[]){__VA_ARGS__}),                                                          \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

static struct plan must_plan(const char *const *names, size_t count, const char *directory)
{
    struct error e = ERROR_INIT;
    struct plan p;

    if (!plan_make(&p, names, count, &no_patterns, directory, &e))
        fail_msg("%s", e.text);
    return p;
}

static void must_refuse(const char *const *names, size_t count, const char *directory,
                        const char *why)
{
    struct error e = ERROR_INIT;
    struct plan p;

    assert_false(plan_make(&p, names, count, &no_patterns, directory, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    if (strstr(e.text, why) == NULL)
        fail_msg("'%s' is not in '%s'", why, e.text);
    assert_int_equal(p.count, 0);
}

static int make_files(void **state)
{
    static const char *const names[] = {"a.exe", "b.exe", "sub/a.exe"};

    if (scratch_open(state) != 0 || chdir(scratch) != 0 || mkdir("sub", 0755) != 0)
        return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scratch_write(names[i], names[i], 0644);
    return link("a.exe", "hard.exe") != 0 || symlink("a.exe", "soft.exe") != 0 ||
           symlink("sub", "other") != 0;
}

static void in_place_means_the_file_behind_a_link(void **state)
{
    struct plan p = must_plan(NAMES("b.exe", "soft.exe", "missing.exe"), NULL);

    (void)state;
    assert_int_equal(p.count, 3);
    assert_string_equal(p.item[0].file, "b.exe");
    assert_string_equal(p.item[0].output, scratch_path("b.exe"));
    assert_string_equal(p.item[1].file, "soft.exe");
    assert_string_equal(p.item[1].output, scratch_path("a.exe"));
    /* It fails when its turn comes. */
    assert_string_equal(p.item[2].output, "missing.exe");
    for (size_t i = 0; i < 3; i++) {
        assert_true(p.item[i].in_place);
        assert_int_equal(p.item[i].same_as, i);
    }
    plan_free(&p);
}

static void a_folder_takes_the_names(void **state)
{
    struct plan p = must_plan(NAMES("a.exe", "sub/../b.exe"), "out/deep");

    (void)state;
    assert_string_equal(p.item[0].output, "out/deep/a.exe");
    assert_string_equal(p.item[1].output, "out/deep/b.exe");
    assert_false(p.item[0].in_place);
    plan_free(&p);
}

static void a_file_under_several_names_is_one(void **state)
{
    struct plan p = must_plan(
        NAMES("b.exe", "a.exe", "./a.exe", "hard.exe", "soft.exe", "sub/a.exe", "other/a.exe"),
        NULL);
    static const size_t same_as[] = {0, 1, 1, 1, 1, 5, 5};

    (void)state;
    for (size_t i = 0; i < p.count; i++)
        assert_int_equal(p.item[i].same_as, same_as[i]);
    plan_free(&p);
}

static void lists_have_a_path_a_line(void **state)
{
    struct plan p;

    (void)state;
    scratch_write("list", "a.exe\r\n\n\r\nb.exe\nname with blanks .exe", 0644);
    p = must_plan(NAMES("@list", "sub/a.exe"), NULL);
    assert_int_equal(p.count, 4);
    assert_string_equal(p.item[0].file, "a.exe");
    assert_string_equal(p.item[1].file, "b.exe");
    assert_string_equal(p.item[2].file, "name with blanks .exe");
    assert_string_equal(p.item[3].file, "sub/a.exe");
    plan_free(&p);
}

static void bad_lists_are_refused(void **state)
{
    int fd = open("binary", O_WRONLY | O_CREAT, 0644);

    (void)state;
    assert_int_equal(write(fd, "a\0b\n", 4), 4);
    close(fd);
    scratch_write("empty", "\n\n", 0644);
    must_refuse(NAMES("@missing"), NULL, "cannot read the list 'missing'");
    must_refuse(NAMES("@sub"), NULL, "cannot read the list 'sub'");
    must_refuse(NAMES("@binary"), NULL, "NUL");
    must_refuse(NAMES("@empty"), NULL, "no files");
    must_refuse(NULL, 0, NULL, "no files");
}

static void feed(const char *text)
{
    scratch_write("jobs", text, 0644);
    assert_non_null(freopen("jobs", "r", stdin));
}

static void jobs_say_more_than_a_path(void **state)
{
    struct plan p;

    (void)state;
    feed("{\"file\": \"a.exe\", \"output\": \"x.exe\", \"description\": \"One\"}\n\n"
         "{\"file\": \"a.exe\", \"output\": \"y.exe\", \"description\": \"Two\"}\n"
         "{\"file\": \"hard.exe\", \"output\": \"z.exe\", \"description\": \"Two\"}\n"
         "{\"file\": \"b.exe\", \"url\": \"https://example.com\"}");
    p = must_plan(NAMES("-"), NULL);
    assert_int_equal(p.count, 4);
    assert_string_equal(p.item[0].output, "x.exe");
    assert_false(p.item[0].in_place);
    assert_string_equal(p.item[0].description, "One");
    assert_null(p.item[0].url);
    /* One file, but two signatures: they differ. */
    assert_int_equal(p.item[1].same_as, 1);
    assert_int_equal(p.item[2].same_as, 1);
    assert_string_equal(p.item[3].url, "https://example.com");
    assert_true(p.item[3].in_place);
    plan_free(&p);
}

static void bad_jobs_are_refused_with_their_line(void **state)
{
    static const char *const bad[] = {
        "{\"file\": \"a.exe\"}\nnot json\n",
        "{\"file\": \"a.exe\"}\n[\"a.exe\"]\n",
        "{\"file\": \"a.exe\"}\n{\"output\": \"x\"}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": 1}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"ouptut\": \"x\"}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"output\": 1}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"url\": null}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"file\": \"c.exe\"}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"url\": \"javascript:x\"}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"description\": \"a\\u001b[1m\"}\n",
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\", \"description\": \"\"}\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        feed(bad[i]);
        must_refuse(NAMES("-"), NULL, "line 2");
    }
}

/* Half a list of jobs is none. */
static void jobs_that_cannot_be_read_whole_are_refused(void **state)
{
    static const char text[] =
        "{\"file\": \"a.exe\"}\n{\"file\": \"b.exe\"}\0, {\"file\": \"c.exe\"}\n";
    FILE *jobs = fopen("jobs", "w");

    (void)state;
    assert_non_null(jobs);
    assert_int_equal(fwrite(text, 1, sizeof text - 1, jobs), sizeof text - 1);
    fclose(jobs);
    assert_non_null(freopen("jobs", "r", stdin));
    must_refuse(NAMES("-"), NULL, "standard input, line 2: it has NUL bytes");
    assert_non_null(freopen("sub", "r", stdin));
    must_refuse(NAMES("a.exe", "-"), NULL, "cannot read standard input");
}

static void two_files_never_share_an_output(void **state)
{
    (void)state;
    must_refuse(NAMES("a.exe", "sub/a.exe"), "out", "would both be written to 'out/a.exe'");
    feed("{\"file\": \"a.exe\", \"output\": \"sub/x\"}\n"
         "{\"file\": \"b.exe\", \"output\": \"./other/x\"}\n");
    must_refuse(NAMES("-"), NULL, "would both be written");
    feed("{\"file\": \"a.exe\", \"description\": \"One\"}\n"
         "{\"file\": \"a.exe\", \"description\": \"Two\"}\n");
    must_refuse(NAMES("-"), NULL, "would both be written");
}

static void no_file_is_written_over_another_that_is_to_be_signed(void **state)
{
    struct plan p;

    (void)state;
    feed("{\"file\": \"a.exe\", \"output\": \"new.exe\"}\n"
         "{\"file\": \"b.exe\", \"output\": \"./sub/../a.exe\"}\n");
    must_refuse(NAMES("-"), NULL, "'b.exe' would be written over 'a.exe'");
    feed("{\"file\": \"a.exe\", \"output\": \"b.exe\"}\n");
    must_refuse(NAMES("-", "b.exe"), NULL, "would both be written");
    feed("{\"file\": \"a.exe\", \"output\": \"a.exe\"}\n");
    p = must_plan(NAMES("-"), NULL);
    plan_free(&p);
}

static void patterns_serve_where_no_file_is_named(void **state)
{
    char *patterns[] = {(char[]){"*.exe"}, (char[]){"!soft.exe"}, (char[]){"!hard.exe"}};
    struct profile_list list = {patterns, 3};
    struct error e = ERROR_INIT;
    struct plan p;

    (void)state;
    assert_true(plan_make(&p, NULL, 0, &list, NULL, &e));
    assert_int_equal(p.count, 2);
    assert_string_equal(p.item[0].file, "a.exe");
    plan_free(&p);
    assert_true(plan_make(&p, NAMES("sub/a.exe"), &list, NULL, &e));
    assert_int_equal(p.count, 1);
    plan_free(&p);
}

/* Files that are only read may be named twice, be links, or be missing. */
static void names_to_read(void **state)
{
    struct error e = ERROR_INIT;
    struct plan p;

    (void)state;
    scratch_write("to-read", "sub/a.exe\n\nmissing.exe\n", 0644);
    assert_true(plan_read(&p, NAMES("a.exe", "@to-read", "missing.exe", "a.exe", "hard.exe"), &e));
    assert_int_equal(p.count, 6);
    assert_string_equal(p.item[0].file, "a.exe");
    assert_string_equal(p.item[1].file, "sub/a.exe");
    assert_string_equal(p.item[2].file, "missing.exe");
    assert_string_equal(p.item[3].file, "missing.exe");
    assert_string_equal(p.item[4].file, "a.exe");
    assert_string_equal(p.item[5].file, "hard.exe");
    plan_free(&p);
    assert_false(plan_read(&p, NAMES("a.exe", "-"), &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(p.count, 0);
    assert_false(plan_read(&p, NAMES("@nothing"), &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(p.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_to_read),
        cmocka_unit_test(in_place_means_the_file_behind_a_link),
        cmocka_unit_test(a_folder_takes_the_names),
        cmocka_unit_test(a_file_under_several_names_is_one),
        cmocka_unit_test(lists_have_a_path_a_line),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(jobs_say_more_than_a_path),
        cmocka_unit_test(bad_jobs_are_refused_with_their_line),
        cmocka_unit_test(jobs_that_cannot_be_read_whole_are_refused),
        cmocka_unit_test(two_files_never_share_an_output),
        cmocka_unit_test(no_file_is_written_over_another_that_is_to_be_signed),
        cmocka_unit_test(patterns_serve_where_no_file_is_named),
    };

    return cmocka_run_group_tests(tests, make_files, scratch_close);
}
