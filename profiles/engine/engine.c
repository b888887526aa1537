/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/engine.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "profiles/engine/job.h"
#include "profiles/engine/patience.h"
#include "profiles/engine/queue.h"

/* WAITING: files between two stages; each keeps three descriptors open.
 * UNSTAMPED: those that wait for a timestamp, while servers answer: when they are slow for some
 * seconds, the token goes on.
 * IN_FLIGHT: signatures that one session is asked for at once. While the token works on one, the
 * next is on its way, so that it never waits for us. */
enum {
    MOST_WORKERS = 8,
    WAITING = 16,
    UNSTAMPED = 32,
    MOST_LANES = 64,
    MOST_STAMPS = 16,
    IN_FLIGHT = 2,
};

/* What came of an item. */
struct outcome {
    enum engine_state state;
    enum error_code code;
};

/* One run, shared by its threads. */
struct line {
    const struct engine *engine;
    struct engine_totals *totals;
    struct queue to_sign, to_stamp, to_commit;
    unsigned workers; /* that read, and as many that write */
    unsigned stamps;  /* that ask for timestamps; 0: none are wanted */
    struct patience patience;
    atomic_size_t next;
    atomic_bool stopped;

    /* The first session logs in, when the first digest waits; the others wait for what came of it.
     */
    pthread_mutex_t login_mutex;
    pthread_cond_t login_done;
    bool asked, answered;
    const struct signer *signer;
    unsigned lanes;

    pthread_mutex_t mutex; /* result callback, totals, state, cause, what is asked */
    unsigned asking;       /* signatures that the token is asked for now */
    int64_t asking_since, busy_ms;
    struct outcome *done; /* of each item */
    struct error cause;

    /* Of a key that wants a touch. */
    pthread_mutex_t touching; /* one signature at a time */
    size_t touched;           /* signatures asked for */
    int64_t touched_at;       /* when the one that was touched for was made; 0: none was */
};

const char *engine_state_name(enum engine_state state)
{
    static const char *const names[] = {
#define X(state, name) name,
        ENGINE_STATES(X)
#undef X
    };

    return names[state];
}

static void report(struct line *l, struct engine_result *result)
{
    pthread_mutex_lock(&l->mutex);
    l->done[result->index] = (struct outcome){result->state, result->error.code};
    l->totals->count[result->state]++;
    l->totals->bytes += result->bytes;
    l->totals->stamps += result->state == ENGINE_FAILED ? 0 : result->stamps;
    l->totals->unstamped += result->state != ENGINE_FAILED && result->unstamped.code != ERROR_NONE;
    result->busy_ms = l->busy_ms + (l->asking > 0 ? clock_ms() - l->asking_since : 0);
    l->engine->result(l->engine->data, result);
    pthread_mutex_unlock(&l->mutex);
}

/* The first cause that stops the run is the one that is told. */
static void stop(struct line *l, const struct error *cause)
{
    pthread_mutex_lock(&l->mutex);
    if (l->cause.code == ERROR_NONE)
        l->cause = *cause;
    pthread_mutex_unlock(&l->mutex);
    atomic_store(&l->stopped, true);
}

static void finish(struct line *l, struct job *j, enum engine_state state)
{
    j->result.state = state;
    j->result.ms = clock_ms() - j->started;
    if (state == ENGINE_KEPT || state == ENGINE_TIMESTAMPED)
        j->result.signer = sign_signer(j->sign);
    report(l, &j->result);
    job_free(j);
}

/* Where a file goes when it was read. */
static void send_on(struct line *l, struct job *j, bool made)
{
    if (j->state == SIGN_KEPT)
        finish(l, j, job_copy_kept(j, l->engine, &j->result.error) ? ENGINE_KEPT : ENGINE_FAILED);
    else if (made)
        finish(l, j, ENGINE_KEPT);
    else if (l->engine->dry_run)
        finish(l, j, j->state == SIGN_UNSTAMPED ? ENGINE_WOULD_TIMESTAMP : ENGINE_WOULD_SIGN);
    else
        queue_push(j->state == SIGN_UNSTAMPED ? &l->to_stamp : &l->to_sign, j);
}

static void read_one(struct line *l, size_t index)
{
    struct job *j = job_new(l->engine, index);
    struct error memory = ERROR_INIT;
    bool made;

    if (j == NULL) {
        error_set_memory(&memory);
        stop(l, &memory);
    } else if (job_read(j, l->engine, &made, &j->result.error)) {
        send_on(l, j, made);
    } else if (j->result.error.code == ERROR_CANCELLED) {
        job_free(j);
    } else {
        finish(l, j, ENGINE_FAILED);
    }
}

/* A reader will send on no more. */
static void readers_leave(struct line *l)
{
    queue_leave(&l->to_sign);
    queue_leave(&l->to_stamp);
}

static void signers_leave(struct line *l)
{
    queue_leave(&l->to_stamp);
    queue_leave(&l->to_commit);
}

static void *read_files(void *data)
{
    struct line *l = data;

    while (!atomic_load(&l->stopped) && !cancel_requested(l->engine->cancel)) {
        size_t index = atomic_fetch_add(&l->next, 1);

        if (index >= l->engine->plan->count)
            break;
        if (l->engine->plan->item[index].same_as == index)
            read_one(l, index);
    }
    readers_leave(l);
    return NULL;
}

/* By the first session alone, once: a run that signs nothing logs in to nothing. */
static const struct signer *log_in(struct line *l)
{
    struct error e = ERROR_INIT;

    if (l->asked)
        return l->signer;
    l->asked = true;
    l->signer = l->engine->login(l->engine->data, &l->lanes, &e);
    if (l->signer == NULL) {
        l->lanes = 0;
        stop(l, &e);
    }
    return l->signer;
}

static void answer_login(struct line *l)
{
    pthread_mutex_lock(&l->login_mutex);
    l->answered = true;
    pthread_cond_broadcast(&l->login_done);
    pthread_mutex_unlock(&l->login_mutex);
}

/* The token may have given fewer sessions than were asked for. */
static bool has_session(struct line *l, unsigned lane)
{
    bool has;

    pthread_mutex_lock(&l->login_mutex);
    while (!l->answered)
        pthread_cond_wait(&l->login_done, &l->login_mutex);
    has = lane < l->lanes;
    pthread_mutex_unlock(&l->login_mutex);
    return has;
}

struct session {
    struct line *line;
    unsigned lane;
    bool first; /* the one that logs in */
};

/* The time in which the token has something to do. */
static void count_asking(struct line *l, bool begins)
{
    pthread_mutex_lock(&l->mutex);
    if (begins && l->asking++ == 0)
        l->asking_since = clock_ms();
    if (!begins && --l->asking == 0)
        l->busy_ms += clock_ms() - l->asking_since;
    pthread_mutex_unlock(&l->mutex);
}

static bool ask_signer(struct line *l, unsigned lane, struct job *j)
{
    size_t length;
    const uint8_t *digest = sign_digest(j->sign, &length);
    const struct signer *signer = l->signer;
    bool done;

    count_asking(l, true);
    done = signer->sign(signer->data, lane, j->spec.hash, digest, length, &j->signature,
                        &j->result.error);
    count_asking(l, false);
    return done;
}

/* All files but those that were done without a signature, or that none could be made for. */
static size_t most_signatures(struct line *l)
{
    const struct plan *plan = l->engine->plan;
    size_t most = 0;

    for (size_t i = 0; i < plan->count; i++)
        most += plan->item[i].same_as == i;
    pthread_mutex_lock(&l->mutex);
    most -= l->totals->count[ENGINE_KEPT] + l->totals->count[ENGINE_FAILED] +
            l->totals->count[ENGINE_TIMESTAMPED];
    pthread_mutex_unlock(&l->mutex);
    return most < l->touched ? l->touched : most;
}

/* The person is told before the device is asked: it waits for the touch only some seconds. */
static bool ask_with_touch(struct line *l, unsigned lane, struct job *j)
{
    const struct engine *engine = l->engine;
    bool due = l->touched_at == 0 || clock_ms() - l->touched_at >= engine->touch_lasts, done;

    l->touched++;
    if (due)
        engine->touch(engine->data, j->result.index, l->touched, most_signatures(l));
    done = ask_signer(l, lane, j);
    if (due)
        engine->touched(engine->data);
    if (due && done)
        l->touched_at = clock_ms();
    if (!done && j->result.error.code == ERROR_TOKEN)
        error_prefix(&j->result.error, "the device was to be touched for this signature");
    return done;
}

/* Once the run is to end, nobody is asked for a touch, and nothing is signed that would have to
 * wait for its timestamp. */
static bool is_ending(struct line *l)
{
    return atomic_load(&l->stopped) ||
           ((l->engine->touch != NULL || l->stamps > 0) && cancel_requested(l->engine->cancel));
}

static bool ask_token(struct line *l, unsigned lane, struct job *j, bool *ending)
{
    bool done = false;

    if (l->engine->touch == NULL)
        return ask_signer(l, lane, j);
    pthread_mutex_lock(&l->touching);
    *ending = is_ending(l);
    if (!*ending)
        done = ask_with_touch(l, lane, j);
    pthread_mutex_unlock(&l->touching);
    return done;
}

static void sign_one(struct line *l, unsigned lane, struct job *j)
{
    bool ending = is_ending(l), done = !ending && ask_token(l, lane, j, &ending);

    if (done) {
        queue_push(l->stamps > 0 ? &l->to_stamp : &l->to_commit, j);
    } else if (ending) {
        job_free(j);
    } else {
        stop(l, &j->result.error);
        finish(l, j, ENGINE_FAILED);
    }
}

static void *sign_files(void *data)
{
    const struct session *s = data;
    struct line *l = s->line;
    struct job *j;

    if (s->first || has_session(l, s->lane))
        while ((j = queue_pop(&l->to_sign)) != NULL) {
            if (s->first) {
                log_in(l);
                answer_login(l);
            }
            sign_one(l, s->lane, j);
        }
    if (s->first)
        answer_login(l);
    signers_leave(l);
    return NULL;
}

/* What the token made, believed only when the certificate's key says so. */
static bool take_signature(struct job *j)
{
    return j->state != SIGN_READY ||
           sign_put(j->sign, j->signature.data, j->signature.length, &j->result.error);
}

/* The token runs far ahead of the servers only while they answer. */
static void note_answer(struct line *l, bool good, const struct error *e)
{
    patience_answered(&l->patience, good, e, clock_ms());
    queue_limit(&l->to_stamp, good ? UNSTAMPED : l->stamps);
}

/* Each signature of the file that lacks one. ERROR_TIMESTAMP: the servers gave none; any other:
 * the file cannot be finished. */
static bool ask_servers(struct line *l, struct job *j, struct error *e)
{
    struct buffer token = BUFFER_INIT;
    struct engine_stamp given = {0};
    const uint8_t *value;
    size_t length;
    bool good = true;

    while (good && (value = sign_to_stamp(j->sign, &length)) != NULL) {
        buffer_reset(&token);
        good = l->engine->stamp(l->engine->data, value, length, &token, &given, e);
        if (good || e->code == ERROR_TIMESTAMP)
            note_answer(l, good, e);
        good = good && sign_put_timestamp(j->sign, &token, e);
        if (good && j->result.stamps++ == 0)
            j->result.stamp = given;
    }
    buffer_free(&token);
    return good;
}

/* The servers are down. Nothing more is signed that would be without a timestamp; what is signed
 * already, and not written, is left as if it had not been. */
static void give_up(struct line *l, const struct error *why)
{
    struct error cause = *why;

    if (cancel_requested(l->engine->cancel))
        return;
    error_prefix(&cause, "stopped; the same command goes on when a timestamp server answers");
    stop(l, &cause);
}

/* It gets none, and need not have one. */
static void go_without(struct line *l, struct job *j, const struct error *why)
{
    j->result.unstamped = *why;
    if (j->state == SIGN_READY || j->result.stamps > 0)
        queue_push(&l->to_commit, j);
    else
        finish(l, j, job_copy_kept(j, l->engine, &j->result.error) ? ENGINE_KEPT : ENGINE_FAILED);
}

static void stamp_one(struct line *l, struct job *j)
{
    struct error e = ERROR_INIT;
    bool required = l->engine->stamp_required, lasts;

    if (!take_signature(j)) {
        finish(l, j, ENGINE_FAILED);
        return;
    }
    lasts = patience_lasts(&l->patience, cancel_requested(l->engine->cancel), clock_ms(), &e);
    if (lasts && ask_servers(l, j, &e)) {
        queue_push(&l->to_commit, j);
    } else if (e.code == ERROR_CANCELLED) {
        job_free(j);
    } else if (e.code == ERROR_TIMESTAMP && !required) {
        go_without(l, j, &e);
    } else if (!lasts) {
        give_up(l, &e);
        job_free(j);
    } else {
        j->result.error = e;
        finish(l, j, ENGINE_FAILED);
    }
}

static void *stamp_files(void *data)
{
    struct line *l = data;
    struct job *j;

    while ((j = queue_pop(&l->to_stamp)) != NULL)
        stamp_one(l, j);
    queue_leave(&l->to_commit);
    return NULL;
}

/* Where timestamps are wanted, the signature was taken before they were. */
static void commit_one(struct line *l, struct job *j)
{
    bool done = (l->stamps > 0 || take_signature(j)) && job_commit(j, l->engine, &j->result.error);

    finish(l, j,
           !done                    ? ENGINE_FAILED
           : j->state == SIGN_READY ? ENGINE_SIGNED
                                    : ENGINE_TIMESTAMPED);
}

static void *commit_files(void *data)
{
    struct line *l = data;
    struct job *j;

    while ((j = queue_pop(&l->to_commit)) != NULL)
        commit_one(l, j);
    return NULL;
}

/* Other names of a file that was done. */
static void report_same(struct line *l, size_t i)
{
    const struct plan *plan = l->engine->plan;
    struct engine_result r = {.index = i, .state = ENGINE_SAME};
    size_t first = plan->item[i].same_as;
    enum engine_state state = l->done[first].state;

    if (state == ENGINE_NOT_TRIED)
        return;
    if (state == ENGINE_FAILED) {
        r.state = ENGINE_FAILED;
        error_set(&r.error,
                  l->done[first].code == ERROR_TIMESTAMP ? ERROR_TIMESTAMP : ERROR_SOME_FAILED,
                  "it is the same file as '%s', which failed", plan->item[first].file);
    } else if ((state == ENGINE_SIGNED || state == ENGINE_KEPT || state == ENGINE_TIMESTAMPED) &&
               !l->engine->dry_run &&
               !job_copy_same(&plan->item[i], &plan->item[first], &r.error)) {
        r.state = ENGINE_FAILED;
    }
    report(l, &r);
}

/* Those that no thread came to. */
static void report_rest(struct line *l)
{
    const struct plan *plan = l->engine->plan;

    for (size_t i = 0; i < plan->count; i++)
        if (plan->item[i].same_as != i)
            report_same(l, i);
    for (size_t i = 0; i < plan->count; i++)
        if (l->done[i].state == ENGINE_NOT_TRIED)
            report(l, &(struct engine_result){.index = i, .state = ENGINE_NOT_TRIED});
}

/* Threads of one kind; signals are for the main thread. Returns how many could be started. */
static unsigned start(pthread_t *thread, unsigned count, void *(*work)(void *), void *data,
                      size_t step)
{
    sigset_t all, old;
    unsigned started = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (started < count &&
           pthread_create(&thread[started], NULL, work, (char *)data + started * step) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

static void join(pthread_t *thread, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

/* Last stage first: whoever produces has somebody who takes. Where the system gives fewer threads
 * than wanted, the missing producers leave their queues at once. */
static void run_threads(struct line *l)
{
    pthread_t reader[MOST_WORKERS], writer[MOST_WORKERS], signer[MOST_LANES * IN_FLIGHT];
    pthread_t stamper[MOST_STAMPS];
    struct session session[MOST_LANES * IN_FLIGHT];
    unsigned wanted = l->engine->lanes * IN_FLIGHT;
    unsigned writers, stampers = 0, signers = 0, readers = 0;
    struct error e = ERROR_INIT;

    for (unsigned i = 0; i < wanted; i++)
        session[i] = (struct session){l, i / IN_FLIGHT, i == 0};
    writers = start(writer, l->workers, commit_files, l, 0);
    if (writers > 0)
        stampers = start(stamper, l->stamps, stamp_files, l, 0);
    for (unsigned i = stampers; i < l->stamps; i++)
        queue_leave(&l->to_commit);
    if (writers > 0 && (stampers > 0 || l->stamps == 0))
        signers = start(signer, wanted, sign_files, session, sizeof *session);
    for (unsigned i = signers; i < wanted; i++)
        signers_leave(l);
    if (signers > 0)
        readers = start(reader, l->workers, read_files, l, 0);
    for (unsigned i = readers; i < l->workers; i++)
        readers_leave(l);
    if (readers == 0) {
        error_set(&e, ERROR_SYSTEM, "cannot start a thread");
        stop(l, &e);
    }
    join(reader, readers);
    join(signer, signers);
    join(stamper, stampers);
    join(writer, writers);
}

/* Renames become durable once a folder, not once a file. */
static void sync_folders(const struct line *l)
{
    const struct plan *plan = l->engine->plan;
    char *last = NULL;

    for (size_t i = 0; i < plan->count; i++) {
        enum engine_state state = l->done[i].state;
        char *folder = state == ENGINE_NOT_TRIED || state == ENGINE_FAILED
                           ? NULL
                           : path_parent(plan->item[i].output, NULL);

        if (folder == NULL)
            continue;
        if (last == NULL || strcmp(folder, last) != 0)
            path_sync_folder(folder);
        free(last);
        last = folder;
    }
    free(last);
}

/* Nothing else failed. */
static bool only_timestamps_failed(const struct line *l)
{
    for (size_t i = 0; i < l->engine->plan->count; i++)
        if (l->done[i].state == ENGINE_FAILED && l->done[i].code != ERROR_TIMESTAMP)
            return false;
    return true;
}

static bool conclude(const struct line *l, struct error *e)
{
    const struct engine_totals *t = l->totals;

    if (l->cause.code != ERROR_NONE) {
        if (e != NULL)
            *e = l->cause;
        /* Servers that answer again would not be enough. */
        if (e != NULL && e->code == ERROR_TIMESTAMP && !only_timestamps_failed(l))
            e->code = ERROR_SOME_FAILED;
        return false;
    }
    if (cancel_requested(l->engine->cancel) && t->count[ENGINE_NOT_TRIED] > 0)
        return error_set(
            e, ERROR_CANCELLED,
            "stopped by a signal; %zu files were not tried, the same command goes on with them",
            t->count[ENGINE_NOT_TRIED]);
    if (t->count[ENGINE_FAILED] > 0 && only_timestamps_failed(l))
        return error_set(e, ERROR_TIMESTAMP, "%zu of %zu files failed, for want of a timestamp",
                         t->count[ENGINE_FAILED], l->engine->plan->count);
    if (t->count[ENGINE_FAILED] > 0)
        return error_set(e, ERROR_SOME_FAILED, "%zu of %zu files failed", t->count[ENGINE_FAILED],
                         l->engine->plan->count);
    return true;
}

/* Hashing wants every core; writing waits for the disk, several files at once. */
static unsigned worker_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 2 ? 2 : cores > MOST_WORKERS ? MOST_WORKERS : (unsigned)cores;
}

static void line_init(struct line *l)
{
    for (size_t i = 0; i < l->engine->plan->count; i++)
        l->done[i].state = ENGINE_NOT_TRIED;
    l->workers = worker_count();
    l->stamps = l->engine->spec->timestamp ? l->engine->stamps : 0;
    patience_init(&l->patience, l->stamps, l->engine->stamp_required);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_mutex_init(&l->login_mutex, NULL);
    pthread_mutex_init(&l->touching, NULL);
    pthread_cond_init(&l->login_done, NULL);
    queue_init(&l->to_sign, WAITING, l->workers);
    queue_init(&l->to_stamp, l->stamps > 0 ? l->stamps : 1,
               l->workers + l->engine->lanes * IN_FLIGHT);
    queue_init(&l->to_commit, WAITING, l->engine->lanes * IN_FLIGHT + l->stamps);
}

static void line_destroy(struct line *l)
{
    patience_destroy(&l->patience);
    queue_destroy(&l->to_sign);
    queue_destroy(&l->to_stamp);
    queue_destroy(&l->to_commit);
    pthread_mutex_destroy(&l->mutex);
    pthread_mutex_destroy(&l->login_mutex);
    pthread_mutex_destroy(&l->touching);
    pthread_cond_destroy(&l->login_done);
    free(l->done);
}

bool engine_run(const struct engine *engine, struct engine_totals *totals, struct error *e)
{
    struct line l = {.engine = engine, .totals = totals};
    bool done;

    assert(engine->lanes >= 1 && engine->lanes <= MOST_LANES);
    assert(!engine->spec->timestamp || (engine->stamps >= 1 && engine->stamps <= MOST_STAMPS));
    *totals = (struct engine_totals){0};
    l.done = calloc(engine->plan->count + 1, sizeof *l.done);
    if (l.done == NULL)
        return error_set_memory(e);
    line_init(&l);
    run_threads(&l);
    report_rest(&l);
    if (!engine->dry_run)
        sync_folders(&l);
    done = conclude(&l, e);
    line_destroy(&l);
    return done;
}
