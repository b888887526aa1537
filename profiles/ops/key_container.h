/* SPDX-License-Identifier: Apache-2.0 */
/* The container of a profile's key, from the token that was reached: read without a login. */
#ifndef SIGNET_PROFILES_OPS_KEY_CONTAINER_H
#define SIGNET_PROFILES_OPS_KEY_CONTAINER_H

#include <jansson.h>

#include "op/container.h"
#include "profiles/ops/reach.h"

struct key_container {
    char *name, *provider; /* as a profile can have them; NULL: not known */
    char *source;          /* how the name is known */
    bool computed;         /* OpenSC's minidriver computes it so; it is stored nowhere */
    char why[640];         /* why it is not known, or cannot be written into a profile; "" */
};

/* Looks at the module's vendor attributes and at the card. Ends the hosts of `r`: what is to be
 * read through them comes before. False: cancelled, or no memory; that a name is not known is no
 * failure. Freed by op_seen_free in any case. */
bool key_containers_read(struct reach *r, struct op_ctx *ctx, struct seen *out, struct error *e);

/* Of the key that `o` is, or speaks for. Freed by key_container_free. */
void key_container_find(const struct seen *s, const struct reach *r, const struct wire_object *o,
                        struct key_container *out);
void key_container_free(struct key_container *c);

/* {"name", "provider", "known-by"}, each null where it is not known, and "why-unknown". */
json_t *key_container_record(const struct key_container *c);

#endif
