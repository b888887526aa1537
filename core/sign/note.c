/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/note.h"

#include "sign/unsigned.h"

bool note_add(const struct buffer *signature, const struct buffer *note, struct buffer *out,
              struct error *e)
{
    const struct unsigned_value value = {
        .oid = NOTE_OID,
        .type = V_ASN1_OCTET_STRING,
        .data = note->data,
        .length = note->length,
    };

    if (note->length > 0)
        return unsigned_add(signature, 0, &value, out, e);
    buffer_append(out, signature->data, signature->length);
    return buffer_ok(out, e);
}

bool note_get(const struct buffer *signature, struct buffer *note, struct error *e)
{
    struct authenticode_view v;
    const ASN1_TYPE *value;

    buffer_reset(note);
    if (!authenticode_view(signature->data, signature->length, &v, NULL))
        return true;
    value = unsigned_get(&v, NOTE_OID, 0);
    if (value != NULL && value->type == V_ASN1_OCTET_STRING)
        buffer_append(note, ASN1_STRING_get0_data(value->value.octet_string),
                      (size_t)ASN1_STRING_length(value->value.octet_string));
    authenticode_view_free(&v);
    return buffer_ok(note, e);
}
