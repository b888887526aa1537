/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, their status, and the small answers. The records of a token are in record.c. */
#include "wire/message.h"

#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"

static const struct {
    bool spends;
    int64_t deadline;
    const char *name;
} requests[WIRE_TYPES] = {[WIRE_REPLY] = {false, 0, "answering"},
#define X(type, spends, deadline, name) [type] = {spends, deadline, name},
                          WIRE_REQUESTS(X)
#undef X
};

bool wire_type_spends(enum wire_type type)
{
    return requests[type].spends;
}

int64_t wire_type_deadline(enum wire_type type)
{
    return requests[type].deadline;
}

const char *wire_type_name(enum wire_type type)
{
    return requests[type].name;
}

static bool get_user(struct wire_reader *r, CK_USER_TYPE *user)
{
    *user = (CK_USER_TYPE)wire_get_u64(r);
    if (*user != CKU_USER && *user != CKU_SO)
        r->failed = true;
    return !r->failed;
}

void wire_status_put(struct buffer *out, const struct wire_status *s)
{
    wire_put_u64(out, s->rv);
    wire_put_text(out, s->function);
    wire_put_text(out, s->text);
    wire_put_u8(out, s->attempted);
    wire_put_u8(out, s->accepted);
    wire_put_u8(out, s->flags_known);
    wire_put_u64(out, s->token_flags);
}

bool wire_status_get(struct wire_reader *r, struct wire_status *s)
{
    *s = (struct wire_status){.rv = wire_get_u64(r)};
    wire_get_field(r, s->function, sizeof s->function);
    wire_get_field(r, s->text, sizeof s->text);
    s->attempted = wire_get_bool(r);
    s->accepted = wire_get_bool(r);
    s->flags_known = wire_get_bool(r);
    s->token_flags = wire_get_u64(r);
    return !r->failed;
}

void wire_module_put(struct buffer *out, const struct wire_module *m)
{
    wire_put_bytes(out, &m->info, sizeof m->info);
    wire_put_u8(out, m->can_lock);
}

bool wire_module_get(struct wire_reader *r, struct wire_module *m)
{
    wire_get_exact(r, &m->info, sizeof m->info);
    m->can_lock = wire_get_bool(r);
    return !r->failed;
}

void wire_open_key_put(struct buffer *out, const struct wire_open_key *k)
{
    wire_put_u64(out, k->slot);
    wire_put_bytes(out, k->id, k->id_length);
    wire_put_text(out, k->label);
    wire_put_bytes(out, k->spki, k->spki_length);
    wire_put_u32(out, k->lanes);
}

bool wire_open_key_get(struct wire_reader *r, struct wire_open_key *k)
{
    *k = (struct wire_open_key){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    k->id = wire_get_copy(r, &k->id_length);
    k->label = wire_get_text(r);
    k->spki = wire_get_copy(r, &k->spki_length);
    k->lanes = wire_get_u32(r);
    if (k->lanes == 0 || k->lanes > WIRE_LANES_MAX)
        r->failed = true;
    if (r->failed)
        wire_open_key_free(k);
    return !r->failed;
}

void wire_open_key_free(struct wire_open_key *k)
{
    free(k->id);
    free(k->label);
    free(k->spki);
    *k = (struct wire_open_key){0};
}

void wire_opened_put(struct buffer *out, const struct wire_opened *o)
{
    wire_put_u32(out, o->key);
    wire_put_u32(out, o->lanes);
    wire_put_u8(out, o->always_authenticate);
    wire_put_text(out, o->path);
}

bool wire_opened_get(struct wire_reader *r, struct wire_opened *o)
{
    *o = (struct wire_opened){.key = wire_get_u32(r), .lanes = wire_get_u32(r)};
    o->always_authenticate = wire_get_bool(r);
    wire_get_field(r, o->path, sizeof o->path);
    if (o->lanes == 0 || o->lanes > WIRE_LANES_MAX)
        r->failed = true;
    return !r->failed;
}

void wire_sign_put(struct buffer *out, const struct wire_sign *s)
{
    wire_put_u32(out, s->key);
    wire_put_u8(out, (uint8_t)s->hash);
    wire_put_bytes(out, s->digest, s->digest_length);
    wire_put_u8(out, s->pinpad);
    wire_put_secret(out, s->pin);
}

bool wire_sign_get(struct wire_reader *r, struct wire_sign *s)
{
    const uint8_t *digest;
    uint8_t hash;

    *s = (struct wire_sign){.key = wire_get_u32(r)};
    hash = wire_get_u8(r);
    digest = wire_get_bytes(r, &s->digest_length);
    if (hash > SIGNER_SHA512 || s->digest_length > sizeof s->digest ||
        s->digest_length != (size_t)EVP_MD_get_size(signer_hash_md((enum signer_hash)hash))) {
        r->failed = true;
        return false;
    }
    s->hash = (enum signer_hash)hash;
    memcpy(s->digest, digest, s->digest_length);
    s->pinpad = wire_get_bool(r);
    s->pin = wire_get_secret(r);
    if (r->failed)
        wire_sign_free(s);
    return !r->failed;
}

void wire_sign_free(struct wire_sign *s)
{
    secret_free(&s->pin);
    *s = (struct wire_sign){0};
}

void wire_login_put(struct buffer *out, const struct wire_login *l)
{
    wire_put_u64(out, l->slot);
    wire_put_u64(out, l->user);
    wire_put_u8(out, l->pinpad);
    wire_put_secret(out, l->pin);
}

bool wire_login_get(struct wire_reader *r, struct wire_login *l)
{
    *l = (struct wire_login){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    get_user(r, &l->user);
    l->pinpad = wire_get_bool(r);
    l->pin = wire_get_secret(r);
    if (l->pinpad == (l->pin != NULL))
        r->failed = true;
    if (r->failed)
        wire_login_free(l);
    return !r->failed;
}

void wire_login_free(struct wire_login *l)
{
    secret_free(&l->pin);
    *l = (struct wire_login){0};
}

void wire_set_pin_put(struct buffer *out, const struct wire_set_pin *s)
{
    wire_put_u64(out, s->slot);
    wire_put_u64(out, s->user);
    wire_put_u8(out, s->pinpad);
    wire_put_secret(out, s->old_pin);
    wire_put_secret(out, s->new_pin);
}

bool wire_set_pin_get(struct wire_reader *r, struct wire_set_pin *s)
{
    *s = (struct wire_set_pin){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    get_user(r, &s->user);
    s->pinpad = wire_get_bool(r);
    s->old_pin = wire_get_secret(r);
    s->new_pin = wire_get_secret(r);
    if (s->pinpad == (s->old_pin != NULL) || s->pinpad == (s->new_pin != NULL))
        r->failed = true;
    if (r->failed)
        wire_set_pin_free(s);
    return !r->failed;
}

void wire_set_pin_free(struct wire_set_pin *s)
{
    secret_free(&s->old_pin);
    secret_free(&s->new_pin);
    *s = (struct wire_set_pin){0};
}

void wire_init_pin_put(struct buffer *out, const struct wire_init_pin *p)
{
    wire_put_u64(out, p->slot);
    wire_put_u8(out, p->pinpad);
    wire_put_secret(out, p->so_pin);
    wire_put_secret(out, p->new_pin);
}

bool wire_init_pin_get(struct wire_reader *r, struct wire_init_pin *p)
{
    *p = (struct wire_init_pin){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    p->pinpad = wire_get_bool(r);
    p->so_pin = wire_get_secret(r);
    p->new_pin = wire_get_secret(r);
    if (p->pinpad == (p->so_pin != NULL) || p->pinpad == (p->new_pin != NULL))
        r->failed = true;
    if (r->failed)
        wire_init_pin_free(p);
    return !r->failed;
}

void wire_init_pin_free(struct wire_init_pin *p)
{
    secret_free(&p->so_pin);
    secret_free(&p->new_pin);
    *p = (struct wire_init_pin){0};
}
