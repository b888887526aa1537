/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host seen from the program. A reader thread takes replies off the socket and gives each to the
 * call that waits for it; calls wait in slices, so that they see a wish to cancel. Whatever goes
 * wrong ends in one state, dead, with the reason that every later call reports.
 */
#include "token/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "base/thread.h"
#include "token/exchange.h"
#include "wire/frame.h"
#include "wire/rv.h"

enum {
    SLOW_MS = 100,
    SLICE_MS = 100,
    STOP_MS = 2000,
    REAP_MS = 2000,
    LOG_LINES = 2000,
    LOG_LINE_BYTES = 500
};

/* A call that waits for its reply. Lives on the caller's stack. */
struct pending {
    uint32_t id;
    bool done;
    struct buffer body;
    struct pending *next;
};

struct host {
    char *path;
    struct wire_module module;
    int64_t started; /* clock_ms */
    pid_t pid;
    int socket;
    int log; /* the read end of the child's stderr */
    pthread_t reader, logger;
    pthread_mutex_t mutex; /* pending, next_id, dead, reason, stopping */
    pthread_cond_t changed;
    pthread_mutex_t send_mutex;
    struct pending *pending;
    uint32_t next_id;
    enum wire_type doing; /* the request that was sent last, for the words about a crash */
    bool dead, stopping;
    bool ending; /* its end is waited for: from then on its number may be another process's */
    struct error reason;
};

static bool exists(const char *path)
{
    return access(path, X_OK) == 0;
}

/* The helper beside the program: of bin/signet libexec/signet-token, wherever the two were put;
 * of build/tui/signet, which was not installed, build/core/host/signet-token. */
static char *beside_program(void)
{
    static const char *const places[] = {"../libexec", "../core/host"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash, *path = NULL;

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places && path == NULL; i++) {
        path = text_format("%s/%s/signet-token", self, places[i]);
        if (path != NULL && !exists(path)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

char *host_program(struct error *e)
{
    const char *set = getenv("SIGNET_TOKEN");
    char *path = set != NULL ? strdup(set) : beside_program();

    if (path == NULL)
        path = strdup(SIGNET_LIBEXECDIR "/signet-token");
    if (path == NULL)
        error_set_memory(e);
    else if (!exists(path)) {
        error_set(e, ERROR_MISSING, "'%s' is not there%s; install Signet, or set SIGNET_TOKEN",
                  path, set != NULL ? " (SIGNET_TOKEN)" : "");
        free(path);
        path = NULL;
    }
    return path;
}

/* The first reason stays. Takes the mutex. */
static void die(struct host *h, enum error_code code, const char *text)
{
    pthread_mutex_lock(&h->mutex);
    if (!h->dead) {
        h->dead = true;
        error_set(&h->reason, code, "%s", text);
    }
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
}

/* The mutex is held. */
static void end_child(struct host *h)
{
    if (!h->ending)
        kill(h->pid, SIGKILL);
    shutdown(h->socket, SHUT_RDWR);
}

void host_end(struct host *h, const char *text)
{
    die(h, ERROR_HOST, text);
    pthread_mutex_lock(&h->mutex);
    end_child(h);
    pthread_mutex_unlock(&h->mutex);
}

static bool deliver(struct host *h, struct wire_frame *f)
{
    bool expected = false;

    pthread_mutex_lock(&h->mutex);
    for (struct pending *p = h->pending; p != NULL; p = p->next)
        if (p->id == f->id && !p->done && f->type == WIRE_REPLY) {
            p->body = f->body;
            p->done = expected = true;
            f->body = (struct buffer)BUFFER_INIT;
        }
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
    return expected;
}

/* The socket closed: the child is gone, or about to be. Its status says how. */
static void reap(struct host *h, bool lied)
{
    char status_text[64], text[1024];
    enum wire_type doing;
    bool stopping;
    int status = 0;

    pthread_mutex_lock(&h->mutex);
    h->ending = true;
    pthread_mutex_unlock(&h->mutex);
    if (lied || process_wait(h->pid, &status, REAP_MS, NULL) != 1) {
        kill(h->pid, SIGKILL);
        process_wait(h->pid, &status, -1, NULL);
    }
    pthread_mutex_lock(&h->mutex);
    stopping = h->stopping;
    doing = h->doing;
    pthread_mutex_unlock(&h->mutex);
    if (stopping)
        snprintf(text, sizeof text, "the host of '%s' was stopped", h->path);
    else if (lied)
        snprintf(text, sizeof text, "the host of '%s' sent an answer that nobody asked for",
                 h->path);
    else
        snprintf(text, sizeof text, "'%s' crashed while %s (its host: %s)", h->path,
                 wire_type_name(doing),
                 process_status_text(status, status_text, sizeof status_text));
    die(h, ERROR_HOST, text);
}

static void *read_replies(void *data)
{
    struct host *h = data;
    struct wire_frame f = WIRE_FRAME_INIT;
    bool expected = true;
    int passed;

    while (expected && wire_receive(h->socket, &f, &passed, NULL) == 1) {
        if (passed >= 0)
            close(passed);
        expected = deliver(h, &f);
    }
    wire_frame_free(&f);
    reap(h, !expected);
    return NULL;
}

static void log_text(struct host *h, char *text, unsigned *lines)
{
    if (text[0] != '\0' && ++*lines <= LOG_LINES)
        log_line("%s says: %s", h->path, text);
}

/* Some modules print pages. They go to the log, line by line, and are read in any case: a full pipe
 * would stop the child. */
static void *read_log(void *data)
{
    struct host *h = data;
    char line[LOG_LINE_BYTES + 1], piece[4096];
    size_t length = 0;
    unsigned lines = 0;
    ssize_t got;

    while ((got = read(h->log, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < got; i++) {
            if (piece[i] != '\n' && length < LOG_LINE_BYTES) {
                line[length++] = piece[i] == '\0' ? '?' : piece[i];
                continue;
            }
            line[length] = '\0';
            log_text(h, line, &lines);
            length = 0;
        }
    }
    line[length] = '\0';
    log_text(h, line, &lines);
    return NULL;
}

static bool init_sync(struct host *h)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&h->mutex, NULL);
    pthread_mutex_init(&h->send_mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return true;
}

static bool start_child(struct host *h, struct error *e)
{
    char *program = host_program(e);
    const char *argv[] = {program, NULL};
    int sockets[2] = {-1, -1}, log[2] = {-1, -1};
    bool started = false;

    if (program == NULL)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(log, O_CLOEXEC) != 0) {
        error_set_errno(e, "cannot start '%s'", program);
    } else {
        struct process_fd fds[] = {{-1, 0}, {-1, 1}, {log[1], 2}, {sockets[1], 3}};

        h->pid = process_start(argv, fds, 4, e);
        started = h->pid > 0;
    }
    if (sockets[1] >= 0)
        close(sockets[1]);
    if (log[1] >= 0)
        close(log[1]);
    h->socket = sockets[0];
    h->log = log[0];
    free(program);
    return started;
}

static void release(struct host *h)
{
    if (h->socket >= 0)
        close(h->socket);
    if (h->log >= 0)
        close(h->log);
    free(h->path);
    free(h);
}

static bool start_threads(struct host *h, struct error *e)
{
    bool reads = thread_start(&h->reader, read_replies, h);

    if (reads && thread_start(&h->logger, read_log, h))
        return true;
    pthread_mutex_lock(&h->mutex);
    end_child(h);
    pthread_mutex_unlock(&h->mutex);
    if (reads)
        pthread_join(h->reader, NULL);
    else
        process_wait(h->pid, &(int){0}, -1, NULL);
    return error_set(e, ERROR_SYSTEM, "cannot start a thread");
}

static bool load(struct host *h, struct cancel *cancel, struct error *e)
{
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct wire_reader r;
    bool loaded;

    wire_put_text(&body, h->path);
    loaded = host_call(h, WIRE_LOAD, 0, &body, cancel, &answer, e);
    if (loaded) {
        r = wire_reader_of(answer.data, answer.length);
        wire_module_get(&r, &h->module);
        loaded = wire_reader_done(&r, e);
    }
    buffer_free(&body);
    buffer_free(&answer);
    return loaded;
}

struct host *host_start(const char *path, struct cancel *cancel, struct error *e)
{
    struct host *h = calloc(1, sizeof *h);

    if (h == NULL || (h->path = strdup(path)) == NULL) {
        free(h);
        error_set_memory(e);
        return NULL;
    }
    h->socket = h->log = -1;
    h->started = clock_ms();
    init_sync(h);
    if (!start_child(h, e) || !start_threads(h, e)) {
        release(h);
        return NULL;
    }
    log_line("started a host for %s (process %d)", path, (int)h->pid);
    if (!load(h, cancel, e))
        host_stop(&h);
    return h;
}

void host_stop(struct host **host)
{
    struct host *h = *host;
    struct timespec end;

    if (h == NULL)
        return;
    pthread_mutex_lock(&h->mutex);
    h->stopping = true;
    shutdown(h->socket, SHUT_WR);
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += STOP_MS / 1000;
    while (!h->dead && pthread_cond_timedwait(&h->changed, &h->mutex, &end) == 0)
        continue;
    if (!h->dead)
        end_child(h);
    pthread_mutex_unlock(&h->mutex);
    pthread_join(h->reader, NULL);
    pthread_join(h->logger, NULL);
    pthread_mutex_destroy(&h->mutex);
    pthread_mutex_destroy(&h->send_mutex);
    pthread_cond_destroy(&h->changed);
    release(h);
    *host = NULL;
}

int64_t host_age(const struct host *h)
{
    return clock_ms() - h->started;
}

const char *host_module_path(const struct host *h)
{
    return h->path;
}

const struct wire_module *host_module(const struct host *h)
{
    return &h->module;
}

pid_t host_pid(const struct host *h)
{
    return h->pid;
}

bool host_alive(const struct host *h)
{
    struct host *mutable = (struct host *)(uintptr_t)h;
    bool alive;

    pthread_mutex_lock(&mutable->mutex);
    alive = !h->dead;
    pthread_mutex_unlock(&mutable->mutex);
    return alive;
}

static void add_pending(struct host *h, struct pending *p, enum wire_type type)
{
    pthread_mutex_lock(&h->mutex);
    p->id = ++h->next_id;
    p->next = h->pending;
    h->pending = p;
    h->doing = type;
    pthread_mutex_unlock(&h->mutex);
}

static void remove_pending(struct host *h, struct pending *p)
{
    struct pending **at = &h->pending;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

static void send_request(struct host *h, const struct exchange *x, uint32_t id)
{
    struct wire_frame f = {.id = id, .type = (uint16_t)x->type, .lane = (uint16_t)x->lane};

    /* The body is borrowed, not owned: it is not freed here. A failure shows up as the end of the
     * socket. */
    if (x->body != NULL)
        f.body = *x->body;
    pthread_mutex_lock(&h->send_mutex);
    wire_send(h->socket, &f, x->pass, NULL);
    pthread_mutex_unlock(&h->send_mutex);
}

static void slice_from_now(struct timespec *end)
{
    clock_gettime(CLOCK_MONOTONIC, end);
    end->tv_nsec += SLICE_MS * 1000000L;
    if (end->tv_nsec >= 1000000000L) {
        end->tv_sec++;
        end->tv_nsec -= 1000000000L;
    }
}

/* Out of time or patience: the child goes, because its call cannot be taken back. The mutex is
 * held. */
static void abandon(struct host *h, const struct exchange *x, bool cancelled)
{
    if (h->dead)
        return;
    h->dead = true;
    if (cancelled)
        error_set(&h->reason, ERROR_CANCELLED, "cancelled while %s", wire_type_name(x->type));
    else
        error_set(&h->reason, ERROR_HOST,
                  "'%s' did not answer within %lld s while %s; its host was ended", h->path,
                  (long long)x->deadline / 1000, wire_type_name(x->type));
    end_child(h);
    pthread_cond_broadcast(&h->changed);
}

/* The mutex is held. */
static void await(struct host *h, const struct exchange *x, struct pending *p)
{
    int64_t end = clock_ms() + x->deadline;

    while (!p->done && !h->dead) {
        struct timespec slice;
        bool cancelled = cancel_requested(x->cancel);

        if (cancelled || clock_ms() >= end) {
            abandon(h, x, cancelled);
            break;
        }
        slice_from_now(&slice);
        pthread_cond_timedwait(&h->changed, &h->mutex, &slice);
    }
}

static bool unpack(struct host *h, const struct pending *p, struct wire_status *status,
                   struct buffer *answer, struct error *e)
{
    struct wire_reader r = wire_reader_of(p->body.data, p->body.length);

    if (!wire_status_get(&r, status)) {
        pthread_mutex_lock(&h->mutex);
        end_child(h);
        pthread_mutex_unlock(&h->mutex);
        return error_set(e, ERROR_HOST, "the host of '%s' sent an answer that cannot be read",
                         h->path);
    }
    if (answer != NULL)
        buffer_append(answer, r.at, r.left);
    return answer == NULL || buffer_ok(answer, e);
}

/* What is asked for often is told only when it is slow; to wait is no work. */
static void log_took(const struct host *h, enum wire_type type, int64_t ms)
{
    if (type != WIRE_READERS_WAIT && ((type != WIRE_SIGN && type != WIRE_SLOTS) || ms >= SLOW_MS))
        log_line("%s: %s took %lld ms", h->path, wire_type_name(type), (long long)ms);
}

bool exchange_run(struct host *h, const struct exchange *x, struct wire_status *status,
                  struct buffer *answer, struct error *e)
{
    struct pending p = {.body = BUFFER_INIT};
    int64_t started = clock_ms();
    bool done;

    *status = (struct wire_status){0};
    add_pending(h, &p, x->type);
    send_request(h, x, p.id);
    pthread_mutex_lock(&h->mutex);
    await(h, x, &p);
    remove_pending(h, &p);
    done = p.done;
    if (!done)
        error_set(e, h->reason.code, "%s", h->reason.text);
    pthread_mutex_unlock(&h->mutex);
    if (done)
        done = unpack(h, &p, status, answer, e);
    log_took(h, x->type, clock_ms() - started);
    buffer_free(&p.body);
    return done;
}
