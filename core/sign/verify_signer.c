/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/verify_signer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cert/view.h"
#include "sign/verify_revocation.h"

/* Of Windows Authenticode Portable Executable Signature Format: a timestamp does not make such a
 * certificate's signatures outlive it. */
#define LIFETIME_SIGNING_OID "1.3.6.1.4.1.311.10.3.13"

static bool for_lifetime_signing(const X509 *x)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    bool found = false;
    char oid[64];

    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
        if (OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usage, i), 1) > 0 &&
            strcmp(oid, LIFETIME_SIGNING_OID) == 0)
            found = true;
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    ERR_clear_error();
    return found;
}

/* What its timestamps have to do with a certificate that had expired. */
static const char *expired_words(const struct verify_signature *s, bool lifetime, char *out,
                                 size_t size)
{
    char when[CLOCK_TEXT_SIZE];

    if (s->timestamp != NULL && lifetime)
        return "; it is for lifetime signing, which a timestamp does not extend";
    if (s->timestamp != NULL)
        snprintf(out, size, ", before the timestamp of %s", clock_text(s->timestamp->when, when));
    else
        return s->has_timestamp ? ", and none of its timestamps is good"
                                : ", and no timestamp proves that it signed before";
    return out;
}

/* What is good only because the timestamp is. */
static void note_saved(struct verify_signature *s, time_t now)
{
    char expired[CLOCK_TEXT_SIZE], signed_at[CLOCK_TEXT_SIZE];

    for (int i = 0; i < sk_X509_num(s->chain); i++) {
        X509 *x = sk_X509_value(s->chain, i);
        char *name;

        if (cert_not_after(x) >= now)
            continue;
        s->saved = true;
        name = verify_chain_name(x);
        verify_say(VERIFY_NOTES(s),
                   "certificate '%s' expired at %s, but signed before, as the timestamp of %s "
                   "proves",
                   name == NULL ? "?" : name, clock_text(cert_not_after(x), expired),
                   clock_text(s->timestamp->when, signed_at));
        free(name);
    }
}

static void judge_revocation(const struct verify_options *o, const struct verify_chain *chain,
                             bool stamped, struct verify_signature *s)
{
    const struct verify_revocation_asked asked = {
        .chain = chain,
        .crls = o->crls,
        .now = o->now,
        .used = s->judged_at,
        .stamped = stamped,
        .notes = VERIFY_NOTES(s),
    };

    if (asked.crls != NULL)
        s->revocation = verify_revocation(&asked);
}

static void judge_purpose(struct verify_signature *s)
{
    if (!cert_for_code_signing(s->signer))
        verify_say(VERIFY_PROBLEMS(s), "its certificate is not for code signing");
    if ((X509_get_key_usage(s->signer) & KU_DIGITAL_SIGNATURE) == 0)
        verify_say(VERIFY_PROBLEMS(s), "its certificate's key usage does not allow signatures");
}

void verify_signer(const struct verify_options *o, X509_STORE *trust, struct verify_signature *s)
{
    size_t before = s->problem_count;
    bool lifetime = s->signer != NULL && for_lifetime_signing(s->signer);
    bool stamped = s->timestamp != NULL && !lifetime;
    char expired[80] = "", early[80] = "", when[CLOCK_TEXT_SIZE];
    struct verify_chain chain = {
        .trust = trust,
        .leaf = s->signer,
        .brought = s->certificates,
        .pool = o->pool,
        .when = stamped ? s->timestamp->when : o->now,
        .purpose = XKU_CODE_SIGN,
        .option = "--ca",
        .expired = expired_words(s, lifetime, expired, sizeof expired),
        .early = early,
        .problems = VERIFY_PROBLEMS(s),
    };

    s->judged_at = chain.when;
    if (s->signer == NULL)
        return;
    if (stamped)
        snprintf(early, sizeof early, ", after the timestamp of %s", clock_text(chain.when, when));
    s->chain = verify_chain(&chain);
    judge_purpose(s);
    judge_revocation(o, &chain, stamped, s);
    s->chain_good = s->problem_count == before;
    if (s->chain_good && stamped)
        note_saved(s, o->now);
    if (s->chain_good && s->revocation == VERIFY_REVOKED_LATER)
        s->saved = true;
}
