/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/verify_setup.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cert/crl.h"
#include "cert/load.h"
#include "cert/view.h"
#include "profiles/engine/stamping.h"
#include "profiles/profile.h"

/* That files are not good is one end of a gate; that what they are to be judged by cannot be read
 * is another: of an option (ERROR_USAGE), or a key (ERROR_PROFILE). Always false. */
static bool cannot_judge(enum error_code code, const char *name, struct error *e)
{
    if (e != NULL && e->code != ERROR_MEMORY) {
        e->code = code;
        error_prefix(e, "%s%s", code == ERROR_USAGE ? "--" : "", name);
    }
    return false;
}

/* The self-issued certificates of a file go to `store` as roots, counted; all of them to the pool,
 * as intermediates. */
static bool add_roots(X509_STORE *store, const char *path, STACK_OF(X509) * pool, size_t *roots,
                      struct error *e)
{
    int first = sk_X509_num(pool); /* what was there before is no root for that */

    if (!cert_load_file(path, pool, e))
        return false;
    for (int i = first; i < sk_X509_num(pool); i++) {
        X509 *x = sk_X509_value(pool, i);

        if (!cert_self_issued(x))
            continue;
        if (X509_STORE_add_cert(store, x) != 1)
            return error_set_openssl(e, ERROR_SYSTEM, "cannot trust what is in '%s'", path);
        ++*roots;
    }
    return true;
}

/* The files that the option names, beside what *store has; NULL and true: there are none. */
static bool load_roots(struct verify_setup *s, const struct op_args *a, const char *option,
                       X509_STORE **store, struct error *e)
{
    size_t count = op_count(a, option), roots = 0;
    bool good = true;

    if (count == 0)
        return true;
    if (*store == NULL && (*store = X509_STORE_new()) == NULL)
        return error_set_memory(e);
    for (size_t i = 0; good && i < count; i++)
        good = add_roots(*store, op_text_at(a, option, i), s->pool, &roots, e);
    if (good && roots == 0)
        good = error_set(e, ERROR_USAGE,
                         "'%s' has no root in it, which is self-issued; what is below a root helps "
                         "to find it, and is not trusted for itself",
                         op_text_at(a, option, 0));
    return good || cannot_judge(ERROR_USAGE, option, e);
}

/* What was good enough when it signed is good enough now. */
static bool load_timestamp_roots(struct verify_setup *s, const struct op_args *a,
                                 const struct profile *p, struct error *e)
{
    if (p != NULL && p->timestamp_ca.count > 0) {
        s->timestamp_trust = stamping_roots(p, e);
        if (s->timestamp_trust == NULL)
            return false;
    }
    return load_roots(s, a, "tsa-ca", &s->timestamp_trust, e);
}

/* Read once for all files, and the certificates in them once. */
static bool or_the_systems(struct verify_setup *s, struct error *e)
{
    if (s->trust == NULL && (s->trust = X509_STORE_new()) != NULL)
        X509_STORE_set_default_paths(s->trust);
    ERR_clear_error();
    return s->trust != NULL || error_set_memory(e);
}

static bool load_lists(struct verify_setup *s, const struct op_args *a, struct error *e)
{
    bool good = true;

    if (op_count(a, "crl") == 0)
        return true;
    s->crls = sk_X509_CRL_new_null();
    if (s->crls == NULL)
        return error_set_memory(e);
    for (size_t i = 0; good && i < op_count(a, "crl"); i++)
        good = cert_crl_load_file(op_text_at(a, "crl", i), s->crls, e);
    return good || cannot_judge(ERROR_USAGE, "crl", e);
}

/* A profile names its certificate by fingerprint, or by a file. */
static bool demand_certificate(struct verify_setup *s, const struct profile *p, struct error *e)
{
    STACK_OF(X509) * certs;

    if (p->certificate == NULL)
        return error_set(e, ERROR_PROFILE,
                         "the profile '%s' names no certificate to demand; add certificate: "
                         "sha256:…, which signet objects prints, or its file",
                         p->name);
    if (strncasecmp(p->certificate, "sha256:", 7) == 0) {
        s->certificate = strdup(p->certificate);
        return s->certificate != NULL || error_set_memory(e);
    }
    certs = sk_X509_new_null();
    if (cert_load_file(p->certificate, certs, e))
        s->certificate = cert_pin(sk_X509_value(certs, 0));
    sk_X509_pop_free(certs, X509_free);
    return s->certificate != NULL || cannot_judge(ERROR_PROFILE, "certificate", e);
}

static bool demand(struct verify_setup *s, const struct profile *p, struct error *e)
{
    bool good = demand_certificate(s, p, e);

    for (size_t i = 0; good && i < p->chain.count; i++)
        good =
            cert_load_file(p->chain.item[i], s->pool, e) || cannot_judge(ERROR_PROFILE, "chain", e);
    s->options.certificate = s->certificate;
    s->options.timestamp = stamping_required(p);
    s->options.page_hashes = p->page_hashes == 1;
    return good;
}

/* A day that there is, or a second of it, in UTC. */
static bool read_time(const char *text, time_t *out, struct error *e)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0}, told;
        const char *end = strptime(text, forms[i], &tm);

        if (end == NULL || *end != '\0')
            continue;
        told = tm;
        *out = timegm(&tm);
        if (tm.tm_mday == told.tm_mday && tm.tm_sec == told.tm_sec)
            return true;
    }
    return error_set(e, ERROR_USAGE,
                     "--at: '%s' should be a time in UTC, such as 2026-01-31 or "
                     "2026-01-31T12:00:00Z",
                     text);
}

bool verify_setup(struct verify_setup *out, const struct op_args *a, struct error *e)
{
    struct profile *p = NULL;
    bool good = true;

    *out = (struct verify_setup){.options = {.now = time(NULL)}, .pool = sk_X509_new_null()};
    if (out->pool == NULL)
        return error_set_memory(e);
    if (op_given(a, "at"))
        good = read_time(op_text(a, "at"), &out->options.now, e);
    if (good && op_given(a, "profile")) {
        p = profile_load(op_text(a, "profile"), NULL, e);
        good = p != NULL && demand(out, p, e);
    }
    good = good && load_roots(out, a, "ca", &out->trust, e) && or_the_systems(out, e) &&
           load_timestamp_roots(out, a, p, e) && load_lists(out, a, e);
    out->options.pool = out->pool;
    out->options.trust = out->trust;
    out->options.timestamp_trust = out->timestamp_trust;
    out->options.crls = out->crls;
    profile_free(&p);
    return good;
}

void verify_setup_free(struct verify_setup *s)
{
    X509_STORE_free(s->trust);
    X509_STORE_free(s->timestamp_trust);
    sk_X509_pop_free(s->pool, X509_free);
    sk_X509_CRL_pop_free(s->crls, X509_CRL_free);
    free(s->certificate);
    *s = (struct verify_setup){0};
}
