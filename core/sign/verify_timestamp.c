/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/verify_timestamp.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sign/timestamp.h"
#include "sign/verify_revocation.h"

/* One of them while it is judged. */
struct judging {
    const struct verify_options *options;
    X509_STORE *trust;
    const struct countersignature *from;
    struct verify_timestamp *to;
    struct verify_signature *of;
};

static void judge_revocation(struct judging *j, const struct verify_chain *chain)
{
    const struct verify_revocation_asked asked = {
        .chain = chain,
        .crls = j->options->crls,
        .now = j->options->now,
        .used = j->from->when,
        .stamped = true,
        .authority = true,
        .notes = VERIFY_NOTES(j->of),
    };

    if (asked.crls != NULL)
        j->to->revocation = verify_revocation(&asked);
}

static void judge_authority(struct judging *j)
{
    const struct verify_chain chain = {
        .trust = j->trust,
        .leaf = j->from->signer,
        .brought = j->from->certificates,
        .pool = j->options->pool,
        .when = j->from->when,
        .purpose = XKU_TIMESTAMP,
        .option = "--tsa-ca",
        .expired = ", before it made this timestamp",
        .early = ", after it made this timestamp",
        .problems = VERIFY_PROBLEMS(j->to),
    };
    char when[CLOCK_TEXT_SIZE];

    if (j->from->when - TIMESTAMP_SKEW > j->options->now)
        verify_say(chain.problems, "its time, %s, is still to come: is the clock right?",
                   clock_text(j->from->when, when));
    sk_X509_pop_free(verify_chain(&chain), X509_free);
    judge_revocation(j, &chain);
}

/* One of the hashes that it rests on. SHA-1 is good for its age, but for nothing new; what comes
 * before it proves nothing, and others Windows does not know. */
static void judge_hash(struct judging *j, const EVP_MD *md)
{
    char when[CLOCK_TEXT_SIZE];

    if (md == NULL || (!authenticode_is_sha2(md) && EVP_MD_get_type(md) != NID_sha1))
        verify_say(VERIFY_PROBLEMS(j->to), "it rests on %s, which proves nothing",
                   md == NULL ? "a hash that is not known here" : EVP_MD_get0_name(md));
    else if (!authenticode_is_sha2(md) && j->to->problem_count == 0)
        verify_say(VERIFY_NOTES(j->of),
                   "the timestamp of %s is over %s, as was usual long ago; a new one should be "
                   "over SHA-256",
                   clock_text(j->to->when, when), EVP_MD_get0_name(md));
}

/* So that one list has all that is wrong. */
static void repeat(struct verify_signature *s, const struct verify_timestamp *t)
{
    char when[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < t->problem_count; i++)
        verify_say(VERIFY_PROBLEMS(s), "its timestamp%s%s: %s", t->when == 0 ? "" : " of ",
                   t->when == 0 ? "" : clock_text(t->when, when), t->problems[i]);
}

static void judge(const struct countersignature *from, const struct error *wrong,
                  const struct verify_options *options, X509_STORE *trust,
                  struct verify_signature *s)
{
    struct verify_timestamp *to = &s->timestamps[s->timestamp_count++];
    struct judging j = {.options = options, .trust = trust, .from = from, .to = to, .of = s};

    *to = (struct verify_timestamp){.kind = from->kind, .when = from->when, .hash = from->hash};
    if (from->signer != NULL && X509_up_ref(from->signer))
        to->signer = from->signer;
    if (wrong->code != ERROR_NONE) {
        verify_say(VERIFY_PROBLEMS(to), "%s", wrong->text);
    } else {
        judge_authority(&j);
        judge_hash(&j, from->hash);
        judge_hash(&j, from->signed_hash);
    }
    to->good = to->problem_count == 0 && !to->words_lost;
    repeat(s, to);
    s->words_lost = s->words_lost || to->words_lost;
    if (to->good && s->timestamp == NULL)
        s->timestamp = to;
}

void verify_timestamps(const struct authenticode_view *v, const struct verify_options *options,
                       X509_STORE *trust, struct verify_signature *s)
{
    struct countersignature one;
    struct error e = ERROR_INIT;

    s->timestamps = calloc(VERIFY_TIMESTAMPS, sizeof *s->timestamps);
    if (s->timestamps == NULL) {
        s->words_lost = true;
        return;
    }
    for (unsigned i = 0; countersignature_read(v, i, &one, &e); i++) {
        if (i < VERIFY_TIMESTAMPS)
            judge(&one, &e, options, trust, s);
        countersignature_free(&one);
        error_clear(&e);
        if (i == VERIFY_TIMESTAMPS) {
            verify_say(VERIFY_PROBLEMS(s), "it has more than %d timestamps", VERIFY_TIMESTAMPS);
            break;
        }
    }
}

void verify_timestamps_free(struct verify_signature *s)
{
    for (size_t i = 0; i < s->timestamp_count; i++) {
        X509_free(s->timestamps[i].signer);
        verify_words_free(s->timestamps[i].problems, s->timestamps[i].problem_count);
    }
    free(s->timestamps);
    s->timestamps = NULL;
    s->timestamp = NULL;
    s->timestamp_count = 0;
}
