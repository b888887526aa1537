/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a signature that somebody else may have made. */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sign/authenticode.h"
#include "sign/countersignature.h"
#include "sign/format.h"
#include "sign/spc.h"
#include "sign/unsigned.h"

const ASN1_TYPE *authenticode_attribute(const PKCS7_SIGNER_INFO *info, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object == NULL ? -1 : X509at_get_attr_by_OBJ(info->auth_attr, object, -1);
    bool again = at >= 0 && X509at_get_attr_by_OBJ(info->auth_attr, object, at) >= 0;
    X509_ATTRIBUTE *attribute = at < 0 || again ? NULL : X509at_get_attr(info->auth_attr, at);

    ASN1_OBJECT_free(object);
    return attribute == NULL || X509_ATTRIBUTE_count(attribute) != 1
               ? NULL
               : X509_ATTRIBUTE_get0_type(attribute, 0);
}

bool authenticode_states(const PKCS7_SIGNER_INFO *info, const EVP_MD *md, const uint8_t *bytes,
                         size_t length)
{
    const ASN1_TYPE *value = authenticode_attribute(info, PKCS9_MESSAGE_DIGEST_OID);
    const ASN1_STRING *stated =
        value == NULL || value->type != V_ASN1_OCTET_STRING ? NULL : value->value.octet_string;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    return stated != NULL && EVP_Digest(bytes, length, digest, &size, md, NULL) > 0 &&
           (unsigned)ASN1_STRING_length(stated) == size &&
           memcmp(ASN1_STRING_get0_data(stated), digest, size) == 0;
}

static bool object_is(const ASN1_OBJECT *object, const char *oid)
{
    char text[80];

    return object != NULL && OBJ_obj2txt(text, sizeof text, object, 1) > 0 &&
           strcmp(text, oid) == 0;
}

/* BMPString or IA5String, safe to print. */
static char *string_text(const ASN1_STRING *string)
{
    unsigned char *utf8 = NULL;
    int length = string == NULL ? -1 : ASN1_STRING_to_UTF8(&utf8, string);
    char *text = length < 0 ? NULL : text_printable(utf8, (size_t)length);

    OPENSSL_free(utf8);
    return text;
}

static void read_opus(struct authenticode_view *v)
{
    const ASN1_TYPE *value = authenticode_attribute(v->info, SPC_SP_OPUS_INFO_OID);
    SPC_SP_OPUS_INFO *opus;
    const unsigned char *at;

    if (value == NULL || value->type != V_ASN1_SEQUENCE)
        return;
    at = value->value.sequence->data;
    opus = d2i_SPC_SP_OPUS_INFO(NULL, &at, value->value.sequence->length);
    if (opus != NULL && opus->program_name != NULL)
        v->description =
            string_text(opus->program_name->type == 0 ? opus->program_name->value.unicode
                                                      : opus->program_name->value.ascii);
    if (opus != NULL && opus->more_info != NULL && opus->more_info->type == 0)
        v->url = string_text(opus->more_info->value.url);
    SPC_SP_OPUS_INFO_free(opus);
}

static void read_statement(struct authenticode_view *v)
{
    const ASN1_TYPE *value = authenticode_attribute(v->info, SPC_STATEMENT_TYPE_OID);
    STACK_OF(ASN1_TYPE) * list;
    const unsigned char *at;

    if (value == NULL || value->type != V_ASN1_SEQUENCE)
        return;
    at = value->value.sequence->data;
    list = d2i_ASN1_SEQUENCE_ANY(NULL, &at, value->value.sequence->length);
    for (int i = 0; i < sk_ASN1_TYPE_num(list); i++) {
        const ASN1_TYPE *item = sk_ASN1_TYPE_value(list, i);

        if (item->type == V_ASN1_OBJECT && object_is(item->value.object, SPC_COMMERCIAL_OID))
            v->commercial = true;
    }
    sk_ASN1_TYPE_pop_free(list, ASN1_TYPE_free);
}

static const ASN1_STRING *content_of(const PKCS7 *p7)
{
    const PKCS7 *inner = p7->d.sign->contents;

    if (inner == NULL || !object_is(inner->type, SPC_INDIRECT_DATA_OID) || inner->d.other == NULL ||
        inner->d.other->type != V_ASN1_SEQUENCE)
        return NULL;
    return inner->d.other->value.sequence;
}

static bool read_content(struct authenticode_view *v)
{
    const ASN1_STRING *content = content_of(v->p7);
    const unsigned char *at;
    SPC_INDIRECT_DATA *indirect;
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *digest;
    const ASN1_OBJECT *object;

    if (content == NULL)
        return false;
    at = ASN1_STRING_get0_data(content);
    indirect = d2i_SPC_INDIRECT_DATA(NULL, &at, ASN1_STRING_length(content));
    if (indirect == NULL)
        return false;
    v->indirect = indirect;
    X509_SIG_get0(indirect->digest, &algorithm, &digest);
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    v->md = EVP_get_digestbyobj(object);
    v->digest = ASN1_STRING_get0_data(digest);
    v->digest_length = (size_t)ASN1_STRING_length(digest);
    if (indirect->data->type != V_ASN1_SEQUENCE)
        return false;
    v->data = ASN1_STRING_get0_data(indirect->data->value.sequence);
    v->data_length = (size_t)ASN1_STRING_length(indirect->data->value.sequence);
    return v->md != NULL && v->digest_length == (size_t)EVP_MD_get_size(v->md);
}

static bool read_signer(struct authenticode_view *v)
{
    STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(v->p7);
    const ASN1_OBJECT *object;

    if (sk_PKCS7_SIGNER_INFO_num(infos) != 1)
        return false;
    v->info = sk_PKCS7_SIGNER_INFO_value(infos, 0);
    if (v->info->issuer_and_serial == NULL || v->info->enc_digest == NULL)
        return false;
    v->signer =
        X509_find_by_issuer_and_serial(v->p7->d.sign->cert, v->info->issuer_and_serial->issuer,
                                       v->info->issuer_and_serial->serial);
    X509_ALGOR_get0(&object, NULL, NULL, v->info->digest_alg);
    v->signer_md = EVP_get_digestbyobj(object);
    return v->signer_md != NULL;
}

bool authenticode_view(const uint8_t *der, size_t length, struct authenticode_view *out,
                       struct error *e)
{
    const unsigned char *at = der;
    bool good;

    *out = (struct authenticode_view){0};
    if (length <= FORMAT_SIGNATURE_MAX)
        out->p7 = d2i_PKCS7(NULL, &at, (long)length);
    good = out->p7 != NULL && at == der + length && PKCS7_type_is_signed(out->p7) &&
           out->p7->d.sign != NULL && read_content(out) && read_signer(out);
    if (good) {
        read_opus(out);
        read_statement(out);
        out->has_timestamp = unsigned_get(out->info, SPC_RFC3161_OID, 0) != NULL ||
                             unsigned_get(out->info, COUNTERSIGNATURE_OID, 0) != NULL;
    }
    ERR_clear_error();
    if (good)
        return true;
    authenticode_view_free(out);
    return error_set(e, ERROR_FORMAT, "the signature in it is not one that Authenticode knows");
}

void authenticode_view_free(struct authenticode_view *v)
{
    PKCS7_free(v->p7);
    SPC_INDIRECT_DATA_free(v->indirect);
    free(v->description);
    free(v->url);
    *v = (struct authenticode_view){0};
}

/* The attributes say what was signed: the content's type, and the digest of its value octets. */
static bool attributes_fit(const struct authenticode_view *v)
{
    const ASN1_STRING *content = content_of(v->p7);
    const unsigned char *at = ASN1_STRING_get0_data(content);
    const ASN1_TYPE *type = authenticode_attribute(v->info, PKCS9_CONTENT_TYPE_OID);
    long inner;
    int tag, class;

    return type != NULL && type->type == V_ASN1_OBJECT &&
           object_is(type->value.object, SPC_INDIRECT_DATA_OID) &&
           (ASN1_get_object(&at, &inner, &tag, &class, ASN1_STRING_length(content)) & 0x80) == 0 &&
           authenticode_states(v->info, v->signer_md, at, (size_t)inner);
}

static bool key_signed(X509 *signer, const PKCS7_SIGNER_INFO *info, const EVP_MD *md,
                       const uint8_t *digest, unsigned length)
{
    EVP_PKEY *key = X509_get0_pubkey(signer);
    EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0;

    if (good && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    good = good && EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
           EVP_PKEY_verify(ctx, ASN1_STRING_get0_data(info->enc_digest),
                           (size_t)ASN1_STRING_length(info->enc_digest), digest, length) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

bool authenticode_signed_by(X509 *signer, const PKCS7_SIGNER_INFO *info, const EVP_MD *md)
{
    unsigned char *der = NULL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int size =
        ASN1_item_i2d((ASN1_VALUE *)info->auth_attr, &der, ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    bool good = size >= 0 && EVP_Digest(der, (size_t)size, digest, &length, md, NULL) > 0 &&
                key_signed(signer, info, md, digest, length);

    OPENSSL_free(der);
    ERR_clear_error();
    return good;
}

static bool names_digest(const STACK_OF(X509_ALGOR) * algorithms, const EVP_MD *md)
{
    const ASN1_OBJECT *object;

    for (int i = 0; i < sk_X509_ALGOR_num(algorithms); i++) {
        X509_ALGOR_get0(&object, NULL, NULL, sk_X509_ALGOR_value(algorithms, i));
        if (OBJ_obj2nid(object) == EVP_MD_get_type(md))
            return true;
    }
    return false;
}

/* digestEncryptionAlgorithm: of the key alone, or of the key with this digest. */
static bool names_key(const PKCS7_SIGNER_INFO *info, X509 *signer, const EVP_MD *md)
{
    const EVP_PKEY *key = X509_get0_pubkey(signer);
    const ASN1_OBJECT *object;
    int type = key == NULL ? NID_undef : EVP_PKEY_get_base_id(key), nid, digest, of_key;

    X509_ALGOR_get0(&object, NULL, NULL, info->digest_enc_alg);
    nid = OBJ_obj2nid(object);
    if (type == NID_undef || nid == type)
        return type != NID_undef;
    return OBJ_find_sigid_algs(nid, &digest, &of_key) && of_key == type &&
           (digest == NID_undef || digest == EVP_MD_get_type(md));
}

/* Nobody signed these two; a verifier that goes by them takes another signature for this one. */
static bool algorithms_fit(const struct authenticode_view *v)
{
    return names_digest(v->p7->d.sign->md_algs, v->signer_md) &&
           names_key(v->info, v->signer, v->signer_md);
}

static bool is_version_1(const ASN1_INTEGER *version)
{
    return version != NULL && ASN1_INTEGER_get(version) == 1;
}

bool authenticode_check(const struct authenticode_view *v, struct error *e)
{
    if (v->signer == NULL)
        return error_set(e, ERROR_SIGNATURE, "the signer's certificate is not in the signature");
    if (v->info->auth_attr == NULL || !attributes_fit(v))
        return error_set(e, ERROR_SIGNATURE, "the signed attributes do not fit the content");
    if (!is_version_1(v->p7->d.sign->version) || !is_version_1(v->info->version))
        return error_set(e, ERROR_SIGNATURE,
                         "it is no signature of version 1, and Windows knows no other");
    if (!algorithms_fit(v))
        return error_set(e, ERROR_SIGNATURE,
                         "the algorithms that the signature names are not those it was made with");
    return authenticode_signed_by(v->signer, v->info, v->signer_md) ||
           error_set(e, ERROR_SIGNATURE, "the signer's key did not make this signature");
}

const ASN1_STRING *authenticode_nested(const struct authenticode_view *v, int index)
{
    const ASN1_TYPE *value = unsigned_get(v->info, SPC_NESTED_SIGNATURE_OID, index);

    return value == NULL || value->type != V_ASN1_SEQUENCE ? NULL : value->value.sequence;
}
