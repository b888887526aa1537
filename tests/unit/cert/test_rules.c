/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and tokens, judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "cert/rules.h"

static void test_keys(void **state)
{
    const char *why;

    (void)state;
    assert_true(rules_key("", 3072, &why));
    assert_true(rules_key("", 4096, &why));
    assert_true(rules_key("P-256", 256, &why));
    assert_true(rules_key("P-521", 521, &why));
    assert_false(rules_key("", 2048, &why));
    assert_non_null(strstr(why, "3072"));
    assert_false(rules_key("", 3071, &why));
    assert_false(rules_key("Ed25519", 256, &why));
    assert_false(rules_key("secp256k1", 256, &why));
    assert_false(rules_key("", 0, &why));
}

static void test_tokens(void **state)
{
    const char *why;

    (void)state;
    assert_true(rules_token(4096, 0, &why));
    assert_true(rules_token(2048, 384, &why));
    assert_false(rules_token(2048, 0, &why));
    assert_non_null(strstr(why, "no CA may issue"));
    assert_false(rules_token(0, 0, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
