/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "gate/session.h"
#include "token/card.h"

struct gate_watch {
    struct gate_session *session;
    char *reader; /* a copy: a recovery may write the session's */
    struct cancel cancel;
    pthread_t thread;
};

static bool has_card(const struct wire_readers *all, const char *reader)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->reader[i].name, reader) == 0)
            return all->reader[i].present;
    return false;
}

/* A recovery that replaces the host meanwhile has the write lock: this waits for it, and a host
 * that is new has a card. */
static void end_host(struct gate_session *s)
{
    pthread_rwlock_rdlock(&s->current);
    if (s->host != NULL)
        host_end(s->host, "the card was taken out");
    pthread_rwlock_unlock(&s->current);
}

static void *watch(void *data)
{
    struct gate_watch *w = data;
    struct gate_session *s = w->session;
    struct host *h = card_host_start(&w->cancel, NULL);
    struct wire_readers known = {0}, now;
    bool there = true;

    while (h != NULL && !cancel_requested(&w->cancel) &&
           card_readers_wait(h, &known, &w->cancel, &now, NULL)) {
        bool before = there;

        there = has_card(&now, w->reader);
        wire_readers_free(&known);
        known = now;
        if (before && !there)
            end_host(s);
    }
    wire_readers_free(&known);
    host_stop(&h);
    return NULL;
}

struct gate_watch *gate_watch_start(struct gate_session *s)
{
    struct gate_watch *w = s->card_reader == NULL ? NULL : calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->session = s;
    w->reader = strdup(s->card_reader);
    if (w->reader != NULL && thread_start(&w->thread, watch, w))
        return w;
    free(w->reader);
    free(w);
    return NULL;
}

void gate_watch_stop(struct gate_watch **watch)
{
    struct gate_watch *w = *watch;

    if (w == NULL)
        return;
    cancel_request(&w->cancel);
    pthread_join(w->thread, NULL);
    free(w->reader);
    free(w);
    *watch = NULL;
}
