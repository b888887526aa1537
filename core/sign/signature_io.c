/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/signature_io.h"

#include <openssl/asn1.h>

#include "sign/file_io.h"
#include "sign/format.h"

/* The DER element at the start of `length` bytes, its header included; 0 when it does not fit. */
static size_t der_length(const uint8_t *bytes, size_t length)
{
    const unsigned char *at = bytes;
    long content;
    int tag, class;
    int form = ASN1_get_object(&at, &content, &tag, &class, (long)length);

    /* 0x80: an error, 0x21: of indefinite length, which DER does not have. */
    if ((form & 0x80) != 0 || form == 0x21)
        return 0;
    return (size_t)(at - bytes) + (size_t)content;
}

bool signature_io_blank(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

bool signature_io_trim(struct buffer *signature, const char *where, bool *stuffed, struct error *e)
{
    size_t used = der_length(signature->data, signature->length);

    if (used == 0)
        return error_set(e, ERROR_FORMAT, "%s holds no PKCS#7 signature", where);
    *stuffed |= !signature_io_blank(signature->data + used, signature->length - used);
    signature->length = used;
    return true;
}

bool signature_io_read(int fd, uint64_t at, uint64_t length, const char *where,
                       struct buffer *signature, bool *stuffed, struct error *e)
{
    buffer_reset(signature);
    if (length > FORMAT_SIGNATURE_MAX)
        return error_set(e, ERROR_FORMAT, "its signature is larger than 16 MiB");
    if (buffer_extend(signature, (size_t)length) == NULL)
        return error_set_memory(e);
    if (!file_io_read(fd, signature->data, (size_t)length, at))
        return error_set(e, ERROR_SYSTEM, "%s cannot be read", where);
    return signature_io_trim(signature, where, stuffed, e);
}

bool signature_io_may_add(bool stuffed, const char *name, struct error *e)
{
    return !stuffed || error_set(e, ERROR_UNSUPPORTED,
                                 "'%s' carries bytes behind its signature, which would be lost; "
                                 "only --existing replace or keep can be used",
                                 name);
}
