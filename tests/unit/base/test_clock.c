/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, and a clock that only goes forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"

static void text(void **state)
{
    static const struct {
        int64_t when;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {2147483648, "2038-01-19T03:14:08Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {253402300800, "?"},
        {INT64_MAX, "?"},
    };
    char out[CLOCK_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ptr_equal(clock_text((time_t)cases[i].when, out), out);
        assert_string_equal(out, cases[i].text);
    }
}

static void nothing(int number)
{
    (void)number;
}

static void sleeps_through_signals(void **state)
{
    struct sigaction action = {.sa_handler = nothing};
    struct itimerval tick = {.it_interval = {0, 5000}, .it_value = {0, 5000}};
    struct itimerval stop = {0};
    int64_t start = clock_us();

    (void)state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
    clock_sleep_ms(60);
    setitimer(ITIMER_REAL, &stop, NULL);
    assert_true(clock_us() - start >= 60000);
    clock_sleep_ms(0);
    clock_sleep_ms(-5);
    assert_true(clock_ms() >= start / 1000 + 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(sleeps_through_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
