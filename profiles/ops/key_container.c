/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ops/key_container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/objects.h"

bool key_containers_read(struct reach *r, struct op_ctx *ctx, struct seen *out, struct error *e)
{
    return op_seen_token(ctx, &r->inventory, r->token, out, e);
}

/* The object whose id is the key's own: a certificate may have another. */
static const struct wire_object *own_object(const struct wire_objects *all,
                                            const struct wire_object *o)
{
    const struct wire_object *key = o;

    if (o->class != CKO_PRIVATE_KEY)
        key = objects_private_key_of(all, o, NULL);
    if (key == NULL && o->class != CKO_PUBLIC_KEY)
        key = objects_public_key_of(all, o, NULL);
    return key == NULL ? o : key;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

void key_container_find(const struct seen *s, const struct reach *r, const struct wire_object *o,
                        struct key_container *out)
{
    struct container c;

    *out = (struct key_container){0};
    container_find(s, &s->token[0], own_object(&r->objects, o), &c);
    snprintf(out->why, sizeof out->why, "%s", c.problem);
    if (container_name(&c) == NULL)
        return;
    if (!container_is_printable(container_name(&c))) {
        snprintf(out->why, sizeof out->why,
                 "its name has characters that a profile cannot have; signet containers shows it");
        return;
    }
    out->name = copy(container_name(&c));
    out->provider = copy(container_provider(&c));
    out->source = copy(container_source(&c));
    out->computed = c.read == NULL;
}

void key_container_free(struct key_container *c)
{
    free(c->name);
    free(c->provider);
    free(c->source);
    *c = (struct key_container){0};
}

json_t *key_container_record(const struct key_container *c)
{
    json_t *record = json_pack("{s:s?, s:s?, s:s?}", "name", c->name, "provider", c->provider,
                               "known-by", c->source);

    if (c->why[0] != '\0')
        json_object_set_new(record, "why-unknown", json_string(c->why));
    return record;
}
