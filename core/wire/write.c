/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/write.h"

#include <stdlib.h>

void wire_new_key_put(struct buffer *out, const struct wire_new_key *k)
{
    wire_put_u64(out, k->slot);
    wire_put_u32(out, k->rsa_bits);
    wire_put_text(out, k->curve);
    wire_put_bytes(out, k->id, k->id_length);
    wire_put_text(out, k->label);
}

bool wire_new_key_get(struct wire_reader *r, struct wire_new_key *k)
{
    *k = (struct wire_new_key){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    k->rsa_bits = wire_get_u32(r);
    wire_get_field(r, k->curve, sizeof k->curve);
    k->id = wire_get_copy(r, &k->id_length);
    k->label = wire_get_text(r);
    if (k->id_length == 0 || (k->rsa_bits == 0) == (k->curve[0] == '\0'))
        r->failed = true;
    if (r->failed)
        wire_new_key_free(k);
    return !r->failed;
}

void wire_new_key_free(struct wire_new_key *k)
{
    free(k->id);
    free(k->label);
    *k = (struct wire_new_key){0};
}

void wire_new_certificate_put(struct buffer *out, const struct wire_new_certificate *c)
{
    wire_put_u64(out, c->slot);
    wire_put_bytes(out, c->der, c->der_length);
    wire_put_bytes(out, c->id, c->id_length);
    wire_put_text(out, c->label);
}

bool wire_new_certificate_get(struct wire_reader *r, struct wire_new_certificate *c)
{
    *c = (struct wire_new_certificate){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    c->der = wire_get_copy(r, &c->der_length);
    c->id = wire_get_copy(r, &c->id_length);
    c->label = wire_get_text(r);
    if (c->der_length == 0)
        r->failed = true;
    if (r->failed)
        wire_new_certificate_free(c);
    return !r->failed;
}

void wire_new_certificate_free(struct wire_new_certificate *c)
{
    free(c->der);
    free(c->id);
    free(c->label);
    *c = (struct wire_new_certificate){0};
}

void wire_which_put(struct buffer *out, const struct wire_which *w)
{
    wire_put_u64(out, w->slot);
    wire_put_u64(out, w->class);
    wire_put_bytes(out, w->id, w->id_length);
    wire_put_text(out, w->label);
    wire_put_bytes(out, w->value, w->value_length);
}

static bool is_named_class(CK_OBJECT_CLASS class)
{
    return class == CKO_PRIVATE_KEY || class == CKO_PUBLIC_KEY || class == CKO_CERTIFICATE;
}

bool wire_which_get(struct wire_reader *r, struct wire_which *w)
{
    *w = (struct wire_which){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    w->class = (CK_OBJECT_CLASS)wire_get_u64(r);
    w->id = wire_get_copy(r, &w->id_length);
    w->label = wire_get_text(r);
    w->value = wire_get_copy(r, &w->value_length);
    if (!is_named_class(w->class) || w->value_length == 0)
        r->failed = true;
    if (r->failed)
        wire_which_free(w);
    return !r->failed;
}

void wire_which_free(struct wire_which *w)
{
    free(w->id);
    free(w->label);
    free(w->value);
    *w = (struct wire_which){0};
}

void wire_new_names_put(struct buffer *out, const struct wire_new_names *n)
{
    wire_which_put(out, &n->which);
    wire_put_bytes(out, n->id, n->id_length);
    wire_put_u8(out, n->set_label);
    wire_put_text(out, n->label);
}

bool wire_new_names_get(struct wire_reader *r, struct wire_new_names *n)
{
    *n = (struct wire_new_names){0};
    if (!wire_which_get(r, &n->which))
        return false;
    n->id = wire_get_copy(r, &n->id_length);
    n->set_label = wire_get_bool(r);
    n->label = wire_get_text(r);
    if (n->id == NULL && !n->set_label)
        r->failed = true;
    if (r->failed)
        wire_new_names_free(n);
    return !r->failed;
}

void wire_new_names_free(struct wire_new_names *n)
{
    wire_which_free(&n->which);
    free(n->id);
    free(n->label);
    *n = (struct wire_new_names){0};
}

void wire_init_token_put(struct buffer *out, const struct wire_init_token *t)
{
    wire_put_u64(out, t->slot);
    wire_put_u8(out, t->pinpad);
    wire_put_secret(out, t->so_pin);
    wire_put_text(out, t->label);
}

bool wire_init_token_get(struct wire_reader *r, struct wire_init_token *t)
{
    *t = (struct wire_init_token){.slot = (CK_SLOT_ID)wire_get_u64(r)};
    t->pinpad = wire_get_bool(r);
    t->so_pin = wire_get_secret(r);
    wire_get_field(r, t->label, sizeof t->label);
    if (t->pinpad != (t->so_pin == NULL))
        r->failed = true;
    if (r->failed)
        wire_init_token_free(t);
    return !r->failed;
}

void wire_init_token_free(struct wire_init_token *t)
{
    secret_free(&t->so_pin);
    *t = (struct wire_init_token){0};
}
