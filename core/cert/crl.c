/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/crl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"

/* Gives `crl` to `out`. */
static bool take(const char *name, X509_CRL *crl, STACK_OF(X509_CRL) * out, struct error *e)
{
    if (crl == NULL)
        return error_set_openssl(e, ERROR_FORMAT,
                                 "'%s' has a revocation list that cannot be read; get the file "
                                 "again",
                                 name);
    if (sk_X509_CRL_push(out, crl) > 0)
        return true;
    X509_CRL_free(crl);
    return error_set_memory(e);
}

static bool take_der(const char *name, const uint8_t *der, size_t length, STACK_OF(X509_CRL) * out,
                     struct error *e)
{
    const unsigned char *at = der;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)length);

    if (crl != NULL && at != der + length) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    return take(name, crl, out, e);
}

/* Other blocks, such as certificates, are passed over. */
static bool take_pem(const char *name, BIO *in, STACK_OF(X509_CRL) * out, struct error *e)
{
    char *type = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    bool good = true;

    while (good && PEM_read_bio(in, &type, &header, &der, &size) > 0) {
        if (strcmp(type, PEM_STRING_X509_CRL) == 0)
            good = take_der(name, der, (size_t)size, out, e);
        OPENSSL_free(type);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)size);
    }
    if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        good = error_set_openssl(e, ERROR_FORMAT, "'%s' has a PEM block that cannot be read", name);
    ERR_clear_error();
    return good;
}

static bool take_all(const char *name, const uint8_t *bytes, size_t length,
                     STACK_OF(X509_CRL) * out, struct error *e)
{
    int before = sk_X509_CRL_num(out);
    bool good;
    BIO *in;

    if (length > CERT_CRL_MAX)
        return error_set(e, ERROR_FORMAT, "'%s' is larger than 64 MiB", name);
    if (length > 0 && bytes[0] == 0x30)
        return take_der(name, bytes, length, out, e);
    in = BIO_new_mem_buf(length == 0 ? (const void *)"" : bytes, (int)length);
    if (in == NULL)
        return error_set_memory(e);
    ERR_clear_error();
    good = take_pem(name, in, out, e);
    BIO_free(in);
    return good &&
           (sk_X509_CRL_num(out) > before ||
            error_set(e, ERROR_FORMAT, "'%s' has no revocation list in it (PEM or DER)", name));
}

bool cert_crl_load(const char *name, const void *bytes, size_t length, STACK_OF(X509_CRL) * out,
                   struct error *e)
{
    int before = sk_X509_CRL_num(out);

    if (take_all(name, bytes, length, out, e))
        return true;
    while (sk_X509_CRL_num(out) > before)
        X509_CRL_free(sk_X509_CRL_pop(out));
    return false;
}

bool cert_crl_load_file(const char *path, STACK_OF(X509_CRL) * out, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool loaded = path_read_file(path, CERT_CRL_MAX, &bytes, e) &&
                  cert_crl_load(path, bytes.data, bytes.length, out, e);

    buffer_free(&bytes);
    return loaded;
}
