/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/engine.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/tempfile.h"
#include "profiles/engine/queue.h"

/* WAITING: files between two stages; each keeps three descriptors open.
 * IN_FLIGHT: signatures that one session is asked for at once. While the token works on one, the
 * next is on its way, so that it never waits for us. */
enum { MOST_WORKERS = 8, WAITING = 16, MOST_LANES = 64, IN_FLIGHT = 2 };

/* A file on its way. */
struct job {
    struct engine_result result;
    const struct plan_item *item;
    struct sign_spec spec; /* with the item's own description */
    struct stat status;    /* of the input */
    struct tempfile *output;
    struct sign_job *sign;
    struct buffer signature;
    int64_t started;
    int input;
};

/* One run, shared by its threads. */
struct line {
    const struct engine *engine;
    struct engine_totals *totals;
    struct queue to_sign, to_commit;
    unsigned workers; /* that read, and as many that write */
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
    enum engine_state *state; /* of each item */
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
    l->state[result->index] = result->state;
    l->totals->count[result->state]++;
    l->totals->bytes += result->bytes;
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

static void job_free(struct job *j)
{
    sign_free(&j->sign);
    tempfile_free(&j->output);
    buffer_free(&j->signature);
    if (j->input >= 0)
        close(j->input);
    free(j);
}

static void finish(struct line *l, struct job *j, enum engine_state state)
{
    j->result.state = state;
    j->result.ms = clock_ms() - j->started;
    if (state == ENGINE_KEPT)
        j->result.signer = sign_signer(j->sign);
    report(l, &j->result);
    job_free(j);
}

static struct job *job_new(struct line *l, size_t index)
{
    struct job *j = calloc(1, sizeof *j);

    if (j == NULL)
        return NULL;
    j->result.index = index;
    j->item = &l->engine->plan->item[index];
    j->spec = *l->engine->spec;
    if (j->item->description != NULL)
        j->spec.description = j->item->description;
    if (j->item->url != NULL)
        j->spec.url = j->item->url;
    j->started = clock_ms();
    j->input = -1;
    return j;
}

static bool open_input(struct job *j, struct error *e)
{
    /* O_NONBLOCK: a pipe or device with nobody at its other end is refused below, not waited for.
     */
    j->input = open(j->item->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (j->input < 0 || fstat(j->input, &j->status) != 0)
        return error_set_errno(e, "cannot open '%s'", j->item->file);
    if (S_ISDIR(j->status.st_mode))
        return error_set(e, ERROR_UNSUPPORTED, "'%s' is a folder; name the files in it",
                         j->item->file);
    if (!S_ISREG(j->status.st_mode))
        return error_set(e, ERROR_UNSUPPORTED, "'%s' is not a regular file", j->item->file);
    return true;
}

static bool read_file(struct line *l, struct job *j, enum sign_state *state, struct error *e)
{
    const uint8_t *digest;
    int output = -1;

    if (!open_input(j, e) || !sign_spec_check(&j->spec, e))
        return false;
    if (!l->engine->dry_run) {
        j->output = tempfile_open(j->item->output, e);
        if (j->output == NULL)
            return false;
        output = tempfile_fd(j->output);
    }
    j->sign = sign_begin(j->input, j->item->file, output, &j->spec, state, l->engine->cancel, e);
    if (j->sign == NULL)
        return false;
    j->result.bytes = sign_size(j->sign);
    digest = sign_file_digest(j->sign, &j->result.digest_length);
    memcpy(j->result.digest, digest, j->result.digest_length);
    return true;
}

static bool copy_bytes(int input, const char *file, struct tempfile *output, struct error *e)
{
    char piece[65536];
    off_t at = 0;
    ssize_t got;

    while ((got = pread(input, piece, sizeof piece, at)) > 0) {
        ssize_t put = pwrite(tempfile_fd(output), piece, (size_t)got, at);

        if (put <= 0)
            return error_set_errno(e, "cannot write a copy of '%s'", file);
        at += put;
    }
    if (got < 0)
        return error_set_errno(e, "cannot read '%s'", file);
    return ftruncate(tempfile_fd(output), at) == 0 ||
           error_set_errno(e, "cannot write a copy of '%s'", file);
}

/* True when two paths lead to one file already. */
static bool is_same_file(const char *path, const struct stat *status)
{
    struct stat other;

    return stat(path, &other) == 0 && other.st_dev == status->st_dev &&
           other.st_ino == status->st_ino;
}

/* A kept file goes to the output folder as it is, so that the folder holds the whole release. */
static bool copy_kept(struct job *j, struct error *e)
{
    if (j->output == NULL || is_same_file(j->item->output, &j->status))
        return true;
    return copy_bytes(j->input, j->item->file, j->output, e) &&
           tempfile_copy_mode(j->output, &j->status, e) && tempfile_place(j->output, true, e);
}

/* Another name of a file that is signed now: where it stands for a file of its own (a hard link, or
 * another name in the output folder) it gets a copy, not a signature of its own. */
static bool copy_same(const struct plan_item *item, const struct plan_item *first, struct error *e)
{
    struct tempfile *output = NULL;
    struct stat status, like;
    int input = open(first->output, O_RDONLY | O_CLOEXEC);
    bool done = false;

    if (input < 0 || fstat(input, &status) != 0 || stat(item->file, &like) != 0)
        error_set_errno(e, "cannot copy '%s' to '%s'", first->output, item->output);
    else if (is_same_file(item->output, &status))
        done = true;
    else
        output = tempfile_open(item->output, e);
    if (output != NULL)
        done = copy_bytes(input, first->output, output, e) &&
               tempfile_copy_mode(output, &like, e) && tempfile_place(output, true, e);
    tempfile_free(&output);
    if (input >= 0)
        close(input);
    return done;
}

/* What an earlier run left in the output folder need not be made again. In place there is no such
 * thing: the file itself is the input. */
static bool is_made(const struct line *l, const struct job *j)
{
    struct stat status;
    int made = j->item->in_place ? -1 : open(j->item->output, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = made >= 0 && fstat(made, &status) == 0 && S_ISREG(status.st_mode) &&
              !is_same_file(j->item->output, &j->status) &&
              sign_is_made(j->sign, made, l->engine->cancel) == SIGN_MADE;

    if (made >= 0)
        close(made);
    return is;
}

static void read_one(struct line *l, size_t index)
{
    struct job *j = job_new(l, index);
    enum sign_state state = SIGN_READY;
    struct error memory = ERROR_INIT;

    if (j == NULL) {
        error_set_memory(&memory);
        stop(l, &memory);
        return;
    }
    if (!read_file(l, j, &state, &j->result.error)) {
        if (j->result.error.code == ERROR_CANCELLED)
            job_free(j);
        else
            finish(l, j, ENGINE_FAILED);
    } else if (state == SIGN_KEPT)
        finish(l, j, copy_kept(j, &j->result.error) ? ENGINE_KEPT : ENGINE_FAILED);
    else if (is_made(l, j))
        finish(l, j, ENGINE_KEPT);
    else if (l->engine->dry_run)
        finish(l, j, ENGINE_WOULD_SIGN);
    else
        queue_push(&l->to_sign, j);
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
    queue_leave(&l->to_sign);
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
    most -= l->totals->count[ENGINE_KEPT] + l->totals->count[ENGINE_FAILED];
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

/* Nobody is asked for a touch once the run is to end. */
static bool is_ending(struct line *l)
{
    return atomic_load(&l->stopped) ||
           (l->engine->touch != NULL && cancel_requested(l->engine->cancel));
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
        queue_push(&l->to_commit, j);
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
    queue_leave(&l->to_commit);
    return NULL;
}

static bool commit(struct job *j, struct error *e)
{
    return sign_put(j->sign, j->signature.data, j->signature.length, e) &&
           sign_finish(j->sign, e) && tempfile_copy_mode(j->output, &j->status, e) &&
           tempfile_place(j->output, true, e);
}

static void *commit_files(void *data)
{
    struct line *l = data;
    struct job *j;

    while ((j = queue_pop(&l->to_commit)) != NULL)
        finish(l, j, commit(j, &j->result.error) ? ENGINE_SIGNED : ENGINE_FAILED);
    return NULL;
}

/* Other names of a file that was done. */
static void report_same(struct line *l, size_t i)
{
    const struct plan *plan = l->engine->plan;
    struct engine_result r = {.index = i, .state = ENGINE_SAME};
    size_t first = plan->item[i].same_as;

    if (l->state[first] == ENGINE_NOT_TRIED)
        return;
    if (l->state[first] == ENGINE_FAILED) {
        r.state = ENGINE_FAILED;
        error_set(&r.error, ERROR_SOME_FAILED, "it is the same file as '%s', which failed",
                  plan->item[first].file);
    } else if ((l->state[first] == ENGINE_SIGNED || l->state[first] == ENGINE_KEPT) &&
               !l->engine->dry_run && !copy_same(&plan->item[i], &plan->item[first], &r.error)) {
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
        if (l->state[i] == ENGINE_NOT_TRIED)
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
 * than wanted, the missing producers leave their queue at once. */
static void run_threads(struct line *l)
{
    pthread_t reader[MOST_WORKERS], writer[MOST_WORKERS], signer[MOST_LANES * IN_FLIGHT];
    struct session session[MOST_LANES * IN_FLIGHT];
    unsigned wanted = l->engine->lanes * IN_FLIGHT, writers, signers = 0, readers = 0;
    struct error e = ERROR_INIT;

    for (unsigned i = 0; i < wanted; i++)
        session[i] = (struct session){l, i / IN_FLIGHT, i == 0};
    writers = start(writer, l->workers, commit_files, l, 0);
    if (writers > 0)
        signers = start(signer, wanted, sign_files, session, sizeof *session);
    for (unsigned i = signers; i < wanted; i++)
        queue_leave(&l->to_commit);
    if (signers > 0)
        readers = start(reader, l->workers, read_files, l, 0);
    for (unsigned i = readers; i < l->workers; i++)
        queue_leave(&l->to_sign);
    if (readers == 0) {
        error_set(&e, ERROR_SYSTEM, "cannot start a thread");
        stop(l, &e);
    }
    join(reader, readers);
    join(signer, signers);
    join(writer, writers);
}

/* Renames become durable once a folder, not once a file. */
static void sync_folders(const struct line *l)
{
    const struct plan *plan = l->engine->plan;
    char *last = NULL;

    for (size_t i = 0; i < plan->count; i++) {
        char *folder = l->state[i] == ENGINE_NOT_TRIED || l->state[i] == ENGINE_FAILED
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

static bool outcome(const struct line *l, struct error *e)
{
    const struct engine_totals *t = l->totals;

    if (l->cause.code != ERROR_NONE) {
        if (e != NULL)
            *e = l->cause;
        return false;
    }
    if (cancel_requested(l->engine->cancel) && t->count[ENGINE_NOT_TRIED] > 0)
        return error_set(
            e, ERROR_CANCELLED,
            "stopped by a signal; %zu files were not tried, the same command goes on with them",
            t->count[ENGINE_NOT_TRIED]);
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
        l->state[i] = ENGINE_NOT_TRIED;
    l->workers = worker_count();
    pthread_mutex_init(&l->mutex, NULL);
    pthread_mutex_init(&l->login_mutex, NULL);
    pthread_mutex_init(&l->touching, NULL);
    pthread_cond_init(&l->login_done, NULL);
    queue_init(&l->to_sign, WAITING, l->workers);
    queue_init(&l->to_commit, WAITING, l->engine->lanes * IN_FLIGHT);
}

static void line_destroy(struct line *l)
{
    queue_destroy(&l->to_sign);
    queue_destroy(&l->to_commit);
    pthread_mutex_destroy(&l->mutex);
    pthread_mutex_destroy(&l->login_mutex);
    pthread_mutex_destroy(&l->touching);
    pthread_cond_destroy(&l->login_done);
    free(l->state);
}

bool engine_run(const struct engine *engine, struct engine_totals *totals, struct error *e)
{
    struct line l = {.engine = engine, .totals = totals};
    bool done;

    assert(engine->lanes >= 1 && engine->lanes <= MOST_LANES);
    *totals = (struct engine_totals){0};
    l.state = calloc(engine->plan->count + 1, sizeof *l.state);
    if (l.state == NULL)
        return error_set_memory(e);
    line_init(&l);
    run_threads(&l);
    report_rest(&l);
    if (!engine->dry_run)
        sync_folders(&l);
    done = outcome(&l, e);
    line_destroy(&l);
    return done;
}
