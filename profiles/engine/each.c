/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/each.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"

enum { MOST_WORKERS = 8 };

struct crew {
    const struct each *each;
    atomic_size_t next;
};

static void *work(void *data)
{
    struct crew *c = data;

    while (!cancel_requested(c->each->cancel)) {
        size_t index = atomic_fetch_add(&c->next, 1);

        if (index >= c->each->count)
            break;
        c->each->work(c->each->data, index);
    }
    return NULL;
}

/* Hashing wants every core; writing waits for the disk. */
static unsigned worker_count(size_t count)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = cores < 2 ? 2 : cores > MOST_WORKERS ? MOST_WORKERS : (unsigned)cores;

    return count < workers ? (unsigned)count : workers;
}

/* Where the system gives fewer threads, this one does the work. */
void each_run(const struct each *e)
{
    pthread_t thread[MOST_WORKERS];
    struct crew crew = {.each = e};
    unsigned wanted = worker_count(e->count), started = 0;

    while (started < wanted && thread_start(&thread[started], work, &crew))
        started++;
    if (started == 0)
        work(&crew);
    for (unsigned i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
}
