/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/digests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/engine/steps.h"
#include "sign/authenticode.h"

struct digests {
    char *path, *output;
    struct steps *steps;
    struct steps *before; /* what the output has already; NULL: nothing */
    bool *begun;          /* of each line */
    struct steps_output *signatures;
    size_t put;
    pthread_mutex_t mutex; /* the two above */
};

/* Another hash than the profile's is a slip that the other machine would find too late. */
static bool check_step(const struct digests *d, const struct step *s, const struct profile *p,
                       struct error *e)
{
    const char *wanted = signer_hash_name((enum signer_hash)p->digest);

    if ((int64_t)s->hash != p->digest)
        return error_set(
            e, ERROR_PROFILE,
            "'%s': the digest of '%s' is %s, the profile signs with %s; digest it again "
            "with --digest %s, or sign with --digest %s",
            d->path, s->file, signer_hash_name(s->hash), wanted, wanted, signer_hash_name(s->hash));
    if (p->page_hashes == 1 && !s->page_hashes && strcmp(s->format, "pe") == 0)
        return error_set(e, ERROR_PROFILE,
                         "'%s': '%s' was digested without page hashes, which the profile wants; "
                         "digest it again with --page-hashes",
                         d->path, s->file);
    if (p->msi_signature_ex == 1 && !s->signature_ex && strcmp(s->format, "msi") == 0)
        return error_set(e, ERROR_PROFILE,
                         "'%s': '%s' was digested without MsiDigitalSignatureEx, which the profile "
                         "wants; digest it again with --msi-signature-ex",
                         d->path, s->file);
    return true;
}

static bool read_lines(struct digests *d, const struct profile *p, struct error *e)
{
    d->steps = steps_open(STEP_DIGEST, d->path, e);
    if (d->steps == NULL)
        return false;
    for (size_t i = 0; i < steps_count(d->steps); i++)
        if (!check_step(d, steps_at(d->steps, i), p, e))
            return false;
    d->begun = calloc(steps_count(d->steps) + 1, sizeof *d->begun);
    if (d->begun == NULL)
        return error_set_memory(e);
    d->signatures = steps_create(STEP_SIGNATURE, d->output, e);
    if (d->signatures == NULL || access(d->output, F_OK) != 0)
        return d->signatures != NULL;
    d->before = steps_open(STEP_SIGNATURE, d->output, e);
    return d->before != NULL;
}

struct digests *digests_open(const char *path, const char *output, const struct profile *p,
                             struct error *e)
{
    struct digests *d = calloc(1, sizeof *d);

    if (d == NULL) {
        error_set_memory(e);
        return NULL;
    }
    pthread_mutex_init(&d->mutex, NULL);
    d->path = strdup(path);
    d->output = strdup(output);
    if (d->path == NULL || d->output == NULL)
        error_set_memory(e);
    else if (read_lines(d, p, e))
        return d;
    digests_close(&d);
    return NULL;
}

void digests_close(struct digests **d)
{
    if (*d == NULL)
        return;
    steps_close(&(*d)->steps);
    steps_close(&(*d)->before);
    steps_output_free(&(*d)->signatures);
    pthread_mutex_destroy(&(*d)->mutex);
    free((*d)->begun);
    free((*d)->path);
    free((*d)->output);
    free(*d);
    *d = NULL;
}

bool digests_plan(const struct digests *d, struct plan *out, struct error *e)
{
    size_t count = steps_count(d->steps);
    bool good = true;

    *out = (struct plan){.item = calloc(count + 1, sizeof *out->item)};
    if (out->item == NULL)
        return error_set_memory(e);
    for (size_t i = 0; good && i < count; i++) {
        out->item[i] = (struct plan_item){
            .file = strdup(steps_at(d->steps, i)->file),
            .output = strdup(d->output),
            .same_as = i,
        };
        out->count++;
        good = (out->item[i].file != NULL && out->item[i].output != NULL) || error_set_memory(e);
    }
    if (!good)
        plan_free(out);
    return good;
}

/* `der`: of its signature. */
static bool put(struct digests *d, size_t index, const struct buffer *der, struct error *e)
{
    struct step step = *steps_at(d->steps, index);
    bool done;

    step.der = *der;
    pthread_mutex_lock(&d->mutex);
    done = steps_add(d->signatures, index, &step, e);
    d->put += done;
    pthread_mutex_unlock(&d->mutex);
    return done;
}

/* The output's line for one of the digests. False: it has none. */
static bool find_before(const struct digests *d, size_t index, size_t *before)
{
    if (d->before == NULL)
        return false;
    *before = steps_find(d->before, steps_at(d->steps, index)->file);
    return *before < steps_count(d->before);
}

/* What the output has for a line; freed by step_free. */
static bool read_before(const struct digests *d, size_t index, struct step *out)
{
    size_t before;

    return find_before(d, index, &before) && steps_read(d->before, before, out, NULL);
}

bool digests_due(const struct digests *d)
{
    size_t before;

    for (size_t i = 0; i < steps_count(d->steps); i++)
        if (!find_before(d, i, &before))
            return true;
    return false;
}

/* The value of a signature that the job would make again. */
static bool take_value(struct sign_job *job, const struct buffer *der)
{
    struct authenticode_view view;
    bool taken;

    if (!authenticode_view(der->data, der->length, &view, NULL))
        return false;
    taken = sign_put(job, ASN1_STRING_get0_data(view.info->enc_digest),
                     (size_t)ASN1_STRING_length(view.info->enc_digest), NULL);
    authenticode_view_free(&view);
    return taken;
}

/* What an earlier run signed need not be signed again. */
static bool keep_made(struct digests *d, size_t index, struct sign_job *job, enum sign_made *made,
                      struct error *e)
{
    struct step step;
    bool good = true;

    *made = SIGN_NOT_MADE;
    if (!read_before(d, index, &step))
        return true;
    *made = sign_is_made_content(job, &step.der);
    if (*made == SIGN_MADE)
        good = put(d, index, &step.der, e);
    else if (*made == SIGN_MADE_UNSTAMPED && !take_value(job, &step.der))
        *made = SIGN_NOT_MADE;
    step_free(&step);
    return good;
}

struct sign_job *digests_begin(struct digests *d, size_t index, const struct sign_spec *spec,
                               enum sign_made *made, struct error *e)
{
    struct step step;
    struct sign_job *job;

    d->begun[index] = true;
    if (!steps_read(d->steps, index, &step, e))
        return NULL;
    job = sign_begin_content(&step.der, step.digest, step.file, spec, e);
    step_free(&step);
    if (job != NULL && !keep_made(d, index, job, made, e))
        sign_free(&job);
    return job;
}

bool digests_put(struct digests *d, size_t index, const struct sign_job *job, struct error *e)
{
    return put(d, index, sign_made(job), e);
}

/* Of one file, digested in one way. */
static bool same_step(const struct step *a, const struct step *b)
{
    return a->hash == b->hash && a->digest_length == b->digest_length &&
           memcmp(a->digest, b->digest, a->digest_length) == 0 && a->existing == b->existing &&
           a->page_hashes == b->page_hashes && a->signature_ex == b->signature_ex;
}

/* What the run did not come to stays as it was: nobody looked at it. */
static bool carry_over(struct digests *d, size_t index, struct error *e)
{
    const struct step *wanted = steps_at(d->steps, index);
    struct step step;
    bool done = true;

    if (!read_before(d, index, &step))
        return true;
    if (same_step(&step, wanted))
        done = put(d, index, &step.der, e);
    step_free(&step);
    return done;
}

bool digests_commit(struct digests *d, struct error *e)
{
    size_t count = steps_count(d->steps);
    bool good = true;

    if (d->put == 0 && count > 0)
        return true;
    for (size_t i = 0; good && i < count; i++)
        good = d->begun[i] || carry_over(d, i, e);
    return good && steps_commit(d->signatures, e);
}
