/* SPDX-License-Identifier: Apache-2.0 */
/* Bad profiles are files, with the messages they must get beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "base/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const char *fixtures;

/* The lines without the path, which all must have. */
static char *join(const struct profile_problems *problems, const char *path)
{
    struct buffer out = BUFFER_INIT;

    for (size_t i = 0; i < problems->count; i++) {
        assert_int_equal(strncmp(problems->line[i], path, strlen(path)), 0);
        buffer_printf(&out, "%s\n", problems->line[i] + strlen(path));
    }
    return buffer_take(&out);
}

static void check_fixture(const char *name)
{
    struct buffer yaml = BUFFER_INIT, expected = BUFFER_INIT;
    struct profile_problems problems = {0};
    char *path = text_format("%s/%s.yaml", fixtures, name);
    char *answer = text_format("%s/%s.expected", fixtures, name);
    struct error e = ERROR_INIT;
    struct profile *p;
    char *got;

    assert_true(path_read_file(path, 1 << 20, &yaml, &e));
    assert_true(path_read_file(answer, 1 << 20, &expected, &e));
    p = profile_parse(name, yaml.data, yaml.length, &problems, &e);
    got = join(&problems, name);
    if (strcmp(got, buffer_text(&expected)) != 0)
        print_message("%s:\n%s", name, got);
    assert_string_equal(got, buffer_text(&expected));
    assert_null(p);
    assert_int_equal(e.code, ERROR_PROFILE);
    /* The test PIN in some of them. */
    assert_null(strstr(got, "123456"));
    assert_null(strstr(e.text, "123456"));
    profile_problems_free(&problems);
    buffer_free(&yaml);
    buffer_free(&expected);
    free(path);
    free(answer);
    free(got);
}

static void test_bad_profiles(void **state)
{
    struct dirent **items;
    int count = scandir(fixtures, &items, NULL, alphasort), checked = 0;

    (void)state;
    for (int i = 0; i < count; i++) {
        char *dot = strrchr(items[i]->d_name, '.');

        if (dot != NULL && strcmp(dot, ".yaml") == 0) {
            *dot = '\0';
            check_fixture(items[i]->d_name);
            checked++;
        }
        free(items[i]);
    }
    free(items);
    assert_true(checked >= 40);
}

static struct profile_problems parse_bad(const char *text)
{
    struct profile_problems problems = {0};
    struct profile *p = profile_parse("x", text, strlen(text), &problems, NULL);

    assert_null(p);
    return problems;
}

/* The root, and every map that the schema has. */
static void test_every_section_rejects_an_unknown_key(void **state)
{
    struct profile_problems problems = parse_bad("signet: 1\nno-such: 1\n");

    (void)state;
    assert_string_equal(problems.line[0], "x:2:1: no-such: unknown key");
    profile_problems_free(&problems);
    for (size_t i = 0; i < schema_key_count; i++) {
        const char *name = schema_keys[i].name, *dot = strchr(name, '.');
        char *text, *wanted;

        if (dot == NULL)
            continue;
        text = text_format("signet: 1\n%.*s:\n  no-such: 1\n", (int)(dot - name), name);
        wanted = text_format("x:3:3: %.*s.no-such: unknown key", (int)(dot - name), name);
        problems = parse_bad(text);
        assert_int_equal(problems.count, 1);
        assert_int_equal(strncmp(problems.line[0], wanted, strlen(wanted)), 0);
        profile_problems_free(&problems);
        free(text);
        free(wanted);
    }
}

/* Every key refuses what can be no value of its type. */
static void test_every_key_rejects_a_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_key_count; i++) {
        const char *name = schema_keys[i].name, *dot = strchr(name, '.');
        char *text = dot == NULL
                         ? text_format("%s: {a: b}\n", name)
                         : text_format("%.*s: {%s: {a: b}}\n", (int)(dot - name), name, dot + 1);
        char *wanted = text_format(": %s: should be a", name);
        struct profile_problems problems = parse_bad(text);

        assert_non_null(strstr(problems.line[0], wanted));
        profile_problems_free(&problems);
        free(text);
        free(wanted);
    }
}

static void test_too_many_mistakes(void **state)
{
    struct buffer text = BUFFER_INIT;
    struct profile_problems problems;

    (void)state;
    for (int i = 0; i < 5000; i++)
        buffer_printf(&text, "no-such-%d: 1\n", i);
    problems = parse_bad(buffer_text(&text));
    assert_int_equal(problems.count, 100);
    assert_string_equal(problems.line[98], "x:99:1: no-such-98: unknown key");
    assert_non_null(strstr(problems.line[99], "x:100:1: too many mistakes"));
    profile_problems_free(&problems);
    buffer_free(&text);
}

/* How many there are is told where only one is shown. */
static void test_the_error_counts_the_rest(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(profile_parse("x", "a: 1\nb: 2\n", 10, NULL, &e));
    assert_non_null(strstr(e.text, "x:1:1: a: unknown key (and 2 more; "));
}

static char *repeat(const char *unit, size_t size)
{
    size_t length = strlen(unit);
    char *bytes = malloc(size + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = unit[i % length];
    bytes[size] = '\0';
    return bytes;
}

/* Of what takes libyaml long: ten megabytes, and as much as a profile may have. */
static void test_bombs(void **state)
{
    static const char *const units[] = {
        "[",        "{",       "- ",      "? ",    "a: {",         "[{",
        "[\n",      "&a ",     "*a ",     "!a ",   "%TAG !a! b\n", "a:\n",
        "a: [],\n", "- - -\n", "\"\\x41", "- a\n", "# a\n"};
    static const size_t sizes[] = {10 << 20, 1 << 20, (1 << 20) - 64};
    clock_t start = clock();

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct error e = ERROR_INIT;
            char *bytes = repeat(units[i], sizes[j]);
            clock_t begin = clock();

            assert_null(profile_parse("x", bytes, sizes[j], NULL, &e));
            assert_int_equal(e.code, ERROR_PROFILE);
            assert_true(clock() - begin < CLOCKS_PER_SEC);
            free(bytes);
        }
    assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
}

/* Many different %TAG lines cost libyaml the square of their number. */
static void test_tag_lines(void **state)
{
    struct buffer text = BUFFER_INIT;
    clock_t begin = clock();

    (void)state;
    buffer_append_text(&text, "signet: 1\n...\n");
    for (unsigned i = 0; text.length < (1 << 20) - 64; i++)
        buffer_printf(&text, "%%TAG !%x! a\n", i);
    buffer_append_text(&text, "---\na: b\n");
    assert_null(profile_parse("x", text.data, text.length, NULL, NULL));
    assert_true(clock() - begin < CLOCKS_PER_SEC);
    buffer_free(&text);
}

static void test_byte_order_mark_and_line_ends(void **state)
{
    static const char text[] = "\xef\xbb\xbfsignet: 1\r\n# é\r\ndescription: café\r\npin: prompt";
    struct error e = ERROR_INIT;
    struct profile *p = profile_parse("x", text, sizeof text - 1, NULL, &e);
    const struct profile_place *pin;

    (void)state;
    assert_non_null(p);
    assert_string_equal(p->description, "café");
    pin = &p->place[schema_find("pin") - schema_keys];
    assert_int_equal(pin->line, 4);
    assert_int_equal(pin->column, 6);
    assert_int_equal(strncmp(text + pin->start, "prompt", pin->end - pin->start), 0);
    assert_int_equal(pin->end, sizeof text - 1);
    assert_int_equal(p->place[schema_find("url") - schema_keys].line, 0);
    profile_free(&p);
}

static void test_the_example_of_the_design(void **state)
{
    struct error e = ERROR_INIT;
    struct buffer text = BUFFER_INIT;
    char *path = text_format("%s/good/all-keys.yml", fixtures);
    struct profile *p;

    (void)state;
    assert_true(path_read_file(path, 1 << 20, &text, &e));
    p = profile_parse(path, text.data, text.length, NULL, &e);
    if (p == NULL)
        print_message("%s\n", e.text);
    assert_non_null(p);
    for (size_t i = 0; i < schema_key_count; i++)
        assert_true(p->place[i].line > 0);
    assert_string_equal(p->key, "pkcs11:token=release;serial=bcea268916c31934;id=%01");
    assert_string_equal(p->container_name, "p11#0123456789abcdef");
    assert_int_equal(p->tries_left, 15);
    assert_int_equal(p->timestamp_servers.count, 2);
    assert_int_equal(p->timestamp_timeout, 10000);
    assert_int_equal(p->timestamp_required, 1);
    assert_string_equal(p->files.item[1], "!dist/vendor/**");
    assert_int_equal(p->wait_for_token, 600000);
    assert_int_equal(p->sessions, 4);
    profile_free(&p);
    buffer_free(&text);
    free(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_profiles),
        cmocka_unit_test(test_every_section_rejects_an_unknown_key),
        cmocka_unit_test(test_every_key_rejects_a_map),
        cmocka_unit_test(test_too_many_mistakes),
        cmocka_unit_test(test_the_error_counts_the_rest),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_tag_lines),
        cmocka_unit_test(test_byte_order_mark_and_line_ends),
        cmocka_unit_test(test_the_example_of_the_design),
    };

    fixtures = argc > 1 ? argv[1] : "fixtures";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
