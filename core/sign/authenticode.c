/* SPDX-License-Identifier: Apache-2.0 */
/* Making a signature. */
#include "sign/authenticode.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "cert/chain.h"
#include "sign/format.h"
#include "sign/note.h"
#include "sign/spc.h"

struct authenticode {
    PKCS7 *p7;
    PKCS7_SIGNER_INFO *info; /* the p7's */
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_length;
};

static bool set_content(PKCS7 *p7, const struct buffer *content)
{
    PKCS7 *inner = PKCS7_new();
    ASN1_STRING *sequence = ASN1_STRING_new();
    ASN1_TYPE *value = ASN1_TYPE_new();

    if (inner != NULL && sequence != NULL && value != NULL &&
        ASN1_STRING_set(sequence, content->data, (int)content->length)) {
        ASN1_TYPE_set(value, V_ASN1_SEQUENCE, sequence);
        ASN1_OBJECT_free(inner->type);
        inner->type = OBJ_txt2obj(SPC_INDIRECT_DATA_OID, 1);
        inner->d.other = value;
        if (inner->type != NULL && PKCS7_set_content(p7, inner))
            return true;
        PKCS7_free(inner);
        return false;
    }
    PKCS7_free(inner);
    ASN1_STRING_free(sequence);
    ASN1_TYPE_free(value);
    return false;
}

/* UTF-8 to BMPString: UTF-16 big endian without surrogates (ITU-T X.680). */
static ASN1_BMPSTRING *bmp(const char *utf8)
{
    ASN1_STRING *string = NULL;

    if (ASN1_mbstring_copy(&string, (const unsigned char *)utf8, -1, MBSTRING_UTF8,
                           B_ASN1_BMPSTRING) < 0)
        return NULL;
    return string;
}

static bool set_opus(SPC_SP_OPUS_INFO *opus, const struct sign_spec *spec)
{
    if (spec->description != NULL) {
        opus->program_name = SPC_STRING_new();
        if (opus->program_name == NULL)
            return false;
        opus->program_name->type = 0;
        opus->program_name->value.unicode = bmp(spec->description);
        if (opus->program_name->value.unicode == NULL)
            return false;
    }
    if (spec->url != NULL) {
        opus->more_info = SPC_LINK_new();
        if (opus->more_info == NULL)
            return false;
        opus->more_info->type = 0;
        opus->more_info->value.url = ASN1_IA5STRING_new();
        return opus->more_info->value.url != NULL &&
               ASN1_STRING_set(opus->more_info->value.url, spec->url, -1);
    }
    return true;
}

static bool add_attribute(STACK_OF(X509_ATTRIBUTE) * *attributes, const char *oid, int type,
                          const uint8_t *der, int length)
{
    return X509at_add1_attr_by_txt(attributes, oid, type, der, length) != NULL;
}

static bool add_opus(STACK_OF(X509_ATTRIBUTE) * *attributes, const struct sign_spec *spec)
{
    SPC_SP_OPUS_INFO *opus = SPC_SP_OPUS_INFO_new();
    unsigned char *der = NULL;
    int length = -1;
    bool added;

    if (opus != NULL && set_opus(opus, spec))
        length = i2d_SPC_SP_OPUS_INFO(opus, &der);
    added = length >= 0 &&
            add_attribute(attributes, SPC_SP_OPUS_INFO_OID, V_ASN1_SEQUENCE, der, length);
    OPENSSL_free(der);
    SPC_SP_OPUS_INFO_free(opus);
    return added;
}

/* SpcStatementType ::= SEQUENCE OF OBJECT IDENTIFIER, with one. */
static bool add_statement(STACK_OF(X509_ATTRIBUTE) * *attributes, enum sign_purpose purpose)
{
    ASN1_OBJECT *object =
        OBJ_txt2obj(purpose == SIGN_INDIVIDUAL ? SPC_INDIVIDUAL_OID : SPC_COMMERCIAL_OID, 1);
    uint8_t der[64], *at = der;
    int inner = object == NULL ? -1 : i2d_ASN1_OBJECT(object, NULL);
    bool added = false;

    if (inner > 0 && inner < 60) {
        ASN1_put_object(&at, 1, inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        i2d_ASN1_OBJECT(object, &at);
        added = add_attribute(attributes, SPC_STATEMENT_TYPE_OID, V_ASN1_SEQUENCE, der,
                              (int)(at - der));
    }
    ASN1_OBJECT_free(object);
    return added;
}

static bool add_content_type(STACK_OF(X509_ATTRIBUTE) * *attributes)
{
    ASN1_OBJECT *object = OBJ_txt2obj(SPC_INDIRECT_DATA_OID, 1);
    X509_ATTRIBUTE *attribute =
        object == NULL ? NULL : X509_ATTRIBUTE_create(NID_pkcs9_contentType, V_ASN1_OBJECT, object);
    bool added;

    if (attribute == NULL)
        ASN1_OBJECT_free(object);
    added = attribute != NULL && X509at_add1_attr(attributes, attribute) != NULL;
    X509_ATTRIBUTE_free(attribute);
    return added;
}

/* The value octets of the content, without its own tag and length, are what messageDigest is over.
 */
static bool add_message_digest(STACK_OF(X509_ATTRIBUTE) * *attributes, const struct buffer *content,
                               const EVP_MD *md)
{
    const unsigned char *at = content->data;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    long inner;
    int tag, class;

    if (ASN1_get_object(&at, &inner, &tag, &class, (long)content->length) & 0x80)
        return false;
    return EVP_Digest(at, (size_t)inner, digest, &length, md, NULL) > 0 &&
           X509at_add1_attr_by_NID(attributes, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest,
                                   (int)length) != NULL;
}

/* PKCS7 keeps the order that it is given, DER wants a SET sorted: encoded as one, and read back. */
static bool sort_and_digest(struct authenticode *a, STACK_OF(X509_ATTRIBUTE) * attributes,
                            const EVP_MD *md)
{
    unsigned char *der = NULL;
    const unsigned char *at;
    int length = ASN1_item_i2d((ASN1_VALUE *)attributes, &der, ASN1_ITEM_rptr(PKCS7_ATTR_SIGN));
    bool good;

    if (length < 0)
        return false;
    at = der;
    a->info->auth_attr = (STACK_OF(X509_ATTRIBUTE) *)ASN1_item_d2i(
        NULL, &at, length, ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    good = a->info->auth_attr != NULL &&
           EVP_Digest(der, (size_t)length, a->digest, &a->digest_length, md, NULL) > 0;
    OPENSSL_free(der);
    return good;
}

static bool add_attributes(struct authenticode *a, const struct sign_spec *spec,
                           const struct buffer *content)
{
    STACK_OF(X509_ATTRIBUTE) *attributes = NULL;
    const EVP_MD *md = signer_hash_md(spec->hash);
    bool good = add_content_type(&attributes) && add_statement(&attributes, spec->purpose) &&
                add_opus(&attributes, spec) && add_message_digest(&attributes, content, md) &&
                sort_and_digest(a, attributes, md);

    sk_X509_ATTRIBUTE_pop_free(attributes, X509_ATTRIBUTE_free);
    return good;
}

static int compare_der(const X509 *const *a, const X509 *const *b)
{
    unsigned char *one = NULL, *two = NULL;
    int first = i2d_X509(*a, &one), second = i2d_X509(*b, &two);
    int order = 0;

    if (first >= 0 && second >= 0)
        order = memcmp(one, two, (size_t)(first < second ? first : second));
    if (order == 0)
        order = first - second;
    OPENSSL_free(one);
    OPENSSL_free(two);
    return order;
}

/* Certificates are a SET: sorted by their DER. The root is left out; whoever verifies has it. */
static bool add_certificates(PKCS7 *p7, const struct sign_spec *spec)
{
    STACK_OF(X509) *sorted = sk_X509_dup(spec->chain);
    bool good = sorted != NULL;

    if (good) {
        sk_X509_set_cmp_func(sorted, compare_der);
        sk_X509_sort(sorted);
    }
    for (int i = 0; i < sk_X509_num(sorted) && good; i++)
        good = PKCS7_add_certificate(p7, sk_X509_value(sorted, i)) > 0;
    sk_X509_free(sorted);
    return good;
}

/* PKCS7_SIGNER_INFO_set writes the algorithms as Windows wants them: rsaEncryption, or
 * ecdsa-with-SHA2xx; the digest with NULL. It only looks at the key's type, so the public half will
 * do. */
static bool add_signer(struct authenticode *a, const struct sign_spec *spec)
{
    a->info = PKCS7_SIGNER_INFO_new();
    if (a->info != NULL &&
        PKCS7_SIGNER_INFO_set(a->info, spec->leaf, X509_get0_pubkey(spec->leaf),
                              signer_hash_md(spec->hash)) > 0 &&
        PKCS7_add_signer(a->p7, a->info) > 0)
        return true;
    PKCS7_SIGNER_INFO_free(a->info);
    return false;
}

struct authenticode *authenticode_new(const struct sign_spec *spec, const struct buffer *content,
                                      struct error *e)
{
    struct authenticode *a = calloc(1, sizeof *a);

    if (a != NULL)
        a->p7 = PKCS7_new();
    if (a != NULL && a->p7 != NULL && PKCS7_set_type(a->p7, NID_pkcs7_signed) > 0 &&
        add_signer(a, spec) && set_content(a->p7, content) && add_certificates(a->p7, spec) &&
        add_attributes(a, spec, content))
        return a;
    error_set_openssl(e, ERROR_SYSTEM, "cannot build a signature");
    authenticode_free(&a);
    return NULL;
}

void authenticode_free(struct authenticode **a)
{
    if (*a == NULL)
        return;
    PKCS7_free((*a)->p7);
    free(*a);
    *a = NULL;
}

const uint8_t *authenticode_digest(const struct authenticode *a, size_t *length)
{
    *length = a->digest_length;
    return a->digest;
}

static bool append_der(PKCS7 *p7, struct buffer *out, struct error *e)
{
    unsigned char *der = NULL;
    int length = i2d_PKCS7(p7, &der);

    if (length < 0)
        return error_set_openssl(e, ERROR_SYSTEM, "cannot encode a signature");
    buffer_append(out, der, (size_t)length);
    OPENSSL_free(der);
    return buffer_ok(out, e);
}

bool authenticode_set_note(struct authenticode *a, const struct buffer *note, struct error *e)
{
    return note->length == 0 ||
           add_attribute(&a->info->unauth_attr, NOTE_OID, V_ASN1_OCTET_STRING, note->data,
                         (int)note->length) ||
           error_set_openssl(e, ERROR_SYSTEM, "cannot add a note to a signature");
}

bool authenticode_finish(struct authenticode *a, const uint8_t *signature, size_t length,
                         struct buffer *der, struct error *e)
{
    if (!ASN1_STRING_set(a->info->enc_digest, signature, (int)length))
        return error_set_memory(e);
    return append_der(a->p7, der, e);
}

static bool same_attributes(const struct authenticode *a, const struct authenticode_view *v)
{
    unsigned char *own = NULL, *other = NULL;
    int one =
        ASN1_item_i2d((ASN1_VALUE *)a->info->auth_attr, &own, ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    int two =
        ASN1_item_i2d((ASN1_VALUE *)v->info->auth_attr, &other, ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    bool same = one > 0 && one == two && memcmp(own, other, (size_t)one) == 0;

    OPENSSL_free(own);
    OPENSSL_free(other);
    return same;
}

bool authenticode_is(const struct authenticode *a, const struct authenticode_view *v)
{
    STACK_OF(X509) *own = a->p7->d.sign->cert;
    X509 *leaf = PKCS7_cert_from_signer_info(a->p7, a->info);

    if (leaf == NULL || v->signer == NULL || X509_cmp(leaf, v->signer) != 0 ||
        !same_attributes(a, v))
        return false;
    for (int i = 0; i < sk_X509_num(own); i++)
        if (!cert_chain_holds(v->p7->d.sign->cert, sk_X509_value(own, i)))
            return false;
    return true;
}
