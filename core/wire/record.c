/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a token: slots, mechanisms, objects. */
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

/* The fewest bytes that one of each can take in a message, to bound counts before memory is asked
 * for. */
enum {
    LEAST_MECHANISM = 32,
    LEAST_SLOT = sizeof(CK_SLOT_INFO) + sizeof(CK_TOKEN_INFO),
    LEAST_OBJECT = 48
};

static void mechanism_put(struct buffer *out, const struct wire_mechanism *m)
{
    wire_put_u64(out, m->type);
    wire_put_u64(out, m->info.ulMinKeySize);
    wire_put_u64(out, m->info.ulMaxKeySize);
    wire_put_u64(out, m->info.flags);
}

static void mechanism_get(struct wire_reader *r, struct wire_mechanism *m)
{
    m->type = (CK_MECHANISM_TYPE)wire_get_u64(r);
    m->info.ulMinKeySize = (CK_ULONG)wire_get_u64(r);
    m->info.ulMaxKeySize = (CK_ULONG)wire_get_u64(r);
    m->info.flags = (CK_FLAGS)wire_get_u64(r);
}

void wire_slot_put(struct buffer *out, const struct wire_slot *s)
{
    wire_put_u64(out, s->id);
    wire_put_bytes(out, &s->info, sizeof s->info);
    wire_put_u8(out, s->has_token);
    wire_put_bytes(out, &s->token, sizeof s->token);
    wire_put_text(out, s->problem);
    wire_put_u32(out, (uint32_t)s->mechanism_count);
    for (size_t i = 0; i < s->mechanism_count; i++)
        mechanism_put(out, &s->mechanisms[i]);
}

bool wire_slot_get(struct wire_reader *r, struct wire_slot *s)
{
    *s = (struct wire_slot){.id = (CK_SLOT_ID)wire_get_u64(r)};
    wire_get_exact(r, &s->info, sizeof s->info);
    s->has_token = wire_get_bool(r);
    wire_get_exact(r, &s->token, sizeof s->token);
    wire_get_field(r, s->problem, sizeof s->problem);
    s->mechanism_count = wire_get_count(r, LEAST_MECHANISM);
    if (s->mechanism_count > 0)
        s->mechanisms = calloc(s->mechanism_count, sizeof *s->mechanisms);
    if (s->mechanism_count > 0 && s->mechanisms == NULL)
        r->failed = true;
    for (size_t i = 0; !r->failed && i < s->mechanism_count; i++)
        mechanism_get(r, &s->mechanisms[i]);
    if (r->failed)
        wire_slot_free(s);
    return !r->failed;
}

void wire_slot_free(struct wire_slot *s)
{
    free(s->mechanisms);
    *s = (struct wire_slot){0};
}

void wire_slots_put(struct buffer *out, const struct wire_slots *s)
{
    wire_put_u32(out, (uint32_t)s->count);
    for (size_t i = 0; i < s->count; i++)
        wire_slot_put(out, &s->slot[i]);
}

bool wire_slots_get(struct wire_reader *r, struct wire_slots *s)
{
    size_t count = wire_get_count(r, LEAST_SLOT);

    *s = (struct wire_slots){0};
    if (count > 0)
        s->slot = calloc(count, sizeof *s->slot);
    if (count > 0 && s->slot == NULL)
        r->failed = true;
    while (!r->failed && s->count < count)
        if (wire_slot_get(r, &s->slot[s->count]))
            s->count++;
    if (r->failed)
        wire_slots_free(s);
    return !r->failed;
}

void wire_slots_free(struct wire_slots *s)
{
    for (size_t i = 0; i < s->count; i++)
        wire_slot_free(&s->slot[i]);
    free(s->slot);
    *s = (struct wire_slots){0};
}

void wire_object_put(struct buffer *out, const struct wire_object *o)
{
    wire_put_u64(out, o->class);
    wire_put_u64(out, o->type);
    wire_put_bytes(out, o->id, o->id_length);
    wire_put_text(out, o->label);
    wire_put_u32(out, o->flags_known);
    wire_put_u32(out, o->flags_set);
    wire_put_u32(out, o->bits);
    wire_put_text(out, o->curve);
    wire_put_bytes(out, o->spki, o->spki_length);
    wire_put_bytes(out, o->der, o->der_length);
    wire_put_text(out, o->problem);
}

bool wire_object_get(struct wire_reader *r, struct wire_object *o)
{
    *o = (struct wire_object){.class = (CK_OBJECT_CLASS)wire_get_u64(r)};
    o->type = (CK_ULONG)wire_get_u64(r);
    o->id = wire_get_copy(r, &o->id_length);
    o->label = wire_get_text(r);
    o->flags_known = wire_get_u32(r);
    o->flags_set = wire_get_u32(r);
    o->bits = wire_get_u32(r);
    wire_get_field(r, o->curve, sizeof o->curve);
    o->spki = wire_get_copy(r, &o->spki_length);
    o->der = wire_get_copy(r, &o->der_length);
    wire_get_field(r, o->problem, sizeof o->problem);
    if (r->failed)
        wire_object_free(o);
    return !r->failed;
}

void wire_object_free(struct wire_object *o)
{
    free(o->id);
    free(o->label);
    free(o->spki);
    free(o->der);
    *o = (struct wire_object){0};
}

void wire_objects_put(struct buffer *out, const struct wire_objects *o)
{
    wire_put_u32(out, o->total);
    wire_put_u32(out, o->others);
    wire_put_u32(out, (uint32_t)o->count);
    for (size_t i = 0; i < o->count; i++)
        wire_object_put(out, &o->object[i]);
}

bool wire_objects_get(struct wire_reader *r, struct wire_objects *o)
{
    uint32_t total = wire_get_u32(r), others = wire_get_u32(r);
    size_t count = wire_get_count(r, LEAST_OBJECT);

    *o = (struct wire_objects){.others = others, .total = total};
    if (count > 0)
        o->object = calloc(count, sizeof *o->object);
    if (count > 0 && o->object == NULL)
        r->failed = true;
    while (!r->failed && o->count < count)
        if (wire_object_get(r, &o->object[o->count]))
            o->count++;
    if (r->failed)
        wire_objects_free(o);
    return !r->failed;
}

void wire_objects_free(struct wire_objects *o)
{
    for (size_t i = 0; i < o->count; i++)
        wire_object_free(&o->object[i]);
    free(o->object);
    *o = (struct wire_objects){0};
}
