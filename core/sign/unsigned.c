/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/unsigned.h"

#include <stdio.h>
#include <string.h>

#include "sign/countersignature.h"
#include "sign/format.h"
#include "sign/note.h"
#include "sign/signatures.h"
#include "sign/spc.h"

enum found { FAILED = -1, NOT_HERE, DONE };

/* An attribute may be there more than once (RFC 5652 section 11.4). */
const ASN1_TYPE *unsigned_get(const PKCS7_SIGNER_INFO *info, const char *oid, int index)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const ASN1_TYPE *value = NULL;
    int at = -1;

    while (object != NULL && value == NULL &&
           (at = X509at_get_attr_by_OBJ(info->unauth_attr, object, at)) >= 0) {
        X509_ATTRIBUTE *attribute = X509at_get_attr(info->unauth_attr, at);
        int count = X509_ATTRIBUTE_count(attribute);

        if (index < count)
            value = X509_ATTRIBUTE_get0_type(attribute, index);
        index -= count;
    }
    ASN1_OBJECT_free(object);
    return value;
}

static bool is_known(const char *oid)
{
    static const char *const known[] = {SPC_NESTED_SIGNATURE_OID, SPC_RFC3161_OID,
                                        COUNTERSIGNATURE_OID, NOTE_OID};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], oid) == 0)
            return true;
    return false;
}

size_t unsigned_unknown(const struct authenticode_view *v, char *first, size_t size)
{
    size_t total = 0;

    for (int i = 0; i < sk_X509_ATTRIBUTE_num(v->info->unauth_attr); i++) {
        X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(v->info->unauth_attr, i);
        int length = i2d_X509_ATTRIBUTE(attribute, NULL);
        char oid[80];

        if (OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(attribute), 1) <= 0)
            snprintf(oid, sizeof oid, "unreadable");
        if (is_known(oid) || length <= 0)
            continue;
        if (total == 0)
            snprintf(first, size, "%s", oid);
        total += (size_t)length;
    }
    return total;
}

/* All values of one kind stand in one attribute. */
static bool add_value(PKCS7_SIGNER_INFO *info, const struct unsigned_value *value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(value->oid, 1);
    int index = object == NULL ? -1 : X509at_get_attr_by_OBJ(info->unauth_attr, object, -1);
    bool added = false;

    if (index >= 0)
        added = X509_ATTRIBUTE_set1_data(X509at_get_attr(info->unauth_attr, index), value->type,
                                         value->data, (int)value->length) > 0;
    else if (object != NULL)
        added = X509at_add1_attr_by_OBJ(&info->unauth_attr, object, value->type, value->data,
                                        (int)value->length) != NULL;
    ASN1_OBJECT_free(object);
    return added;
}

/* The signature was read and is encoded anew: it must come out as good as it went in. */
static bool still_holds(const struct buffer *der, size_t from, struct error *e)
{
    struct authenticode_view v;
    bool holds;

    if (!authenticode_view(der->data + from, der->length - from, &v, e))
        return error_prefix(e, "as it was written anew");
    holds = authenticode_check(&v, e) ||
            error_prefix(e, "the signature that is there cannot take an addition");
    authenticode_view_free(&v);
    return holds;
}

static bool encode(const struct authenticode_view *v, struct buffer *out, struct error *e)
{
    unsigned char *der = NULL;
    int length = i2d_PKCS7(v->p7, &der);

    if (length < 0)
        return error_set_openssl(e, ERROR_SYSTEM, "cannot encode a signature");
    buffer_append(out, der, (size_t)length);
    OPENSSL_free(der);
    return buffer_ok(out, e);
}

static enum found add_in(const uint8_t *der, size_t length, unsigned *index, unsigned depth,
                         const struct unsigned_value *value, struct buffer *out, struct error *e);

/* Looks in the nested ones; the one that changed takes the place of what it was. */
static enum found add_in_nested(struct authenticode_view *v, unsigned *index, unsigned depth,
                                const struct unsigned_value *value, struct buffer *out,
                                struct error *e)
{
    const ASN1_STRING *nested;
    enum found found = NOT_HERE;

    for (int i = 0; found == NOT_HERE && (nested = authenticode_nested(v, i)) != NULL; i++) {
        struct buffer inner = BUFFER_INIT;

        found = add_in(ASN1_STRING_get0_data(nested), (size_t)ASN1_STRING_length(nested), index,
                       depth + 1, value, &inner, e);
        if (found == DONE &&
            (!ASN1_STRING_set((ASN1_STRING *)nested, inner.data, (int)inner.length) ||
             !encode(v, out, e)))
            found = FAILED;
        buffer_free(&inner);
    }
    return found;
}

static enum found add_in(const uint8_t *der, size_t length, unsigned *index, unsigned depth,
                         const struct unsigned_value *value, struct buffer *out, struct error *e)
{
    struct authenticode_view v;
    enum found found = FAILED;
    size_t from = out->length;

    if (depth > SIGNATURES_DEEPEST) {
        error_set(e, ERROR_UNSUPPORTED, "its signatures are nested too deep");
        return FAILED;
    }
    if (!authenticode_view(der, length, &v, e))
        return FAILED;
    if ((*index)-- > 0)
        found = add_in_nested(&v, index, depth, value, out, e);
    else if (!add_value(v.info, value))
        error_set_openssl(e, ERROR_SYSTEM, "cannot add to a signature");
    else if (encode(&v, out, e))
        found = DONE;
    authenticode_view_free(&v);
    /* Only now: signatures with page hashes are large. */
    return found != DONE || still_holds(out, from, e) ? found : FAILED;
}

bool unsigned_add(const struct buffer *signature, unsigned index,
                  const struct unsigned_value *value, struct buffer *out, struct error *e)
{
    enum found found = add_in(signature->data, signature->length, &index, 0, value, out, e);

    return found == DONE || (found == NOT_HERE &&
                             error_set(e, ERROR_SIGNATURE, "it has no signature of that number"));
}

bool unsigned_remove(const struct buffer *signature, const char *oid, struct buffer *out,
                     struct error *e)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    struct authenticode_view v;
    bool done;
    int at;

    if (object == NULL)
        return error_set_memory(e);
    if (!authenticode_view(signature->data, signature->length, &v, e)) {
        ASN1_OBJECT_free(object);
        return false;
    }
    at = X509at_get_attr_by_OBJ(v.info->unauth_attr, object, -1);
    if (at >= 0)
        X509_ATTRIBUTE_free(X509at_delete_attr(v.info->unauth_attr, at));
    /* An empty set is not to be there at all. */
    if (X509at_get_attr_count(v.info->unauth_attr) == 0) {
        sk_X509_ATTRIBUTE_free(v.info->unauth_attr);
        v.info->unauth_attr = NULL;
    }
    done = encode(&v, out, e);
    ASN1_OBJECT_free(object);
    authenticode_view_free(&v);
    return done;
}

bool unsigned_nest(const struct buffer *outer, const struct buffer *inner, struct buffer *out,
                   struct error *e)
{
    const struct unsigned_value value = {
        .oid = SPC_NESTED_SIGNATURE_OID,
        .type = V_ASN1_SEQUENCE,
        .data = inner->data,
        .length = inner->length,
    };
    struct authenticode_view v;
    int count = 0;

    if (!authenticode_view(outer->data, outer->length, &v, e))
        return false;
    while (authenticode_nested(&v, count) != NULL)
        count++;
    authenticode_view_free(&v);
    if (count >= FORMAT_SIGNATURES - 1)
        return error_set(e, ERROR_UNSUPPORTED,
                         "it carries %d signatures already; no more are added", FORMAT_SIGNATURES);
    return unsigned_add(outer, 0, &value, out, e);
}
