/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signet doctor --profile: can the timestamp servers be reached? The name is resolved, a TCP
 * connection is made and closed; no request is sent (signet-batch check --trial asks for a
 * timestamp). Where the profile names a proxy, or the environment, as curl reads it, that is what
 * must answer.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/http.h"
#include "profiles/ops/doctor.h"

enum { WAIT_MS = 4000, SLICE_MS = 100, HOST_MAX = 254 };

struct place {
    char host[HOST_MAX];
    char port[6];
    bool tls; /* https */
};

/* Host and port of "scheme://user@host:port/path" (RFC 3986 section 3); a proxy may lack the
 * scheme. */
static bool parse(const char *url, struct place *out)
{
    const char *scheme = strstr(url, "://"), *start = scheme == NULL ? url : scheme + 3, *at, *end;
    size_t length = strcspn(start, "/?#"), host, skip;

    at = memrchr(start, '@', length);
    if (at != NULL) {
        length -= (size_t)(at + 1 - start);
        start = at + 1;
    }
    skip = start[0] == '[';
    end = skip ? memchr(start, ']', length) : memchr(start, ':', length);
    host = end == NULL ? length : (size_t)(end - start);
    if (host <= skip || host - skip >= sizeof out->host || (skip && end == NULL))
        return false;
    snprintf(out->host, sizeof out->host, "%.*s", (int)(host - skip), start + skip);
    host += skip;
    out->tls = strncasecmp(url, "https:", 6) == 0;
    snprintf(out->port, sizeof out->port, out->tls ? "443" : "80");
    if (host < length && start[host] == ':' && length - host - 1 > 0) {
        if (length - host - 1 >= sizeof out->port ||
            strspn(start + host + 1, "0123456789") < length - host - 1)
            return false;
        snprintf(out->port, sizeof out->port, "%.*s", (int)(length - host - 1), start + host + 1);
    }
    return true;
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

/* no_proxy: "*", or names apart by commas, each of a host or the end of its name. */
static bool goes_direct(const char *host)
{
    const char *list = setting("no_proxy") != NULL ? setting("no_proxy") : setting("NO_PROXY");
    size_t length = strlen(host);

    while (list != NULL && *list != '\0') {
        size_t word;

        list += strspn(list, ", .");
        word = strcspn(list, ", ");
        if (word == 1 && *list == '*')
            return true;
        if (word > 0 && word <= length && strncasecmp(host + length - word, list, word) == 0 &&
            (word == length || host[length - word - 1] == '.'))
            return true;
        list += word;
    }
    return false;
}

/* HTTP_PROXY in capitals is left alone, as curl does: a web server may set it for a client. */
static const char *proxy_for(const struct place *p)
{
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};

    if (goes_direct(p->host))
        return NULL;
    for (const char *const *name = p->tls ? tls : plain; *name != NULL; name++)
        if (setting(*name) != NULL)
            return setting(*name);
    return NULL;
}

/* A name server may keep silent for longer than anybody waits: the lookup has a thread of its own,
 * which frees what it was given when nobody waits any more. */
struct lookup {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, left;
    struct place place;
    struct addrinfo *list;
    int failed; /* of getaddrinfo */
};

static void free_lookup(struct lookup *l)
{
    if (l->list != NULL)
        freeaddrinfo(l->list);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->changed);
    free(l);
}

static void *look_up(void *data)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct lookup *l = data;
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(l->place.host, l->place.port, &hints, &list);
    bool left;

    pthread_mutex_lock(&l->mutex);
    l->list = failed == 0 ? list : NULL;
    l->failed = failed;
    l->done = true;
    left = l->left;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    if (left)
        free_lookup(l);
    return NULL;
}

static struct lookup *start_lookup(const struct place *p, struct error *e)
{
    struct lookup *l = calloc(1, sizeof *l);
    sigset_t all, old;
    pthread_t thread;
    int failed;

    if (l == NULL) {
        error_set_memory(e);
        return NULL;
    }
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->place = *p;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&thread, NULL, look_up, l);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed == 0) {
        pthread_detach(thread);
        return l;
    }
    error_set(e, ERROR_SYSTEM, "no thread for a lookup: %s", strerror(failed));
    free_lookup(l);
    return NULL;
}

static void wait_slice(struct lookup *l)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SLICE_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&l->changed, &l->mutex, &until);
}

/* The addresses; NULL with the reason. Freed with freeaddrinfo. */
static struct addrinfo *resolve(const struct place *p, int64_t end, struct cancel *cancel,
                                struct error *e)
{
    struct lookup *l = start_lookup(p, e);
    struct addrinfo *list;
    bool done;

    if (l == NULL)
        return NULL;
    pthread_mutex_lock(&l->mutex);
    while (!l->done && clock_ms() < end && !cancel_requested(cancel))
        wait_slice(l);
    done = l->done;
    l->left = !done;
    pthread_mutex_unlock(&l->mutex);
    if (!done) {
        error_set(e, ERROR_TIMESTAMP, "the name %s is not resolved in time", p->host);
        return NULL;
    }
    list = l->list;
    l->list = NULL;
    if (list == NULL)
        error_set(e, ERROR_TIMESTAMP, "the name %s is not resolved: %s", p->host,
                  gai_strerror(l->failed));
    free_lookup(l);
    return list;
}

/* 0, or errno. */
static int connect_to(const struct addrinfo *a, int64_t end, struct cancel *cancel)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed = 0;
    socklen_t size = sizeof failed;

    if (fd < 0)
        return errno;
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0)
        failed = errno;
    while (failed == EINPROGRESS) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};

        if (clock_ms() >= end || cancel_requested(cancel))
            failed = ETIMEDOUT;
        else if (poll(&ready, 1, SLICE_MS) > 0 &&
                 getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0)
            failed = errno;
    }
    close(fd);
    return failed;
}

static bool reach(const struct place *p, struct cancel *cancel, struct error *e)
{
    int64_t end = clock_ms() + WAIT_MS;
    struct addrinfo *list = resolve(p, end, cancel, e);
    int failed = ETIMEDOUT;

    if (list == NULL)
        return false;
    for (const struct addrinfo *a = list; a != NULL && failed != 0; a = a->ai_next)
        failed = connect_to(a, end, cancel);
    freeaddrinfo(list);
    return failed == 0 || error_set(e, ERROR_TIMESTAMP, "%s, port %s: %s", p->host, p->port,
                                    failed == ETIMEDOUT ? "no answer in time" : strerror(failed));
}

/* By the proxy `by`; NULL: the environment's. True when it can be reached; `text` says what was, or
 * what is wrong. */
static bool try_server(const char *url, const char *by, struct cancel *cancel, struct buffer *text)
{
    struct place server, through;
    struct error e = ERROR_INIT;
    const char *proxy;
    bool reached;

    if (!parse(url, &server)) {
        buffer_append_text(text, "the URL has no host and port");
        return false;
    }
    proxy = by != NULL ? by : proxy_for(&server);
    if (proxy != NULL && !parse(proxy, &through)) {
        buffer_append_text(text, by != NULL
                                     ? "timestamp.proxy has no host and port"
                                     : "the proxy that the environment names has no host and port");
        return false;
    }
    reached = reach(proxy != NULL ? &through : &server, cancel, &e);
    if (proxy != NULL)
        buffer_printf(text, "by the proxy %s, port %s%s", through.host, through.port,
                      reached ? "" : ": ");
    if (reached && proxy == NULL)
        buffer_printf(text, "%s, port %s, accepts connections", server.host, server.port);
    else if (!reached)
        buffer_append_text(text, e.text);
    return reached;
}

void doctor_servers(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_TIMESTAMP];
    const struct profile_list *servers = &d->profile->timestamp_servers;
    struct buffer bad = BUFFER_INIT;
    size_t good = 0;

    for (size_t i = 0; i < servers->count; i++) {
        struct buffer text = BUFFER_INIT;
        char *shown = http_shown(servers->item[i]);
        bool reached =
            try_server(servers->item[i], d->profile->timestamp_proxy, d->ctx->cancel, &text);

        good += reached;
        if (reached)
            doctor_say(f, DOCTOR_OK, "%s", buffer_text(&text));
        else
            buffer_printf(&bad, "%s%s: %s", bad.length > 0 ? "; " : "", shown == NULL ? "?" : shown,
                          buffer_text(&text));
        buffer_free(&text);
        free(shown);
    }
    if (bad.length > 0) {
        if (good > 0)
            doctor_say(f, DOCTOR_WARNING, "%s", buffer_text(&bad));
        else
            doctor_gap(f, ERROR_TIMESTAMP, "%s", buffer_text(&bad));
        doctor_remedy(f, "Is the way open from here (firewall, name server)? Behind a proxy, set "
                         "timestamp.proxy, or http_proxy and https_proxy.");
        doctor_remedy(f, "Another server in the profile: timestamp: {servers: [URL]}");
    }
    if (servers->count == 0)
        doctor_say(f, DOCTOR_UNSEEN, "the profile names no timestamp server");
    buffer_free(&bad);
}
