/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of bytes from outside, hex, near misses and quoting. */
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

/* A literal that may contain NUL, and its length. */
#define BYTES(literal) literal, sizeof(literal) - 1

static void printable(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *text, *fixed; /* escaped, and by text_make_printable */
    } cases[] = {
        {BYTES(""), "", ""},
        {BYTES("plain text ~"), "plain text ~", "plain text ~"},
        {BYTES("a\nb\x1b[31m\x7f"), "a\\x0Ab\\x1B[31m\\x7F", "a?b?[31m?"},
        {BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"),
         "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"},
        {BYTES("\xc2\x9b"
               "2J"),
         "\\xC2\\x9B2J", "??2J"}, /* CSI of C1 */
        {BYTES("\xe2\x80\xa8\xe2\x80\xa9"), "\\xE2\\x80\\xA8\\xE2\\x80\\xA9", "??????"},
        {BYTES("a\xe2\x80\xae"
               "exe"),
         "a\\xE2\\x80\\xAE"
         "exe",
         "a???exe"}, /* right to left */
        {BYTES("\xe2\x81\xa6"), "\\xE2\\x81\\xA6", "???"},
        {BYTES("\xc0\xaf"), "\\xC0\\xAF", "??"}, /* overlong */
        {BYTES("\xe0\x80\xaf"), "\\xE0\\x80\\xAF", "???"},
        {BYTES("\xed\xa0\x80"), "\\xED\\xA0\\x80", "???"},           /* surrogate */
        {BYTES("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80", "????"}, /* past U+10FFFF */
        {BYTES("\xf8\x88\x80\x80\x80"), "\\xF8\\x88\\x80\\x80\\x80", "?????"},
        {BYTES("x\xc3"), "x\\xC3", "x?"}, /* torn */
        {BYTES("\xe2\x82"), "\\xE2\\x82", "??"},
        {BYTES("\x80z"), "\\x80z", "?z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_printable(cases[i].bytes, cases[i].length);
        char fixed[64];

        assert_string_equal(text, cases[i].text);
        free(text);
        snprintf(fixed, sizeof fixed, "%s", cases[i].bytes);
        text_make_printable(fixed);
        assert_string_equal(fixed, cases[i].fixed);
    }
}

static void nul_is_shown(void **state)
{
    char *text = text_printable(BYTES("a\0b"));

    (void)state;
    assert_string_equal(text, "a\\x00b");
    free(text);
}

static void padded(void **state)
{
    static const struct {
        const char *field;
        size_t size;
        const char *text;
    } cases[] = {
        {BYTES("release         "), "release"},
        {BYTES("two words  "), "two words"},
        {BYTES("nul\0   rest"), "nul"},
        {BYTES("blank  \0\0\0"), "blank"},
        {BYTES("        "), ""},
        {BYTES("\0\0\0\0"), ""},
        {BYTES("12345678"), "12345678"},
        {BYTES("  lead  "), "  lead"},
        {BYTES("bad\xff    "), "bad\\xFF"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_padded(cases[i].field, cases[i].size);

        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

static void hex(void **state)
{
    static const struct {
        const char *text;
        bool good;
        const char *hex; /* what the bytes are written as */
    } cases[] = {
        {"", true, ""},
        {"00ff7A", true, "00ff7a"},
        {"5f:3c:01", true, "5f3c01"},
        {"5f 3c 01", true, "5f3c01"},
        {"0011223344556677", true, "0011223344556677"},
        {"001122334455667788", false, NULL},
        {"5", false, NULL},
        {"5f3", false, NULL},
        {"5g", false, NULL},
        {":5f", false, NULL},
        {"5:f", false, NULL},
        {"0x5f", false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[8];
        size_t length = 0;
        char *text;

        assert_int_equal(text_unhex(cases[i].text, bytes, sizeof bytes, &length), cases[i].good);
        if (!cases[i].good)
            continue;
        text = text_hex(bytes, length);
        assert_string_equal(text, cases[i].hex);
        free(text);
    }
}

static void utf8(void **state)
{
    (void)state;
    assert_true(text_is_utf8(BYTES("")));
    assert_true(text_is_utf8(BYTES("z\xc3\xbcrich\n")));
    assert_true(text_is_utf8(BYTES("\xf4\x8f\xbf\xbf")));
    assert_false(text_is_utf8(BYTES("a\0b")));
    assert_false(text_is_utf8(BYTES("\xc1\x81")));
    assert_false(text_is_utf8(BYTES("\xed\xbf\xbf")));
    assert_false(text_is_utf8(BYTES("abc\xf0\x9f\x94")));
}

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {
        {"", "", 0},
        {"sign", "sign", 0},
        {"sign", "sing", 1},
        {"sign", "sig", 1},
        {"sign", "signs", 1},
        {"verify", "verfiy", 1},
        {"", "abc", 3},
        {"abc", "", 3},
        {"check", "chekc", 1},
        {"timestmap", "timestamp", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},
    };
    char long_a[200], long_b[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(text_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(text_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    memset(long_a, 'a', sizeof long_a);
    memset(long_b, 'b', sizeof long_b);
    long_a[sizeof long_a - 1] = long_b[sizeof long_b - 1] = '\0';
    assert_int_equal(text_distance(long_a, long_b), 64);
}

static void nearest(void **state)
{
    static const char *const verbs[] = {"sign", "verify", "check", "counters", "timestamp"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"sing", "sign"},          {"verfy", "verify"},  {"conuters", "counters"},
        {"timestmp", "timestamp"}, {"frobnicate", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = text_nearest(cases[i].word, verbs, 5);

        if (cases[i].nearest == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].nearest);
    }
    assert_null(text_nearest("sign", verbs, 0));
}

/* What a shell makes of the quoted text is the text. */
static void shell_quote(void **state)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"plain-1.2/x", "plain-1.2/x"}, {"", "''"},
        {"two words", "'two words'"},   {"pkcs11:token=a;id=%01", "'pkcs11:token=a;id=%01'"},
        {"it's", "'it'\\''s'"},         {"$(rm) `x` \\ \"", "'$(rm) `x` \\ \"'"},
        {"~root", "'~root'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *quoted = text_shell_quote(cases[i].text);
        char *command = text_format("printf %%s %s", quoted);
        FILE *shell = popen(command, "r");
        char back[100] = "";

        assert_string_equal(quoted, cases[i].quoted);
        assert_non_null(shell);
        back[fread(back, 1, sizeof back - 1, shell)] = '\0';
        pclose(shell);
        assert_string_equal(back, cases[i].text);
        free(quoted);
        free(command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable), cmocka_unit_test(nul_is_shown), cmocka_unit_test(padded),
        cmocka_unit_test(hex),       cmocka_unit_test(utf8),         cmocka_unit_test(distances),
        cmocka_unit_test(nearest),   cmocka_unit_test(shell_quote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
