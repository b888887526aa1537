/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/verify_run.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "profiles/engine/rewrite.h"
#include "profiles/engine/verify_record.h"

enum { WORKERS_MAX = 8 };

struct run {
    const struct plan *plan;
    const struct verify_options *options;
    struct cancel *cancel;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, done, working; /* and the records: under the lock */
    json_t **record;
};

/* NULL: cancelled. */
static json_t *judge(const char *file, const struct run *r)
{
    struct verify_report report = {0};
    struct error e = ERROR_INIT;
    struct stat status;
    int fd = rewrite_open_input(file, &status, &e);
    json_t *record = NULL;

    if (fd >= 0 && verify_file(fd, file, r->options, &report, r->cancel, &e))
        record = verify_record(file, &report);
    else if (e.code != ERROR_CANCELLED)
        record = verify_record_failed(file, &e);
    verify_report_free(&report);
    if (fd >= 0)
        close(fd);
    return record;
}

static void *work(void *data)
{
    struct run *r = data;

    pthread_mutex_lock(&r->lock);
    while (r->next < r->plan->count && !cancel_requested(r->cancel)) {
        size_t index = r->next++;
        json_t *record;

        pthread_mutex_unlock(&r->lock);
        record = judge(r->plan->item[index].file, r);
        pthread_mutex_lock(&r->lock);
        r->record[index] = record;
        r->done++;
        pthread_cond_signal(&r->changed);
    }
    r->working--;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Tells how far they are until the last has ended. */
static void watch(struct run *r, struct op_ctx *ctx)
{
    pthread_mutex_lock(&r->lock);
    while (r->working > 0) {
        size_t done = r->done;

        pthread_mutex_unlock(&r->lock);
        op_progress(ctx, done, r->plan->count,
                    done < r->plan->count ? r->plan->item[done].file : "");
        pthread_mutex_lock(&r->lock);
        if (r->done == done && r->working > 0)
            pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

static size_t workers(size_t files)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (size_t)cores;

    return count < files ? count : files;
}

static void judge_all(struct run *r, struct op_ctx *ctx)
{
    pthread_t thread[WORKERS_MAX];
    size_t started = 0, wanted = workers(r->plan->count);

    r->working = wanted;
    while (started < wanted && thread_start(&thread[started], work, r))
        started++;
    if (started == 0) {
        r->working = 1;
        work(r);
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->working -= wanted - started;
    pthread_mutex_unlock(&r->lock);
    watch(r, ctx);
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
}

/* What was under way when the run was cancelled was not judged. */
static json_t *collect(struct run *r, size_t *bad)
{
    json_t *list = json_array();

    *bad = 0;
    for (size_t i = 0; i < r->plan->count; i++) {
        if (r->record[i] == NULL)
            continue;
        *bad += !json_is_true(json_object_get(r->record[i], "good"));
        json_array_append_new(list, r->record[i]);
    }
    return list;
}

json_t *verify_run(const struct plan *plan, const struct verify_options *options,
                   struct op_ctx *ctx, size_t *bad, struct error *e)
{
    struct run r = {.plan = plan,
                    .options = options,
                    .cancel = ctx->cancel,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER};
    json_t *list;

    r.record = calloc(plan->count + 1, sizeof(*r.record));
    if (r.record == NULL) {
        error_set_memory(e);
        return NULL;
    }
    if (plan->count > 0)
        judge_all(&r, ctx);
    list = collect(&r, bad);
    free(r.record);
    pthread_cond_destroy(&r.changed);
    pthread_mutex_destroy(&r.lock);
    return list;
}
