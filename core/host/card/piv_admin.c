/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PIV, with its management key: proving it (NIST SP 800-73-4 part 2, section 3.2.4 and appendix
 * A.1: the card's witness and our challenge), making keys (section 3.3.2) and writing certificates
 * (section 3.3.1). What differs on a YubiKey is as its PIV introduction documents it.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/piv.h"
#include "host/pkcs11/spki.h"
#include "host/status.h"

enum {
    INS_PUT_DATA = 0xdb,
    INS_GENERATE = 0x47,
    INS_AUTHENTICATE = 0x87,
    WITNESS = 0x80,
    CHALLENGE = 0x81,
    RESPONSE = 0x82,
    BLOCK_MAX = 16,
    YUBIKEY_OBJECT_MAX = 3052, /* bytes in one data object, its 53 apart */
};

/* SP 800-78-4 table 6-2. */
static const struct cipher {
    uint8_t code;
    const char *name;
    size_t key_length;
    const EVP_CIPHER *(*evp)(void);
} ciphers[] = {
    {0x03, "3DES", 24, EVP_des_ede3_ecb},
    {0x08, "AES-128", 16, EVP_aes_128_ecb},
    {0x0a, "AES-192", 24, EVP_aes_192_ecb},
    {0x0c, "AES-256", 32, EVP_aes_256_ecb},
};

enum { CIPHERS = sizeof ciphers / sizeof *ciphers };

static size_t block_size(const struct cipher *cipher)
{
    return (size_t)EVP_CIPHER_get_block_size(cipher->evp());
}

/* One block, by itself. */
static bool crypt_block(const struct cipher *cipher, const struct secret *key, bool encrypt,
                        const uint8_t *in, uint8_t *out, struct wire_status *s)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t room[2 * BLOCK_MAX];
    int size = 0;
    bool done =
        ctx != NULL &&
        EVP_CipherInit_ex(ctx, cipher->evp(), NULL, secret_bytes(key), NULL, encrypt) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
        EVP_CipherUpdate(ctx, room, &size, in, (int)block_size(cipher)) == 1 &&
        (size_t)size == block_size(cipher);

    if (done)
        memcpy(out, room, (size_t)size);
    EVP_CIPHER_CTX_free(ctx);
    secret_wipe(room, sizeof room);
    return done || status_fail(s, CKR_HOST_MEMORY, "", "OpenSSL cannot use %s here", cipher->name);
}

/* GENERAL AUTHENTICATE with 9B: `inner` goes into a template 7C; the object `tag` of the answer's
 * template must have the size of a block. *sw tells of a card that said no. */
static bool authenticate_step(struct card *c, const struct cipher *cipher,
                              const struct buffer *inner, uint32_t tag, uint8_t *block,
                              uint16_t *sw, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT, answer = BUFFER_INIT;
    struct apdu a = {.ins = INS_AUTHENTICATE,
                     .p1 = cipher->code,
                     .p2 = PIV_MANAGEMENT,
                     .answers = true,
                     .once = tag == RESPONSE};
    struct tlv template, value;
    bool done;

    tlv_put(&data, 0x7c, inner->data, inner->length);
    a.data = data.data;
    a.length = data.length;
    done = !data.failed || status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    done = done && card_send(c, &a, &answer, sw, s);
    if (done && *sw == SW_OK) {
        done = tlv_find((struct tlv){answer.data, answer.length}, 0x7c, &template) &&
               tlv_find(template, tag, &value) && value.length == block_size(cipher);
        if (done)
            memcpy(block, value.data, value.length);
        else
            status_fail(s, CKR_DEVICE_ERROR, "", "the card's answer to the login is malformed");
    }
    buffer_free(&data);
    buffer_free(&answer);
    return done;
}

/* The card's witness, encrypted. Nothing is proved yet, and nothing can be lost. */
static bool ask_witness(struct card *c, const struct cipher *cipher, uint8_t *block, uint16_t *sw,
                        struct wire_status *s)
{
    struct buffer inner = BUFFER_INIT;
    bool done;

    tlv_put(&inner, WITNESS, "", 0);
    done = authenticate_step(c, cipher, &inner, WITNESS, block, sw, s);
    buffer_free(&inner);
    return done;
}

/* The cipher of 9B as a YubiKey tells it; NULL where the card does not. */
static bool ask_cipher(struct card *c, const struct cipher **cipher, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv value;
    bool known = false, asked = piv_metadata(c, PIV_MANAGEMENT, &data, &known, s);

    *cipher = NULL;
    if (known && tlv_find((struct tlv){data.data, data.length}, 0x01, &value) && value.length == 1)
        for (size_t i = 0; i < CIPHERS; i++)
            if (ciphers[i].code == value.data[0])
                *cipher = &ciphers[i];
    buffer_free(&data);
    return asked;
}

/* Which cipher it is, and its first step. A card that does not tell it refuses the wrong one there,
 * where nothing is at stake. */
static bool begin(struct card *c, const struct secret *key, const struct cipher **cipher,
                  uint8_t *witness, struct wire_status *s)
{
    size_t length = secret_length(key);
    const struct cipher *told;
    uint16_t sw = SW_NOT_FOUND;

    if (!ask_cipher(c, &told, s))
        return false;
    if (told != NULL && told->key_length != length)
        return status_fail(s, CKR_PIN_LEN_RANGE, "",
                           "the management key of this card is one of %s, with %zu bytes; this one "
                           "has %zu",
                           told->name, told->key_length, length);
    for (size_t i = 0; i < CIPHERS && sw != SW_OK; i++) {
        *cipher = &ciphers[i];
        if (ciphers[i].key_length == length && (told == NULL || told == *cipher) &&
            !ask_witness(c, *cipher, witness, &sw, s))
            return false;
        if (sw == SW_OK)
            break;
    }
    return sw == SW_OK ||
           status_fail(s, CKR_PIN_LEN_RANGE, "",
                       "the card takes no management key of %zu bytes (it answers %04X)", length,
                       sw);
}

/* The witness in plain shows that we have the key; the challenge, encrypted, that the card has. */
static bool prove(struct card *c, const struct cipher *cipher, const struct secret *key,
                  const uint8_t *witness, struct wire_status *s)
{
    struct buffer inner = BUFFER_INIT;
    uint8_t plain[BLOCK_MAX], challenge[BLOCK_MAX], wanted[BLOCK_MAX], got[BLOCK_MAX];
    size_t size = block_size(cipher);
    uint16_t sw = 0;
    bool done = crypt_block(cipher, key, false, witness, plain, s) &&
                (RAND_bytes(challenge, (int)size) == 1 ||
                 status_fail(s, CKR_HOST_MEMORY, "", "no random numbers here")) &&
                crypt_block(cipher, key, true, challenge, wanted, s);

    if (done) {
        tlv_put(&inner, WITNESS, plain, size);
        tlv_put(&inner, CHALLENGE, challenge, size);
        s->attempted = true;
        done = authenticate_step(c, cipher, &inner, RESPONSE, got, &sw, s);
    }
    buffer_free(&inner);
    secret_wipe(plain, sizeof plain);
    if (!done)
        return false;
    if (sw != SW_OK)
        return status_fail(s, CKR_PIN_INCORRECT, "",
                           "the management key is not that of this card (it answers %04X)", sw);
    if (CRYPTO_memcmp(got, wanted, size) != 0)
        return status_fail(s, CKR_DEVICE_ERROR, "",
                           "the card did not prove that it knows its management key");
    s->accepted = true;
    return true;
}

bool piv_authenticate(struct card *c, const struct secret *key, struct wire_status *s)
{
    const struct cipher *cipher = NULL;
    uint8_t witness[BLOCK_MAX];

    return begin(c, key, &cipher, witness, s) && prove(c, cipher, key, witness, s);
}

/* What only a YubiKey knows: AA the PIN policy, AB the touch policy. */
static void put_control(const struct wire_generate *g, uint8_t algorithm, struct buffer *out)
{
    struct buffer inner = BUFFER_INIT;

    tlv_put(&inner, 0x80, &algorithm, 1);
    if (g->pin_policy != 0)
        tlv_put(&inner, 0xaa, &g->pin_policy, 1);
    if (g->touch_policy != 0)
        tlv_put(&inner, 0xab, &g->touch_policy, 1);
    tlv_put(out, 0xac, inner.data, inner.length);
    out->failed = out->failed || inner.failed;
    buffer_free(&inner);
}

bool piv_generate(struct card *c, const struct wire_generate *g, struct buffer *spki,
                  struct wire_status *s)
{
    struct buffer control = BUFFER_INIT, answer = BUFFER_INIT;
    struct apdu a = {.ins = INS_GENERATE, .p2 = g->slot, .answers = true};
    uint8_t algorithm = piv_algorithm(g->algorithm);
    struct tlv public;
    uint16_t sw;
    bool done;

    if (!piv_is_slot(g->slot))
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "%02X is no slot of a PIV card", g->slot);
    if (algorithm == 0)
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "no key of type '%s' is made on a PIV card",
                           g->algorithm);
    put_control(g, algorithm, &control);
    a.data = control.data;
    a.length = control.length;
    done = !control.failed || status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    done = done && card_send(c, &a, &answer, &sw, s) &&
           (sw == SW_OK || card_refused("making the key", sw, s));
    if (done && tlv_find((struct tlv){answer.data, answer.length}, 0x7f49, &public))
        piv_public_key(public, algorithm, spki);
    if (done && (spki->length == 0 || spki->failed))
        done = status_fail(s, CKR_DEVICE_ERROR, "",
                           "the card made a key, and its public half cannot be read");
    buffer_free(&control);
    buffer_free(&answer);
    return done;
}

/* SP 800-73-4 part 1, appendix A: the certificate, how it is packed (00: not), no error code. */
static void put_object(const struct wire_store *t, struct buffer *out, size_t *length)
{
    uint32_t object = piv_certificate_object(t->slot);
    const uint8_t tag[] = {(uint8_t)(object >> 16), (uint8_t)(object >> 8), (uint8_t)object};
    struct buffer inner = BUFFER_INIT;

    tlv_put(&inner, 0x70, t->certificate, t->certificate_length);
    tlv_put(&inner, 0x71, "\0", 1);
    tlv_put(&inner, 0xfe, "", 0);
    tlv_put(out, 0x5c, tag, sizeof tag);
    tlv_put(out, 0x53, inner.data, inner.length);
    *length = inner.length;
    out->failed = out->failed || inner.failed;
    buffer_free(&inner);
}

static bool too_large(const struct wire_store *t, struct wire_status *s)
{
    return status_fail(s, CKR_DATA_LEN_RANGE, "",
                       "the certificate of %zu bytes does not fit into slot %02X of the card",
                       t->certificate_length, t->slot);
}

bool piv_store(struct card *c, const struct wire_store *t, struct wire_status *s)
{
    struct buffer object = BUFFER_INIT;
    struct apdu a = {.ins = INS_PUT_DATA, .p1 = 0x3f, .p2 = 0xff};
    const uint8_t *spki;
    size_t length = 0;
    uint16_t sw;
    bool done;

    if (!piv_is_slot(t->slot))
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "%02X is no slot of a PIV card", t->slot);
    if (!spki_of_certificate(t->certificate, t->certificate_length, &spki, &length))
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "what is to be stored is no certificate");
    /* No PIV card has more room than a YubiKey; the card has the last word. */
    if (t->certificate_length > YUBIKEY_OBJECT_MAX)
        return too_large(t, s);
    put_object(t, &object, &length);
    if (length > YUBIKEY_OBJECT_MAX)
        done = too_large(t, s);
    else
        done = !object.failed || status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    a.data = object.data;
    a.length = object.length;
    done = done && card_send(c, &a, NULL, &sw, s);
    buffer_free(&object);
    if (!done || sw == SW_OK)
        return done;
    /* 6A84: no memory; 6700: an object longer than the card's buffer for one. */
    return sw == 0x6a84 || sw == 0x6700 ? too_large(t, s)
                                        : card_refused("storing the certificate", sw, s);
}
