/* SPDX-License-Identifier: Apache-2.0 */
/* Signals are for the main thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <signal.h>

#include "base/thread.h"

static void *read_mask(void *mask)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

static void test_a_thread_takes_no_signals(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGWINCH, SIGHUP, SIGCHLD};
    sigset_t theirs, ours;
    pthread_t thread;

    (void)state;
    sigemptyset(&theirs);
    assert_true(thread_start(&thread, read_mask, &theirs));
    pthread_join(thread, NULL);
    read_mask(&ours);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal(sigismember(&theirs, signals[i]), 1);
        assert_int_equal(sigismember(&ours, signals[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_thread_takes_no_signals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
