/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ops/pair.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cert/chain.h"
#include "cert/view.h"
#include "op/record.h"
#include "token/uri.h"

char *pair_key_uri(const struct token *t, const struct wire_object *o)
{
    struct wire_object named = *o;

    named.class = CKO_PRIVATE_KEY;
    /* The id is enough, and labels are changed by hand. */
    if (named.id_length > 0)
        named.label = NULL;
    return token_uri_of_object(&t->slot, &named);
}

/* The private key may be hidden before login; its URI follows from the object that speaks for it.
 */
static char *uri_for(const struct token *t, const struct wire_objects *all,
                     const struct wire_object *certificate)
{
    const struct wire_object *o = objects_private_key_of(all, certificate, NULL);

    if (o == NULL)
        o = objects_public_key_of(all, certificate, NULL);
    return pair_key_uri(t, o == NULL ? certificate : o);
}

bool pair_same_key(const struct wire_object *o, const X509 *x)
{
    const unsigned char *at = o->spki;
    EVP_PKEY *key = at == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)o->spki_length);
    bool same = key != NULL && EVP_PKEY_eq(key, X509_get0_pubkey(x)) == 1;

    EVP_PKEY_free(key);
    return same;
}

const struct wire_object *pair_key_of(const struct wire_objects *all, const X509 *x)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->object[i].class != CKO_CERTIFICATE && pair_same_key(&all->object[i], x))
            return &all->object[i];
    return NULL;
}

X509 *pair_certificate(const struct wire_objects *all, const char *pin)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *o = &all->object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x != NULL && cert_pin_matches(x, pin))
            return x;
        X509_free(x);
    }
    return NULL;
}

static bool add(struct pairs *out, const struct token *t, const struct wire_objects *all,
                const struct wire_object *o, X509 *x, struct error *e)
{
    struct pair *grown = realloc(out->pair, (out->count + 1) * sizeof *grown);
    struct pair p = {.certificate = o, .x = x};

    if (grown != NULL)
        out->pair = grown;
    p.key_uri = uri_for(t, all, o);
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

/* By public key; by id where that of the key cannot be known. */
static bool belongs(const struct wire_object *key, const struct wire_object *o, const X509 *x)
{
    if (key->spki != NULL)
        return pair_same_key(key, x);
    return key->id_length > 0 && key->id_length == o->id_length &&
           memcmp(key->id, o->id, key->id_length) == 0;
}

static int later_first(const void *a, const void *b)
{
    time_t x = cert_not_after(((const struct pair *)a)->x);
    time_t y = cert_not_after(((const struct pair *)b)->x);

    return x > y ? -1 : x < y;
}

bool pairs_find(const struct token *t, const struct wire_objects *all,
                const struct wire_object *key, struct pairs *out, struct error *e)
{
    *out = (struct pairs){0};
    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *o = &all->object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x == NULL || cert_is_ca(x) || !cert_fit_to_sign(x, NULL, time(NULL), NULL) ||
            (key != NULL && !belongs(key, o, x))) {
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

/* Why the first certificate that is no CA's cannot sign; an empty error where there is none. */
static void first_flaw(const struct wire_objects *all, struct error *why)
{
    for (size_t i = 0; i < all->count && why->code == ERROR_NONE; i++) {
        const struct wire_object *o = &all->object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x != NULL && !cert_is_ca(x))
            cert_fit_to_sign(x, NULL, time(NULL), why);
        X509_free(x);
    }
}

bool pairs_ask(const struct pairs *p, const struct token *t, const struct wire_objects *all,
               struct error *e)
{
    struct buffer list = BUFFER_INIT;
    struct error why = ERROR_INIT;

    if (p->count == 0) {
        first_flaw(all, &why);
        return error_set(e, ERROR_MISSING,
                         "'%s' has no certificate that can sign code now%s%s; import one, or name "
                         "its file with --certificate",
                         t->label, why.code == ERROR_NONE ? "" : ": ", why.text);
    }
    for (size_t i = 0; i < p->count; i++) {
        char *name = cert_common_name(p->pair[i].x);

        buffer_printf(&list, "%s%s ('%s', %ld days left)", i > 0 ? ", " : "", p->pair[i].pin,
                      name == NULL ? "?" : name, cert_days_left(p->pair[i].x, time(NULL)));
        free(name);
    }
    error_set(e, ERROR_USAGE, "'%s' has several certificates; choose with --certificate: %s",
              t->label, buffer_text(&list) == NULL ? "?" : buffer_text(&list));
    buffer_free(&list);
    return false;
}

json_t *pair_record(X509 *x)
{
    char end[CLOCK_TEXT_SIZE];
    json_t *record = json_object();

    json_object_set_new(record, "subject", record_take(cert_subject(x)));
    json_object_set_new(record, "sha256", record_take(cert_pin(x)));
    json_object_set_new(record, "not-after", json_string(clock_text(cert_not_after(x), end)));
    json_object_set_new(record, "days-left", json_integer(cert_days_left(x, time(NULL))));
    return record;
}
