/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/thread.h"
#include "profiles/engine/each.h"
#include "profiles/engine/line.h"
#include "profiles/engine/sign_stage.h"
#include "profiles/engine/stamp_stage.h"

const char *engine_state_name(enum engine_state state)
{
    static const char *const names[] = {
#define X(state, name) name,
        ENGINE_STATES(X)
#undef X
    };

    return names[state];
}

/* Where a file goes when it was read. */
static void send_on(struct line *l, struct job *j, bool made)
{
    if (j->state == SIGN_KEPT)
        line_finish(l, j,
                    job_copy_kept(j, l->engine, &j->result.error) ? ENGINE_KEPT : ENGINE_FAILED);
    else if (made)
        line_finish(l, j, ENGINE_KEPT);
    else if (l->engine->dry_run)
        line_finish(l, j, j->state == SIGN_UNSTAMPED ? ENGINE_WOULD_TIMESTAMP : ENGINE_WOULD_SIGN);
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
        line_stop(l, &memory);
    } else if (job_read(j, l->engine, &made, &j->result.error)) {
        send_on(l, j, made);
    } else if (j->result.error.code == ERROR_CANCELLED) {
        job_free(j);
    } else {
        line_finish(l, j, ENGINE_FAILED);
    }
}

/* A reader will send on no more. */
static void readers_leave(struct line *l)
{
    queue_leave(&l->to_sign);
    queue_leave(&l->to_stamp);
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

/* Where timestamps are wanted, the signature was taken before they were. */
static void commit_one(struct line *l, struct job *j)
{
    bool done =
        (l->stamps > 0 || line_take_signature(j)) && job_commit(j, l->engine, &j->result.error);

    /* What all signatures go into cannot be written: the token makes no more for nothing. */
    if (!done && l->engine->put != NULL && j->result.error.code == ERROR_SYSTEM)
        line_stop(l, &j->result.error);
    line_finish(l, j,
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
    line_report(l, &r);
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
            line_report(l, &(struct engine_result){.index = i, .state = ENGINE_NOT_TRIED});
}

/* Threads of one kind. Returns how many could be started. */
static unsigned start(pthread_t *thread, unsigned count, void *(*work)(void *), void *data,
                      size_t step)
{
    unsigned started = 0;

    while (started < count && thread_start(&thread[started], work, (char *)data + started * step))
        started++;
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
    pthread_t reader[EACH_MOST_WORKERS], writer[WRITERS], signer[MOST_LANES * IN_FLIGHT];
    pthread_t stamper[MOST_STAMPS];
    struct sign_stage session[MOST_LANES * IN_FLIGHT];
    unsigned wanted = l->engine->lanes * IN_FLIGHT;
    unsigned writers, stampers = 0, signers = 0, readers = 0;
    struct error e = ERROR_INIT;

    for (unsigned i = 0; i < wanted; i++)
        session[i] = (struct sign_stage){l, i / IN_FLIGHT, i == 0};
    writers = start(writer, WRITERS, commit_files, l, 0);
    if (writers > 0)
        stampers = start(stamper, l->stamps, stamp_stage_run, l, 0);
    for (unsigned i = stampers; i < l->stamps; i++)
        queue_leave(&l->to_commit);
    if (writers > 0 && (stampers > 0 || l->stamps == 0))
        signers = start(signer, wanted, sign_stage_run, session, sizeof *session);
    for (unsigned i = signers; i < wanted; i++)
        sign_stage_leave(l);
    if (signers > 0)
        readers = start(reader, l->workers, read_files, l, 0);
    for (unsigned i = readers; i < l->workers; i++)
        readers_leave(l);
    if (readers == 0) {
        error_set(&e, ERROR_SYSTEM, "cannot start a thread");
        line_stop(l, &e);
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
        return error_set(
            e, ERROR_TIMESTAMP,
            "%zu of %zu files failed, for want of a timestamp; the same command tries them again",
            t->count[ENGINE_FAILED], l->engine->plan->count);
    if (t->count[ENGINE_FAILED] > 0)
        return error_set(e, ERROR_SOME_FAILED, "%zu of %zu files failed", t->count[ENGINE_FAILED],
                         l->engine->plan->count);
    return true;
}

bool engine_run(const struct engine *engine, struct engine_totals *totals, struct error *e)
{
    struct line l;
    bool done;

    assert(engine->lanes >= 1 && engine->lanes <= MOST_LANES);
    assert(!engine->spec->timestamp || (engine->stamps >= 1 && engine->stamps <= MOST_STAMPS));
    *totals = (struct engine_totals){0};
    if (!line_init(&l, engine, totals))
        return error_set_memory(e);
    run_threads(&l);
    report_rest(&l);
    if (!engine->dry_run)
        sync_folders(&l);
    done = conclude(&l, e);
    line_destroy(&l);
    return done;
}
