/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/placeholder.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

/* Short, since OpenSC makes it the token's label. */
static const char name[] = "Signet placeholder";

enum { SERIAL_BYTES = 8 };

static bool set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number = NULL;
    bool set;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x3f) | 0x40; /* positive, and of full length */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return set;
}

static bool set_name(X509 *x)
{
    X509_NAME *both = X509_NAME_new();
    bool set = both != NULL &&
               X509_NAME_add_entry_by_txt(both, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                          -1, -1, 0) == 1 &&
               X509_set_subject_name(x, both) == 1 && X509_set_issuer_name(x, both) == 1;

    X509_NAME_free(both);
    return set;
}

/* By a key that nobody keeps: the card's own would want a PIN for what proves nothing. */
static bool sign(X509 *x)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    bool done = key != NULL && X509_sign(x, key, EVP_sha256()) > 0;

    EVP_PKEY_free(key);
    return done;
}

X509 *cert_placeholder(const uint8_t *spki, size_t length, struct error *e)
{
    const unsigned char *at = spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)length);
    X509 *x = X509_new();
    bool made;

    if (key == NULL) {
        error_set_openssl(e, ERROR_UNFIT, "the new key cannot be read");
        X509_free(x);
        return NULL;
    }
    made = x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_name(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
           ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") == 1 &&
           X509_set_pubkey(x, key) == 1 && sign(x);
    EVP_PKEY_free(key);
    if (made)
        return x;
    error_set_openssl(e, ERROR_SYSTEM, "cannot make the placeholder of a certificate");
    X509_free(x);
    return NULL;
}

bool cert_is_placeholder(const X509 *x)
{
    char text[sizeof name + 1] = "";
    X509_NAME *subject = X509_get_subject_name(x);

    return X509_NAME_entry_count(subject) == 1 &&
           X509_NAME_get_text_by_NID(subject, NID_commonName, text, sizeof text) ==
               (int)strlen(name) &&
           strcmp(text, name) == 0;
}
