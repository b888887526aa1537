/* SPDX-License-Identifier: Apache-2.0 */
#include "op/container.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define HAS(field, word) (memmem(field, sizeof(field), word, strlen(word)) != NULL)

static EVP_PKEY *public_key(const struct wire_object *key)
{
    const unsigned char *at = key->spki;

    return at == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)key->spki_length);
}

/* The public key that a container tells of itself, or by its certificate; NULL: neither. */
static EVP_PKEY *container_key(const struct wire_container *c)
{
    const unsigned char *at = c->spki;
    EVP_PKEY *key = NULL;
    X509 *x;

    if (at != NULL)
        return d2i_PUBKEY(NULL, &at, (long)c->spki_length);
    at = c->certificate;
    x = at == NULL ? NULL : d2i_X509(NULL, &at, (long)c->certificate_length);
    key = x == NULL ? NULL : X509_get_pubkey(x);
    X509_free(x);
    return key;
}

static bool is_of_key(const struct wire_container *c, const struct wire_object *key)
{
    EVP_PKEY *own = public_key(key), *other = container_key(c);
    bool same = own != NULL && other != NULL ? EVP_PKEY_eq(own, other) == 1
                                             : c->id_length > 0 && c->id_length == key->id_length &&
                                                   memcmp(c->id, key->id, c->id_length) == 0;

    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    ERR_clear_error();
    return same;
}

/* Where a key has two, the one that Windows takes by itself. */
const struct wire_container *container_match(const struct wire_application *a,
                                             const struct wire_object *key)
{
    const struct wire_container *found = NULL;

    for (size_t i = 0; i < a->container_count; i++) {
        const struct wire_container *c = &a->container[i];

        if (is_of_key(c, key) && (found == NULL || (c->is_default && !found->is_default)))
            found = c;
    }
    return found;
}

static const struct wire_card *card_of(const struct seen *s, const struct seen_token *t)
{
    return t->card == SEEN_NO_CARD ? NULL : &s->card[t->card];
}

static const struct wire_container *find_read(const struct seen *s, const struct seen_token *t,
                                              const struct wire_object *key)
{
    const struct wire_card *card = card_of(s, t);
    const struct wire_container *found = container_match(&t->vendor, key), *other;

    for (size_t i = 0; card != NULL && i < card->count && (found == NULL || *found->name == '\0');
         i++)
        if ((other = container_match(&card->application[i], key)) != NULL)
            found = other;
    return found;
}

/* Why an application has no container for a key. */
static const char *why_not(const struct wire_application *a)
{
    if (a->container_problem[0] != '\0')
        return a->container_problem;
    return a->container_count > 0 ? "it has container names for other keys, and none for this one"
                                  : "this version knows of no container names on such a card";
}

static const char *reason(const struct seen *s, const struct seen_token *t)
{
    const struct wire_card *card = card_of(s, t);
    const struct wire_application *a = card == NULL ? NULL : card_application_of(card, &t->info);

    if (a != NULL)
        return why_not(a);
    if (card != NULL && card->problem[0] != '\0')
        return card->problem;
    if (t->vendor.family[0] != '\0')
        return why_not(&t->vendor);
    if (card != NULL)
        return "the card is of no family that this version reads container names from";
    if (HAS(t->maker.manufacturerID, "SoftHSM"))
        return "SoftHSM keeps its keys in files, and has no containers";
    if (s->pcsc.code != ERROR_NONE)
        return s->pcsc.text;
    return "its module tells none, and it is in no reader where it could be asked";
}

static bool is_opensc(const CK_INFO *module)
{
    return HAS(module->libraryDescription, "OpenSC") || HAS(module->manufacturerID, "OpenSC");
}

/* A PIV card tells its whole serial itself, where PKCS#11 shows half of it. */
static bool compute_piv(const struct seen *s, const struct seen_token *t,
                        const struct wire_object *key, const char *serial, struct container *out)
{
    const struct wire_card *card = card_of(s, t);

    for (size_t i = 0; card != NULL && i < card->count; i++)
        if (strcmp(card->application[i].family, "piv") == 0 &&
            guid_of_opensc_piv(key->id, key->id_length, card->application[i].serial, serial,
                               out->computed))
            return true;
    return false;
}

/* OpenSC shows cards that have names of their own, too: these were read before. */
static void compute(const struct seen *s, const struct seen_token *t, const struct wire_object *key,
                    struct container *out)
{
    char *serial = text_padded(t->info.serialNumber, sizeof t->info.serialNumber);
    const char *why = "no memory";
    size_t length;

    if (serial != NULL && (compute_piv(s, t, key, serial, out) ||
                           guid_of_opensc(key->id, key->id_length, serial, out->computed, &why))) {
        out->problem[0] = '\0';
    } else {
        length = strlen(out->problem);
        snprintf(out->problem + length, sizeof out->problem - length,
                 "; where OpenSC's minidriver is used, %s", why);
    }
    free(serial);
}

void container_find(const struct seen *s, const struct seen_token *t, const struct wire_object *key,
                    struct container *out)
{
    *out = (struct container){.read = find_read(s, t, key)};
    if (out->read != NULL && *out->read->name == '\0') {
        snprintf(out->problem, sizeof out->problem, "%s", out->read->problem);
        out->read = NULL;
    } else if (out->read == NULL) {
        snprintf(out->problem, sizeof out->problem, "%.300s", reason(s, t));
        if (is_opensc(&t->maker))
            compute(s, t, key, out);
    }
}

const char *container_name(const struct container *c)
{
    if (c->read != NULL)
        return c->read->name;
    return c->computed[0] != '\0' ? c->computed : NULL;
}

const char *container_provider(const struct container *c)
{
    if (c->read != NULL)
        return c->read->provider;
    return c->computed[0] != '\0' ? "Microsoft Base Smart Card Crypto Provider" : NULL;
}

const char *container_source(const struct container *c)
{
    if (c->read != NULL)
        return c->read->source;
    return c->computed[0] != '\0'
               ? "computed, as OpenSC's minidriver does; other drivers name it otherwise"
               : NULL;
}

bool container_is_printable(const char *name)
{
    char *shown = text_printable(name, strlen(name));
    bool same = shown != NULL && strcmp(shown, name) == 0;

    free(shown);
    return same;
}
