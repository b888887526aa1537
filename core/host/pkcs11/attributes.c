/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/attributes.h"

static CK_RV get(const struct object_ref *o, CK_ATTRIBUTE *attribute)
{
    return o->module->f->C_GetAttributeValue(o->session, o->handle, attribute, 1);
}

CK_RV attribute_bytes(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, struct buffer *out)
{
    CK_ATTRIBUTE attribute = {.type = type};
    CK_RV rv = get(o, &attribute);
    size_t size = attribute.ulValueLen, start = out->length;

    if (rv != CKR_OK)
        return rv;
    if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (size > ATTRIBUTE_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    attribute.pValue = buffer_extend(out, size);
    if (attribute.pValue == NULL)
        return CKR_HOST_MEMORY;
    if (size > 0)
        rv = get(o, &attribute);
    /* It may have become shorter since; longer would have been refused, or the module lies. */
    if (rv == CKR_OK && attribute.ulValueLen > size)
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    out->length = start + (rv == CKR_OK ? attribute.ulValueLen : 0);
    return rv;
}

static CK_RV get_exact(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, void *out, size_t size)
{
    CK_ATTRIBUTE attribute = {.type = type, .pValue = out, .ulValueLen = size};
    CK_RV rv = get(o, &attribute);

    return rv == CKR_OK && attribute.ulValueLen != size ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

CK_RV attribute_ulong(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
    return get_exact(o, type, out, sizeof *out);
}

CK_RV attribute_bool(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, bool *out)
{
    CK_BBOOL value = CK_FALSE;
    CK_RV rv = get_exact(o, type, &value, sizeof value);

    *out = value != CK_FALSE;
    return rv;
}

enum { UNTOUCHED = 0xa5 }; /* no CK_BBOOL: CK_TRUE is 1, CK_FALSE 0 */

void attribute_bools(const struct object_ref *o, const CK_ATTRIBUTE_TYPE *types, size_t count,
                     uint32_t *known, uint32_t *set)
{
    CK_ATTRIBUTE attribute[ATTRIBUTE_BOOLS];
    CK_BBOOL value[ATTRIBUTE_BOOLS];

    *known = *set = 0;
    for (size_t i = 0; i < count; i++) {
        value[i] = UNTOUCHED;
        attribute[i] = (CK_ATTRIBUTE){types[i], &value[i], sizeof value[i]};
    }
    /* Its answer is one of those that it could not give; each length tells of its own. */
    o->module->f->C_GetAttributeValue(o->session, o->handle, attribute, count);
    for (size_t i = 0; i < count; i++) {
        bool told = attribute[i].ulValueLen == sizeof value[i] && value[i] <= CK_TRUE, yes;

        if (told)
            yes = value[i] != CK_FALSE;
        else if (attribute[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
            continue;
        else /* Some modules stop at the first that they do not know. */
            told = attribute_bool(o, types[i], &yes) == CKR_OK;
        *known |= told ? 1u << i : 0;
        *set |= told && yes ? 1u << i : 0;
    }
}
