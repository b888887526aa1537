/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a token and judging what it says of itself. CMS, not PKCS#7: a token may name its signer
 * by key identifier, which only CMS reads. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/view.h"
#include "sign/authenticode.h"
#include "sign/ess.h"
#include "sign/timestamp.h"

static bool malformed(struct error *e, const char *what)
{
    ERR_clear_error();
    return error_set(e, ERROR_TIMESTAMP, "the token is not a timestamp: %s", what);
}

/* The one SignerInfo; NULL: there is another number of them. */
static CMS_SignerInfo *signer_info(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);

    return sk_CMS_SignerInfo_num(list) == 1 ? sk_CMS_SignerInfo_value(list, 0) : NULL;
}

static bool read_content(struct timestamp_view *v, struct error *e)
{
    ASN1_OCTET_STRING **content = CMS_get0_content(v->cms);
    const unsigned char *at, *end;

    if (content == NULL || *content == NULL)
        return malformed(e, "it has no content");
    at = ASN1_STRING_get0_data(*content);
    end = at + ASN1_STRING_length(*content);
    v->info = d2i_TS_TST_INFO(NULL, &at, ASN1_STRING_length(*content));
    if (v->info == NULL || at != end)
        return malformed(e, "its content cannot be read");
    return TS_TST_INFO_get_version(v->info) == 1 || malformed(e, "it is not of version 1");
}

static bool read_imprint(struct timestamp_view *v, struct error *e)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(v->info);
    const ASN1_OCTET_STRING *octets = TS_MSG_IMPRINT_get_msg(imprint);

    v->md = authenticode_hash(TS_MSG_IMPRINT_get_algo(imprint));
    v->imprint = ASN1_STRING_get0_data(octets);
    v->imprint_length = (size_t)ASN1_STRING_length(octets);
    if (v->md != NULL && v->imprint_length != (size_t)EVP_MD_get_size(v->md))
        return malformed(e, "its imprint has a length that no hash of that kind has");
    return true;
}

/* UTC; fractions of a second are cut. */
static bool read_time(struct timestamp_view *v, struct error *e)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(v->info), &tm) != 1)
        return malformed(e, "its time cannot be read");
    v->time = timegm(&tm);
    return v->time >= 0 || malformed(e, "its time is before 1970");
}

/* What is critical and unknown must not be passed over (RFC 5280 section 4.2). */
static bool no_critical_extension(const struct timestamp_view *v, struct error *e)
{
    return TS_TST_INFO_get_ext_by_critical(v->info, 1, -1) < 0 ||
           malformed(e, "it has an extension that is critical and not known here");
}

static bool read_signer(struct timestamp_view *v, struct error *e)
{
    CMS_SignerInfo *info = signer_info(v->cms);
    X509_ALGOR *algorithm;

    if (info == NULL)
        return malformed(e, "it does not have exactly one signer");
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
    v->signer_md = authenticode_hash(algorithm);
    v->certificates = CMS_get1_certs(v->cms);
    if (v->certificates == NULL && (v->certificates = sk_X509_new_null()) == NULL)
        return error_set_memory(e);
    if (sk_X509_num(v->certificates) > TIMESTAMP_CERTIFICATES)
        return malformed(e, "it has too many certificates");
    for (int i = 0; v->signer == NULL && i < sk_X509_num(v->certificates); i++)
        if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(v->certificates, i)) == 0)
            v->signer = sk_X509_value(v->certificates, i);
    return true;
}

static bool read_token(const uint8_t *der, size_t length, struct timestamp_view *v, struct error *e)
{
    const unsigned char *at = der;

    if (length > TIMESTAMP_MAX)
        return malformed(e, "it is larger than 1 MiB");
    v->cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
    if (v->cms == NULL || at != der + length)
        return malformed(e, "it cannot be read, or something follows it");
    if (OBJ_obj2nid(CMS_get0_type(v->cms)) != NID_pkcs7_signed ||
        OBJ_obj2nid(CMS_get0_eContentType(v->cms)) != NID_id_smime_ct_TSTInfo)
        return malformed(e, "it is something else that is signed");
    return read_content(v, e) && read_imprint(v, e) && read_time(v, e) &&
           no_critical_extension(v, e) && read_signer(v, e);
}

bool timestamp_view(const uint8_t *der, size_t length, struct timestamp_view *out, struct error *e)
{
    bool read;

    *out = (struct timestamp_view){0};
    read = read_token(der, length, out, e);
    if (!read)
        timestamp_view_free(out);
    ERR_clear_error();
    return read;
}

void timestamp_view_free(struct timestamp_view *v)
{
    CMS_ContentInfo_free(v->cms);
    TS_TST_INFO_free(v->info);
    sk_X509_pop_free(v->certificates, X509_free);
    *v = (struct timestamp_view){0};
}

bool timestamp_fits(const struct timestamp_view *v, const uint8_t *value, size_t length,
                    struct error *e)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size;

    if (v->md == NULL || EVP_Digest(value, length, hash, &size, v->md, NULL) != 1) {
        ERR_clear_error();
        return error_set(e, ERROR_TIMESTAMP, "its imprint is of a hash that is not known here");
    }
    return (size == v->imprint_length && memcmp(hash, v->imprint, size) == 0) ||
           error_set(e, ERROR_TIMESTAMP, "it is of another signature (the imprint differs)");
}

/* A signed attribute of one value; NULL when it is not there. */
static const void *signed_value(CMS_SignerInfo *info, int nid, int type)
{
    return CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(nid), -3, type);
}

static bool is_there(const CMS_SignerInfo *info, int nid)
{
    return CMS_signed_get_attr_by_NID(info, nid, -1) >= 0;
}

/* Of both attributes each one that is there must name the signer. */
static bool names_signer(CMS_SignerInfo *info, const X509 *signer, struct error *e)
{
    static const int nids[] = {NID_id_smime_aa_signingCertificate,
                               NID_id_smime_aa_signingCertificateV2};
    bool named = false;

    for (size_t i = 0; i < sizeof nids / sizeof *nids; i++) {
        const ASN1_STRING *value;

        if (!is_there(info, nids[i]))
            continue;
        value = signed_value(info, nids[i], V_ASN1_SEQUENCE);
        if (value == NULL)
            return error_set(e, ERROR_TIMESTAMP,
                             "it says more than once with which certificate it was signed");
        if (!ess_names(value, i == 0, signer, e))
            return false;
        named = true;
    }
    return named ||
           error_set(e, ERROR_TIMESTAMP,
                     "it does not say with which certificate it was signed (no ESSCertID)");
}

bool timestamp_signature(const struct timestamp_view *v, struct error *e)
{
    CMS_SignerInfo *info = signer_info(v->cms);
    const ASN1_OBJECT *type = signed_value(info, NID_pkcs9_contentType, V_ASN1_OBJECT);
    bool good;

    if (v->signer == NULL)
        return error_set(e, ERROR_TIMESTAMP, "the certificate of its signer is not in it");
    ERR_clear_error();
    if (type == NULL || OBJ_obj2nid(type) != NID_id_smime_ct_TSTInfo)
        return error_set(e, ERROR_TIMESTAMP,
                         "its signature is not said to be over a timestamp (content type)");
    good = CMS_verify(v->cms, NULL, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
    if (!good)
        return error_set_openssl(e, ERROR_TIMESTAMP, "its signature does not hold");
    return names_signer(info, v->signer, e);
}

static bool for_timestamps(const X509 *x, const char *who, bool strict, struct error *e)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, &critical, NULL);
    bool alone = usage != NULL && sk_ASN1_OBJECT_num(usage) == 1 &&
                 OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_time_stamp;

    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    ERR_clear_error();
    if (!alone)
        return error_set(e, ERROR_TIMESTAMP,
                         "the certificate '%s' is not for timestamps alone (extended key usage)",
                         who);
    return !strict || critical == 1 ||
           error_set(e, ERROR_TIMESTAMP,
                     "the certificate '%s' is for timestamps, but does not say so as critical "
                     "(extended key usage)",
                     who);
}

static bool usage_allows(X509 *x, const char *who, struct error *e)
{
    return (X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 ||
           error_set(e, ERROR_TIMESTAMP, "the certificate '%s' may not sign (key usage)", who);
}

static bool was_valid(const struct timestamp_view *v, const char *who, struct error *e)
{
    time_t from = cert_not_before(v->signer), to = cert_not_after(v->signer);
    char date[CLOCK_TEXT_SIZE], when[CLOCK_TEXT_SIZE];

    if (from == (time_t)-1 || to == (time_t)-1)
        return error_set(e, ERROR_TIMESTAMP, "the certificate '%s' has dates that cannot be read",
                         who);
    if (v->time < from)
        return error_set(e, ERROR_TIMESTAMP,
                         "the certificate '%s' is valid from %s on, and the timestamp is of %s",
                         who, clock_text(from, date), clock_text(v->time, when));
    return v->time <= to ||
           error_set(e, ERROR_TIMESTAMP,
                     "the certificate '%s' expired at %s, before the timestamp's time, %s", who,
                     clock_text(to, date), clock_text(v->time, when));
}

bool timestamp_signer(const struct timestamp_view *v, bool strict, struct error *e)
{
    char *name;
    const char *who;
    bool good;

    if (v->signer == NULL)
        return error_set(e, ERROR_TIMESTAMP, "the certificate of its signer is not in it");
    name = cert_common_name(v->signer);
    who = name == NULL ? "?" : name;
    good = for_timestamps(v->signer, who, strict, e) && usage_allows(v->signer, who, e) &&
           was_valid(v, who, e);
    free(name);
    return good;
}

static bool chain_fails(X509_STORE_CTX *ctx, struct error *e)
{
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    char *name = at == NULL ? NULL : cert_common_name(at);
    int why = X509_STORE_CTX_get_error(ctx);

    error_set(e, ERROR_TIMESTAMP, "its certificate '%s' does not lead to a trusted root: %s",
              name == NULL ? "?" : name, X509_verify_cert_error_string(why));
    free(name);
    return false;
}

bool timestamp_chain(const struct timestamp_view *v, X509_STORE *trust, time_t at, struct error *e)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool good = false;

    if (v->signer == NULL) {
        error_set(e, ERROR_TIMESTAMP, "the certificate of its signer is not in it");
    } else if (ctx == NULL || X509_STORE_CTX_init(ctx, trust, v->signer, v->certificates) != 1) {
        error_set_memory(e);
    } else {
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), at);
        /* Not X509_PURPOSE_TIMESTAMP_SIGN: that asks for what timestamp_signer has judged. */
        good = X509_verify_cert(ctx) == 1 || chain_fails(ctx, e);
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return good;
}
