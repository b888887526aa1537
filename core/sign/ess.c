/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads these too, but does not let its callers see into them, and wants every certificate
 * that is named, also roots which no token carries. */
#include "sign/ess.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

typedef struct {
    STACK_OF(GENERAL_NAME) * issuer;
    ASN1_INTEGER *serial;
} ESS_NAME;

/* ESSCertID and ESSCertIDv2: the older one has no algorithm. */
typedef struct {
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *hash;
    ESS_NAME *name;
} ESS_ID;

typedef struct {
    STACK_OF(ESS_ID) * id;
    ASN1_TYPE *policies;
} ESS_LIST;

DEFINE_STACK_OF(ESS_ID)

/* clang-format does not know these macros. */
/* clang-format off */

ASN1_SEQUENCE(ESS_NAME) = {
    ASN1_SEQUENCE_OF(ESS_NAME, issuer, GENERAL_NAME),
    ASN1_SIMPLE(ESS_NAME, serial, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(ESS_NAME)

ASN1_SEQUENCE(ESS_ID) = {
    ASN1_OPT(ESS_ID, algorithm, X509_ALGOR),
    ASN1_SIMPLE(ESS_ID, hash, ASN1_OCTET_STRING),
    ASN1_OPT(ESS_ID, name, ESS_NAME),
} static_ASN1_SEQUENCE_END(ESS_ID)

ASN1_SEQUENCE(ESS_LIST) = {
    ASN1_SEQUENCE_OF(ESS_LIST, id, ESS_ID),
    ASN1_OPT(ESS_LIST, policies, ASN1_ANY),
} static_ASN1_SEQUENCE_END(ESS_LIST)

/* With a semicolon it finds its way again. */
static const EVP_MD *hash_of(const ESS_ID *id, bool v1);
/* clang-format on */

static const EVP_MD *hash_of(const ESS_ID *id, bool v1)
{
    const ASN1_OBJECT *object;

    if (v1)
        return EVP_sha1();
    if (id->algorithm == NULL)
        return EVP_sha256();
    X509_ALGOR_get0(&object, NULL, NULL, id->algorithm);
    return EVP_get_digestbyobj(object);
}

static bool same_hash(const ESS_ID *id, bool v1, const X509 *signer)
{
    const EVP_MD *md = hash_of(id, v1);
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned length;

    return md != NULL && X509_digest(signer, md, hash, &length) == 1 &&
           (int)length == ASN1_STRING_length(id->hash) &&
           memcmp(hash, ASN1_STRING_get0_data(id->hash), length) == 0;
}

static bool same_name(const ESS_NAME *name, const X509 *signer)
{
    const GENERAL_NAME *issuer =
        sk_GENERAL_NAME_num(name->issuer) == 1 ? sk_GENERAL_NAME_value(name->issuer, 0) : NULL;

    return issuer != NULL && issuer->type == GEN_DIRNAME &&
           X509_NAME_cmp(issuer->d.directoryName, X509_get_issuer_name(signer)) == 0 &&
           ASN1_INTEGER_cmp(name->serial, X509_get0_serialNumber(signer)) == 0;
}

bool ess_names(const ASN1_STRING *value, bool v1, const X509 *signer, struct error *e)
{
    const unsigned char *at = ASN1_STRING_get0_data(value);
    ESS_LIST *list =
        (ESS_LIST *)ASN1_item_d2i(NULL, &at, ASN1_STRING_length(value), ASN1_ITEM_rptr(ESS_LIST));
    const ESS_ID *id = list == NULL ? NULL : sk_ESS_ID_value(list->id, 0);
    bool good = false;

    if (id == NULL)
        error_set(e, ERROR_TIMESTAMP,
                  "it does not say with which certificate it was signed (ESSCertID is malformed)");
    else if (!same_hash(id, v1, signer) || (id->name != NULL && !same_name(id->name, signer)))
        error_set(e, ERROR_TIMESTAMP,
                  "it says that it was signed with another certificate than it was (ESSCertID)");
    else
        good = true;
    ASN1_item_free((ASN1_VALUE *)list, ASN1_ITEM_rptr(ESS_LIST));
    ERR_clear_error();
    return good;
}
