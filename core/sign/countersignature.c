/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/countersignature.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "cert/view.h"
#include "sign/authenticode.h"
#include "sign/spc.h"
#include "sign/timestamp.h"
#include "sign/unsigned.h"

static bool wrong(struct error *e, const char *what)
{
    ERR_clear_error();
    return error_set(e, ERROR_TIMESTAMP, "%s", what);
}

static bool keep(struct countersignature *c, X509 *signer, STACK_OF(X509) * certificates)
{
    c->certificates = certificates == NULL ? sk_X509_new_null() : X509_chain_up_ref(certificates);
    if (signer != NULL && X509_up_ref(signer))
        c->signer = signer;
    return c->certificates != NULL;
}

static bool read_token(const struct authenticode_view *v, const ASN1_TYPE *value,
                       struct countersignature *out, struct error *e)
{
    const ASN1_STRING *signature = v->info->enc_digest;
    struct timestamp_view token;
    bool good;

    if (value->type != V_ASN1_SEQUENCE)
        return wrong(e, "what stands in its place is no timestamp");
    if (!timestamp_view(ASN1_STRING_get0_data(value->value.sequence),
                        (size_t)ASN1_STRING_length(value->value.sequence), &token, e))
        return false;
    out->when = token.time;
    out->hash = token.md;
    out->signed_hash = token.signer_md;
    good = keep(out, token.signer, token.certificates) || error_set_memory(e);
    good = good &&
           timestamp_fits(&token, ASN1_STRING_get0_data(signature),
                          (size_t)ASN1_STRING_length(signature), e) &&
           timestamp_signature(&token, e) && timestamp_signer(&token, false, e);
    timestamp_view_free(&token);
    return good;
}

/* The signing time (RFC 2985 section 5.3.3): UTCTime, or GeneralizedTime from 2050 on. */
static time_t signing_time(const PKCS7_SIGNER_INFO *info)
{
    const ASN1_TYPE *value = authenticode_attribute(info, PKCS9_SIGNING_TIME_OID);
    time_t when;

    if (value == NULL || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME))
        return 0;
    when = cert_time(value->value.asn1_string);
    return when < 0 ? 0 : when;
}

/* RFC 2985 section 5.3.6 wants no content type; Windows writes `data`. With another one, the key
 * signed something else. */
static bool has_no_content(const PKCS7_SIGNER_INFO *info)
{
    const ASN1_TYPE *type = authenticode_attribute(info, PKCS9_CONTENT_TYPE_OID);

    return X509at_get_attr_by_NID(info->auth_attr, NID_pkcs9_contentType, -1) < 0 ||
           (type != NULL && type->type == V_ASN1_OBJECT &&
            OBJ_obj2nid(type->value.object) == NID_pkcs7_data);
}

/* For timestamps, and not for code: else a signer could tell its own time. Other purposes did stand
 * beside that in old certificates, critical or not. */
static bool for_timestamps(X509 *x)
{
    uint32_t purposes = X509_get_extended_key_usage(x);

    return (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) != 0 && (purposes & XKU_TIMESTAMP) != 0 &&
           (purposes & (XKU_CODE_SIGN | XKU_ANYEKU)) == 0;
}

static bool judge_legacy(const struct authenticode_view *v, const PKCS7_SIGNER_INFO *info,
                         const struct countersignature *c, struct error *e)
{
    const ASN1_STRING *value = v->info->enc_digest;

    if (c->hash == NULL)
        return wrong(e, "it was made with a hash that is not known here");
    if (c->signer == NULL)
        return wrong(e, "the certificate of its signer is not in the signature");
    if (c->when == 0)
        return wrong(e, "it has no time that can be read");
    if (!has_no_content(info))
        return wrong(e, "it was made over something else (content type)");
    if (!authenticode_states(info, c->hash, ASN1_STRING_get0_data(value),
                             (size_t)ASN1_STRING_length(value)))
        return wrong(e, "it is of another signature (its digest differs)");
    if (!authenticode_signed_by(c->signer, info, c->hash))
        return wrong(e, "its signature does not hold");
    if (!for_timestamps(c->signer))
        return wrong(e, "its certificate is not for timestamps alone (extended key usage)");
    return (X509_get_key_usage(c->signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 ||
           wrong(e, "its certificate may not sign (key usage)");
}

static bool read_legacy(const struct authenticode_view *v, const ASN1_TYPE *value,
                        struct countersignature *out, struct error *e)
{
    const ASN1_STRING *der = value->type == V_ASN1_SEQUENCE ? value->value.sequence : NULL;
    const unsigned char *at = der == NULL ? NULL : ASN1_STRING_get0_data(der);
    PKCS7_SIGNER_INFO *info =
        der == NULL ? NULL : d2i_PKCS7_SIGNER_INFO(NULL, &at, ASN1_STRING_length(der));
    STACK_OF(X509) *certs = v->p7->d.sign->cert;
    const ASN1_OBJECT *object;
    bool good;

    if (info == NULL || info->issuer_and_serial == NULL || info->enc_digest == NULL ||
        info->digest_alg == NULL) {
        PKCS7_SIGNER_INFO_free(info);
        return wrong(e, "what stands in its place is no countersignature");
    }
    X509_ALGOR_get0(&object, NULL, NULL, info->digest_alg);
    out->hash = out->signed_hash = EVP_get_digestbyobj(object);
    out->when = signing_time(info);
    good = keep(out,
                X509_find_by_issuer_and_serial(certs, info->issuer_and_serial->issuer,
                                               info->issuer_and_serial->serial),
                certs) ||
           error_set_memory(e);
    good = good && judge_legacy(v, info, out, e);
    PKCS7_SIGNER_INFO_free(info);
    return good;
}

bool countersignature_read(const struct authenticode_view *v, unsigned index,
                           struct countersignature *out, struct error *e)
{
    static const char *const oids[] = {
        [COUNTERSIGNATURE_RFC3161] = SPC_RFC3161_OID,
        [COUNTERSIGNATURE_LEGACY] = COUNTERSIGNATURE_OID,
    };
    unsigned at = index;

    *out = (struct countersignature){0};
    for (unsigned kind = 0; kind < sizeof oids / sizeof *oids; kind++)
        for (int i = 0;; i++, at--) {
            const ASN1_TYPE *value = unsigned_get(v->info, oids[kind], i);

            if (value == NULL)
                break;
            if (at > 0)
                continue;
            out->kind = kind;
            (void)(kind == COUNTERSIGNATURE_RFC3161 ? read_token(v, value, out, e)
                                                    : read_legacy(v, value, out, e));
            return true;
        }
    return false;
}

void countersignature_free(struct countersignature *c)
{
    X509_free(c->signer);
    sk_X509_pop_free(c->certificates, X509_free);
    *c = (struct countersignature){0};
}
