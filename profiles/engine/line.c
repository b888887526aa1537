/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/line.h"

#include <stdlib.h>

#include "base/clock.h"
#include "profiles/engine/each.h"

bool line_init(struct line *l, const struct engine *engine, struct engine_totals *totals)
{
    *l = (struct line){.engine = engine, .totals = totals};
    l->done = calloc(engine->plan->count + 1, sizeof *l->done);
    if (l->done == NULL)
        return false;
    for (size_t i = 0; i < l->engine->plan->count; i++)
        l->done[i].state = ENGINE_NOT_TRIED;
    l->workers = each_workers();
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
    return true;
}

void line_destroy(struct line *l)
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

void line_report(struct line *l, struct engine_result *result)
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

void line_stop(struct line *l, const struct error *cause)
{
    pthread_mutex_lock(&l->mutex);
    if (l->cause.code == ERROR_NONE)
        l->cause = *cause;
    pthread_mutex_unlock(&l->mutex);
    atomic_store(&l->stopped, true);
}

void line_finish(struct line *l, struct job *j, enum engine_state state)
{
    j->result.state = state;
    j->result.ms = clock_ms() - j->started;
    if (state == ENGINE_KEPT || state == ENGINE_TIMESTAMPED)
        j->result.signer = sign_signer(j->sign);
    line_report(l, &j->result);
    job_free(j);
}

bool line_take_signature(struct job *j)
{
    return j->state != SIGN_READY ||
           sign_put(j->sign, j->signature.data, j->signature.length, &j->result.error);
}
