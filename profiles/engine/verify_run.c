/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/verify_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "profiles/engine/each.h"
#include "profiles/engine/rewrite.h"
#include "profiles/engine/verify_record.h"

struct run {
    const struct plan *plan;
    const struct verify_options *options;
    struct op_ctx *ctx;
    pthread_mutex_t lock;
    size_t done; /* under the lock */
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

    if (fd >= 0 && verify_file(fd, file, r->options, &report, r->ctx->cancel, &e))
        record = verify_record(file, &report);
    else if (e.code != ERROR_CANCELLED)
        record = verify_record_failed(file, &e);
    verify_report_free(&report);
    if (fd >= 0)
        close(fd);
    return record;
}

static void work(void *data, size_t index)
{
    struct run *r = data;
    const char *file = r->plan->item[index].file;
    json_t *record = judge(file, r);

    pthread_mutex_lock(&r->lock);
    r->record[index] = record;
    op_progress(r->ctx, ++r->done, r->plan->count, file);
    pthread_mutex_unlock(&r->lock);
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
    struct run r = {
        .plan = plan, .options = options, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};
    json_t *list;

    r.record = calloc(plan->count + 1, sizeof(*r.record));
    if (r.record == NULL) {
        error_set_memory(e);
        return NULL;
    }
    each_run(&(struct each){plan->count, work, &r, ctx->cancel});
    list = collect(&r, bad);
    free(r.record);
    pthread_mutex_destroy(&r.lock);
    return list;
}
