/* SPDX-License-Identifier: Apache-2.0 */
#include "op/waiting.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds. Where nothing can be drawn each one is a line of its own, and need not come often. */
enum { FIRST = 3, EACH = 1, EACH_LINE = 30 };

struct waiting {
    struct op_ctx *ctx;
    const char *what;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool ended;
};

static void tell(struct waiting *w, int64_t seconds)
{
    char text[96];

    snprintf(text, sizeof text, "still %s, %lld s", w->what, (long long)seconds);
    op_progress(w->ctx, (uint64_t)seconds, 0, text);
    op_now(w->ctx, "%s (Ctrl-C ends it)", text);
}

static void *tell_until_ended(void *data)
{
    struct waiting *w = data;
    int64_t step = w->ctx->terminal ? EACH : EACH_LINE, next = w->ctx->terminal ? FIRST : EACH_LINE;
    struct timespec start, due;
    bool told = false;

    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_mutex_lock(&w->mutex);
    while (!w->ended) {
        due = start;
        due.tv_sec += next;
        if (pthread_cond_timedwait(&w->changed, &w->mutex, &due) == 0 || w->ended)
            continue;
        tell(w, next);
        told = true;
        next += step;
    }
    pthread_mutex_unlock(&w->mutex);
    if (told)
        op_now(w->ctx, "%s", "");
    return NULL;
}

static bool start(struct waiting *w)
{
    pthread_condattr_t monotonic;
    sigset_t all, old;
    bool started;

    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    /* Signals are for the thread that works. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    started = pthread_create(&w->thread, NULL, tell_until_ended, w) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

struct waiting *op_waiting_begin(struct op_ctx *ctx, const char *what)
{
    struct waiting *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->ctx = ctx;
    w->what = what;
    if (start(w))
        return w;
    free(w);
    return NULL;
}

void op_waiting_end(struct waiting **waiting)
{
    struct waiting *w = *waiting;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->mutex);
    w->ended = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
    *waiting = NULL;
}
