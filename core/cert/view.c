/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in words. Extensions are decoded afresh each time instead of through OpenSSL's
 * cache, so that a certificate stays untouched and may be shared between threads. */
#include "cert/view.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/text.h"

static const char unreadable[] = "unreadable";

char *cert_name_text(const X509_NAME *name)
{
    const unsigned long flags = (ASN1_STRFLGS_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) |
                                XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN;
    BIO *out = BIO_new(BIO_s_mem());
    char *bytes = NULL, *text = NULL;
    long length;

    if (out == NULL)
        return NULL;
    if (X509_NAME_print_ex(out, name, 0, flags) < 0) {
        text = strdup(unreadable);
    } else {
        length = BIO_get_mem_data(out, &bytes);
        text = text_printable(bytes, length > 0 ? (size_t)length : 0);
    }
    BIO_free(out);
    ERR_clear_error();
    return text;
}

char *cert_subject(const X509 *x)
{
    return cert_name_text(X509_get_subject_name(x));
}

char *cert_issuer(const X509 *x)
{
    return cert_name_text(X509_get_issuer_name(x));
}

char *cert_common_name(const X509 *x)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    uint8_t *utf8 = NULL;
    int last = -1, length = -1;
    char *text;

    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
        last = at;
    if (last >= 0)
        length = ASN1_STRING_to_UTF8(&utf8,
                                     X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    text = length > 0 ? text_printable(utf8, (size_t)length) : cert_subject(x);
    OPENSSL_free(utf8);
    ERR_clear_error();
    return text;
}

char *cert_serial(const X509 *x)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    struct buffer out = BUFFER_INIT, magnitude = BUFFER_INIT;
    uint8_t *bytes;
    char *text = NULL;

    if (number == NULL)
        return NULL;
    if (BN_is_negative(number))
        buffer_append_byte(&out, '-');
    if (BN_is_zero(number))
        buffer_append_text(&out, "00");
    bytes = buffer_extend(&magnitude, (size_t)BN_num_bytes(number));
    if (bytes != NULL) {
        BN_bn2bin(number, bytes);
        text_append_hex(&out, magnitude.data, magnitude.length);
        text = buffer_take(&out);
    }
    buffer_free(&out);
    buffer_free(&magnitude);
    BN_free(number);
    return text;
}

time_t cert_time(const ASN1_TIME *when)
{
    struct tm utc = {0};

    if (when == NULL || ASN1_TIME_to_tm(when, &utc) != 1) {
        ERR_clear_error();
        return (time_t)-1;
    }
    return timegm(&utc);
}

time_t cert_not_before(const X509 *x)
{
    return cert_time(X509_get0_notBefore(x));
}

time_t cert_not_after(const X509 *x)
{
    return cert_time(X509_get0_notAfter(x));
}

long cert_days_left(const X509 *x, time_t now)
{
    enum { DAY = 24 * 60 * 60 };
    time_t left = cert_not_after(x);

    if (left == (time_t)-1)
        return -1;
    left -= now;
    return (long)(left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY));
}

/* An extension decoded; NULL where it is missing (*present false) or malformed (*present true). */
static void *extension(const X509 *x, int nid, bool *present)
{
    int critical = -1;
    void *value = X509_get_ext_d2i(x, nid, &critical, NULL);

    *present = value != NULL || critical != -1;
    ERR_clear_error();
    return value;
}

static void append_item(struct buffer *out, const char *item)
{
    if (out->length > 0)
        buffer_append_text(out, ", ");
    buffer_append_text(out, item);
}

/* RFC 5280 section 4.2.1.3. */
char *cert_key_usage(const X509 *x)
{
    static const char *const bits[] = {
        "digital-signature", "non-repudiation", "key-encipherment",
        "data-encipherment", "key-agreement",   "certificate-signing",
        "crl-signing",       "encipher-only",   "decipher-only",
    };
    struct buffer out = BUFFER_INIT;
    bool present;
    ASN1_BIT_STRING *usage = extension(x, NID_key_usage, &present);

    if (usage == NULL && present)
        append_item(&out, unreadable);
    for (size_t i = 0; usage != NULL && i < sizeof bits / sizeof *bits; i++)
        if (ASN1_BIT_STRING_get_bit(usage, (int)i))
            append_item(&out, bits[i]);
    ASN1_BIT_STRING_free(usage);
    return buffer_take(&out);
}

/* Our words for purposes; those of Microsoft are in its list of object identifiers of
 * cryptography. Any other is shown by its number. */
static void append_purpose(struct buffer *out, const ASN1_OBJECT *purpose)
{
    static const struct {
        int nid;
        const char *word;
    } words[] = {
        {NID_code_sign, "code-signing"},
        {NID_time_stamp, "time-stamping"},
        {NID_server_auth, "server-authentication"},
        {NID_client_auth, "client-authentication"},
        {NID_email_protect, "e-mail-protection"},
        {NID_OCSP_sign, "ocsp-signing"},
        {NID_anyExtendedKeyUsage, "any"},
        {NID_ms_code_ind, "individual-code-signing"},
        {NID_ms_code_com, "commercial-code-signing"},
    };
    char number[256];
    int nid = OBJ_obj2nid(purpose);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].nid == nid) {
            append_item(out, words[i].word);
            return;
        }
    if (OBJ_obj2txt(number, sizeof number, purpose, 1) <= 0)
        strcpy(number, unreadable);
    append_item(out, number);
}

char *cert_extended_key_usage(const X509 *x)
{
    struct buffer out = BUFFER_INIT;
    bool present;
    EXTENDED_KEY_USAGE *purposes = extension(x, NID_ext_key_usage, &present);

    if (purposes == NULL && present)
        append_item(&out, unreadable);
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++)
        append_purpose(&out, sk_ASN1_OBJECT_value(purposes, i));
    EXTENDED_KEY_USAGE_free(purposes);
    ERR_clear_error();
    return buffer_take(&out);
}

bool cert_for_code_signing(const X509 *x)
{
    bool present, found = false;
    EXTENDED_KEY_USAGE *purposes = extension(x, NID_ext_key_usage, &present);

    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++)
        if (OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i)) == NID_code_sign)
            found = true;
    EXTENDED_KEY_USAGE_free(purposes);
    return found;
}

bool cert_is_ca(const X509 *x)
{
    bool present;
    BASIC_CONSTRAINTS *constraints = extension(x, NID_basic_constraints, &present);
    bool ca = constraints != NULL && constraints->ca != 0;

    BASIC_CONSTRAINTS_free(constraints);
    return ca;
}

bool cert_self_issued(const X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

static char *curve_text(EVP_PKEY *key)
{
    char group[80];
    const char *nist;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1) {
        ERR_clear_error();
        return text_format("EC-%d", EVP_PKEY_get_bits(key));
    }
    nist = EC_curve_nid2nist(OBJ_txt2nid(group));
    return text_printable(nist != NULL ? nist : group, strlen(nist != NULL ? nist : group));
}

char *cert_key_text(EVP_PKEY *key)
{
    int type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
    const char *name;

    switch (type) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return text_format("%s-%d", type == EVP_PKEY_RSA ? "RSA" : "RSA-PSS",
                           EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
        return curve_text(key);
    case EVP_PKEY_ED25519:
        return strdup("Ed25519");
    case EVP_PKEY_ED448:
        return strdup("Ed448");
    default:
        name = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
        return strdup(name == NULL ? "unknown" : name);
    }
}

const char *cert_fingerprint(const X509 *x, const EVP_MD *md, char out[CERT_FINGERPRINT_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *hex = NULL;

    if (X509_digest(x, md, digest, &length) == 1)
        hex = text_hex(digest, length);
    /* At most EVP_MAX_MD_SIZE bytes of two digits: they fit. */
    strcpy(out, hex == NULL ? "" : hex);
    free(hex);
    return out;
}

char *cert_pin(const X509 *x)
{
    char hex[CERT_FINGERPRINT_SIZE];

    return text_format("sha256:%s", cert_fingerprint(x, EVP_sha256(), hex));
}

bool cert_pin_matches(const X509 *x, const char *text)
{
    static const char prefix[] = "sha256:";
    uint8_t wanted[32], digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    size_t given = 0;

    return strncasecmp(text, prefix, strlen(prefix)) == 0 &&
           text_unhex(text + strlen(prefix), wanted, sizeof wanted, &given) &&
           X509_digest(x, EVP_sha256(), digest, &length) == 1 && given == length &&
           memcmp(wanted, digest, length) == 0;
}
