/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of an object, their sizes checked. */
#ifndef SIGNET_HOST_PKCS11_ATTRIBUTES_H
#define SIGNET_HOST_PKCS11_ATTRIBUTES_H

#include "base/buffer.h"
#include "host/pkcs11/module.h"

enum {
    ATTRIBUTE_MAX = 1 << 20, /* bytes; a longer one is not believed */
    ATTRIBUTE_BOOLS = 32,    /* asked for at once */
};

struct object_ref {
    struct module *module;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handle;
};

/* Appends the value. CKR_OK; the token's answer; CKR_ATTRIBUTE_VALUE_INVALID when its size cannot
 * be believed. */
CK_RV attribute_bytes(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, struct buffer *out);
CK_RV attribute_ulong(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, CK_ULONG *out);
CK_RV attribute_bool(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, bool *out);

/* `count` (ATTRIBUTE_BOOLS at most) of them in one call, for tokens that are far away: bit i of
 * `known` and `set` is about types[i]. PKCS#11 2.40 section 4.1 (C_GetAttributeValue): each
 * attribute is answered on its own, whatever is the matter with the others. */
void attribute_bools(const struct object_ref *o, const CK_ATTRIBUTE_TYPE *types, size_t count,
                     uint32_t *known, uint32_t *set);

#endif
