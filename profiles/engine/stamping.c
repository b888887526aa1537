/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/stamping.h"

#include <openssl/x509_vfy.h>

#include "base/signer.h"
#include "cert/load.h"

bool stamping_wanted(const struct profile *p)
{
    return p->timestamp_servers.count > 0;
}

bool stamping_required(const struct profile *p)
{
    return p->timestamp_required == 1 || (p->timestamp_required != 0 && stamping_wanted(p));
}

static X509_STORE *store_of(STACK_OF(X509) * roots)
{
    X509_STORE *store = X509_STORE_new();
    bool good = store != NULL && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;

    for (int i = 0; good && i < sk_X509_num(roots); i++)
        good = X509_STORE_add_cert(store, sk_X509_value(roots, i)) == 1;
    if (!good) {
        X509_STORE_free(store);
        store = NULL;
    }
    return store;
}

X509_STORE *stamping_roots(const struct profile *p, struct error *e)
{
    STACK_OF(X509) *roots = sk_X509_new_null();
    X509_STORE *store = NULL;
    bool loaded = roots != NULL || error_set_memory(e);

    for (size_t i = 0; loaded && i < p->timestamp_ca.count; i++)
        loaded = cert_load_file(p->timestamp_ca.item[i], roots, e);
    if (loaded) {
        store = store_of(roots);
        if (store == NULL)
            error_set_memory(e);
    } else if (e != NULL && e->code != ERROR_MEMORY) {
        e->code = ERROR_PROFILE;
        error_prefix(e, "timestamp.ca");
    }
    sk_X509_pop_free(roots, X509_free);
    return store;
}

struct tsa *stamping_open(const struct profile *p, struct error *e)
{
    struct tsa_spec spec = {
        .servers = (const char *const *)p->timestamp_servers.item,
        .count = p->timestamp_servers.count,
        .timeout_ms = p->timestamp_timeout,
        .tries = (unsigned)p->timestamp_tries,
        .rate = (unsigned)p->timestamp_rate,
        .proxy = p->timestamp_proxy,
        .md = signer_hash_md((enum signer_hash)p->digest),
    };
    struct tsa *tsa;

    if (p->timestamp_ca.count > 0 && (spec.trust = stamping_roots(p, e)) == NULL)
        return NULL;
    tsa = tsa_new(&spec, e);
    X509_STORE_free(spec.trust);
    return tsa;
}
