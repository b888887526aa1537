/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of an object, their sizes checked. */
#ifndef SIGNET_HOST_PKCS11_ATTRIBUTES_H
#define SIGNET_HOST_PKCS11_ATTRIBUTES_H

#include "base/buffer.h"
#include "host/pkcs11/module.h"

enum { ATTRIBUTE_MAX = 1 << 20 }; /* bytes; a longer one is not believed */

struct object_ref {
    struct module *module;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handle;
};

/* Appends the value. CKR_OK; the token's answer; CKR_ATTRIBUTE_VALUE_INVALID when its size cannot
 * be believed. */
CK_RV attribute_bytes(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, struct buffer *out);
CK_RV attribute_bool(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, bool *out);

/* One of several that are asked for at once. */
struct attribute_slot {
    CK_ATTRIBUTE_TYPE type;
    void *room;    /* for `size` bytes */
    size_t size;   /* what is told must fit; of a CK_ULONG or CK_BBOOL: its size */
    size_t length; /* out: bytes told */
    CK_RV rv;      /* out: CKR_OK; CKR_BUFFER_TOO_SMALL: ask with attribute_bytes; else not told */
};

/* All of them in one call, for tokens that are far away; those that it leaves open are asked for
 * alone. PKCS#11 2.40 section 4.1 (C_GetAttributeValue): each attribute is answered on its own,
 * whatever is the matter with the others; some modules stop at the first that they do not know. */
void attribute_many(const struct object_ref *o, struct attribute_slot *slots, size_t count);

#endif
