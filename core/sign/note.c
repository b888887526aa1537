/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/note.h"

#include <string.h>

#include "sign/unsigned.h"

/* Whether it has this note alone, or none where this one is empty. */
static bool has(const struct buffer *signature, const struct buffer *note)
{
    struct authenticode_view v;
    const ASN1_TYPE *value;
    bool same;

    if (!authenticode_view(signature->data, signature->length, &v, NULL))
        return false;
    value = unsigned_get(&v, NOTE_OID, 0);
    if (value == NULL || note->length == 0)
        same = value == NULL && note->length == 0;
    else
        same =
            value->type == V_ASN1_OCTET_STRING && unsigned_get(&v, NOTE_OID, 1) == NULL &&
            (size_t)ASN1_STRING_length(value->value.octet_string) == note->length &&
            memcmp(ASN1_STRING_get0_data(value->value.octet_string), note->data, note->length) == 0;
    authenticode_view_free(&v);
    return same;
}

bool note_add(const struct buffer *signature, const struct buffer *note, struct buffer *out,
              struct error *e)
{
    const struct unsigned_value value = {
        .oid = NOTE_OID,
        .type = V_ASN1_OCTET_STRING,
        .data = note->data,
        .length = note->length,
    };
    struct buffer bare = BUFFER_INIT;
    bool done;

    if (has(signature, note)) {
        buffer_append(out, signature->data, signature->length);
        return buffer_ok(out, e);
    }
    /* One that came with the signature is of another file. */
    if (note->length == 0)
        return unsigned_remove(signature, NOTE_OID, out, e);
    done = unsigned_remove(signature, NOTE_OID, &bare, e) && unsigned_add(&bare, 0, &value, out, e);
    buffer_free(&bare);
    return done;
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
