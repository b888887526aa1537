/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/stamp_stage.h"

#include "base/clock.h"
#include "profiles/engine/line.h"

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
    line_stop(l, &cause);
}

/* It gets none, and need not have one. */
static void go_without(struct line *l, struct job *j, const struct error *why)
{
    j->result.unstamped = *why;
    if (j->state == SIGN_READY || j->result.stamps > 0)
        queue_push(&l->to_commit, j);
    else
        line_finish(l, j,
                    job_copy_kept(j, l->engine, &j->result.error) ? ENGINE_KEPT : ENGINE_FAILED);
}

static void stamp_one(struct line *l, struct job *j)
{
    struct error e = ERROR_INIT;
    bool required = l->engine->stamp_required, lasts;

    if (!line_take_signature(j)) {
        line_finish(l, j, ENGINE_FAILED);
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
        line_finish(l, j, ENGINE_FAILED);
    }
}

void *stamp_stage_run(void *data)
{
    struct line *l = data;
    struct job *j;

    while ((j = queue_pop(&l->to_stamp)) != NULL)
        stamp_one(l, j);
    queue_leave(&l->to_commit);
    return NULL;
}
