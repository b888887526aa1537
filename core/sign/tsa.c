/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/tsa.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/http.h"
#include "sign/timestamp.h"

enum { MINUTE_MS = 60 * 1000, SLICE_MS = 50 };

/* What is known of a server. Times by clock_ms. */
struct server {
    char *url;
    char *shown;
    bool failing;
    int64_t doubted_until; /* while it is failing: others go first until then */
    int64_t not_before;    /* by its own wish */
    int64_t *sent;         /* ring of the last `rate` requests; NULL: no limit */
    size_t next;
};

struct tsa {
    pthread_mutex_t mutex; /* over what is known of the servers */
    struct server *server;
    size_t count;
    int64_t timeout_ms;
    unsigned tries, rate;
    char *proxy;
    struct http_pool *pool;
    X509_STORE *trust;
    const EVP_MD *md;
};

/* One signature on its way through the servers. */
struct stamping {
    struct tsa *tsa;
    struct timestamp_request request;
    struct outcome {
        bool asked;        /* in this round */
        bool given_up;     /* it will not answer otherwise when it is asked again */
        struct error last; /* why it gave no timestamp */
    } * outcome;           /* of each server */
    struct buffer *token;
    struct tsa_result result;
    struct cancel *cancel;
};

static bool copy_server(struct server *s, const char *url, unsigned rate)
{
    s->url = strdup(url);
    s->shown = http_shown(url);
    if (rate > 0 && (s->sent = calloc(rate, sizeof *s->sent)) != NULL)
        for (unsigned i = 0; i < rate; i++)
            s->sent[i] = INT64_MIN / 2;
    return s->url != NULL && s->shown != NULL && (rate == 0 || s->sent != NULL);
}

static bool copy_spec(struct tsa *t, const struct tsa_spec *spec)
{
    t->timeout_ms = spec->timeout_ms;
    t->tries = spec->tries;
    t->rate = spec->rate;
    t->md = spec->md;
    t->pool = http_pool_new();
    if (t->pool == NULL)
        return false;
    if (spec->trust != NULL && X509_STORE_up_ref(spec->trust))
        t->trust = spec->trust;
    if (spec->proxy != NULL && (t->proxy = strdup(spec->proxy)) == NULL)
        return false;
    t->server = calloc(spec->count, sizeof *t->server);
    if (t->server == NULL)
        return false;
    for (t->count = 0; t->count < spec->count; t->count++)
        if (!copy_server(&t->server[t->count], spec->servers[t->count], spec->rate)) {
            t->count++;
            return false;
        }
    return true;
}

struct tsa *tsa_new(const struct tsa_spec *spec, struct error *e)
{
    struct tsa *t;

    if (spec->count == 0) {
        error_set(e, ERROR_PROFILE,
                  "no timestamp server is named; add timestamp: {servers: [URL]}");
        return NULL;
    }
    t = calloc(1, sizeof *t);
    if (t == NULL || pthread_mutex_init(&t->mutex, NULL) != 0) {
        free(t);
        error_set_memory(e);
        return NULL;
    }
    if (!copy_spec(t, spec)) {
        tsa_free(&t);
        error_set_memory(e);
    }
    return t;
}

void tsa_free(struct tsa **t)
{
    struct tsa *o = *t;

    if (o == NULL)
        return;
    for (size_t i = 0; i < o->count; i++) {
        free(o->server[i].url);
        free(o->server[i].shown);
        free(o->server[i].sent);
    }
    free(o->server);
    free(o->proxy);
    http_pool_free(&o->pool);
    X509_STORE_free(o->trust);
    pthread_mutex_destroy(&o->mutex);
    free(o);
    *t = NULL;
}

static bool wait_until(int64_t when, struct cancel *cancel, struct error *e)
{
    for (;;) {
        int64_t left = when - clock_ms();

        if (cancel_requested(cancel))
            return error_set(e, ERROR_CANCELLED, "stopped while waiting for a timestamp");
        if (left <= 0)
            return true;
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
}

/* A server is doubted for a while after it failed. When that is over, one thread asks it again,
 * and the others go on doubting until that one knows. */
static bool is_doubted(const struct server *s, int64_t now)
{
    return s->failing && now < s->doubted_until;
}

/* The server to ask next in this round: the first that is not doubted, else the first; none that
 * wants to be left alone. NULL: there is none. */
static struct server *choose(struct stamping *s)
{
    struct tsa *t = s->tsa;
    struct server *best = NULL;
    int64_t now = clock_ms();

    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < t->count; i++) {
        struct server *one = &t->server[i];

        if (s->outcome[i].asked || s->outcome[i].given_up || one->not_before > now)
            continue;
        if (best == NULL || (is_doubted(best, now) && !is_doubted(one, now)))
            best = one;
    }
    if (best != NULL && best->failing && !is_doubted(best, now))
        best->doubted_until = now + TSA_REMEMBERED_MS;
    pthread_mutex_unlock(&t->mutex);
    if (best != NULL)
        s->outcome[best - t->server].asked = true;
    return best;
}

/* When the first of the servers that may still answer lets itself be asked; -1: none may. */
static int64_t soonest(const struct stamping *s)
{
    int64_t when = -1;

    pthread_mutex_lock(&s->tsa->mutex);
    for (size_t i = 0; i < s->tsa->count; i++)
        if (!s->outcome[i].given_up && (when < 0 || s->tsa->server[i].not_before < when))
            when = s->tsa->server[i].not_before;
    pthread_mutex_unlock(&s->tsa->mutex);
    return when;
}

/* Takes the next place in the server's minute, and says when it comes. */
static int64_t take_turn(struct tsa *t, struct server *server)
{
    int64_t now = clock_ms(), turn = now;

    if (server->sent == NULL)
        return now;
    pthread_mutex_lock(&t->mutex);
    if (server->sent[server->next] + MINUTE_MS > now)
        turn = server->sent[server->next] + MINUTE_MS;
    server->sent[server->next] = turn;
    server->next = (server->next + 1) % t->rate;
    pthread_mutex_unlock(&t->mutex);
    return turn;
}

/* Its turn; and later still, where the server asked for that in the meantime. */
static bool wait_for_turn(struct stamping *s, struct server *server, struct error *e)
{
    int64_t when = take_turn(s->tsa, server);

    do {
        if (!wait_until(when, s->cancel, e))
            return false;
        pthread_mutex_lock(&s->tsa->mutex);
        when = server->not_before;
        pthread_mutex_unlock(&s->tsa->mutex);
    } while (when > clock_ms());
    return true;
}

static void remember(struct tsa *t, struct server *server, bool good, int64_t retry_after_ms)
{
    int64_t now = clock_ms();
    int64_t asked = retry_after_ms < TSA_ASKED_MAX_MS ? retry_after_ms : TSA_ASKED_MAX_MS;

    pthread_mutex_lock(&t->mutex);
    server->failing = !good;
    server->doubted_until = good ? 0 : now + TSA_REMEMBERED_MS;
    if (!good && now + asked > server->not_before)
        server->not_before = now + asked;
    pthread_mutex_unlock(&t->mutex);
}

/* What a person should read of an answer that is no timestamp; a page of a proxy, most often. */
static bool not_a_timestamp(const struct http_answer *a, struct error *e)
{
    if (a->content_type[0] == '\0' || strcmp(a->content_type, "application/timestamp-reply") == 0)
        return false;
    return error_prefix(e, "it answers with %s", a->content_type);
}

static bool judge(struct stamping *s, const struct http_answer *a, struct outcome *o)
{
    char text[64];

    if (a->status != 200) {
        o->given_up = a->status >= 400 && a->status < 500 && a->status != 408 && a->status != 429;
        return error_set(&o->last, ERROR_TIMESTAMP, "HTTP status %s",
                         http_status_text(a->status, text, sizeof text));
    }
    if (timestamp_check(&s->request, a->body.data, a->body.length, s->tsa->trust, time(NULL),
                        s->token, &s->result.time, &o->last))
        return true;
    o->given_up = o->last.detail == TIMESTAMP_FINAL;
    return not_a_timestamp(a, &o->last);
}

/* Asks one server once. False with `fatal` unset: the next one may do better. */
static bool ask(struct stamping *s, struct server *server, bool *fatal, struct error *e)
{
    struct outcome *o = &s->outcome[server - s->tsa->server];
    const struct http_request request = {
        .pool = s->tsa->pool,
        .url = server->url,
        .body = s->request.der.data,
        .body_length = s->request.der.length,
        .content_type = "application/timestamp-query",
        .accept = "application/timestamp-reply",
        .timeout_ms = s->tsa->timeout_ms,
        .limit = TIMESTAMP_MAX,
        .proxy = s->tsa->proxy,
    };
    struct http_answer answer = {.body = BUFFER_INIT};
    bool good;

    *fatal = !wait_for_turn(s, server, e);
    if (*fatal)
        return false;
    good = http_send(&request, &answer, s->cancel, &o->last) && judge(s, &answer, o);
    if (!good && (o->last.code == ERROR_CANCELLED || o->last.code == ERROR_MEMORY)) {
        *fatal = true;
        if (e != NULL)
            *e = o->last;
    } else {
        remember(s->tsa, server, good, answer.retry_after_ms);
        if (!good)
            log_line("timestamp: %s: %s", server->shown, o->last.text);
    }
    http_answer_free(&answer);
    if (good)
        s->result.server = server->shown;
    return good;
}

/* Each server once, until one gives a timestamp. A round in which nobody could be asked is none: it
 * waits for the first one that lets itself be asked. */
static bool go_round(struct stamping *s, bool *fatal, struct error *e)
{
    struct server *server;
    bool asked = false;

    for (size_t i = 0; i < s->tsa->count; i++)
        s->outcome[i].asked = false;
    while (!*fatal) {
        server = choose(s);
        if (server == NULL && (asked || soonest(s) < 0))
            return false;
        if (server == NULL) {
            *fatal = !wait_until(soonest(s), s->cancel, e);
            continue;
        }
        asked = true;
        if (ask(s, server, fatal, e))
            return true;
    }
    return false;
}

/* 1, 2, 4 … seconds, up to a quarter more or less, so that machines that failed together do not
 * come back together. */
static int64_t pause_after(unsigned tries)
{
    int64_t ms = TSA_PAUSE_MS;
    uint16_t dice = 0;

    for (unsigned i = 1; i < tries && ms < TSA_PAUSE_MAX_MS; i++)
        ms *= 2;
    if (RAND_bytes((unsigned char *)&dice, sizeof dice) != 1)
        dice = UINT16_MAX / 2;
    ms = ms * 3 / 4 + ms / 2 * dice / UINT16_MAX;
    return ms < TSA_PAUSE_MAX_MS ? ms : TSA_PAUSE_MAX_MS;
}

static bool rest(const struct stamping *s, bool *fatal, struct error *e)
{
    int64_t until = clock_ms() + pause_after(s->result.tries), allowed = soonest(s);

    if (allowed < 0)
        return false;
    *fatal = !wait_until(allowed > until ? allowed : until, s->cancel, e);
    return !*fatal;
}

static bool no_timestamp(const struct stamping *s, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    const char *reasons;

    for (size_t i = 0; i < s->tsa->count; i++)
        buffer_printf(&text, "%s%s: %s", i == 0 ? "" : "; ", s->tsa->server[i].shown,
                      s->outcome[i].last.code == ERROR_NONE ? "it was not asked"
                                                            : s->outcome[i].last.text);
    reasons = buffer_text(&text);
    error_set(e, ERROR_TIMESTAMP, "no timestamp after %u %s: %s", s->result.tries,
              s->result.tries == 1 ? "try" : "tries", reasons == NULL ? "" : reasons);
    buffer_free(&text);
    return false;
}

static bool stamp(struct stamping *s, struct error *e)
{
    bool fatal = false;

    while (!fatal) {
        s->result.tries++;
        if (go_round(s, &fatal, e))
            return true;
        if (!fatal && (s->result.tries >= s->tsa->tries || !rest(s, &fatal, e)) && !fatal)
            return no_timestamp(s, e);
    }
    return false;
}

bool tsa_stamp(struct tsa *t, const uint8_t *signature, size_t length, struct buffer *token,
               struct tsa_result *result, struct cancel *cancel, struct error *e)
{
    struct stamping s = {.tsa = t, .token = token, .cancel = cancel};
    bool good;

    s.outcome = calloc(t->count, sizeof *s.outcome);
    if (s.outcome == NULL)
        return error_set_memory(e);
    good = timestamp_request(t->md, signature, length, &s.request, e);
    if (good) {
        good = stamp(&s, e);
        timestamp_request_free(&s.request);
    }
    if (good && result != NULL)
        *result = s.result;
    free(s.outcome);
    return good;
}
