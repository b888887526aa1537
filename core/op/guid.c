/* SPDX-License-Identifier: Apache-2.0 */
#include "op/guid.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
    SERIAL_FIELD = 16, /* bytes that CK_TOKEN_INFO has for a serial */
    MOST_ID = 255,     /* SC_PKCS15_MAX_ID_SIZE */
    GUID_BYTES = 16,
};

/* One that fills the field may be the end of a longer one: OpenSC shows the last 16 characters. */
static const char *cannot(size_t id_length, const char *serial)
{
    if (id_length == 0 || id_length > MOST_ID)
        return "the key shows no id, which the name is computed from";
    if (serial[0] == '\0')
        return "the token shows no serial, which the name is computed from";
    if (strlen(serial) >= SERIAL_FIELD)
        return "its serial is longer than PKCS#11 shows, or may be, so the GUID cannot be computed";
    return NULL;
}

/* OpenSC reads ':' and ' ' between bytes; half a byte makes it a text, but for a single digit. */
static size_t serial_bytes(const char *serial, uint8_t out[SERIAL_FIELD])
{
    size_t length = 0;

    if (serial[1] == '\0' && strchr("0123456789abcdefABCDEF", serial[0]) != NULL) {
        char two[3] = {'0', serial[0], '\0'};

        text_unhex(two, out, SERIAL_FIELD, &length);
        return length;
    }
    if (text_unhex(serial, out, SERIAL_FIELD, &length) && length > 0)
        return length;
    length = strlen(serial);
    memcpy(out, serial, length);
    return length;
}

static void write_guid(const uint8_t *bytes, char out[GUID_TEXT_SIZE])
{
    for (size_t i = 0; i < GUID_BYTES; i++) {
        snprintf(out, 3, "%02x", bytes[i]);
        out += 2;
        if (i == 3 || i == 5 || i == 7 || i == 9)
            *out++ = '-';
    }
    *out = '\0';
}

bool guid_of_opensc(const uint8_t *id, size_t id_length, const char *serial,
                    char out[GUID_TEXT_SIZE], const char **why)
{
    uint8_t bytes[MOST_ID + SERIAL_FIELD], digest[EVP_MAX_MD_SIZE];
    size_t length = id_length;

    out[0] = '\0';
    *why = cannot(id_length, serial);
    if (*why != NULL)
        return false;
    memcpy(bytes, id, id_length);
    length += serial_bytes(serial, bytes + id_length);
    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha1(), NULL) != 1) {
        *why = "SHA-1, which the name is computed with, is switched off here";
        return false;
    }
    write_guid(digest, out);
    return true;
}

bool guid_of_opensc_piv(const uint8_t *id, size_t id_length, const char *guid, const char *serial,
                        char out[GUID_TEXT_SIZE])
{
    uint8_t bytes[GUID_BYTES], tail[GUID_BYTES];
    size_t length = 0, shown = 0;

    out[0] = '\0';
    if (id_length != 1 || !text_unhex(guid, bytes, sizeof bytes, &length) || length != GUID_BYTES ||
        !text_unhex(serial, tail, sizeof tail, &shown) || shown != SERIAL_FIELD / 2 ||
        memcmp(bytes + GUID_BYTES - shown, tail, shown) != 0)
        return false;
    bytes[0] = id[0];
    for (size_t i = 0; i < GUID_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}
