/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/verify_revocation.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cert/view.h"

/* One look at a chain. */
struct looking {
    const struct verify_revocation_asked *asked;
    enum verify_revocation state;
    /* The last that OpenSSL named: after one that is stale it forgets which it was. */
    X509_CRL *list;
};

/* The worst that was found stands. */
static void found(struct looking *l, enum verify_revocation state)
{
    static const int rank[] = {
        [VERIFY_NOT_ASKED] = 0,     [VERIFY_NOT_REVOKED] = 1, [VERIFY_NOT_KNOWN] = 3,
        [VERIFY_REVOKED_LATER] = 2, [VERIFY_REVOKED] = 4,
    };

    if (rank[state] > rank[l->state])
        l->state = state;
}

/* RFC 5280 section 5.3.1. */
static const char *reason_text(long reason)
{
    switch (reason) {
    case CRL_REASON_KEY_COMPROMISE:
        return "its key was compromised";
    case CRL_REASON_CA_COMPROMISE:
    case CRL_REASON_AA_COMPROMISE:
        return "its CA was compromised";
    case CRL_REASON_AFFILIATION_CHANGED:
        return "its holder is another now";
    case CRL_REASON_SUPERSEDED:
        return "it was replaced";
    case CRL_REASON_CESSATION_OF_OPERATION:
        return "it is out of use";
    case CRL_REASON_CERTIFICATE_HOLD:
        return "it is on hold";
    case CRL_REASON_PRIVILEGE_WITHDRAWN:
        return "its rights were withdrawn";
    default:
        return "no reason is given";
    }
}

/* -1: there is none, or it cannot be read. */
static long reason_of(const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long reason = value == NULL ? -1 : ASN1_ENUMERATED_get(value);

    ASN1_ENUMERATED_free(value);
    return reason;
}

/* From when on nothing that it signed counts; -1: from ever. */
static time_t invalid_from(const X509_REVOKED *entry)
{
    time_t from = cert_time(X509_REVOKED_get0_revocationDate(entry));
    ASN1_GENERALIZEDTIME *known = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
    time_t earlier = known == NULL ? from : cert_time(known);

    ASN1_GENERALIZEDTIME_free(known);
    return earlier < from ? earlier : from;
}

/* RFC 3161 section 4: what an authority stamped before it gave up its work stays good. */
static bool gave_up(long reason)
{
    return reason == CRL_REASON_UNSPECIFIED || reason == CRL_REASON_AFFILIATION_CHANGED ||
           reason == CRL_REASON_SUPERSEDED || reason == CRL_REASON_CESSATION_OF_OPERATION;
}

static void tell_revoked(struct looking *l, const char *name, const X509_REVOKED *entry)
{
    const struct verify_revocation_asked *asked = l->asked;
    time_t date = cert_time(X509_REVOKED_get0_revocationDate(entry)), from = invalid_from(entry);
    long reason = reason_of(entry);
    bool later = asked->stamped && from > asked->used && (!asked->authority || gave_up(reason));
    char when[CLOCK_TEXT_SIZE], used[CLOCK_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    const char *why = reason_text(reason);

    clock_text(date, when);
    clock_text(asked->used, used);
    clock_text(from, since);
    found(l, later ? VERIFY_REVOKED_LATER : VERIFY_REVOKED);
    if (later && asked->authority)
        verify_say(asked->notes, "certificate '%s' was revoked at %s (%s), after this timestamp",
                   name, when, why);
    else if (later)
        verify_say(asked->notes,
                   "certificate '%s' was revoked at %s (%s), but signed before, as the timestamp "
                   "of %s proves",
                   name, when, why, used);
    else if (asked->stamped && from > asked->used)
        verify_say(asked->chain->problems,
                   "certificate '%s' was revoked at %s (%s): none of its timestamps holds, earlier "
                   "ones neither",
                   name, when, why);
    else if (from < date)
        verify_say(asked->chain->problems,
                   "certificate '%s' was revoked at %s (%s), and counts for nothing since %s", name,
                   when, why, since);
    else if (!asked->stamped)
        verify_say(asked->chain->problems,
                   "certificate '%s' was revoked at %s (%s), and no timestamp counts that proves "
                   "that it signed before",
                   name, when, why);
    else
        verify_say(asked->chain->problems,
                   "certificate '%s' was revoked at %s (%s), before the timestamp of %s", name,
                   when, why, used);
}

static void judge_entry(struct looking *l, X509 *x, X509_CRL *crl, const char *name)
{
    X509_REVOKED *entry = NULL;

    if (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, x) == 1 && entry != NULL) {
        tell_revoked(l, name, entry);
        return;
    }
    found(l, VERIFY_REVOKED);
    verify_say(l->asked->chain->problems, "certificate '%s' was revoked", name);
}

/* Of an issuer it is only noted, for what people have is the list of the signer's own CA; of
 * authorities it is not wanted. */
static void no_list(struct looking *l, X509_STORE_CTX *ctx, X509 *x, const char *name)
{
    char *issuer;

    if ((X509_get_extension_flags(x) & EXFLAG_SS) != 0)
        return;
    if (l->asked->authority) {
        if (X509_STORE_CTX_get_error_depth(ctx) == 0)
            l->state = VERIFY_NOT_ASKED;
        return;
    }
    issuer = cert_issuer(x);
    if (X509_STORE_CTX_get_error_depth(ctx) > 0) {
        verify_say(l->asked->notes,
                   "whether the CA '%s' was revoked is not known: no list of its issuer was given",
                   name);
    } else {
        found(l, VERIFY_NOT_KNOWN);
        verify_say(l->asked->chain->problems,
                   "whether '%s' was revoked is not known: none of the lists given is by its "
                   "issuer, %s",
                   name, issuer == NULL ? "?" : issuer);
    }
    free(issuer);
}

static void tell_list(struct looking *l, X509_CRL *crl, int error)
{
    char *issuer = crl == NULL ? NULL : cert_name_text(X509_CRL_get_issuer(crl));
    const char *who = issuer == NULL ? "?" : issuer;
    char when[CLOCK_TEXT_SIZE];
    struct verify_words problems = l->asked->chain->problems;

    found(l, VERIFY_NOT_KNOWN);
    switch (error) {
    case X509_V_ERR_CRL_HAS_EXPIRED:
        verify_say(problems,
                   "the revocation list of %s was to be renewed at %s: fetch the one of today", who,
                   clock_text(crl == NULL ? 0 : cert_time(X509_CRL_get0_nextUpdate(crl)), when));
        break;
    case X509_V_ERR_CRL_NOT_YET_VALID:
        verify_say(problems,
                   "the revocation list of %s is of %s, which is to come: is the clock "
                   "right?",
                   who,
                   clock_text(crl == NULL ? 0 : cert_time(X509_CRL_get0_lastUpdate(crl)), when));
        break;
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
        verify_say(problems, "the revocation list in the name of %s was not signed by it", who);
        break;
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        verify_say(problems, "%s may not sign revocation lists", who);
        break;
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        verify_say(problems,
                   "the revocation list of %s has a critical extension that is not "
                   "known here",
                   who);
        break;
    default:
        verify_say(problems, "the revocation list of %s: %s", who,
                   X509_verify_cert_error_string(error));
    }
    free(issuer);
}

static void judge_error(struct looking *l, X509_STORE_CTX *ctx)
{
    X509 *x = X509_STORE_CTX_get_current_cert(ctx);
    X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);
    X509_CRL *known = crl == NULL ? l->list : crl;
    int error = X509_STORE_CTX_get_error(ctx);
    char *name = verify_chain_name(x);

    l->list = known;
    switch (error) {
    case X509_V_ERR_CERT_REVOKED:
        judge_entry(l, x, known, name == NULL ? "?" : name);
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        no_list(l, ctx, x, name == NULL ? "?" : name);
        break;
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        tell_list(l, crl, error);
        break;
    default: /* told when the chain was judged */
        break;
    }
    free(name);
}

static int judge(int good, X509_STORE_CTX *ctx)
{
    if (!good)
        judge_error(X509_STORE_CTX_get_app_data(ctx), ctx);
    return 1;
}

static void not_checked(struct looking *l)
{
    found(l, VERIFY_NOT_KNOWN);
    verify_say(l->asked->chain->problems, "its revocation could not be checked: no memory");
}

/* The lists must be in force now, whenever the certificates were. */
enum verify_revocation verify_revocation(const struct verify_revocation_asked *asked)
{
    const struct verify_chain *chain = asked->chain;
    struct looking l = {.asked = asked, .state = VERIFY_NOT_REVOKED};
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = verify_chain_others(chain);
    X509_VERIFY_PARAM *param;

    if (ctx == NULL || others == NULL ||
        X509_STORE_CTX_init(ctx, chain->trust, chain->leaf, others) <= 0) {
        not_checked(&l);
    } else {
        param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param, asked->now);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        X509_STORE_CTX_set0_crls(ctx, asked->crls);
        X509_STORE_CTX_set_app_data(ctx, &l);
        X509_STORE_CTX_set_verify_cb(ctx, judge);
        /* Whatever is wrong was told to `judge`, which went on; this is something else. */
        if (X509_verify_cert(ctx) != 1)
            not_checked(&l);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(others);
    ERR_clear_error();
    return l.state;
}
