/* SPDX-License-Identifier: Apache-2.0 */
/* Texts quoted for YAML and for cmd.exe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "profiles/quote.h"

struct quoted {
    const char *text, *wanted;
};

static void check(void (*quote)(struct buffer *, const char *), const struct quoted *cases,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer out = BUFFER_INIT;

        quote(&out, cases[i].text);
        assert_string_equal(buffer_text(&out), cases[i].wanted);
        buffer_free(&out);
    }
}

/* Expectations by the rules of the C runtime of Windows (arguments) and of cmd.exe (batch files).
 */
static void test_cmd(void **state)
{
    static const struct quoted cases[] = {
        {"", "\"\""},
        {"Example App", "\"Example App\""},
        {"[{{PIN}}]=p11#0123456789abcdef", "\"[{{PIN}}]=p11#0123456789abcdef\""},
        {"C:\\dir\\", "\"C:\\dir\\\\\""},
        {"a&b|c", "\"a&b|c\""},
        {"100%", "\"100%%\""},
        {"say \"hi\" & go", "^\"say \\^\"hi\\^\" ^& go^\""},
        {"\\\"", "^\"\\\\\\^\"^\""},
        {"!%\"", "^\"^!%%\\^\"^\""},
    };

    (void)state;
    check(quote_cmd, cases, sizeof cases / sizeof *cases);
}

static void quote_block(struct buffer *out, const char *text)
{
    quote_yaml(out, text, false);
}

static void quote_flow(struct buffer *out, const char *text)
{
    quote_yaml(out, text, true);
}

static void test_yaml(void **state)
{
    static const struct quoted block[] = {
        {"Example App", "Example App"}, {"https://example.com", "https://example.com"},
        {"sha256:5f", "sha256:5f"},     {"pkcs11:token=a;id=%01", "pkcs11:token=a;id=%01"},
        {"true", "\"true\""},           {"No", "\"No\""},
        {"null", "\"null\""},           {"1", "\"1\""},
        {"a: b", "\"a: b\""},           {"a:", "\"a:\""},
        {"a #b", "\"a #b\""},           {"a ", "\"a \""},
        {"p11#0", "\"p11#0\""},         {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"C:\\x", "\"C:\\\\x\""},       {"\xef\xbf\xbf", "\"\\uFFFF\""},
    };
    static const struct quoted flow[] = {{"a", "\"a\""}, {"*.exe", "\"*.exe\""}};

    (void)state;
    check(quote_block, block, sizeof block / sizeof *block);
    check(quote_flow, flow, sizeof flow / sizeof *flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd),
        cmocka_unit_test(test_yaml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
