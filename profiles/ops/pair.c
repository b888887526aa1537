/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ops/pair.h"

#include <stdlib.h>
#include <time.h>

#include "cert/chain.h"
#include "cert/view.h"
#include "op/record.h"
#include "token/uri.h"

/* The private key may be hidden before login; its URI follows from the object that speaks for it.
 */
static char *private_key_uri(const struct token *t, const struct wire_objects *all,
                             const struct wire_object *certificate)
{
    const struct wire_object *o = objects_private_key_of(all, certificate, NULL);
    struct wire_object named;

    if (o == NULL)
        o = objects_public_key_of(all, certificate, NULL);
    named = o != NULL ? *o : *certificate;
    named.class = CKO_PRIVATE_KEY;
    /* The id is enough, and labels are changed by hand. */
    if (named.id_length > 0)
        named.label = NULL;
    return token_uri_of_object(&t->slot, &named);
}

static bool add(struct pairs *out, const struct token *t, const struct wire_objects *all,
                const struct wire_object *o, X509 *x, struct error *e)
{
    struct pair *grown = realloc(out->pair, (out->count + 1) * sizeof *grown);
    struct pair p = {.certificate = o, .x = x};

    if (grown != NULL)
        out->pair = grown;
    p.key_uri = private_key_uri(t, all, o);
    p.pin = cert_pin(x);
    if (grown == NULL || p.key_uri == NULL || p.pin == NULL) {
        free(p.key_uri);
        free(p.pin);
        X509_free(x);
        return error_set_memory(e);
    }
    out->pair[out->count++] = p;
    return true;
}

static int later_first(const void *a, const void *b)
{
    time_t x = cert_not_after(((const struct pair *)a)->x);
    time_t y = cert_not_after(((const struct pair *)b)->x);

    return x > y ? -1 : x < y;
}

bool pairs_find(const struct token *t, const struct wire_objects *all, struct pairs *out,
                struct error *e)
{
    *out = (struct pairs){0};
    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *o = &all->object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x == NULL || cert_is_ca(x) || !cert_fit_to_sign(x, NULL, time(NULL), NULL)) {
            X509_free(x);
            continue;
        }
        if (!add(out, t, all, o, x, e)) {
            pairs_free(out);
            return false;
        }
    }
    if (out->count > 1)
        qsort(out->pair, out->count, sizeof *out->pair, later_first);
    return true;
}

void pairs_free(struct pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        X509_free(p->pair[i].x);
        free(p->pair[i].key_uri);
        free(p->pair[i].pin);
    }
    free(p->pair);
    *p = (struct pairs){0};
}
