/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is read back to the same values, for every key and for difficult ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static void check_round_trip(const struct profile *p)
{
    struct buffer text = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct profile *again;

    assert_true(profile_write(p, &text, &e));
    again = profile_parse("x", text.data, text.length, NULL, &e);
    if (again == NULL)
        print_message("%s\n%s", e.text, buffer_text(&text));
    assert_non_null(again);
    for (size_t i = 1; i < schema_key_count; i++)
        if (!schema_same(&schema_keys[i], p, again))
            fail_msg("%s changed:\n%s", schema_keys[i].name, buffer_text(&text));
    profile_free(&again);
    buffer_free(&text);
}

/* Numbers that repeat in every run. */
static unsigned next(unsigned limit)
{
    static uint32_t state = 20261124;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % limit;
}

/* Text of parts that mean something to YAML, to shells and to terminals. */
static void make_text(char *out, size_t size)
{
    static const char *const parts[] = {"a",
                                        "Z",
                                        "0",
                                        " ",
                                        ":",
                                        ": ",
                                        " #",
                                        "#",
                                        "-",
                                        "- ",
                                        "\"",
                                        "'",
                                        "\\",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        ",",
                                        "&",
                                        "*",
                                        "!",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "~",
                                        "null",
                                        "no",
                                        "é",
                                        "…",
                                        "\U0001F511",
                                        "\xef\xbf\xbe",
                                        "\xef\xbf\xbd",
                                        "?",
                                        "? ",
                                        "=",
                                        "<<",
                                        "---",
                                        "\xc2\xa0"};
    size_t used = 0;

    do
        used += (size_t)snprintf(out + used, size - used, "%s",
                                 parts[next(sizeof parts / sizeof *parts)]);
    while (next(6) != 0 && used < size - 16);
}

static int64_t make_number(const struct schema_key *k)
{
    size_t choices = 0;

    if (k->type == SCHEMA_BOOLEAN)
        return next(2);
    if (k->type == SCHEMA_CHOICE) {
        while (k->choices[choices] != NULL)
            choices++;
        return next((unsigned)choices);
    }
    return k->minimum + (int64_t)((uint64_t)next(1 << 24) * next(1 << 24) %
                                  (uint64_t)(k->maximum - k->minimum + 1));
}

/* A value that the key takes; by luck and by trying. */
static void make_value(const struct schema_key *k, struct profile *p)
{
    static const char *const leads[] = {"", "", "pkcs11:token=", "https://a/", "file:", "prompt"};
    char value[256], why[400];

    if (schema_is_number(k)) {
        *schema_number(k, p) = make_number(k);
        return;
    }
    for (int i = 0; i < 200; i++) {
        const char *lead = leads[next(sizeof leads / sizeof *leads)];

        snprintf(value, sizeof value, "%s", lead);
        if (next(3) != 0)
            make_text(value + strlen(lead), sizeof value - strlen(lead));
        if (schema_set(k, p, value, why, sizeof why) && (!schema_is_list(k) || next(3) == 0))
            return;
    }
}

static void test_generated_profiles(void **state)
{
    size_t filled[64] = {0};

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct profile *p = profile_new(NULL);

        for (size_t k = 0; k < schema_key_count; k++) {
            if (next(2) == 0)
                make_value(&schema_keys[k], p);
            filled[k] += !schema_is_default(&schema_keys[k], p);
        }
        check_round_trip(p);
        profile_free(&p);
    }
    for (size_t k = 0; k < schema_key_count; k++)
        if (filled[k] == 0)
            fail_msg("%s never had a value", schema_keys[k].name);
}

/* One key at a time, so that none hides another. */
static void test_every_key_alone(void **state)
{
    (void)state;
    for (size_t k = 0; k < schema_key_count; k++)
        for (int i = 0; i < 50; i++) {
            struct profile *p = profile_new(NULL);

            make_value(&schema_keys[k], p);
            check_round_trip(p);
            profile_free(&p);
        }
}

static void test_defaults_are_left_out(void **state)
{
    struct profile *p = profile_new(NULL);
    struct buffer text = BUFFER_INIT;
    char why[100];

    (void)state;
    assert_true(profile_write(p, &text, NULL));
    assert_string_equal(buffer_text(&text), "signet: 1\n");
    buffer_free(&text);
    assert_true(schema_set(schema_find("limits.sessions"), p, "4", why, sizeof why));
    assert_true(schema_set(schema_find("limits.wait-for-token"), p, "90s", why, sizeof why));
    assert_true(schema_set(schema_find("files"), p, "dist/**/*.exe", why, sizeof why));
    assert_true(schema_set(schema_find("files"), p, "!x", why, sizeof why));
    assert_true(schema_set(schema_find("pin"), p, "env:SIGNET_PIN", why, sizeof why));
    assert_true(profile_write(p, &text, NULL));
    assert_string_equal(buffer_text(&text), "signet: 1\n"
                                            "pin: env:SIGNET_PIN\n"
                                            "files: [\"dist/**/*.exe\", \"!x\"]\n"
                                            "limits:\n"
                                            "  sessions: 4\n"
                                            "  wait-for-token: 90s\n");
    buffer_free(&text);
    profile_free(&p);
}

/* The example of every key is a value that it takes: the manual does not lie. */
static void test_examples_of_the_manual(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        const char *dot = strchr(k->name, '.');
        char *text = dot == NULL ? text_format("%s%s: %s\n", i == 0 ? "" : "signet: 1\n", k->name,
                                               k->example)
                                 : text_format("signet: 1\n%.*s: {%s: %s}\n", (int)(dot - k->name),
                                               k->name, dot + 1, k->example);
        struct error e = ERROR_INIT;
        struct profile *p = profile_parse("x", text, strlen(text), NULL, &e);

        /* A whole fingerprint would not fit the page. */
        if (p == NULL && k->type != SCHEMA_CERTIFICATE)
            fail_msg("%s", e.text);
        profile_free(&p);
        free(text);
    }
}

static void test_the_manual_has_every_key(void **state)
{
    struct buffer text = BUFFER_INIT;

    (void)state;
    schema_manual(&text);
    for (size_t i = 0; i < schema_key_count; i++) {
        char *heading = text_format("*%s*\n\t", schema_keys[i].name);

        assert_non_null(strstr(buffer_text(&text), heading));
        free(heading);
    }
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_profiles),
        cmocka_unit_test(test_every_key_alone),
        cmocka_unit_test(test_defaults_are_left_out),
        cmocka_unit_test(test_examples_of_the_manual),
        cmocka_unit_test(test_the_manual_has_every_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
