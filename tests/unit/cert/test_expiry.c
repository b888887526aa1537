/* SPDX-License-Identifier: Apache-2.0 */
/* Warned is in time, and not of what a later certificate continues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cert/expiry.h"
#include "make.h"

enum { DAY = 24 * 60 * 60 };

static EVP_PKEY *key, *next_key;

static int make_keys(void **state)
{
    (void)state;
    key = make_key("P-256");
    next_key = make_key("P-256");
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    EVP_PKEY_free(next_key);
    return 0;
}

static X509 *make(const char *name, EVP_PKEY *of, time_t to)
{
    return make_certificate(&(struct certificate){.name = name,
                                                  .key = of,
                                                  .serial = to / DAY,
                                                  .from = YEAR_2020,
                                                  .to = to,
                                                  .purposes = "codeSigning"});
}

/* NULL: nothing is said. */
static void check(const X509 *x, time_t now, const char *said)
{
    char *text = cert_expiry_warning(x, now);

    if (said == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_non_null(strstr(text, said));
    }
    free(text);
}

static void days(void **state)
{
    X509 *x = make("One", key, YEAR_2026);

    (void)state;
    check(x, YEAR_2026 - 61 * DAY, NULL);
    check(x, YEAR_2026 - 60 * DAY, NULL);
    check(x, YEAR_2026 - 60 * DAY + 1, "expires on 2026-01-01, in 59 days; order the next one now");
    check(x, YEAR_2026 - 60 * DAY + 1, "460 days");
    check(x, YEAR_2026 - DAY, "in 1 day;");
    check(x, YEAR_2026, "in 0 days;");
    check(x, YEAR_2026 + 1, "expired on 2026-01-01, 1 day ago");
    check(x, YEAR_2026 + 3 * DAY, "3 days ago");
    check(x, YEAR_2020, NULL);
    check(x, YEAR_2020 - 1, "not valid yet, but from 2020-01-01T00:00 UTC on");
    X509_free(x);
}

static void continued(void **state)
{
    X509 *old = make("One", key, YEAR_2026), *same_name = make("One", next_key, YEAR_2040);
    X509 *same_key = make("Two", key, YEAR_2040), *foreign = make("Two", next_key, YEAR_2040);
    X509 *all[] = {old, same_name, same_key, foreign};
    static const bool wanted[] = {false, true, true, false};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        STACK_OF(X509) *stack = make_stack(old, all[i], NULL);

        assert_int_equal(cert_is_continued(old, stack), wanted[i]);
        assert_false(cert_is_continued(all[i == 0 ? 1 : i], stack));
        make_free_stack(stack);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        X509_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(days), cmocka_unit_test(continued)};

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
