/* SPDX-License-Identifier: Apache-2.0 */
/* The queue keeps order, holds no more than it may, and ends when its producers are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "profiles/engine/queue.h"

enum { MANY = 2000, THREADS = 4 };

static void keeps_order(void **state)
{
    int items[5];
    struct queue q;

    (void)state;
    queue_init(&q, 5, 1);
    /* Twice round, so that it wraps. */
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++)
            queue_push(&q, &items[i]);
        for (int i = 0; i < 5; i++)
            assert_ptr_equal(queue_pop(&q), &items[i]);
    }
    queue_push(&q, &items[0]);
    queue_leave(&q);
    assert_ptr_equal(queue_pop(&q), &items[0]);
    assert_null(queue_pop(&q));
    assert_null(queue_pop(&q));
    queue_destroy(&q);
}

struct traffic {
    struct queue q;
    atomic_size_t pushed, popped;
    int items[MANY];
    atomic_int seen[MANY];
};

static void *produce(void *data)
{
    struct traffic *t = data;
    size_t i;

    while ((i = atomic_fetch_add(&t->pushed, 1)) < MANY)
        queue_push(&t->q, &t->items[i]);
    queue_leave(&t->q);
    return NULL;
}

static void *consume(void *data)
{
    struct traffic *t = data;
    int *item;

    while ((item = queue_pop(&t->q)) != NULL) {
        atomic_fetch_add(&t->seen[item - t->items], 1);
        atomic_fetch_add(&t->popped, 1);
    }
    return NULL;
}

static void carries_all_between_many_threads(void **state)
{
    static struct traffic t;
    pthread_t threads[2 * THREADS];

    (void)state;
    queue_init(&t.q, 3, THREADS);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, consume, &t), 0);
        assert_int_equal(pthread_create(&threads[THREADS + i], NULL, produce, &t), 0);
    }
    for (int i = 0; i < 2 * THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(t.popped, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(t.seen[i], 1);
    queue_destroy(&t.q);
}

struct push {
    struct queue *q;
    atomic_bool done;
};

static void *push_one(void *data)
{
    struct push *p = data;

    queue_push(p->q, p);
    atomic_store(&p->done, true);
    return NULL;
}

static void holds_no_more_than_its_limit(void **state)
{
    struct queue q;
    struct push extra = {.q = &q};
    pthread_t thread;
    int item;

    (void)state;
    queue_init(&q, 2, 1);
    queue_push(&q, &item);
    queue_push(&q, &item);
    assert_int_equal(pthread_create(&thread, NULL, push_one, &extra), 0);
    clock_sleep_ms(50);
    assert_false(atomic_load(&extra.done));
    assert_ptr_equal(queue_pop(&q), &item);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&extra.done));
    assert_ptr_equal(queue_pop(&q), &item);
    assert_ptr_equal(queue_pop(&q), &extra);
    queue_destroy(&q);
}

static void a_limit_can_change(void **state)
{
    struct queue q;
    struct push extra = {.q = &q};
    pthread_t thread;
    int item;

    (void)state;
    queue_init(&q, 2, 1);
    queue_push(&q, &item);
    queue_push(&q, &item);
    queue_limit(&q, 1);
    assert_int_equal(pthread_create(&thread, NULL, push_one, &extra), 0);
    assert_ptr_equal(queue_pop(&q), &item);
    clock_sleep_ms(50);
    /* One is in it still, and there is room for one. */
    assert_false(atomic_load(&extra.done));
    queue_limit(&q, QUEUE_MAX);
    pthread_join(thread, NULL);
    assert_ptr_equal(queue_pop(&q), &item);
    assert_ptr_equal(queue_pop(&q), &extra);
    queue_destroy(&q);
}

static void *pop_one(void *data)
{
    return queue_pop(data);
}

static void wakes_who_waits_when_the_last_producer_leaves(void **state)
{
    pthread_t thread;
    struct queue q;
    void *got = &q;

    (void)state;
    queue_init(&q, 1, 2);
    assert_int_equal(pthread_create(&thread, NULL, pop_one, &q), 0);
    queue_leave(&q);
    clock_sleep_ms(20);
    queue_leave(&q);
    pthread_join(thread, &got);
    assert_null(got);
    queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(carries_all_between_many_threads),
        cmocka_unit_test(holds_no_more_than_its_limit),
        cmocka_unit_test(a_limit_can_change),
        cmocka_unit_test(wakes_who_waits_when_the_last_producer_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
