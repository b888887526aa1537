/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/sign_stage.h"

#include "base/clock.h"

void sign_stage_leave(struct line *l)
{
    queue_leave(&l->to_stamp);
    queue_leave(&l->to_commit);
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
        line_stop(l, &e);
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

/* A file that others wrote while the token, or a touch, was waited for is not signed in vain. What
 * the token refuses ends the run before another session asks for the next touch. */
static bool ask_token(struct line *l, unsigned lane, struct job *j, bool *ending)
{
    bool done;

    *ending = is_ending(l);
    if (*ending || !job_has_place(j, &j->result.error))
        return false;
    done = l->engine->touch == NULL ? ask_signer(l, lane, j) : ask_with_touch(l, lane, j);
    if (!done)
        line_stop(l, &j->result.error);
    return done;
}

static void sign_one(struct line *l, unsigned lane, struct job *j)
{
    bool touch = l->engine->touch != NULL, ending, done;

    if (touch)
        pthread_mutex_lock(&l->touching);
    done = ask_token(l, lane, j, &ending);
    if (touch)
        pthread_mutex_unlock(&l->touching);
    if (done)
        queue_push(l->stamps > 0 ? &l->to_stamp : &l->to_commit, j);
    else if (ending)
        job_free(j);
    else
        line_finish(l, j, ENGINE_FAILED);
}

void *sign_stage_run(void *data)
{
    const struct sign_stage *s = data;
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
    sign_stage_leave(l);
    return NULL;
}
