/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/attributes.h"

#include <assert.h>
#include <string.h>

enum {
    USUAL_SIZE = 4096, /* bytes; what fits is had with one call */
    MOST_AT_ONCE = 32,
    UNTOUCHED = 0xa5, /* as CK_BBOOL neither CK_TRUE nor CK_FALSE */
};

static CK_RV get(const struct object_ref *o, CK_ATTRIBUTE *attribute)
{
    return o->module->f->C_GetAttributeValue(o->session, o->handle, attribute, 1);
}

/* Appends what one call with room for `size` bytes gives. */
static CK_RV get_into(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, struct buffer *out,
                      size_t size)
{
    size_t start = out->length;
    CK_ATTRIBUTE attribute = {type, buffer_extend(out, size), size};
    CK_RV rv;

    if (attribute.pValue == NULL)
        return CKR_HOST_MEMORY;
    rv = get(o, &attribute);
    if (rv == CKR_OK && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        rv = CKR_ATTRIBUTE_TYPE_INVALID;
    else if (rv == CKR_OK && attribute.ulValueLen > size)
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    out->length = start + (rv == CKR_OK ? attribute.ulValueLen : 0);
    return rv;
}

CK_RV attribute_bytes(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, struct buffer *out)
{
    CK_ATTRIBUTE attribute = {.type = type};
    CK_RV rv = get_into(o, type, out, USUAL_SIZE);

    if (rv != CKR_BUFFER_TOO_SMALL)
        return rv;
    rv = get(o, &attribute);
    if (rv != CKR_OK)
        return rv;
    if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (attribute.ulValueLen > ATTRIBUTE_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return get_into(o, type, out, attribute.ulValueLen);
}

CK_RV attribute_bool(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, bool *out)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    CK_RV rv = get(o, &attribute);

    *out = value != CK_FALSE;
    return rv == CKR_OK && attribute.ulValueLen != sizeof value ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

/* Still as attribute_many filled it. */
static bool is_untouched(const struct attribute_slot *s, const CK_ATTRIBUTE *answer)
{
    const uint8_t *room = s->room;

    for (size_t i = 0; i < s->size; i++)
        if (room[i] != UNTOUCHED)
            return false;
    return answer->ulValueLen == s->size;
}

static CK_RV judge(const struct attribute_slot *s, const CK_ATTRIBUTE *answer)
{
    if (answer->ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    return answer->ulValueLen > s->size ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

static void ask_alone(const struct object_ref *o, struct attribute_slot *s)
{
    CK_ATTRIBUTE answer = {s->type, s->room, s->size};

    s->rv = get(o, &answer);
    if (s->rv == CKR_OK)
        s->rv = judge(s, &answer);
    s->length = s->rv == CKR_OK ? answer.ulValueLen : 0;
}

void attribute_many(const struct object_ref *o, struct attribute_slot *slots, size_t count)
{
    CK_ATTRIBUTE answer[MOST_AT_ONCE];
    CK_RV rv;

    assert(count <= MOST_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        memset(slots[i].room, UNTOUCHED, slots[i].size);
        answer[i] = (CK_ATTRIBUTE){slots[i].type, slots[i].room, slots[i].size};
    }
    rv = o->module->f->C_GetAttributeValue(o->session, o->handle, answer, count);
    for (size_t i = 0; i < count; i++) {
        slots[i].rv = judge(&slots[i], &answer[i]);
        slots[i].length = slots[i].rv == CKR_OK ? answer[i].ulValueLen : 0;
        /* Too small, or of no value: the one answer for all does not say which is which. */
        if (is_untouched(&slots[i], &answer[i]) ||
            (slots[i].rv != CKR_OK && rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID &&
             rv != CKR_ATTRIBUTE_SENSITIVE))
            ask_alone(o, &slots[i]);
    }
}
