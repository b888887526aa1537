/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/stamper.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "profiles/engine/stamping.h"
#include "sign/tsa.h"

enum { LOOK_MS = 100 };

struct stamper {
    struct tsa *tsa;
    struct cancel *signal;
    struct cancel over; /* STAMPER_GRACE_MS after it */
    pthread_t watcher;
    bool watched; /* by a thread; without one, a second signal has to do */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closing;
};

/* Until there is something to look at again; called with the mutex. */
static void wait_a_little(struct stamper *s)
{
    int64_t until = clock_ms() + LOOK_MS;
    const struct timespec when = {until / 1000, until % 1000 * 1000000};

    pthread_cond_timedwait(&s->changed, &s->mutex, &when);
}

static void *watch(void *data)
{
    struct stamper *s = data;
    int64_t since = 0; /* when the signal was seen; 0: not yet */

    pthread_mutex_lock(&s->mutex);
    while (!s->closing && !cancel_requested(&s->over)) {
        if (since == 0 && cancel_requested(s->signal))
            since = clock_ms();
        if (since != 0 && clock_ms() - since >= STAMPER_GRACE_MS)
            cancel_request(&s->over);
        else
            wait_a_little(s);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

struct stamper *stamper_open(const struct profile *p, struct cancel *signal, struct error *e)
{
    struct stamper *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;

    if (s == NULL) {
        error_set_memory(e);
        return NULL;
    }
    s->tsa = stamping_open(p, e);
    if (s->tsa == NULL) {
        free(s);
        return NULL;
    }
    s->signal = signal;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->watched = thread_start(&s->watcher, watch, s);
    return s;
}

void stamper_close(struct stamper **s)
{
    struct stamper *o = *s;

    if (o == NULL)
        return;
    pthread_mutex_lock(&o->mutex);
    o->closing = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->mutex);
    if (o->watched)
        pthread_join(o->watcher, NULL);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->mutex);
    tsa_free(&o->tsa);
    free(o);
    *s = NULL;
}

bool stamper_get(struct stamper *s, const uint8_t *signature, size_t length, struct buffer *token,
                 struct engine_stamp *given, struct error *e)
{
    struct tsa_result result;

    if (!tsa_stamp(s->tsa, signature, length, token, &result, &s->over, e))
        return false;
    given->time = result.time;
    snprintf(given->server, sizeof given->server, "%s", result.server);
    return true;
}
