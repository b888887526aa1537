/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the patterns of a profile take in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "../base/scratch.h"
#include "profiles/engine/glob.h"

static void matches_name_by_name(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
    } cases[] = {
        {"a.exe", "a.exe", true},
        {"a.exe", "b.exe", false},
        {"*.exe", "a.exe", true},
        {"*.exe", "a.dll", false},
        {"*.exe", "dist/a.exe", false},
        {"*", ".hidden", false},
        {".*", ".hidden", true},
        {"?.exe", "a.exe", true},
        {"?.exe", "ab.exe", false},
        {"[ab].exe", "b.exe", true},
        {"dist/*.exe", "dist/a.exe", true},
        {"dist/*.exe", "dist/x/a.exe", false},
        {"dist", "dist/a.exe", false},
        {"dist/a.exe", "dist", false},
        {"**/*.exe", "a.exe", true},
        {"**/*.exe", "x/y/z/a.exe", true},
        {"dist/**/*.exe", "dist/a.exe", true},
        {"dist/**/*.exe", "dist/x/y/a.exe", true},
        {"dist/**/*.exe", "other/a.exe", false},
        {"dist/**/*.exe", "dist/x/y/a.dll", false},
        {"dist/**", "dist/x/y", true},
        {"**/bin/**/*.dll", "a/bin/b/c.dll", true},
        {"**/bin/**/*.dll", "a/sbin/b/c.dll", false},
        {"**", "any/thing", true},
        {"a**/b", "axx/b", true},
        {"a**/b", "a/x/b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (glob_match(cases[i].pattern, cases[i].path) != cases[i].fits)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
}

static void make(const char *path)
{
    char folder[256];

    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        mkdir(folder, 0755);
    }
    scratch_write(path, "", 0644);
}

static int make_tree(void **state)
{
    static const char *const files[] = {
        "dist/a.exe",  "dist/b.dll", "dist/x/c.exe", "dist/vendor/d.exe", "dist/vendor/keep/e.exe",
        "other/f.exe", "top.exe"};

    if (scratch_open(state) != 0 || chdir(scratch) != 0)
        return 1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        make(files[i]);
    /* Round in a circle. */
    return symlink("b.dll", "dist/link.dll") != 0 || symlink("..", "dist/up") != 0;
}

/* `wanted`: paths with a blank after each; NULL: refused, with `pattern` in the message. */
static void expands_to(const char *const *patterns, const char *wanted)
{
    struct profile_list list = {(char **)(uintptr_t)patterns, 0}, found = {0};
    struct error e = ERROR_INIT;
    char got[1024] = "";

    while (patterns[list.count] != NULL)
        list.count++;
    if (glob_expand(&list, &found, &e)) {
        for (size_t i = 0; i < found.count; i++) {
            strcat(got, found.item[i]);
            strcat(got, " ");
        }
        assert_string_equal(got, wanted == NULL ? "refused" : wanted);
    } else {
        assert_null(wanted);
        assert_int_equal(e.code, ERROR_USAGE);
        assert_non_null(strstr(e.text, patterns[0]));
    }
    profile_list_free(&found);
}

#define PATTERNS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expands_in_the_current_folder(void **state)
{
    (void)state;
    expands_to(PATTERNS("*.exe"), "top.exe ");
    expands_to(PATTERNS("./top.exe"), "top.exe ");
    expands_to(PATTERNS("dist/*"), "dist/a.exe dist/b.dll dist/link.dll ");
    expands_to(PATTERNS("dist/**", "!**/*.exe"), "dist/b.dll dist/link.dll ");
    expands_to(PATTERNS("dist/**/*.exe"),
               "dist/a.exe dist/vendor/d.exe dist/vendor/keep/e.exe dist/x/c.exe ");
    expands_to(PATTERNS("dist/**/*.exe", "!dist/vendor/**"), "dist/a.exe dist/x/c.exe ");
    expands_to(PATTERNS("dist/**/*.exe", "!./dist/vendor/**"), "dist/a.exe dist/x/c.exe ");
    expands_to(PATTERNS("dist/**/*.exe", "!dist/vendor/**", "dist/vendor/keep/*"),
               "dist/a.exe dist/vendor/keep/e.exe dist/x/c.exe ");
    expands_to(PATTERNS("**/f.exe", "top.exe"), "other/f.exe top.exe ");
}

static void names_a_pattern_that_takes_in_nothing(void **state)
{
    (void)state;
    expands_to(PATTERNS("nothing/*.exe"), NULL);
    expands_to(PATTERNS("dist", "top.exe"), NULL);
    /* One that leaves out nothing is no slip. */
    expands_to(PATTERNS("top.exe", "!nothing/*"), "top.exe ");
}

static void stays_in_the_current_folder(void **state)
{
    (void)state;
    expands_to(PATTERNS("/usr/*.exe"), NULL);
    expands_to(PATTERNS("../*.exe"), NULL);
    expands_to(PATTERNS("dist/../*.exe"), NULL);
    expands_to(PATTERNS("./../*.exe"), NULL);
    make("..two/dots.exe");
    expands_to(PATTERNS("**/dots.exe", "..two/*"), "..two/dots.exe ");
}

/* What is not looked at may be a part of the release. */
static void a_folder_too_deep_is_an_error(void **state)
{
    const char *const pattern = "**/*.dll";
    struct profile_list list = {(char *[]){(char *)(uintptr_t)pattern}, 1}, found = {0};
    struct error e = ERROR_INIT;
    char path[256] = "";

    (void)state;
    for (int i = 0; i < 70; i++)
        strcat(path, "d/");
    strcat(path, "x.dll");
    make(path);
    assert_false(glob_expand(&list, &found, &e));
    assert_non_null(strstr(e.text, "d/d/d"));
    assert_non_null(strstr(e.text, "64 deep"));
    profile_list_free(&found);
    assert_int_equal(system("rm -r d"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_name_by_name),
        cmocka_unit_test(expands_in_the_current_folder),
        cmocka_unit_test(names_a_pattern_that_takes_in_nothing),
        cmocka_unit_test(stays_in_the_current_folder),
        cmocka_unit_test(a_folder_too_deep_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_tree, scratch_close);
}
