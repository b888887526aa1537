/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/openpgp_kdf.h"

#include <openssl/evp.h>
#include <string.h>

#include "host/card/tlv.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xca,
    DO_KDF = 0xf9,
    NONE = 0,
    ITERATED_SALTED = 3, /* RFC 4880, section 3.7.1.3 */
    SHA_256 = 8,
    SHA_512 = 10,
    MOST_COUNT = 65011712, /* the largest that OpenPGP can write */
};

static bool unknown(struct wire_status *s)
{
    return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                       "the card wants its PINs hashed in a way that is not known (KDF-DO, F9); "
                       "no PIN was sent");
}

/* 84 is the salt of PW1, 85 of the reset code, 86 of PW3; a lone one is for all. */
static bool read_salts(struct tlv object, struct openpgp_kdf *out)
{
    struct tlv value;

    for (unsigned i = 0; i < OPENPGP_PINS; i++) {
        if (!tlv_find(object, 0x84 + i, &value) && !tlv_find(object, 0x84, &value))
            return false;
        if (value.length != OPENPGP_SALT)
            return false;
        memcpy(out->salt[i], value.data, OPENPGP_SALT);
    }
    return true;
}

static bool read_object(struct tlv object, struct openpgp_kdf *out, struct wire_status *s)
{
    struct tlv inner, value;

    if (tlv_find(object, DO_KDF, &inner))
        object = inner;
    if (object.length == 0)
        return true;
    if (!tlv_find(object, 0x81, &value) || value.length != 1)
        return unknown(s);
    if (value.data[0] == NONE)
        return true;
    if (value.data[0] != ITERATED_SALTED || !read_salts(object, out))
        return unknown(s);
    if (!tlv_find(object, 0x82, &value) || value.length != 1 ||
        (value.data[0] != SHA_256 && value.data[0] != SHA_512))
        return unknown(s);
    out->bits = value.data[0] == SHA_256 ? 256 : 512;
    if (!tlv_find(object, 0x83, &value) || value.length != 4)
        return unknown(s);
    out->count = (uint32_t)value.data[0] << 24 | (uint32_t)value.data[1] << 16 |
                 (uint32_t)value.data[2] << 8 | value.data[3];
    return out->count <= MOST_COUNT || unknown(s);
}

/* Cards before 3.3 have no such object; they say so in several ways (6A88, 6A83, 6B00). */
bool openpgp_kdf_read(struct card *c, struct openpgp_kdf *out, struct wire_status *s)
{
    const struct apdu get = {.ins = INS_GET_DATA, .p2 = DO_KDF, .answers = true};
    struct buffer data = BUFFER_INIT;
    uint16_t sw;
    bool done = card_send(c, &get, &data, &sw, s);

    *out = (struct openpgp_kdf){0};
    if (done && sw == SW_OK)
        done = read_object((struct tlv){data.data, data.length}, out, s);
    else if (done && sw >> 8 != 0x6a && sw != 0x6b00)
        done = card_refused("reading how PINs are hashed (KDF-DO); no PIN was sent", sw, s);
    buffer_free(&data);
    return done;
}

/* The hash of `count` bytes of salt and PIN, over and over; of both once at least. */
static bool derive(const struct openpgp_kdf *k, const uint8_t *salt, const struct secret *pin,
                   uint8_t *out)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    size_t length = secret_length(pin), left = k->count;
    bool done = hash != NULL &&
                EVP_DigestInit_ex(hash, k->bits == 256 ? EVP_sha256() : EVP_sha512(), NULL) == 1;

    if (left < OPENPGP_SALT + length)
        left = OPENPGP_SALT + length;
    while (done && left > 0) {
        size_t first = left < OPENPGP_SALT ? left : OPENPGP_SALT;
        size_t second = left - first < length ? left - first : length;

        done = EVP_DigestUpdate(hash, salt, first) == 1 &&
               EVP_DigestUpdate(hash, secret_bytes(pin), second) == 1;
        left -= first + second;
    }
    done = done && EVP_DigestFinal_ex(hash, out, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return done;
}

bool openpgp_kdf_put(const struct openpgp_kdf *k, enum openpgp_pin which, const struct secret *pin,
                     uint8_t *out, size_t *length, struct wire_status *s)
{
    size_t size = k->bits == 0 ? secret_length(pin) : (size_t)k->bits / 8;

    if (*length > OPENPGP_PIN_MAX || size > (size_t)OPENPGP_PIN_MAX - *length)
        return status_fail(s, CKR_PIN_LEN_RANGE, "", "the PIN is too long for an OpenPGP card");
    if (k->bits == 0)
        memcpy(out + *length, secret_bytes(pin), size);
    else if (!derive(k, k->salt[which], pin, out + *length))
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    *length += size;
    return true;
}
