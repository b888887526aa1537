/* SPDX-License-Identifier: Apache-2.0 */
/* Work for many files: each once, in order, several at once, and no more when it is to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "profiles/engine/each.h"

enum { MANY = 1000 };

struct seen {
    atomic_uint times[MANY];
    atomic_uint begun, at_once, most;
    struct cancel cancel;
    int64_t end;        /* clock_ms: nobody waits longer */
    unsigned cancel_at; /* calls after which it is to stop; 0: never */
    bool together;      /* none ends before another was under way with it */
};

static void note(void *data, size_t index)
{
    struct seen *s = data;
    unsigned now = atomic_fetch_add(&s->at_once, 1) + 1, most = atomic_load(&s->most);
    unsigned begun = atomic_fetch_add(&s->begun, 1) + 1;

    while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
        continue;
    atomic_fetch_add(&s->times[index], 1);
    while (s->together && atomic_load(&s->most) < 2 && clock_ms() < s->end)
        clock_sleep_ms(1);
    if (begun == s->cancel_at)
        cancel_request(&s->cancel);
    /* Whoever came behind it does not run ahead of the wish. */
    while (s->cancel_at > 0 && begun > s->cancel_at && !cancel_requested(&s->cancel))
        clock_sleep_ms(1);
    atomic_fetch_sub(&s->at_once, 1);
}

static void run(struct seen *s, size_t count)
{
    each_run(&(struct each){count, note, s, &s->cancel});
    assert_int_equal(s->at_once, 0);
}

static void each_once(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, MANY};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        static struct seen s;

        s = (struct seen){0};
        run(&s, counts[i]);
        for (size_t n = 0; n < MANY; n++)
            assert_int_equal(s.times[n], n < counts[i]);
    }
}

static void side_by_side(void **state)
{
    static struct seen s = {.together = true};

    (void)state;
    s.end = clock_ms() + 60000;
    run(&s, 20);
    assert_in_range(s.most, 2, 8);
}

/* What was begun is finished, and it is the first of them. */
static void stops(void **state)
{
    static struct seen s = {.cancel_at = 50};
    size_t done = 0;

    (void)state;
    run(&s, MANY);
    while (done < MANY && s.times[done] == 1)
        done++;
    assert_in_range(done, 50, 58);
    assert_int_equal(s.begun, done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once),
        cmocka_unit_test(side_by_side),
        cmocka_unit_test(stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
