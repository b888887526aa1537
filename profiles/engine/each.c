/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/each.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"

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

unsigned each_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 2 ? 2 : cores > EACH_MOST_WORKERS ? EACH_MOST_WORKERS : (unsigned)cores;
}

/* Where the system gives fewer threads, this one does the work. */
void each_run(const struct each *e)
{
    pthread_t thread[EACH_MOST_WORKERS];
    struct crew crew = {.each = e};
    unsigned most = each_workers(), started = 0;
    unsigned wanted = e->count < most ? (unsigned)e->count : most;

    while (started < wanted && thread_start(&thread[started], work, &crew))
        started++;
    if (started == 0)
        work(&crew);
    for (unsigned i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
}
