/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the card: signing, making them, management authentication, metadata and attestation. */
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/card/tlv.h"
#include "piv_card.h"
#include "store.h"

enum { MANAGEMENT = 0x9b, SIGNATURE = 0x9c, CARD_AUTHENTICATION = 0x9e, ATTESTATION = 0xf9 };

static bool is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
}

/* PIV's number of the algorithm (SP 800-78-4, table 6-2; RSA-3072 of FIPS 201-3). */
static uint8_t algorithm_of(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (is_rsa(key))
        return bits == 1024 ? 0x06 : bits == 2048 ? 0x07 : bits == 3072 ? 0x05 : 0x16;
    return bits == 256 ? 0x11 : 0x14;
}

static void policy(uint8_t slot, int numbers[3])
{
    char name[16];

    snprintf(name, sizeof name, "%02x.policy", slot);
    numbers[0] = slot == SIGNATURE ? 3 : slot == CARD_AUTHENTICATION ? 1 : 2;
    numbers[1] = 1;
    numbers[2] = 1;
    sscanf(store_text(name), "%d %d %d", &numbers[0], &numbers[1], &numbers[2]);
}

#define FACTORY_KEY "010203040506070801020304050607080102030405060708"

static const char *management_text(void)
{
    const char *text = store_text("management-key");

    return *text == '\0' ? FACTORY_KEY : text;
}

static size_t management_key(uint8_t *out)
{
    char text[65];
    size_t length = 0;

    snprintf(text, sizeof text, "%.64s", management_text());
    for (unsigned byte; length < 32 && sscanf(text + 2 * length, "%2x", &byte) == 1;)
        out[length++] = (uint8_t)byte;
    return length;
}

static uint8_t management_cipher(void)
{
    return (uint8_t)store_number("management-cipher", 3);
}

/* One block. False: this is not the cipher of the key. */
static bool cipher_block(uint8_t algorithm, bool encrypt, const uint8_t *in, uint8_t *out,
                         size_t *block)
{
    uint8_t key[32], room[64];
    size_t length = management_key(key);
    const EVP_CIPHER *cipher = algorithm == 0x03   ? EVP_des_ede3_ecb()
                               : algorithm == 0x08 ? EVP_aes_128_ecb()
                               : algorithm == 0x0a ? EVP_aes_192_ecb()
                                                   : EVP_aes_256_ecb();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int size = 0;
    bool done =
        algorithm == management_cipher() && (size_t)EVP_CIPHER_get_key_length(cipher) == length;

    if (done) {
        *block = (size_t)EVP_CIPHER_get_block_size(cipher);
        done = EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, encrypt) == 1 &&
               EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
               EVP_CipherUpdate(ctx, room, &size, in, (int)*block) == 1;
        memcpy(out, room, *block);
    }
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

static void answer_block(struct buffer *answer, uint32_t tag, const uint8_t *bytes, size_t length)
{
    struct buffer inner = BUFFER_INIT;

    tlv_put(&inner, tag, bytes, length);
    tlv_put(answer, 0x7c, inner.data, inner.length);
    buffer_free(&inner);
}

/* Keeps what the other side must send, and gives it the other half: a challenge that it encrypts
 * (81), or a witness that it decrypts (80). */
static uint16_t begin_login(struct session *s, uint8_t algorithm, uint32_t tag,
                            struct buffer *answer)
{
    uint8_t plain[16], encrypted[16];
    size_t size = 0;

    RAND_bytes(plain, sizeof plain);
    cipher_block(algorithm, true, plain, encrypted, &size);
    memcpy(s->challenge, tag == 0x80 ? plain : encrypted, size);
    s->challenge_length = size;
    s->challenge_tag = tag == 0x80 ? 0x80 : 0x82;
    answer_block(answer, tag, tag == 0x80 ? encrypted : plain, size);
    return 0x9000;
}

static uint16_t manage(struct session *s, uint8_t algorithm, struct tlv template,
                       struct buffer *answer)
{
    uint8_t block[16] = {0}, proof[16];
    size_t size = 0;
    struct tlv value;

    if (!cipher_block(algorithm, true, block, proof, &size))
        return 0x6a86;
    for (uint32_t tag = 0x80; tag <= 0x81; tag++)
        if (tlv_find(template, tag, &value) && value.length == 0)
            return begin_login(s, algorithm, tag, answer);
    s->manager = s->challenge_length > 0 && tlv_find(template, s->challenge_tag, &value) &&
                 value.length == s->challenge_length &&
                 memcmp(value.data, s->challenge, value.length) == 0;
    /* Each is good for one attempt. */
    s->challenge_length = 0;
    if (!s->manager)
        return 0x6982;
    if (tlv_find(template, 0x81, &value) && value.length == size) {
        cipher_block(algorithm, true, value.data, proof, &size);
        /* A card that does not know its key answers something. */
        proof[0] ^= (uint8_t)store_number("false-proof", 0);
        answer_block(answer, 0x82, proof, size);
    }
    return 0x9000;
}

/* RSA: the bare private operation over a padded block. EC: a signature over a digest, in DER. */
static bool use_key(EVP_PKEY *key, struct tlv in, uint8_t *out, size_t *length)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool done = EVP_PKEY_sign_init(ctx) == 1 &&
                (!is_rsa(key) || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1) &&
                EVP_PKEY_sign(ctx, out, length, in.data, in.length) == 1;

    EVP_PKEY_CTX_free(ctx);
    return done;
}

uint16_t key_authenticate(struct session *s, const struct command *c, struct buffer *answer)
{
    struct tlv template, challenge;
    uint8_t out[1024];
    size_t length = sizeof out;
    int rules[3];
    EVP_PKEY *key;
    uint16_t sw = 0x6a80;

    if (!tlv_find((struct tlv){c->data, c->length}, 0x7c, &template))
        return 0x6a80;
    if (c->p2 == MANAGEMENT)
        return manage(s, c->p1, template, answer);
    key = store_key(c->p2);
    policy(c->p2, rules);
    if (key == NULL)
        return 0x6a88;
    if (rules[0] != 1 && (!s->verified || (rules[0] == 3 && !s->once)))
        sw = 0x6982;
    else if (algorithm_of(key) != c->p1)
        sw = 0x6a86;
    else if (tlv_find(template, 0x81, &challenge) && use_key(key, challenge, out, &length)) {
        s->once = false;
        answer_block(answer, 0x82, out, length);
        sw = 0x9000;
    }
    EVP_PKEY_free(key);
    return sw;
}

/* 81 modulus, 82 exponent; or 86 the point. */
static void put_public(struct buffer *out, const EVP_PKEY *key)
{
    uint8_t bytes[1024];
    BIGNUM *number = NULL;
    size_t length;

    if (!is_rsa(key)) {
        EVP_PKEY_get_octet_string_param(key, "pub", bytes, sizeof bytes, &length);
        tlv_put(out, 0x86, bytes, length);
        return;
    }
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_get_bn_param(key, i == 0 ? "n" : "e", &number);
        tlv_put(out, i == 0 ? 0x81 : 0x82, bytes, (size_t)BN_bn2bin(number, bytes));
        BN_free(number);
        number = NULL;
    }
}

static EVP_PKEY *make_key(uint8_t algorithm)
{
    switch (algorithm) {
    case 0x07:
        return EVP_RSA_gen(2048);
    case 0x05:
        return EVP_RSA_gen(3072);
    case 0x16:
        return EVP_RSA_gen(4096);
    case 0x11:
        return EVP_EC_gen("P-256");
    case 0x14:
        return EVP_EC_gen("P-384");
    default:
        return NULL;
    }
}

uint16_t key_generate(struct session *s, const struct command *c, struct buffer *answer)
{
    struct tlv control, value;
    struct buffer public = BUFFER_INIT;
    int rules[3];
    char name[16], text[32];
    EVP_PKEY *key;

    if (!s->manager)
        return 0x6982;
    if (!tlv_find((struct tlv){c->data, c->length}, 0xac, &control) ||
        !tlv_find(control, 0x80, &value) || value.length != 1 ||
        (key = make_key((uint8_t)store_number("makes", value.data[0]))) == NULL)
        return 0x6a80;
    policy(c->p2, rules);
    if (tlv_find(control, 0xaa, &value) && value.length == 1)
        rules[0] = value.data[0];
    if (tlv_find(control, 0xab, &value) && value.length == 1)
        rules[1] = value.data[0];
    snprintf(name, sizeof name, "%02x.policy", c->p2);
    snprintf(text, sizeof text, "%d %d 1", rules[0], rules[1]);
    store_set_text(name, text);
    store_set_key(c->p2, key);
    put_public(&public, key);
    tlv_put(answer, 0x7f49, public.data, public.length);
    buffer_free(&public);
    EVP_PKEY_free(key);
    return 0x9000;
}

static uint16_t management_metadata(struct buffer *answer)
{
    tlv_put(answer, 0x01, (const uint8_t[]){management_cipher()}, 1);
    tlv_put(answer, 0x02, "\0\1", 2);
    tlv_put(answer, 0x05, strcmp(management_text(), FACTORY_KEY) == 0 ? "\1" : "\0", 1);
    return 0x9000;
}

uint16_t key_metadata(const struct command *c, struct buffer *answer)
{
    EVP_PKEY *key = store_key(c->p2);
    struct buffer public = BUFFER_INIT;
    int rules[3];

    if (c->p2 == MANAGEMENT)
        return management_metadata(answer);
    if (key == NULL)
        return 0x6a88;
    policy(c->p2, rules);
    tlv_put(answer, 0x01, (const uint8_t[]){algorithm_of(key)}, 1);
    tlv_put(answer, 0x02, (const uint8_t[]){(uint8_t)rules[0], (uint8_t)rules[1]}, 2);
    tlv_put(answer, 0x03, (const uint8_t[]){(uint8_t)rules[2]}, 1);
    put_public(&public, key);
    tlv_put(answer, 0x04, public.data, public.length);
    buffer_free(&public);
    EVP_PKEY_free(key);
    return 0x9000;
}

static void add_extension(X509 *x, const char *oid, const uint8_t *bytes, int length)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    ASN1_OCTET_STRING_set(value, bytes, length);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

/* Yubico's extensions 1.3.6.1.4.1.41482.3.N: 3 firmware, 7 serial number (an INTEGER), 8 policies,
 * 9 the form. */
static void add_facts(X509 *x, const int rules[3])
{
    const uint8_t policies[] = {(uint8_t)rules[0], (uint8_t)rules[1]};
    uint8_t form = (uint8_t)store_number("form", 1), *der = NULL;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    unsigned parts[3] = {0};
    int length;

    sscanf(store_text("version"), "%u.%u.%u", &parts[0], &parts[1], &parts[2]);
    add_extension(x, "1.3.6.1.4.1.41482.3.3",
                  (const uint8_t[]){(uint8_t)parts[0], (uint8_t)parts[1], (uint8_t)parts[2]}, 3);
    ASN1_INTEGER_set_uint64(serial, (uint64_t)store_number("serial", 1234567));
    length = i2d_ASN1_INTEGER(serial, &der);
    add_extension(x, "1.3.6.1.4.1.41482.3.7", der, length);
    add_extension(x, "1.3.6.1.4.1.41482.3.8", policies, sizeof policies);
    add_extension(x, "1.3.6.1.4.1.41482.3.9", &form, 1);
    OPENSSL_free(der);
    ASN1_INTEGER_free(serial);
}

uint16_t key_attest(const struct command *c, struct buffer *answer)
{
    EVP_PKEY *key = store_key(c->p1), *device = store_key(ATTESTATION);
    X509 *x = X509_new();
    uint8_t *der = NULL;
    char name[64];
    int rules[3], length;

    policy(c->p1, rules);
    /* An imported key cannot be attested. */
    if (key == NULL || device == NULL || rules[2] != 1)
        return 0x6a80;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    snprintf(name, sizeof name, "YubiKey PIV Attestation %02x", c->p1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"Yubico PIV Attestation", -1, -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600L * 24 * 365);
    X509_set_pubkey(x, key);
    add_facts(x, rules);
    X509_sign(x, device, EVP_sha256());
    length = i2d_X509(x, &der);
    buffer_append(answer, der, (size_t)length);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    EVP_PKEY_free(device);
    return 0x9000;
}
