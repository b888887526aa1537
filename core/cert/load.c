/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/load.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/path.h"

enum { MOST_CERTIFICATES = 1000 };

static bool push(STACK_OF(X509) * out, X509 *x)
{
    return sk_X509_num(out) < MOST_CERTIFICATES && X509_up_ref(x) && sk_X509_push(out, x) > 0;
}

static STACK_OF(X509) * certificates_of(PKCS7 *p7)
{
    if (PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
        return p7->d.sign->cert;
    if (PKCS7_type_is_signedAndEnveloped(p7) && p7->d.signed_and_enveloped != NULL)
        return p7->d.signed_and_enveloped->cert;
    return NULL;
}

static bool push_pkcs7(STACK_OF(X509) * out, PKCS7 *p7)
{
    STACK_OF(X509) *found = certificates_of(p7);
    bool pushed = true;

    for (int i = 0; i < sk_X509_num(found) && pushed; i++)
        pushed = push(out, sk_X509_value(found, i));
    return pushed;
}

/* One block of PEM; others than certificates and PKCS#7 (keys, parameters) are passed over. */
static bool push_block(STACK_OF(X509) * out, const char *type, const unsigned char *der,
                       long length, bool *bad)
{
    const unsigned char *at = der;
    bool pushed = true;

    if (strcmp(type, PEM_STRING_X509) == 0 || strcmp(type, PEM_STRING_X509_OLD) == 0) {
        X509 *x = d2i_X509(NULL, &at, length);

        *bad = x == NULL;
        pushed = x == NULL || push(out, x);
        X509_free(x);
    } else if (strcmp(type, PEM_STRING_PKCS7) == 0) {
        PKCS7 *p7 = d2i_PKCS7(NULL, &at, length);

        *bad = p7 == NULL;
        pushed = p7 == NULL || push_pkcs7(out, p7);
        PKCS7_free(p7);
    }
    return pushed;
}

static bool load_pem(const char *name, const void *bytes, int length, STACK_OF(X509) * out,
                     struct error *e)
{
    BIO *bio = BIO_new_mem_buf(bytes, length);
    char *type = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    bool good = bio != NULL, bad = false;

    while (good && PEM_read_bio(bio, &type, &header, &der, &size) > 0) {
        good = push_block(out, type, der, size, &bad);
        OPENSSL_free(type);
        OPENSSL_free(header);
        OPENSSL_free(der);
        if (bad)
            good = error_set(e, ERROR_FORMAT, "'%s' holds a certificate that cannot be read", name);
        else if (!good)
            error_set(e, ERROR_FORMAT, "'%s' holds too many certificates", name);
    }
    BIO_free(bio);
    return good;
}

static bool load_der(const void *bytes, long length, STACK_OF(X509) * out)
{
    const unsigned char *at = bytes;
    X509 *x = d2i_X509(NULL, &at, length);
    PKCS7 *p7 = NULL;
    bool loaded = false;

    if (x != NULL) {
        loaded = push(out, x);
        X509_free(x);
        return loaded;
    }
    at = bytes;
    p7 = d2i_PKCS7(NULL, &at, length);
    if (p7 != NULL)
        loaded = push_pkcs7(out, p7);
    PKCS7_free(p7);
    return loaded;
}

bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e)
{
    int before = sk_X509_num(out);
    bool der = length > 0 && *(const uint8_t *)bytes == 0x30;
    bool loaded;

    if (length == 0 || length > CERT_FILE_MAX)
        return error_set(e, ERROR_FORMAT, "'%s' is %s", name,
                         length == 0 ? "empty" : "too large for certificates");
    if (der)
        loaded = load_der(bytes, (long)length, out);
    else
        loaded = load_pem(name, bytes, (int)length, out, e);
    ERR_clear_error();
    if ((der && !loaded) || (loaded && sk_X509_num(out) == before))
        return error_set(e, ERROR_FORMAT,
                         "'%s' holds no certificate; PEM, DER and PKCS#7 can be read", name);
    return loaded;
}

bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool loaded = path_read_file(path, CERT_FILE_MAX, &bytes, e) &&
                  cert_load(path, bytes.data, bytes.length, out, e);

    buffer_free(&bytes);
    return loaded;
}
