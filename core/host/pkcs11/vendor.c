/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/vendor.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "host/pkcs11/attributes.h"
#include "host/pkcs11/objects.h"
#include "host/pkcs11/public_key.h"
#include "host/status.h"
#include "wire/rv.h"

/* SafeNet's numbers, from the published developer's guide of SafeNet Authentication Client (chapter
 * on extensions of PKCS#11). A private key is found by a class of its own before login. */
#define SAFENET_KEY_BEFORE_LOGIN 0x80005001UL /* CKA_CLASS */
#define SAFENET_TOKEN_FEATURE 0x80005002UL    /* CKA_HW_FEATURE_TYPE */
#define SAFENET_CONTAINER 0x80001301UL        /* of a private key: UTF-8, no NUL */
#define SAFENET_SIGNATURE_KEY 0x80001302UL    /* ... CK_BBOOL, AT_SIGNATURE */
#define SAFENET_USER_LEFT 0x80001110UL        /* of the token feature: byte 0 is the count */
#define SAFENET_SO_LEFT 0x80001111UL
#define SAFENET_USER_MOST 0x80001112UL
#define SAFENET_SO_MOST 0x80001113UL
#define SAFENET_PUK_LEFT 0x80001154UL
#define SAFENET_PUK_MOST 0x80001155UL

enum {
    NAME_MOST = 1024, /* bytes; CryptoAPI's names have 260 characters at most (MAX_PATH) */
    ID_MOST = 256,
    KEYS_MOST = 1000,
    FIGURE_MOST = sizeof(CK_ULONG),
    NO_FIGURE = 0xff, /* more than any token counts to, and than a message holds */
};

static bool has_word(const CK_UTF8CHAR *field, size_t size, const char *const *words)
{
    for (; *words != NULL; words++)
        if (memmem(field, size, *words, strlen(*words)) != NULL)
            return true;
    return false;
}

/* Their names in the course of time. A Luna is SafeNet's too, and has other numbers. OpenSC shows
 * the maker of the card, and has none of these. */
static bool is_safenet(const CK_INFO *module, const CK_TOKEN_INFO *token)
{
    static const char *const own[] = {"SafeNet", "Gemalto", "Thales", "Aladdin", "eToken", NULL};
    static const char *const others[] = {"Luna", "Chrystoki", "OpenSC", NULL};

#define HAS(field, words) has_word(field, sizeof(field), words)
    if (HAS(module->libraryDescription, others) || HAS(module->manufacturerID, others) ||
        HAS(token->model, others))
        return false;
    return HAS(module->manufacturerID, own) || HAS(module->libraryDescription, own) ||
           HAS(token->manufacturerID, own) || HAS(token->model, own);
#undef HAS
}

/* WIRE_UNKNOWN where there is no such attribute, or its value is none that can be. */
static int figure(const struct object_ref *o, CK_ATTRIBUTE_TYPE type)
{
    uint8_t value[FIGURE_MOST];
    struct attribute_slot slot = {.type = type, .room = value, .size = sizeof value};

    attribute_many(o, &slot, 1);
    return slot.rv == CKR_OK && slot.length > 0 && value[0] != NO_FIGURE ? value[0] : WIRE_UNKNOWN;
}

static bool read_counter(const struct object_ref *o, enum wire_pin pin, const char *name,
                         CK_ATTRIBUTE_TYPE left, CK_ATTRIBUTE_TYPE most,
                         struct wire_application *out)
{
    struct wire_counter counter = {.pin = pin,
                                   .left = figure(o, left),
                                   .maximum = figure(o, most),
                                   .usual = WIRE_UNKNOWN,
                                   .is_default = WIRE_UNKNOWN,
                                   .source = "vendor attribute of PKCS#11"};
    struct wire_counter *place;

    /* Not every token has a PUK, or an SO. */
    if (counter.left == WIRE_UNKNOWN || counter.maximum == 0)
        return true;
    snprintf(counter.name, sizeof counter.name, "%s", name);
    if (counter.maximum != WIRE_UNKNOWN && counter.left > counter.maximum) {
        snprintf(counter.problem, sizeof counter.problem,
                 "the module tells %d of %d tries left, which cannot be", counter.left,
                 counter.maximum);
        counter.left = WIRE_UNKNOWN;
    }
    place = wire_application_add_counter(out);
    if (place != NULL)
        *place = counter;
    return place != NULL;
}

static bool read_counters(struct module *m, CK_SESSION_HANDLE session, struct wire_application *out,
                          struct wire_status *s)
{
    CK_OBJECT_CLASS class = CKO_HW_FEATURE;
    CK_ULONG feature = SAFENET_TOKEN_FEATURE;
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_HW_FEATURE_TYPE, &feature, sizeof feature}};
    struct object_ref o = {m, session, 0};
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count;
    bool read;

    /* A module that does not know them says so here. */
    if (!objects_search(m, session, match, 2, &handles, &count, s) || count == 0) {
        free(handles);
        *s = (struct wire_status){.rv = CKR_OK};
        return true;
    }
    o.handle = handles[0];
    free(handles);
    read = read_counter(&o, WIRE_PIN_USER, "PIN", SAFENET_USER_LEFT, SAFENET_USER_MOST, out) &&
           read_counter(&o, WIRE_PIN_SO, "SO PIN", SAFENET_SO_LEFT, SAFENET_SO_MOST, out) &&
           read_counter(&o, WIRE_PIN_PUK, "PUK", SAFENET_PUK_LEFT, SAFENET_PUK_MOST, out);
    return read || status_fail(s, CKR_HOST_MEMORY, "", "no memory");
}

/* What is asked of a key before login. */
struct key {
    uint8_t name[NAME_MOST], id[ID_MOST];
    CK_BBOOL signature;
    CK_ULONG type;
    struct attribute_slot slot[4];
};

enum { NAME, ID, SIGNATURE, TYPE, ASKED };

static void ask(const struct object_ref *o, struct key *k)
{
    k->slot[NAME] = (struct attribute_slot){SAFENET_CONTAINER, k->name, sizeof k->name, 0, 0};
    k->slot[ID] = (struct attribute_slot){CKA_ID, k->id, sizeof k->id, 0, 0};
    k->slot[SIGNATURE] =
        (struct attribute_slot){SAFENET_SIGNATURE_KEY, &k->signature, sizeof k->signature, 0, 0};
    k->slot[TYPE] = (struct attribute_slot){CKA_KEY_TYPE, &k->type, sizeof k->type, 0, 0};
    attribute_many(o, k->slot, ASKED);
}

static uint8_t *copy(const void *bytes, size_t length, size_t *out_length)
{
    uint8_t *fresh = length == 0 ? NULL : malloc(length);

    *out_length = fresh == NULL ? 0 : length;
    return fresh == NULL ? NULL : memcpy(fresh, bytes, length);
}

/* Why it is no name that Windows could have; NULL when it is one. */
static const char *flaw(const struct attribute_slot *s)
{
    if (s->rv == CKR_BUFFER_TOO_SMALL || s->rv == CKR_ATTRIBUTE_VALUE_INVALID)
        return "the module tells a container name that is longer than any can be";
    if (s->rv != CKR_OK)
        return "the module could not read its container name";
    if (s->length == 0)
        return "the module tells an empty container name";
    if (!text_is_utf8(s->room, s->length))
        return "the module tells a container name that is not UTF-8";
    return NULL;
}

/* By its public key; an EC key does not show that, but has its CKA_ID. */
static void tie_to_key(const struct object_ref *o, const struct key *k, struct wire_container *out)
{
    struct wire_object described = {0};
    CK_KEY_TYPE type = k->slot[TYPE].rv == CKR_OK && k->slot[TYPE].length == sizeof k->type
                           ? (CK_KEY_TYPE)k->type
                           : CKK_RSA;
    EVP_PKEY *key = public_key_read(o, type);

    if (key != NULL && public_key_describe(key, &described)) {
        out->spki = described.spki;
        out->spki_length = described.spki_length;
    }
    EVP_PKEY_free(key);
    if (k->slot[ID].rv == CKR_OK)
        out->id = copy(k->id, k->slot[ID].length, &out->id_length);
}

/* A key without the attribute is none of CryptoAPI's. */
static bool add_container(const struct object_ref *o, struct wire_application *out)
{
    struct wire_container *c;
    const char *why;
    struct key k;

    ask(o, &k);
    if (k.slot[NAME].rv == CKR_ATTRIBUTE_TYPE_INVALID)
        return true;
    why = flaw(&k.slot[NAME]);
    c = wire_application_add_container(out);
    if (c == NULL)
        return false;
    c->name = why == NULL ? strndup((const char *)k.name, k.slot[NAME].length) : strdup("");
    c->provider = strdup("eToken Base Cryptographic Provider");
    snprintf(c->problem, sizeof c->problem, "%s", why == NULL ? "" : why);
    snprintf(c->source, sizeof c->source, "vendor attribute of PKCS#11");
    if (k.slot[SIGNATURE].rv == CKR_OK && k.slot[SIGNATURE].length == sizeof k.signature)
        snprintf(c->place, sizeof c->place, "%s key", k.signature ? "signature" : "exchange");
    tie_to_key(o, &k, c);
    return c->name != NULL && c->provider != NULL;
}

static bool read_containers(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                            struct wire_application *out, struct wire_status *s)
{
    CK_ATTRIBUTE match = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    bool read = true;

    if (!objects_search(m, session, &match, 1, &handles, &count, s)) {
        char name[RV_TEXT_SIZE];

        snprintf(out->container_problem, sizeof out->container_problem,
                 "the module does not list its keys before login (%s: %s)", s->function,
                 rv_name((CK_RV)s->rv, name));
        *s = (struct wire_status){.rv = CKR_OK};
    }
    for (size_t i = 0; read && i < count && i < KEYS_MOST; i++) {
        struct object_ref o = {m, session, handles[i]};

        read = add_container(&o, out) || status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    }
    free(handles);
    return read;
}

/* Modules that show private keys before login may not have the other class. */
static bool read_all(struct module *m, CK_SESSION_HANDLE session, struct wire_application *out,
                     struct wire_status *s)
{
    if (!read_counters(m, session, out, s) ||
        !read_containers(m, session, SAFENET_KEY_BEFORE_LOGIN, out, s))
        return false;
    if (out->container_count == 0 && !read_containers(m, session, CKO_PRIVATE_KEY, out, s))
        return false;
    if (out->container_count == 0 && out->container_problem[0] == '\0')
        snprintf(out->container_problem, sizeof out->container_problem,
                 "the module tells no container name of any key");
    return true;
}

bool vendor_describe(struct module *m, CK_SLOT_ID slot, struct wire_application *out,
                     struct wire_status *s)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO token;
    char *model;
    bool read;

    *out = (struct wire_application){0};
    if (!status_of(s, m->f->C_GetTokenInfo(slot, &token), "C_GetTokenInfo"))
        return false;
    if (!is_safenet(&m->info.info, &token))
        return true;
    if (!status_of(s, m->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
                   "C_OpenSession"))
        return false;
    model = text_padded(token.model, sizeof token.model);
    snprintf(out->family, sizeof out->family, "safenet");
    snprintf(out->title, sizeof out->title, "%s", model == NULL ? "" : model);
    free(model);
    read = read_all(m, session, out, s);
    m->f->C_CloseSession(session);
    return read;
}
