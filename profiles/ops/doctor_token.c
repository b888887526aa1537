/* SPDX-License-Identifier: Apache-2.0 */
/* signet doctor: the token, its key, certificate and chain, without a login. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cert/chain.h"
#include "cert/expiry.h"
#include "cert/view.h"
#include "gate/gate.h"
#include "op/named.h"
#include "op/record.h"
#include "profiles/ops/doctor.h"
#include "token/objects.h"

/* One token, looked at by itself: with several, the best one counts. */
struct patient {
    const struct doctor *d;
    const struct token *token;
    struct doctor_finding step[DOCTOR_STEP_COUNT];
    struct wire_objects objects;
};

static const char *module_path(const struct patient *p)
{
    return p->d->inventory->module[p->token->module].entry.path;
}

static void free_patient(struct patient *p)
{
    for (int i = 0; i < DOCTOR_STEP_COUNT; i++) {
        buffer_free(&p->step[i].text);
        buffer_free(&p->step[i].remedy);
    }
    wire_objects_free(&p->objects);
}

/* The application of a card that this token is; NULL where there is none, or none that is known. */
static const struct wire_application *card_application(const struct patient *p)
{
    const char *reader;

    if (!doctor_in_reader(p->d, p->token, &reader))
        return NULL;
    for (size_t i = 0; i < p->d->card_count; i++)
        if (strcmp(p->d->card[i].reader.name, reader) == 0)
            return card_application_of(&p->d->card[i], &p->token->slot.token);
    return NULL;
}

/* The user PIN's counter as the card tells it; NULL where it does not. */
static const struct wire_counter *card_figure(const struct patient *p)
{
    const struct wire_application *a = card_application(p);

    for (size_t i = 0; a != NULL && i < a->counter_count; i++)
        if (a->counter[i].pin == WIRE_PIN_USER)
            return &a->counter[i];
    return NULL;
}

/* Its keys and certificates are not put on it through PKCS#11: OpenSC does not write to PIV. */
static bool is_piv(const struct patient *p)
{
    const struct wire_application *a = card_application(p);

    return a != NULL && strcmp(a->family, "piv") == 0;
}

static void blocked_pin(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_TOKEN];

    doctor_gap(f, ERROR_UNFIT, "its PIN is locked");
    doctor_remedy(f, "signet unblock @%u", p->token->number);
    doctor_remedy(f, "It asks for the PUK, or the SO PIN, that came with the token.");
}

static void few_tries(struct patient *p, const char *how)
{
    struct doctor_finding *f = &p->step[DOCTOR_TOKEN];

    doctor_say(f, DOCTOR_WARNING, "%s; nothing unattended will try the PIN", how);
    doctor_remedy(f, "signet reset-counter @%u", p->token->number);
}

static void judge_tries(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_TOKEN];
    const struct wire_counter *c = card_figure(p);
    CK_FLAGS flags = p->token->slot.token.flags;

    if (c != NULL && c->left >= 0) {
        char *how = c->maximum > 0 ? text_format("%d of %d PIN tries left", c->left, c->maximum)
                                   : text_format("%d PIN tries left", c->left);

        if (c->left == 0)
            blocked_pin(p);
        else if (how != NULL && (c->left == 1 || (c->maximum > 0 && c->left < c->maximum)))
            few_tries(p, how);
        else if (how != NULL)
            doctor_say(f, DOCTOR_OK, "%s", how);
        free(how);
    } else if (flags & CKF_USER_PIN_LOCKED) {
        blocked_pin(p);
    } else if (flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW)) {
        few_tries(p, gate_counter_text(flags, false));
    }
    if (flags & CKF_USER_PIN_TO_BE_CHANGED || (c != NULL && c->is_default == 1)) {
        doctor_say(f, DOCTOR_WARNING, "its PIN is still the one it came with");
        doctor_remedy(f, "signet change-pin @%u", p->token->number);
    }
}

/* False: nothing more can be told of it. */
static bool judge_token(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_TOKEN];
    CK_FLAGS flags = p->token->slot.token.flags;
    struct error e = ERROR_INIT;

    doctor_say(f, DOCTOR_OK, "'%s' (serial %s)", p->token->label, p->token->serial);
    if (!(flags & CKF_USER_PIN_INITIALIZED) && flags & CKF_LOGIN_REQUIRED) {
        doctor_gap(f, ERROR_UNFIT, "it has no user PIN yet");
        doctor_remedy(f, "signet unblock @%u --by so-pin", p->token->number);
    } else {
        judge_tries(p);
    }
    if (objects_read(inventory_host(p->d->inventory, p->token), p->token->slot.id, NULL,
                     p->d->ctx->cancel, &p->objects, &e))
        return f->state != DOCTOR_GAP;
    doctor_gap(f, e.code, "%s", e.text);
    doctor_module_remedy(f, module_path(p), &e);
    return false;
}

static bool can_sign(const struct wire_object *o)
{
    return !(o->flags_known & 1u << WIRE_CAN_SIGN) || o->flags_set & 1u << WIRE_CAN_SIGN;
}

static size_t count_class(const struct patient *p, CK_OBJECT_CLASS class, bool sign)
{
    size_t count = 0;

    for (size_t i = 0; i < p->objects.count; i++)
        count += p->objects.object[i].class == class && (!sign || can_sign(&p->objects.object[i]));
    return count;
}

static void make_key_remedy(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_KEY];

    if (is_piv(p))
        doctor_remedy(f, "signet keygen @%u --slot 9c --type ec:P-384", p->token->number);
    else
        doctor_remedy(f, "signet keygen @%u --type rsa:3072 --label NAME", p->token->number);
    doctor_remedy(f, "then a request for the CA: signet csr --help");
}

static bool judge_key(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_KEY];
    size_t private = count_class(p, CKO_PRIVATE_KEY, false),
           good = count_class(p, CKO_PRIVATE_KEY, true);
    bool hides = p->token->slot.token.flags & CKF_LOGIN_REQUIRED;

    if (good > 0) {
        doctor_say(f, DOCTOR_OK, "%zu private key%s that can sign", good, good == 1 ? "" : "s");
    } else if (private > 0) {
        doctor_gap(f, ERROR_UNFIT, "no private key on it may sign (CKA_SIGN is false)");
        make_key_remedy(p);
    } else if (hides && (count_class(p, CKO_PUBLIC_KEY, false) > 0 ||
                         count_class(p, CKO_CERTIFICATE, false) > 0)) {
        doctor_say(f, DOCTOR_OK, "private keys are hidden until login; public halves are there");
    } else {
        doctor_gap(f, ERROR_MISSING, "no key is on it%s",
                   hides ? ", as far as can be seen without a login" : "");
        make_key_remedy(p);
    }
    return f->state != DOCTOR_GAP;
}

/* A certificate that is of a key here. A hidden private key is told by its public half; where even
 * that is not shown, the certificate that is no CA's is taken at its word. */
static bool has_key(const struct patient *p, const struct wire_object *o, const X509 *x)
{
    bool keys = count_class(p, CKO_PRIVATE_KEY, false) + count_class(p, CKO_PUBLIC_KEY, false) > 0;

    return keys ? objects_private_key_of(&p->objects, o, NULL) != NULL ||
                      objects_public_key_of(&p->objects, o, NULL) != NULL
                : !cert_is_ca(x);
}

/* Of the certificates with a key, the one that may sign, else the one that expires last; `failed`
 * says what is wrong with it. */
static X509 *choose_certificate(const struct patient *p, struct error *failed)
{
    X509 *best = NULL;

    for (size_t i = 0; i < p->objects.count; i++) {
        const struct wire_object *o = &p->objects.object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;
        struct error e = ERROR_INIT;

        if (x == NULL || !has_key(p, o, x)) {
            X509_free(x);
            continue;
        }
        cert_fit_to_sign(x, NULL, time(NULL), &e);
        if (best == NULL || (failed->code != ERROR_NONE && e.code == ERROR_NONE) ||
            ((failed->code == ERROR_NONE) == (e.code == ERROR_NONE) &&
             cert_not_after(x) > cert_not_after(best))) {
            X509_free(best);
            best = x;
            *failed = e;
        } else {
            X509_free(x);
        }
    }
    return best;
}

static void judge_validity(struct doctor_finding *f, const X509 *x)
{
    long days = cert_days_left(x, time(NULL));
    char *name = cert_common_name(x);

    doctor_say(f, days < CERT_WARN_DAYS ? DOCTOR_WARNING : DOCTOR_OK, "'%s', %ld day%s left",
               name == NULL ? "?" : name, days, days == 1 ? "" : "s");
    if (days < CERT_WARN_DAYS)
        doctor_remedy(f, "Order the next one now.");
    free(name);
}

static X509 *judge_certificate(struct patient *p)
{
    struct doctor_finding *f = &p->step[DOCTOR_CERTIFICATE];
    struct error failed = ERROR_INIT;
    X509 *x = choose_certificate(p, &failed);

    if (x == NULL) {
        doctor_gap(f, ERROR_MISSING, "%s",
                   count_class(p, CKO_CERTIFICATE, false) > 0
                       ? "none of its certificates is for a key on it"
                       : "none is on it");
        doctor_remedy(f, "Put the one that the CA issued for this key on it:");
        doctor_remedy(f, "signet import @%u FILE", p->token->number);
        doctor_remedy(f, "Or name its file in the profile, with certificate: FILE");
    } else if (failed.code != ERROR_NONE) {
        doctor_gap(f, failed.code, "%s", failed.text);
        doctor_remedy(f,
                      "A code-signing certificate for this key, from the CA, is needed; after it "
                      "came: signet profile renew NAME");
        X509_free(x);
        x = NULL;
    } else {
        judge_validity(f, x);
    }
    return x;
}

void doctor_chain_remedy(struct doctor_finding *f, const X509 *x)
{
    AUTHORITY_INFO_ACCESS *places = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);

    doctor_remedy(f, "Name its file in the profile: chain: [FILE]");
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(places); i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(places, i);
        char *url;

        if (OBJ_obj2nid(one->method) != NID_ad_ca_issuers || one->location->type != GEN_URI)
            continue;
        url =
            text_printable(ASN1_STRING_get0_data(one->location->d.uniformResourceIdentifier),
                           (size_t)ASN1_STRING_length(one->location->d.uniformResourceIdentifier));
        if (url != NULL)
            doctor_remedy(f, "The CA offers it at %s", url);
        free(url);
    }
    AUTHORITY_INFO_ACCESS_free(places);
}

static void judge_chain(struct patient *p, X509 *leaf)
{
    struct doctor_finding *f = &p->step[DOCTOR_CHAIN];
    STACK_OF(X509) *pool = sk_X509_new_null(), *chain;
    struct error e = ERROR_INIT;
    char *missing = NULL;

    for (size_t i = 0; i < p->objects.count; i++) {
        const struct wire_object *o = &p->objects.object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x != NULL && sk_X509_push(pool, x) <= 0)
            X509_free(x);
    }
    chain = cert_chain_build(leaf, pool, &missing, &e);
    if (chain == NULL) {
        doctor_gap(f, e.code, "%s", e.text);
    } else if (missing != NULL) {
        doctor_say(f, DOCTOR_WARNING,
                   "it ends at '%s', whose certificate is not on the token; signed files need it "
                   "unless it is a root",
                   missing);
        doctor_chain_remedy(f, sk_X509_value(chain, sk_X509_num(chain) - 1));
    } else {
        doctor_say(f, DOCTOR_OK, "complete: %d below the root", sk_X509_num(chain));
    }
    free(missing);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(pool, X509_free);
}

static void examine(struct patient *p)
{
    X509 *leaf = judge_token(p) && judge_key(p) ? judge_certificate(p) : NULL;

    if (leaf != NULL)
        judge_chain(p, leaf);
    X509_free(leaf);
}

/* How far it is from signing: a device in a reader goes before a token of software. */
static int worth(const struct patient *p)
{
    int steps = 0;

    while (steps < DOCTOR_STEP_COUNT && p->step[steps].state != DOCTOR_GAP)
        steps++;
    return steps + (doctor_in_reader(p->d, p->token, NULL) ? DOCTOR_STEP_COUNT + 1 : 0);
}

/* A card that none of the modules shows may want one that is not here. */
static void other_driver(struct doctor *d)
{
    for (size_t i = 0; i < d->card_count; i++)
        if (d->card[i].count == 0) {
            doctor_remedy(&d->step[DOCTOR_TOKEN], "The card may want %s",
                          device_card_family("")->source);
            return;
        }
}

/* No token can be listed: why, by what hides them. */
static void no_token(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_TOKEN];
    const struct token *raw = NULL;

    for (size_t i = 0; i < d->inventory->token_count; i++) {
        const struct token *t = &d->inventory->token[i];

        if (t->slot.problem[0] != '\0') {
            doctor_gap(f, ERROR_TOKEN, "a slot of %s cannot be read: %s",
                       d->inventory->module[t->module].entry.path, t->slot.problem);
            doctor_remedy(f, "Take the token out and put it in again.");
            other_driver(d);
        } else if (raw == NULL && t->slot.has_token &&
                   !(t->slot.token.flags & CKF_TOKEN_INITIALIZED)) {
            raw = t;
        }
    }
    if (f->state == DOCTOR_GAP)
        return;
    if (raw == NULL) {
        doctor_gap(f, ERROR_MISSING, "the modules show no token");
        doctor_remedy(f, "Is the module the one of this token? Another: signet doctor --module "
                         "PATH");
        other_driver(d);
        return;
    }
    doctor_gap(f, ERROR_UNFIT, "it is not initialised");
    doctor_remedy(f, "signet init new:%lu --label NAME", raw->slot.id);
}

/* The name that was given is no token's: the same error as everywhere. */
static void wrong_name(struct doctor *d)
{
    struct error e = ERROR_INIT;

    op_named_token(d->name, d->inventory, d->ctx, &e);
    doctor_gap(&d->step[DOCTOR_TOKEN], e.code, "%s", e.text);
    doctor_remedy(&d->step[DOCTOR_TOKEN], "All that is here: signet tokens --all");
}

void doctor_tokens(struct doctor *d)
{
    struct patient best = {0};
    size_t listed = 0;

    for (size_t i = 0; i < d->inventory->token_count; i++) {
        struct patient p = {.d = d, .token = &d->inventory->token[i]};

        listed += p.token->hidden == NULL;
        if (d->token != NULL ? p.token != d->token : p.token->hidden != NULL || d->name != NULL)
            continue;
        examine(&p);
        if (best.token == NULL || worth(&p) > worth(&best)) {
            struct patient worse = best;

            best = p;
            p = worse;
        }
        free_patient(&p);
    }
    if (best.token == NULL) {
        if (d->name != NULL)
            wrong_name(d);
        else
            no_token(d);
        return;
    }
    if (d->name == NULL && listed > 1)
        doctor_say(&best.step[DOCTOR_TOKEN], DOCTOR_OK,
                   "the nearest to signing of %zu tokens; name another to look at it", listed);
    for (int i = DOCTOR_TOKEN; i <= DOCTOR_CHAIN; i++) {
        d->step[i] = best.step[i];
        best.step[i] = (struct doctor_finding){0};
    }
    free_patient(&best);
}
