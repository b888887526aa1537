/* SPDX-License-Identifier: Apache-2.0 */
/* Takes certificates out of whatever form a CA or an export delivered them in. */
#include "cert/load.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"
#include "cert/pkcs12.h"

/* What one piece of a file turned out to be; of REFUSED, the error tells. */
enum outcome { TAKEN, NOT_THIS, TOO_MANY, NO_MEMORY, REFUSED };

enum { CERTIFICATES_MAX = 1000 };

/* What is read, and what was seen in it beside certificates. */
struct reading {
    const char *name;
    struct cert_reading *outer; /* may be NULL */
    bool request, private_key;
    struct error *e;
};

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

static enum outcome take_pkcs12(struct reading *r, const uint8_t *der, size_t length,
                                STACK_OF(X509) * out)
{
    switch (pkcs12_read(r->name, der, length, r->outer, CERTIFICATES_MAX, out, r->e)) {
    case PKCS12_READ:
        return TAKEN;
    case PKCS12_REFUSED:
        return REFUSED;
    default:
        return NOT_THIS;
    }
}

static enum outcome take_der(struct reading *r, const uint8_t *der, size_t length,
                             STACK_OF(X509) * out)
{
    enum outcome outcome = take_x509(der, length, out);

    if (outcome == NOT_THIS)
        outcome = take_pkcs7(der, length, out);
    if (outcome == NOT_THIS && (r->outer == NULL || !r->outer->no_pkcs12))
        outcome = take_pkcs12(r, der, length, out);
    return outcome;
}

/* Some CAs put PKCS#7 between lines that say CERTIFICATE. */
static enum outcome take_certificate(const uint8_t *der, size_t length, STACK_OF(X509) * out)
{
    enum outcome outcome = take_x509(der, length, out);

    return outcome == NOT_THIS ? take_pkcs7(der, length, out) : outcome;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);

    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The blocks of PEM (RFC 7468) that may hold certificates; others, such as keys, are passed over.
 */
static enum outcome take_block(struct reading *r, const char *type, const uint8_t *der,
                               size_t length, STACK_OF(X509) * out)
{
    static const struct {
        const char *type;
        enum outcome (*take)(const uint8_t *der, size_t length, STACK_OF(X509) * out);
    } blocks[] = {
        {PEM_STRING_X509, take_certificate},     {PEM_STRING_X509_OLD, take_certificate},
        {PEM_STRING_X509_TRUSTED, take_trusted}, {PEM_STRING_PKCS7, take_pkcs7},
        {PEM_STRING_PKCS7_SIGNED, take_pkcs7},   {PEM_STRING_CMS, take_pkcs7},
    };

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (strcmp(type, blocks[i].type) == 0)
            return blocks[i].take(der, length, out);
    r->request = r->request || ends_in(type, PEM_STRING_X509_REQ);
    r->private_key = r->private_key || ends_in(type, "PRIVATE KEY");
    return TAKEN;
}

static bool refuse(enum outcome outcome, const char *name, struct error *e)
{
    if (outcome == REFUSED)
        return false;
    if (outcome == TOO_MANY)
        return error_set(e, ERROR_FORMAT, "'%s' holds more than %d certificates", name,
                         CERTIFICATES_MAX);
    return error_set_memory(e);
}

static bool load_pem(struct reading *r, const struct buffer *text, STACK_OF(X509) * out)
{
    BIO *in = BIO_new_mem_buf(text->length == 0 ? (const void *)"" : text->data, (int)text->length);
    enum outcome outcome = in == NULL ? NO_MEMORY : TAKEN;
    char *type = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    unsigned block = 0;

    while (outcome == TAKEN && PEM_read_bio(in, &type, &header, &der, &size) > 0) {
        block++;
        outcome = take_block(r, type, der, (size_t)size, out);
        OPENSSL_free(type);
        OPENSSL_free(header);
        /* It may have been a private key that someone keeps in the same file. */
        OPENSSL_clear_free(der, (size_t)size);
    }
    BIO_free(in);
    if (outcome == NOT_THIS)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its PEM block %u is not the certificate it claims to be; get the "
                         "file again",
                         r->name, block);
    if (outcome != TAKEN)
        return refuse(outcome, r->name, r->e);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return error_set_openssl(r->e, ERROR_FORMAT, "'%s': its PEM block %u cannot be read",
                                 r->name, block + 1);
    return true;
}

/* Text as PEM wants it: without a byte order mark, without the blanks that a mail or a screen put
 * before its lines; of UTF-16, which PowerShell writes, the low bytes. */
static void plain_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
    bool utf16 = length >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe, start = true;
    size_t step = utf16 ? 2 : 1;
    size_t at = utf16 ? 2 : length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (; at < length; at += step) {
        if (start && (bytes[at] == ' ' || bytes[at] == '\t'))
            continue;
        start = bytes[at] == '\n';
        buffer_append_byte(out, bytes[at]);
    }
}

/* Base64 (RFC 4648 section 4) and white space alone, decoded; false for any other text. */
static bool decode_base64(const struct buffer *text, struct buffer *out)
{
    struct buffer dense = BUFFER_INIT;
    size_t padding = 0;
    uint8_t *room;
    bool decoded = false;

    for (size_t i = 0; i < text->length; i++)
        if (strchr(" \t\r\n", text->data[i]) == NULL || text->data[i] == '\0')
            buffer_append_byte(&dense, text->data[i]);
    while (padding < 2 && dense.length > padding && dense.data[dense.length - 1 - padding] == '=')
        padding++;
    if (dense.length >= 4 && dense.length % 4 == 0 && !dense.failed &&
        memchr(dense.data, '=', dense.length - padding) == NULL) {
        room = buffer_extend(out, dense.length / 4 * 3);
        /* It leaves out dashes at the end: the room behind what it wrote is no data. */
        decoded = room != NULL && EVP_DecodeBlock(room, dense.data, (int)dense.length) ==
                                      (int)(dense.length / 4 * 3);
        if (decoded)
            out->length -= padding;
    }
    buffer_free(&dense);
    return decoded;
}

static bool load_text(struct reading *r, const uint8_t *bytes, size_t length, STACK_OF(X509) * out)
{
    struct buffer text = BUFFER_INIT, der = BUFFER_INIT;
    enum outcome outcome = NOT_THIS;
    bool loaded;

    plain_text(bytes, length, &text);
    if (decode_base64(&text, &der))
        outcome = take_der(r, der.data, der.length, out);
    ERR_clear_error();
    if (!buffer_ok(&text, r->e))
        loaded = false;
    else if (outcome == NOT_THIS)
        loaded = load_pem(r, &text, out);
    else
        loaded = outcome == TAKEN || refuse(outcome, r->name, r->e);
    buffer_free(&text);
    buffer_free(&der);
    return loaded;
}

static bool load(struct reading *r, const uint8_t *bytes, size_t length, STACK_OF(X509) * out)
{
    enum outcome outcome = NOT_THIS;

    if (length > 0 && bytes[0] == 0x30)
        outcome = take_der(r, bytes, length, out);
    ERR_clear_error();
    /* Text may begin with the digit 0, which is what a SEQUENCE begins with. */
    if (outcome == NOT_THIS)
        return load_text(r, bytes, length, out);
    return outcome == TAKEN || refuse(outcome, r->name, r->e);
}

/* What it holds instead is the better answer. */
static bool none(const struct reading *r, struct error *e)
{
    const char *instead = "";

    if (r->request)
        instead = " but a certificate request, which is what the CA gets from you";
    else if (r->private_key)
        instead = " but a private key, which no CA sends and nobody should";
    return error_set(e, ERROR_FORMAT,
                     "'%s' holds no certificate%s; PEM, DER, PKCS#7 (.p7b) or PKCS#12 is expected",
                     r->name, instead);
}

bool cert_load_with(const char *name, const void *bytes, size_t length,
                    struct cert_reading *reading, STACK_OF(X509) * out, struct error *e)
{
    struct reading r = {.name = name, .outer = reading, .e = e};
    int before = sk_X509_num(out);
    bool done;

    if (length > CERT_FILE_MAX)
        return error_set(e, ERROR_FORMAT,
                         "'%s' is larger than %d bytes, too large for certificates", name,
                         CERT_FILE_MAX);
    ERR_clear_error();
    done = load(&r, bytes, length, out);
    if (reading != NULL)
        reading->private_key = reading->private_key || r.private_key;
    r.private_key = r.private_key || (reading != NULL && reading->private_key);
    if (done && sk_X509_num(out) == before)
        done = none(&r, e);
    ERR_clear_error();
    while (!done && sk_X509_num(out) > before)
        X509_free(sk_X509_pop(out));
    return done;
}

bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e)
{
    return cert_load_with(name, bytes, length, NULL, out, e);
}

bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool done = path_read_file(path, CERT_FILE_MAX, &bytes, e) &&
                cert_load(path, bytes.data, bytes.length, out, e);

    buffer_free(&bytes);
    return done;
}
