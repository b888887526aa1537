/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/extract.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/path.h"
#include "sign/authenticode.h"
#include "sign/signatures.h"

enum found { FAILED = -1, NOT_HERE, DONE };

/* In the nested ones of `outer`, `index` counting on. */
static enum found find_nested(const uint8_t *outer, size_t length, unsigned depth, unsigned *index,
                              struct buffer *der, struct error *e)
{
    struct authenticode_view v;
    const ASN1_STRING *nested;
    enum found found = NOT_HERE;

    if (depth > SIGNATURES_DEEPEST) {
        error_set(e, ERROR_UNSUPPORTED, "its signatures are nested too deep");
        return FAILED;
    }
    if (!authenticode_view(outer, length, &v, e))
        return FAILED;
    for (int i = 0; found == NOT_HERE && (nested = authenticode_nested(&v, i)) != NULL; i++) {
        const uint8_t *data = ASN1_STRING_get0_data(nested);
        size_t size = (size_t)ASN1_STRING_length(nested);

        if ((*index)-- == 0) {
            buffer_append(der, data, size);
            found = DONE;
        } else {
            found = find_nested(data, size, depth + 1, index, der, e);
        }
    }
    authenticode_view_free(&v);
    return found;
}

/* The DER of the outer ones need not be understood to be taken out. */
static enum found find(const struct format *format, struct format_file *file, unsigned index,
                       struct buffer *der, struct error *e)
{
    struct buffer outer = BUFFER_INIT;
    enum found found = NOT_HERE;

    for (unsigned i = 0; found == NOT_HERE && i < FORMAT_SIGNATURES; i++) {
        if (!format->extract(file, i, &outer, e))
            found = FAILED;
        else if (outer.length == 0)
            break;
        else if (index-- == 0) {
            buffer_append(der, outer.data, outer.length);
            found = DONE;
        } else {
            found = find_nested(outer.data, outer.length, 1, &index, der, e);
        }
    }
    buffer_free(&outer);
    return found;
}

bool extract_signature(int input, const char *name, unsigned index, struct buffer *der,
                       struct error *e)
{
    const struct format *format = format_detect(input, name, e);
    struct format_file *file = format == NULL ? NULL : format->open(input, name, e);
    enum found found;

    buffer_reset(der);
    if (file == NULL)
        return false;
    /* More are not told by anything else either, and looking for them would have no end. */
    found = index >= FORMAT_SIGNATURES ? NOT_HERE : find(format, file, index, der, e);
    format->close(&file);
    if (found == FAILED)
        return error_prefix(e, "'%s'", name);
    return buffer_ok(der, e);
}

/* The first block that is one. */
static bool from_pem(const struct buffer *text, struct buffer *der)
{
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->length);
    bool found = false;

    while (bio != NULL && !found) {
        char *label = NULL, *header = NULL;
        unsigned char *data = NULL;
        long length;

        if (!PEM_read_bio(bio, &label, &header, &data, &length))
            break;
        found = strcmp(label, PEM_STRING_PKCS7) == 0 || strcmp(label, PEM_STRING_CMS) == 0;
        if (found)
            buffer_append(der, data, (size_t)length);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    BIO_free(bio);
    ERR_clear_error();
    return found;
}

bool extract_read_file(const char *path, struct buffer *der, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool good = path_read_file(path, 2 * FORMAT_SIGNATURE_MAX, &bytes, e);

    buffer_reset(der);
    if (good && bytes.length > 0 && bytes.data[0] == 0x30)
        buffer_append(der, bytes.data, bytes.length);
    else if (good)
        good =
            from_pem(&bytes, der) ||
            error_set(e, ERROR_FORMAT,
                      "'%s': it is no signature: neither DER nor PEM with a block 'PKCS7'", path);
    buffer_free(&bytes);
    return good && buffer_ok(der, e);
}

bool extract_pem(const struct buffer *der, struct buffer *pem, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long length;
    bool good =
        bio != NULL && PEM_write_bio(bio, PEM_STRING_PKCS7, "", der->data, (long)der->length) > 0;

    if (good) {
        length = BIO_get_mem_data(bio, &data);
        buffer_append(pem, data, (size_t)length);
    }
    BIO_free(bio);
    return good ? buffer_ok(pem, e) : error_set_openssl(e, ERROR_SYSTEM, "cannot write PEM");
}
