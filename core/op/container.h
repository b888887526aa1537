/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: the names by which Windows, and what signs there, asks for a key. Read from the card
 * or from what the module adds to PKCS#11; where OpenSC computes the name, it is computed here; and
 * where it cannot be known, that is said. It is never guessed.
 */
#ifndef SIGNET_OP_CONTAINER_H
#define SIGNET_OP_CONTAINER_H

#include "op/guid.h"
#include "op/seen.h"

struct container {
    const struct wire_container *read; /* in what was seen; NULL where none was read */
    char computed[GUID_TEXT_SIZE];     /* as OpenSC's minidriver does; "" */
    char problem[512];                 /* why neither is known, in words; "" */
};

/* The container of a key, by one of the objects that speak for it: private key, public key or
 * certificate. */
void container_find(const struct seen *s, const struct seen_token *t, const struct wire_object *key,
                    struct container *out);

/* The name as it is stored (UTF-8, not yet safe to print), its provider, and how it is known; NULL
 * where there is none. */
const char *container_name(const struct container *c);
const char *container_provider(const struct container *c);
const char *container_source(const struct container *c);

/* True when a name can be shown, copied and written down as it is. */
bool container_is_printable(const char *name);

/* The container of an application with this key's public key, or id where one side's public key is
 * not known; NULL for none. */
const struct wire_container *container_match(const struct wire_application *a,
                                             const struct wire_object *key);

#endif
