/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/note.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <string.h>

#include "sign/format.h"
#include "sign/unsigned.h"

/* SignedData (RFC 2315 section 9.1), read as far as its signers. The rest stays as it is: to read
 * the key in a certificate takes longer than anything else that is done for a small file. */
typedef struct {
    ASN1_TYPE *version, *digests, *content;
    STACK_OF(ASN1_TYPE) * certificates, *lists;
    STACK_OF(PKCS7_SIGNER_INFO) * signers;
} SIGNERS;

/* ContentInfo (section 7). */
typedef struct {
    ASN1_OBJECT *type;
    SIGNERS *content;
} CONTENT_INFO;

/* clang-format does not know these macros. */
/* clang-format off */

ASN1_SEQUENCE(SIGNERS) = {
    ASN1_SIMPLE(SIGNERS, version, ASN1_ANY),
    ASN1_SIMPLE(SIGNERS, digests, ASN1_ANY),
    ASN1_SIMPLE(SIGNERS, content, ASN1_ANY),
    ASN1_IMP_SET_OF_OPT(SIGNERS, certificates, ASN1_ANY, 0),
    ASN1_IMP_SET_OF_OPT(SIGNERS, lists, ASN1_ANY, 1),
    ASN1_SET_OF(SIGNERS, signers, PKCS7_SIGNER_INFO),
} static_ASN1_SEQUENCE_END(SIGNERS)

ASN1_SEQUENCE(CONTENT_INFO) = {
    ASN1_SIMPLE(CONTENT_INFO, type, ASN1_OBJECT),
    ASN1_EXP(CONTENT_INFO, content, SIGNERS, 0),
} static_ASN1_SEQUENCE_END(CONTENT_INFO)

static CONTENT_INFO *decode(const struct buffer *signature)
{
    const unsigned char *at = signature->data;
    ASN1_VALUE *value = NULL;

    if (signature->length <= FORMAT_SIGNATURE_MAX)
        value = ASN1_item_d2i(NULL, &at, (long)signature->length, ASN1_ITEM_rptr(CONTENT_INFO));
    ERR_clear_error();
    return (CONTENT_INFO *)value;
}

/* clang-format on */

/* *other: it has a note, which is not this one. */
static bool has(const struct buffer *signature, const struct buffer *note, bool *other,
                struct error *e)
{
    struct buffer there = BUFFER_INIT;
    bool good = note_get(signature, &there, e), same;

    same = there.length == note->length && memcmp(there.data, note->data, note->length) == 0;
    *other = there.length > 0 && !same;
    buffer_free(&there);
    return good && same;
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
    bool other = false, done;

    if (note->length == 0 || has(signature, note, &other, e)) {
        buffer_append(out, signature->data, signature->length);
        return buffer_ok(out, e);
    }
    /* One that came with the signature is of another file. */
    done = (!other || unsigned_remove(signature, NOTE_OID, &bare, e)) &&
           unsigned_add(other ? &bare : signature, 0, &value, out, e);
    buffer_free(&bare);
    return done;
}

bool note_get(const struct buffer *signature, struct buffer *note, struct error *e)
{
    CONTENT_INFO *info = decode(signature);
    const ASN1_TYPE *value = NULL;

    buffer_reset(note);
    if (info != NULL && sk_PKCS7_SIGNER_INFO_num(info->content->signers) == 1)
        value = unsigned_get(sk_PKCS7_SIGNER_INFO_value(info->content->signers, 0), NOTE_OID, 0);
    if (value != NULL && value->type == V_ASN1_OCTET_STRING)
        buffer_append(note, ASN1_STRING_get0_data(value->value.octet_string),
                      (size_t)ASN1_STRING_length(value->value.octet_string));
    ASN1_item_free((ASN1_VALUE *)info, ASN1_ITEM_rptr(CONTENT_INFO));
    return buffer_ok(note, e);
}
