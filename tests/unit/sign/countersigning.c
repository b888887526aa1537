/* SPDX-License-Identifier: Apache-2.0 */
#include "countersigning.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign/unsigned.h"

#define RFC3161_OID "1.3.6.1.4.1.311.3.3.1"
#define LEGACY_OID "1.2.840.113549.1.9.6"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

void countersigning_authority_make(struct countersigning_authority *a, const char *key_type,
                                   const struct certificate *recipe)
{
    struct certificate leaf = *recipe;

    a->key = make_key(key_type);
    a->root =
        make_certificate(&(struct certificate){.name = "Clock Root", .key = a->key, .ca = true});
    leaf.key = a->key;
    leaf.issuer = a->root;
    leaf.issuer_key = a->key;
    leaf.serial = leaf.serial == 0 ? 77 : leaf.serial;
    a->leaf = make_certificate(&leaf);
}

void countersigning_authority_free(struct countersigning_authority *a)
{
    EVP_PKEY_free(a->key);
    X509_free(a->root);
    X509_free(a->leaf);
}

static PKCS7 *read_signature(const struct buffer *der)
{
    const unsigned char *at = der->data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der->length);

    must(p7 != NULL, "signature");
    return p7;
}

static PKCS7_SIGNER_INFO *first(PKCS7 *p7)
{
    return sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
}

void countersigning_value(const struct buffer *der, struct buffer *value)
{
    PKCS7 *p7 = read_signature(der);
    const ASN1_OCTET_STRING *octets = first(p7)->enc_digest;

    buffer_append(value, ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
    PKCS7_free(p7);
}

static const EVP_MD *hash_of(const struct countersigning *s)
{
    return EVP_get_digestbyname(s->md == NULL ? "SHA256" : s->md);
}

static void set_imprint(TS_TST_INFO *info, const struct countersigning *s,
                        const struct buffer *value)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length;

    must(EVP_Digest(value->data, value->length, digest, &length, hash_of(s), NULL) == 1, "hash");
    digest[0] ^= s->of_another;
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(hash_of(s))), V_ASN1_NULL, NULL);
    must(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
             TS_MSG_IMPRINT_set_msg(imprint, digest, (int)length) == 1 &&
             TS_TST_INFO_set_msg_imprint(info, imprint) == 1,
         "imprint");
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
}

static void set_critical(TS_TST_INFO *info)
{
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    ASN1_OCTET_STRING_set(octets, (const unsigned char *)"\x05", 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, octets);
    must(TS_TST_INFO_add_ext(info, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void make_info(const struct countersigning *s, const struct buffer *value,
                      struct buffer *der)
{
    TS_TST_INFO *info = TS_TST_INFO_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.3.6.1.4.1.99999.2", 1);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_GENERALIZEDTIME *when = ASN1_GENERALIZEDTIME_set(NULL, s->when);
    unsigned char *encoded = NULL;
    int length;

    ASN1_INTEGER_set(serial, 7);
    must(TS_TST_INFO_set_version(info, 1) == 1 && TS_TST_INFO_set_policy_id(info, policy) == 1 &&
             TS_TST_INFO_set_serial(info, serial) == 1 && TS_TST_INFO_set_time(info, when) == 1,
         "TSTInfo");
    set_imprint(info, s, value);
    if (s->critical)
        set_critical(info);
    length = i2d_TS_TST_INFO(info, &encoded);
    must(length > 0, "TSTInfo");
    buffer_append(der, encoded, (size_t)length);
    OPENSSL_free(encoded);
    ASN1_OBJECT_free(policy);
    ASN1_INTEGER_free(serial);
    ASN1_GENERALIZEDTIME_free(when);
    TS_TST_INFO_free(info);
}

/* Turns a bit of the last byte, which is the signature's. */
static void damage(ASN1_OCTET_STRING *signature)
{
    uint8_t *bytes = (uint8_t *)ASN1_STRING_get0_data(signature);

    bytes[ASN1_STRING_length(signature) - 1] ^= 1;
}

/* By CMS, which, other than OpenSSL's own authority, signs with any certificate. */
static void make_token(const struct countersigning *s, const struct buffer *value,
                       struct buffer *token)
{
    const unsigned flags = CMS_BINARY | CMS_PARTIAL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    struct buffer info = BUFFER_INIT;
    unsigned char *der = NULL;
    CMS_SignerInfo *signer;
    BIO *content;
    int length;

    make_info(s, value, &info);
    must(CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo)) == 1, "type");
    signer = CMS_add1_signer(cms, s->by->leaf, s->by->key, EVP_sha256(),
                             flags | CMS_NOSMIMECAP | (s->without_ess ? 0 : CMS_CADES) |
                                 (s->bare ? CMS_NOCERTS : 0));
    content = BIO_new_mem_buf(info.data, (int)info.length);
    must(signer != NULL && CMS_final(cms, content, NULL, flags) == 1, "token");
    if (s->damaged)
        damage(CMS_SignerInfo_get0_signature(signer));
    length = i2d_CMS_ContentInfo(cms, &der);
    must(length > 0, "token");
    buffer_append(token, der, (size_t)length);
    OPENSSL_free(der);
    BIO_free(content);
    buffer_free(&info);
    CMS_ContentInfo_free(cms);
}

/* NULL: data, as Windows writes it; "": none. */
static bool add_type(PKCS7_SIGNER_INFO *info, const char *oid)
{
    return oid != NULL && *oid == '\0'
               ? true
               : PKCS7_add_attrib_content_type(info, oid == NULL ? NULL : OBJ_txt2obj(oid, 1)) == 1;
}

static void make_countersignature(const struct countersigning *s, const struct buffer *value,
                                  struct buffer *der)
{
    PKCS7_SIGNER_INFO *info = PKCS7_SIGNER_INFO_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned char *encoded = NULL;
    const void *digested = s->digested == NULL ? (const void *)value->data : s->digested;
    size_t size = s->digested == NULL ? value->length : strlen(s->digested);
    unsigned length;
    int written;

    must(PKCS7_SIGNER_INFO_set(info, s->by->leaf, s->by->key, hash_of(s)) == 1, "signer");
    must(EVP_Digest(digested, size, digest, &length, hash_of(s), NULL) == 1, "hash");
    digest[0] ^= s->of_another;
    must(add_type(info, s->typed) && PKCS7_add1_attrib_digest(info, digest, (int)length) == 1,
         "attributes");
    if (s->when != 0)
        must(PKCS7_add0_attrib_signing_time(info, ASN1_TIME_set(NULL, s->when)) == 1, "time");
    must(PKCS7_SIGNER_INFO_sign(info) == 1, "countersignature");
    if (s->damaged)
        damage(info->enc_digest);
    written = i2d_PKCS7_SIGNER_INFO(info, &encoded);
    must(written > 0, "countersignature");
    buffer_append(der, encoded, (size_t)written);
    OPENSSL_free(encoded);
    PKCS7_SIGNER_INFO_free(info);
}

/* The certificates of the legacy kind stand among those of the signature; each in an attribute of
 * its own, as RFC 5652 section 11.4 allows. */
static void add_legacy(struct buffer *der, const struct buffer *stamp, X509 *x)
{
    PKCS7 *p7 = read_signature(der);
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_txt(NULL, LEGACY_OID, V_ASN1_SEQUENCE,
                                                             stamp->data, (int)stamp->length);
    unsigned char *encoded = NULL;
    int length;

    if (first(p7)->unauth_attr == NULL)
        first(p7)->unauth_attr = sk_X509_ATTRIBUTE_new_null();
    must(attribute != NULL && sk_X509_ATTRIBUTE_push(first(p7)->unauth_attr, attribute) > 0,
         "attribute");
    must(x == NULL || PKCS7_add_certificate(p7, x) == 1, "certificate");
    length = i2d_PKCS7(p7, &encoded);
    must(length > 0, "signature");
    buffer_reset(der);
    buffer_append(der, encoded, (size_t)length);
    OPENSSL_free(encoded);
    PKCS7_free(p7);
}

/* And all tokens in one. */
static void add_token(struct buffer *der, const struct buffer *stamp)
{
    const struct unsigned_value value = {
        .oid = RFC3161_OID, .type = V_ASN1_SEQUENCE, .data = stamp->data, .length = stamp->length};
    struct buffer whole = BUFFER_INIT;
    struct error e = ERROR_INIT;

    must(unsigned_add(der, 0, &value, &whole, &e), e.text);
    buffer_free(der);
    *der = whole;
}

void countersigning_add(struct buffer *der, const struct countersigning *s)
{
    struct buffer value = BUFFER_INIT, stamp = BUFFER_INIT;

    countersigning_value(der, &value);
    if (s->legacy) {
        make_countersignature(s, &value, &stamp);
        add_legacy(der, &stamp, s->bare ? NULL : s->by->leaf);
    } else {
        make_token(s, &value, &stamp);
        add_token(der, &stamp);
    }
    buffer_free(&value);
    buffer_free(&stamp);
}

static void revoke(X509_CRL *crl, const struct countersigning_list *l)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, l->revoked);

    ASN1_INTEGER_set(serial, l->serial);
    must(X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
             X509_REVOKED_set_revocationDate(entry, when) == 1,
         "entry");
    if (l->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

        ASN1_ENUMERATED_set(reason, l->reason);
        must(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1, "reason");
        ASN1_ENUMERATED_free(reason);
    }
    if (l->invalid != 0) {
        ASN1_GENERALIZEDTIME *since = ASN1_GENERALIZEDTIME_set(NULL, l->invalid);

        must(X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, since, 0, 0) == 1, "date");
        ASN1_GENERALIZEDTIME_free(since);
    }
    must(X509_CRL_add0_revoked(crl, entry) == 1, "entry");
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
}

/* What OpenSSL knows of a list it learns when it reads it. */
static X509_CRL *read_again(X509_CRL *crl)
{
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    const unsigned char *at = der;
    X509_CRL *again = length <= 0 ? NULL : d2i_X509_CRL(NULL, &at, length);

    must(again != NULL, "list");
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return again;
}

X509_CRL *countersigning_list(const struct countersigning_list *l)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, l->from), *to = ASN1_TIME_set(NULL, l->to);
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.3", 1);

    must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
             X509_CRL_set_issuer_name(crl, X509_get_subject_name(l->issuer)) == 1 &&
             X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1,
         "list");
    if (l->serial != 0)
        revoke(crl, l);
    if (l->critical) {
        ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension;

        ASN1_OCTET_STRING_set(octets, (const unsigned char *)"\x05", 1);
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, octets);
        must(X509_CRL_add_ext(crl, extension, -1) == 1, "extension");
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(octets);
    }
    must(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, l->key, EVP_sha256()) > 0, "list");
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_OBJECT_free(object);
    return read_again(crl);
}
