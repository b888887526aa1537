/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/card.h"

#include <stdlib.h>
#include <string.h>

#include "wire/codec.h"

enum { LEAST = 4 }; /* bytes of the shortest record */

/* The list with room for one more, zeroed, at its end. */
static void *one_more(void *list, size_t count, size_t size)
{
    uint8_t *grown = reallocarray(list, count + 1, size);

    if (grown != NULL)
        memset(grown + count * size, 0, size);
    return grown;
}

struct wire_application *wire_card_add(struct wire_card *c)
{
    struct wire_application *grown = one_more(c->application, c->count, sizeof *grown);

    if (grown == NULL)
        return NULL;
    c->application = grown;
    return &grown[c->count++];
}

struct wire_counter *wire_application_add_counter(struct wire_application *a)
{
    struct wire_counter *grown = one_more(a->counter, a->counter_count, sizeof *grown);

    if (grown == NULL)
        return NULL;
    a->counter = grown;
    return &grown[a->counter_count++];
}

struct wire_container *wire_application_add_container(struct wire_application *a)
{
    struct wire_container *grown = one_more(a->container, a->container_count, sizeof *grown);

    if (grown == NULL)
        return NULL;
    a->container = grown;
    return &grown[a->container_count++];
}

struct wire_card_key *wire_application_add_key(struct wire_application *a)
{
    struct wire_card_key *grown = one_more(a->key, a->key_count, sizeof *grown);

    if (grown == NULL)
        return NULL;
    a->key = grown;
    return &grown[a->key_count++];
}

struct wire_reader_state *wire_readers_add(struct wire_readers *r)
{
    struct wire_reader_state *grown = one_more(r->reader, r->count, sizeof *grown);

    if (grown == NULL)
        return NULL;
    r->reader = grown;
    return &grown[r->count++];
}

static void put_state(struct buffer *out, const struct wire_reader_state *s)
{
    wire_put_text(out, s->name);
    wire_put_bytes(out, s->atr, s->atr_length);
    wire_put_u8(out, s->present);
    wire_put_u8(out, s->in_use);
    wire_put_u8(out, s->exclusive);
    wire_put_u8(out, s->mute);
    wire_put_u32(out, s->events);
}

static void get_state(struct wire_reader *r, struct wire_reader_state *s)
{
    const uint8_t *atr;

    s->name = wire_get_text(r);
    atr = wire_get_bytes(r, &s->atr_length);
    if (s->atr_length > sizeof s->atr) {
        r->failed = true;
        s->atr_length = 0;
    }
    if (s->atr_length > 0)
        memcpy(s->atr, atr, s->atr_length);
    s->present = wire_get_bool(r);
    s->in_use = wire_get_bool(r);
    s->exclusive = wire_get_bool(r);
    s->mute = wire_get_bool(r);
    s->events = (uint16_t)wire_get_u32(r);
}

void wire_readers_put(struct buffer *out, const struct wire_readers *r)
{
    wire_put_u32(out, (uint32_t)r->count);
    for (size_t i = 0; i < r->count; i++)
        put_state(out, &r->reader[i]);
}

bool wire_readers_get(struct wire_reader *r, struct wire_readers *out)
{
    size_t count = wire_get_count(r, LEAST);

    *out = (struct wire_readers){0};
    for (size_t i = 0; i < count && !r->failed; i++) {
        struct wire_reader_state *s = wire_readers_add(out);

        if (s == NULL)
            r->failed = true;
        else
            get_state(r, s);
    }
    if (r->failed)
        wire_readers_free(out);
    return !r->failed;
}

void wire_readers_free(struct wire_readers *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->reader[i].name);
    free(r->reader);
    *r = (struct wire_readers){0};
}

/* WIRE_UNKNOWN to 254, in a byte. */
static void put_figure(struct buffer *out, int figure)
{
    wire_put_u8(out, (uint8_t)(figure + 1));
}

static int get_figure(struct wire_reader *r)
{
    return (int)wire_get_u8(r) - 1;
}

static enum wire_pin get_pin(struct wire_reader *r)
{
    uint8_t pin = wire_get_u8(r);

    if (pin >= WIRE_PIN_KINDS)
        r->failed = true;
    return r->failed ? WIRE_PIN_USER : (enum wire_pin)pin;
}

static void put_counter(struct buffer *out, const struct wire_counter *c)
{
    wire_put_u8(out, (uint8_t)c->pin);
    wire_put_text(out, c->name);
    put_figure(out, c->left);
    put_figure(out, c->maximum);
    put_figure(out, c->usual);
    put_figure(out, c->is_default);
    wire_put_u8(out, c->verified);
    wire_put_u8(out, c->unset);
    wire_put_text(out, c->source);
    wire_put_text(out, c->problem);
}

static void get_counter(struct wire_reader *r, struct wire_counter *c)
{
    c->pin = get_pin(r);
    wire_get_field(r, c->name, sizeof c->name);
    c->left = get_figure(r);
    c->maximum = get_figure(r);
    c->usual = get_figure(r);
    c->is_default = get_figure(r);
    c->verified = wire_get_bool(r);
    c->unset = wire_get_bool(r);
    wire_get_field(r, c->source, sizeof c->source);
    wire_get_field(r, c->problem, sizeof c->problem);
}

static void put_container(struct buffer *out, const struct wire_container *c)
{
    wire_put_text(out, c->name);
    wire_put_text(out, c->provider);
    wire_put_text(out, c->place);
    wire_put_text(out, c->source);
    wire_put_u8(out, c->is_default);
    wire_put_bytes(out, c->certificate, c->certificate_length);
    wire_put_bytes(out, c->spki, c->spki_length);
    wire_put_bytes(out, c->id, c->id_length);
    wire_put_text(out, c->problem);
}

static void get_container(struct wire_reader *r, struct wire_container *c)
{
    c->name = wire_get_text(r);
    c->provider = wire_get_text(r);
    wire_get_field(r, c->place, sizeof c->place);
    wire_get_field(r, c->source, sizeof c->source);
    c->is_default = wire_get_bool(r);
    c->certificate = wire_get_copy(r, &c->certificate_length);
    c->spki = wire_get_copy(r, &c->spki_length);
    c->id = wire_get_copy(r, &c->id_length);
    wire_get_field(r, c->problem, sizeof c->problem);
}

static void put_key(struct buffer *out, const struct wire_card_key *k)
{
    wire_put_u8(out, k->slot);
    wire_put_text(out, k->algorithm);
    wire_put_text(out, k->pin_policy);
    wire_put_text(out, k->touch_policy);
    wire_put_text(out, k->origin);
    wire_put_bytes(out, k->spki, k->spki_length);
}

static void get_key(struct wire_reader *r, struct wire_card_key *k)
{
    k->slot = wire_get_u8(r);
    wire_get_field(r, k->algorithm, sizeof k->algorithm);
    wire_get_field(r, k->pin_policy, sizeof k->pin_policy);
    wire_get_field(r, k->touch_policy, sizeof k->touch_policy);
    wire_get_field(r, k->origin, sizeof k->origin);
    k->spki = wire_get_copy(r, &k->spki_length);
}

void wire_application_put(struct buffer *out, const struct wire_application *a)
{
    wire_put_text(out, a->family);
    wire_put_text(out, a->title);
    wire_put_text(out, a->serial);
    wire_put_text(out, a->unblocked_by);
    wire_put_text(out, a->container_problem);
    wire_put_u32(out, (uint32_t)a->counter_count);
    for (size_t i = 0; i < a->counter_count; i++)
        put_counter(out, &a->counter[i]);
    wire_put_u32(out, (uint32_t)a->container_count);
    for (size_t i = 0; i < a->container_count; i++)
        put_container(out, &a->container[i]);
    wire_put_u32(out, (uint32_t)a->key_count);
    for (size_t i = 0; i < a->key_count; i++)
        put_key(out, &a->key[i]);
}

/* Every record of a list, into what `add` makes room for. */
#define GET_LIST(r, owner, add, get)                                                               \
    for (size_t left = wire_get_count(r, LEAST); left > 0 && !(r)->failed; left--) {               \
        void *one = add(owner);                                                                    \
                                                                                                   \
        if (one == NULL)                                                                           \
            (r)->failed = true;                                                                    \
        else                                                                                       \
            get(r, one);                                                                           \
    }

static void get_application(struct wire_reader *r, struct wire_application *a)
{
    wire_get_field(r, a->family, sizeof a->family);
    wire_get_field(r, a->title, sizeof a->title);
    wire_get_field(r, a->serial, sizeof a->serial);
    wire_get_field(r, a->unblocked_by, sizeof a->unblocked_by);
    wire_get_field(r, a->container_problem, sizeof a->container_problem);
    GET_LIST(r, a, wire_application_add_counter, get_counter)
    GET_LIST(r, a, wire_application_add_container, get_container)
    GET_LIST(r, a, wire_application_add_key, get_key)
}

bool wire_application_get(struct wire_reader *r, struct wire_application *a)
{
    *a = (struct wire_application){0};
    get_application(r, a);
    if (r->failed)
        wire_application_free(a);
    return !r->failed;
}

void wire_card_put(struct buffer *out, const struct wire_card *c)
{
    put_state(out, &c->reader);
    wire_put_text(out, c->problem);
    wire_put_u32(out, (uint32_t)c->count);
    for (size_t i = 0; i < c->count; i++)
        wire_application_put(out, &c->application[i]);
}

bool wire_card_get(struct wire_reader *r, struct wire_card *c)
{
    *c = (struct wire_card){0};
    get_state(r, &c->reader);
    wire_get_field(r, c->problem, sizeof c->problem);
    GET_LIST(r, c, wire_card_add, get_application)
    if (r->failed)
        wire_card_free(c);
    return !r->failed;
}

void wire_application_free(struct wire_application *a)
{
    for (size_t i = 0; i < a->container_count; i++) {
        free(a->container[i].name);
        free(a->container[i].provider);
        free(a->container[i].certificate);
        free(a->container[i].spki);
        free(a->container[i].id);
    }
    for (size_t i = 0; i < a->key_count; i++)
        free(a->key[i].spki);
    free(a->counter);
    free(a->container);
    free(a->key);
    *a = (struct wire_application){0};
}

void wire_card_free(struct wire_card *c)
{
    for (size_t i = 0; i < c->count; i++)
        wire_application_free(&c->application[i]);
    free(c->application);
    free(c->reader.name);
    *c = (struct wire_card){0};
}

void wire_unblock_put(struct buffer *out, const struct wire_unblock *u)
{
    wire_put_text(out, u->reader);
    wire_put_text(out, u->family);
    wire_put_text(out, u->serial);
    wire_put_u8(out, (uint8_t)u->by);
    wire_put_secret(out, u->secret);
    wire_put_secret(out, u->new_pin);
}

bool wire_unblock_get(struct wire_reader *r, struct wire_unblock *u)
{
    *u = (struct wire_unblock){.reader = wire_get_text(r)};
    wire_get_field(r, u->family, sizeof u->family);
    wire_get_field(r, u->serial, sizeof u->serial);
    u->by = get_pin(r);
    u->secret = wire_get_secret(r);
    u->new_pin = wire_get_secret(r);
    if (u->secret == NULL || u->new_pin == NULL)
        r->failed = true;
    if (r->failed)
        wire_unblock_free(u);
    return !r->failed;
}

void wire_unblock_free(struct wire_unblock *u)
{
    free(u->reader);
    secret_free(&u->secret);
    secret_free(&u->new_pin);
    *u = (struct wire_unblock){0};
}

void wire_generate_put(struct buffer *out, const struct wire_generate *g)
{
    wire_put_text(out, g->reader);
    wire_put_text(out, g->family);
    wire_put_text(out, g->serial);
    wire_put_u8(out, g->slot);
    wire_put_text(out, g->algorithm);
    wire_put_u8(out, g->pin_policy);
    wire_put_u8(out, g->touch_policy);
    wire_put_secret(out, g->management_key);
}

bool wire_generate_get(struct wire_reader *r, struct wire_generate *g)
{
    *g = (struct wire_generate){.reader = wire_get_text(r)};
    wire_get_field(r, g->family, sizeof g->family);
    wire_get_field(r, g->serial, sizeof g->serial);
    g->slot = wire_get_u8(r);
    wire_get_field(r, g->algorithm, sizeof g->algorithm);
    g->pin_policy = wire_get_u8(r);
    g->touch_policy = wire_get_u8(r);
    g->management_key = wire_get_secret(r);
    if (g->management_key == NULL)
        r->failed = true;
    if (r->failed)
        wire_generate_free(g);
    return !r->failed;
}

void wire_generate_free(struct wire_generate *g)
{
    free(g->reader);
    secret_free(&g->management_key);
    *g = (struct wire_generate){0};
}

void wire_store_put(struct buffer *out, const struct wire_store *t)
{
    wire_put_text(out, t->reader);
    wire_put_text(out, t->family);
    wire_put_text(out, t->serial);
    wire_put_u8(out, t->slot);
    wire_put_bytes(out, t->certificate, t->certificate_length);
    wire_put_secret(out, t->management_key);
}

bool wire_store_get(struct wire_reader *r, struct wire_store *t)
{
    *t = (struct wire_store){.reader = wire_get_text(r)};
    wire_get_field(r, t->family, sizeof t->family);
    wire_get_field(r, t->serial, sizeof t->serial);
    t->slot = wire_get_u8(r);
    t->certificate = wire_get_copy(r, &t->certificate_length);
    t->management_key = wire_get_secret(r);
    if (t->management_key == NULL)
        r->failed = true;
    if (r->failed)
        wire_store_free(t);
    return !r->failed;
}

void wire_store_free(struct wire_store *t)
{
    free(t->reader);
    free(t->certificate);
    secret_free(&t->management_key);
    *t = (struct wire_store){0};
}

void wire_attestation_put(struct buffer *out, const struct wire_attestation *a)
{
    wire_put_bytes(out, a->certificate, a->certificate_length);
    wire_put_bytes(out, a->intermediate, a->intermediate_length);
}

bool wire_attestation_get(struct wire_reader *r, struct wire_attestation *a)
{
    *a = (struct wire_attestation){0};
    a->certificate = wire_get_copy(r, &a->certificate_length);
    a->intermediate = wire_get_copy(r, &a->intermediate_length);
    if (r->failed)
        wire_attestation_free(a);
    return !r->failed;
}

void wire_attestation_free(struct wire_attestation *a)
{
    free(a->certificate);
    free(a->intermediate);
    *a = (struct wire_attestation){0};
}
