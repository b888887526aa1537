/* SPDX-License-Identifier: Apache-2.0 */
/* Lines reach the sink whole and printable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static struct {
    unsigned lines;
    char last[2000];
} seen;

static void sink(void *data, const char *line)
{
    assert_ptr_equal(data, &seen);
    seen.lines++;
    snprintf(seen.last, sizeof seen.last, "%s", line);
}

static void one_line(void **state)
{
    char text[3000];

    (void)state;
    log_line("before there is a sink");
    log_set_sink(sink, &seen);
    assert_int_equal(seen.lines, 0);
    log_line("host %d: %s", 7, "a\tb\n\x1b]0;x\a");
    assert_string_equal(seen.last, "host 7: a?b??]0;x?");
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    log_line("%s", text);
    assert_int_equal(strlen(seen.last), 1000);
    assert_int_equal(seen.lines, 2);
    log_set_sink(NULL, NULL);
    log_line("nowhere");
    assert_int_equal(seen.lines, 2);
}

static void *talk(void *data)
{
    (void)data;
    for (int i = 0; i < 1000; i++)
        log_line("line %d", i);
    return NULL;
}

static void threads(void **state)
{
    pthread_t talkers[4];

    (void)state;
    seen.lines = 0;
    log_set_sink(sink, &seen);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&talkers[i], NULL, talk, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(talkers[i], NULL);
    log_set_sink(NULL, NULL);
    assert_int_equal(seen.lines, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line),
        cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
