/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/view.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* The name as UTF-8 on one line; control characters come out escaped. */
static char *name_text(const X509_NAME *name)
{
    unsigned long flags =
        (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ) | ASN1_STRFLGS_UTF8_CONVERT;
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL, *text = NULL;
    long length;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
        length = BIO_get_mem_data(bio, &data);
        text = text_printable(data, length > 0 ? (size_t)length : 0);
    }
    BIO_free(bio);
    return text;
}

char *cert_subject(const X509 *x)
{
    return name_text(X509_get_subject_name(x));
}

char *cert_issuer(const X509 *x)
{
    return name_text(X509_get_issuer_name(x));
}

char *cert_common_name(const X509 *x)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int index = -1, last = -1;
    unsigned char *utf8 = NULL;
    char *text = NULL;
    int length;

    while ((index = X509_NAME_get_index_by_NID(subject, NID_commonName, index)) >= 0)
        last = index;
    if (last < 0)
        return cert_subject(x);
    length =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (length < 0) {
        ERR_clear_error();
        return cert_subject(x);
    }
    text = text_printable(utf8, (size_t)length);
    OPENSSL_free(utf8);
    return text;
}

char *cert_serial(const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

    return text_hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

static time_t time_of(const ASN1_TIME *when)
{
    struct tm utc;

    if (when == NULL || ASN1_TIME_to_tm(when, &utc) != 1) {
        ERR_clear_error();
        return (time_t)-1;
    }
    return timegm(&utc);
}

time_t cert_not_before(const X509 *x)
{
    return time_of(X509_get0_notBefore(x));
}

time_t cert_not_after(const X509 *x)
{
    return time_of(X509_get0_notAfter(x));
}

long cert_days_left(const X509 *x, time_t now)
{
    long seconds = (long)(cert_not_after(x) - now);

    /* Towards minus infinity: expired an hour ago is -1, not 0. */
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

static void append_item(struct buffer *out, const char *item)
{
    buffer_printf(out, "%s%s", out->length > 0 ? ", " : "", item);
}

char *cert_key_usage(const X509 *x)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {KU_DIGITAL_SIGNATURE, "digital-signature"},
        {KU_NON_REPUDIATION, "non-repudiation"},
        {KU_KEY_ENCIPHERMENT, "key-encipherment"},
        {KU_DATA_ENCIPHERMENT, "data-encipherment"},
        {KU_KEY_AGREEMENT, "key-agreement"},
        {KU_KEY_CERT_SIGN, "certificate-signing"},
        {KU_CRL_SIGN, "crl-signing"},
        {KU_ENCIPHER_ONLY, "encipher-only"},
        {KU_DECIPHER_ONLY, "decipher-only"},
    };
    uint32_t usage = X509_get_key_usage((X509 *)(uintptr_t)x);
    struct buffer out = BUFFER_INIT;

    /* UINT32_MAX: no such extension. */
    for (size_t i = 0; usage != UINT32_MAX && i < sizeof names / sizeof *names; i++)
        if (usage & names[i].bit)
            append_item(&out, names[i].name);
    return buffer_take(&out);
}

static EXTENDED_KEY_USAGE *purposes(const X509 *x)
{
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

    ERR_clear_error();
    return eku;
}

static void append_purpose(struct buffer *out, const ASN1_OBJECT *object)
{
    char oid[128];

    switch (OBJ_obj2nid(object)) {
    case NID_code_sign:
        append_item(out, "code-signing");
        break;
    case NID_time_stamp:
        append_item(out, "time-stamping");
        break;
    case NID_client_auth:
        append_item(out, "client-authentication");
        break;
    case NID_server_auth:
        append_item(out, "server-authentication");
        break;
    case NID_email_protect:
        append_item(out, "e-mail-protection");
        break;
    case NID_anyExtendedKeyUsage:
        append_item(out, "any");
        break;
    default:
        if (OBJ_obj2txt(oid, sizeof oid, object, 1) > 0)
            append_item(out, oid);
    }
}

char *cert_extended_key_usage(const X509 *x)
{
    EXTENDED_KEY_USAGE *eku = purposes(x);
    struct buffer out = BUFFER_INIT;

    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
        append_purpose(&out, sk_ASN1_OBJECT_value(eku, i));
    EXTENDED_KEY_USAGE_free(eku);
    return buffer_take(&out);
}

bool cert_for_code_signing(const X509 *x)
{
    EXTENDED_KEY_USAGE *eku = purposes(x);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(eku) && !found; i++)
        found = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == NID_code_sign;
    EXTENDED_KEY_USAGE_free(eku);
    return found;
}

bool cert_is_ca(const X509 *x)
{
    return (X509_get_extension_flags((X509 *)(uintptr_t)x) & EXFLAG_CA) != 0;
}

bool cert_self_issued(const X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

char *cert_key_text(EVP_PKEY *key)
{
    char group[64] = "";

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return text_format("RSA-%d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_ED25519:
        return strdup("Ed25519");
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) <= 0)
            return text_format("EC-%d", EVP_PKEY_get_bits(key));
        if (strcmp(group, "prime256v1") == 0)
            return strdup("P-256");
        if (strcmp(group, "secp384r1") == 0)
            return strdup("P-384");
        if (strcmp(group, "secp521r1") == 0)
            return strdup("P-521");
        return text_printable(group, strlen(group));
    default:
        return strdup(EVP_PKEY_get0_type_name(key));
    }
}

const char *cert_fingerprint(const X509 *x, const EVP_MD *md, char out[CERT_FINGERPRINT_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (X509_digest(x, md, digest, &length) != 1)
        length = 0;
    for (unsigned i = 0; i < length; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    out[2 * length] = '\0';
    return out;
}

char *cert_pin(const X509 *x)
{
    char hex[CERT_FINGERPRINT_SIZE];

    return text_format("sha256:%s", cert_fingerprint(x, EVP_sha256(), hex));
}

bool cert_pin_matches(const X509 *x, const char *text)
{
    uint8_t wanted[EVP_MAX_MD_SIZE], digest[EVP_MAX_MD_SIZE];
    size_t length = 0;
    unsigned have = 0;

    return strncasecmp(text, "sha256:", 7) == 0 &&
           text_unhex(text + 7, wanted, sizeof wanted, &length) &&
           X509_digest(x, EVP_sha256(), digest, &have) == 1 && length == have &&
           memcmp(wanted, digest, length) == 0;
}
