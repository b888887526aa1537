/* SPDX-License-Identifier: Apache-2.0 */
/* Takes certificates out of whatever form a CA or an export delivered them in. */
#include "cert/load.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"

/* What one piece of a file turned out to be. */
enum outcome { TAKEN, NOT_THIS, TOO_MANY, NO_MEMORY };

enum { CERTIFICATES_MAX = 1000 };

/* Gives `x` to `out`. */
static enum outcome take(STACK_OF(X509) * out, X509 *x)
{
    bool room = sk_X509_num(out) < CERTIFICATES_MAX;

    if (room && sk_X509_push(out, x) > 0)
        return TAKEN;
    X509_free(x);
    return room ? NO_MEMORY : TOO_MANY;
}

static enum outcome take_x509(const uint8_t *der, size_t length, STACK_OF(X509) * out)
{
    const uint8_t *end = der + length;
    X509 *x = d2i_X509(NULL, &der, (long)length);

    if (x == NULL)
        return NOT_THIS;
    if (der != end) {
        X509_free(x);
        return NOT_THIS;
    }
    return take(out, x);
}

/* OpenSSL's own "TRUSTED CERTIFICATE": a certificate, then settings that are not ours to read. */
static enum outcome take_trusted(const uint8_t *der, size_t length, STACK_OF(X509) * out)
{
    X509 *x = d2i_X509_AUX(NULL, &der, (long)length);

    return x == NULL ? NOT_THIS : take(out, x);
}

static STACK_OF(X509) * certificates_of(PKCS7 *p7)
{
    if (PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
        return p7->d.sign->cert;
    if (PKCS7_type_is_signedAndEnveloped(p7) && p7->d.signed_and_enveloped != NULL)
        return p7->d.signed_and_enveloped->cert;
    return NULL;
}

static enum outcome take_pkcs7(const uint8_t *der, size_t length, STACK_OF(X509) * out)
{
    const uint8_t *end = der + length;
    PKCS7 *p7 = d2i_PKCS7(NULL, &der, (long)length);
    enum outcome outcome = p7 == NULL || der != end ? NOT_THIS : TAKEN;
    STACK_OF(X509) *inside = outcome == TAKEN ? certificates_of(p7) : NULL;

    for (int i = 0; outcome == TAKEN && i < sk_X509_num(inside); i++) {
        X509 *x = sk_X509_value(inside, i);

        X509_up_ref(x);
        outcome = take(out, x);
    }
    PKCS7_free(p7);
    return outcome;
}

static enum outcome take_der(const uint8_t *der, size_t length, STACK_OF(X509) * out)
{
    enum outcome outcome = take_x509(der, length, out);

    return outcome == NOT_THIS ? take_pkcs7(der, length, out) : outcome;
}

/* The blocks of PEM (RFC 7468) that may hold certificates; others, such as keys, are passed over.
 */
static enum outcome take_block(const char *type, const uint8_t *der, size_t length,
                               STACK_OF(X509) * out)
{
    static const struct {
        const char *type;
        enum outcome (*take)(const uint8_t *der, size_t length, STACK_OF(X509) * out);
    } blocks[] = {
        {PEM_STRING_X509, take_x509},
        {PEM_STRING_X509_OLD, take_x509},
        {PEM_STRING_X509_TRUSTED, take_trusted},
        {PEM_STRING_PKCS7, take_pkcs7},
        {PEM_STRING_PKCS7_SIGNED, take_pkcs7},
        {PEM_STRING_CMS, take_pkcs7},
    };

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (strcmp(type, blocks[i].type) == 0)
            return blocks[i].take(der, length, out);
    return TAKEN;
}

static bool refuse(enum outcome outcome, const char *name, struct error *e)
{
    if (outcome == TOO_MANY)
        return error_set(e, ERROR_FORMAT, "'%s' holds more than %d certificates", name,
                         CERTIFICATES_MAX);
    return error_set_memory(e);
}

static bool load_pem(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
                     struct error *e)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)length);
    enum outcome outcome = in == NULL ? NO_MEMORY : TAKEN;
    char *type = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    unsigned block = 0;

    while (outcome == TAKEN && PEM_read_bio(in, &type, &header, &der, &size) > 0) {
        block++;
        outcome = take_block(type, der, (size_t)size, out);
        OPENSSL_free(type);
        OPENSSL_free(header);
        /* It may have been a private key that someone keeps in the same file. */
        OPENSSL_clear_free(der, (size_t)size);
    }
    BIO_free(in);
    if (outcome == NOT_THIS)
        return error_set(e, ERROR_FORMAT,
                         "'%s': its PEM block %u is not the certificate it claims to be; get the "
                         "file again",
                         name, block);
    if (outcome != TAKEN)
        return refuse(outcome, name, e);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return error_set_openssl(e, ERROR_FORMAT, "'%s': its PEM block %u cannot be read", name,
                                 block + 1);
    return true;
}

static bool load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
                 struct error *e)
{
    static const uint8_t sequence = 0x30;
    enum outcome outcome = NOT_THIS;

    if (length > 0 && memcmp(bytes, &sequence, 1) == 0)
        outcome = take_der(bytes, length, out);
    ERR_clear_error();
    /* Text may begin with the digit 0, which is what a SEQUENCE begins with. */
    if (outcome == NOT_THIS)
        return load_pem(name, bytes, length, out, e);
    return outcome == TAKEN || refuse(outcome, name, e);
}

bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e)
{
    int before = sk_X509_num(out);
    bool done;

    if (length > CERT_FILE_MAX)
        return error_set(e, ERROR_FORMAT,
                         "'%s' is larger than %d bytes, too large for certificates", name,
                         CERT_FILE_MAX);
    ERR_clear_error();
    done = load(name, bytes, length, out, e);
    if (done && sk_X509_num(out) == before)
        done = error_set(e, ERROR_FORMAT,
                         "'%s' holds no certificate; PEM, DER or PKCS#7 (.p7b) is expected", name);
    ERR_clear_error();
    while (!done && sk_X509_num(out) > before)
        X509_free(sk_X509_pop(out));
    return done;
}

bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool done = path_read_file(path, CERT_FILE_MAX, &bytes, e) &&
                cert_load(path, bytes.data, bytes.length, out, e);

    buffer_free(&bytes);
    return done;
}
