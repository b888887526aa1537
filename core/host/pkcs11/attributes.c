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
