/* SPDX-License-Identifier: Apache-2.0 */
/* PIV: keys, their policies and attestation, and container names (YubiKey). */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "host/card/container_map.h"
#include "host/card/piv.h"
#include "host/pkcs11/spki.h"
#include "host/status.h"

enum { INS_ATTEST = 0xf9, RECORD_SHA1 = 87 };

/* SP 800-78-4 table 6-2, and Yubico's. Parameters: ECParameters in DER. */
static const struct {
    uint8_t code;
    const char *name, *parameters;
    size_t parameters_length;
} algorithms[] = {
    {0x06, "RSA-1024", NULL, 0},
    {0x07, "RSA-2048", NULL, 0},
    {0x05, "RSA-3072", NULL, 0},
    {0x16, "RSA-4096", NULL, 0},
    {0x11, "P-256", "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
    {0x14, "P-384", "\x06\x05\x2b\x81\x04\x00\x22", 7},
    {0xe0, "Ed25519", NULL, 0},
    {0xe1, "X25519", NULL, 0},
};

static const char *const pin_policies[] = {"", "never", "once", "always"};
static const char *const touch_policies[] = {"", "never", "always", "cached 15 s"};
static const char *const origins[] = {"", "made on the card", "imported"};

#define WORD(words, index) ((index) < sizeof(words) / sizeof *(words) ? (words)[index] : "")

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

uint8_t piv_algorithm(const char *name)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (strcmp(algorithms[i].name, name) == 0 &&
            (strncmp(name, "RSA-", 4) == 0 || algorithms[i].parameters != NULL))
            return algorithms[i].code;
    return 0;
}

/* ALGORITHMS where it is not known. */
static size_t index_of(uint8_t code)
{
    size_t i = 0;

    while (i < ALGORITHMS && algorithms[i].code != code)
        i++;
    return i;
}

void piv_public_key(struct tlv key, uint8_t algorithm, struct buffer *out)
{
    size_t i = index_of(algorithm);
    struct tlv one, two;

    if (i == ALGORITHMS)
        return;
    if (tlv_find(key, 0x81, &one) && tlv_find(key, 0x82, &two))
        spki_from_rsa((struct spki_part){one.data, one.length},
                      (struct spki_part){two.data, two.length}, out);
    else if (algorithms[i].parameters != NULL && tlv_find(key, 0x86, &one))
        spki_from_ec((struct spki_part){(const uint8_t *)algorithms[i].parameters,
                                        algorithms[i].parameters_length},
                     (struct spki_part){one.data, one.length}, out);
}

static void describe(struct tlv metadata, struct wire_card_key *key)
{
    struct buffer spki = BUFFER_INIT;
    struct tlv value, public;
    uint8_t code;

    if (!tlv_find(metadata, 0x01, &value) || value.length != 1)
        return;
    code = value.data[0];
    snprintf(key->algorithm, sizeof key->algorithm, "%s",
             index_of(code) < ALGORITHMS ? algorithms[index_of(code)].name : "unknown");
    if (tlv_find(metadata, 0x02, &value) && value.length == 2) {
        snprintf(key->pin_policy, sizeof key->pin_policy, "%s", WORD(pin_policies, value.data[0]));
        snprintf(key->touch_policy, sizeof key->touch_policy, "%s",
                 WORD(touch_policies, value.data[1]));
    }
    if (tlv_find(metadata, 0x03, &value) && value.length == 1)
        snprintf(key->origin, sizeof key->origin, "%s", WORD(origins, value.data[0]));
    if (tlv_find(metadata, 0x04, &public))
        piv_public_key(public, code, &spki);
    driver_keep(&spki, &key->spki, &key->spki_length);
    buffer_free(&spki);
}

/* Only a YubiKey tells of its keys; the first slot shows whether it does. */
bool piv_keys(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    bool known = false, asked = true;

    if (!piv_is_yubikey(out))
        return true;
    for (size_t i = 0; piv_slots[i] != 0 && asked; i++) {
        struct wire_card_key *key;

        asked = piv_metadata(c, piv_slots[i], &data, &known, s);
        if (!known)
            continue;
        key = wire_application_add_key(out);
        if (key == NULL) {
            asked = status_fail(s, CKR_HOST_MEMORY, "", "no memory");
            break;
        }
        key->slot = piv_slots[i];
        describe((struct tlv){data.data, data.length}, key);
    }
    buffer_free(&data);
    return asked;
}

static bool add_container(struct card *c, struct wire_application *out, const struct map_record *r,
                          const uint8_t *sha1, struct wire_status *s)
{
    struct wire_container *container = wire_application_add_container(out);
    struct buffer der = BUFFER_INIT;
    uint8_t digest[SHA_DIGEST_LENGTH];
    bool read;

    if (container == NULL || (container->name = strdup(r->name)) == NULL ||
        (container->provider = strdup("Microsoft Base Smart Card Crypto Provider")) == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    snprintf(container->place, sizeof container->place, "slot %02X", r->slot);
    snprintf(container->source, sizeof container->source, "card, YubiKey's container map (5FFF10)");
    container->is_default = r->is_default;
    read = piv_certificate(c, r->slot, &der, s);
    /* The map names the certificate that it was made for: another one has another container. */
    if (der.length > 0 && SHA1(der.data, der.length, digest) != NULL &&
        memcmp(digest, sha1, sizeof digest) == 0)
        driver_keep(&der, &container->certificate, &container->certificate_length);
    buffer_free(&der);
    return read;
}

bool piv_is_slot(uint8_t slot)
{
    size_t i = 0;

    while (piv_slots[i] != 0 && piv_slots[i] != slot)
        i++;
    return piv_slots[i] != 0;
}

bool piv_containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv object, map = {NULL, 0};
    bool yubikey = piv_is_yubikey(out), there = false, read = true;
    struct map_record record;

    if (yubikey)
        read = piv_object(c, PIV_OBJECT_CONTAINERS, &data, &object, &there, s);
    if (there && !tlv_find(object, 0x81, &map))
        map = object;
    for (size_t i = 0; read && i < map_yubikey_count(map); i++)
        if (map_yubikey_read(map, i, &record) && piv_is_slot(record.slot))
            read =
                add_container(c, out, &record, map.data + i * MAP_YUBIKEY_RECORD + RECORD_SHA1, s);
    if (out->container_count == 0)
        snprintf(out->container_problem, sizeof out->container_problem, "%s",
                 yubikey ? "Yubico's minidriver has written no names on this YubiKey yet"
                         : "PIV cards hold no container names; Windows makes them up");
    buffer_free(&data);
    return read;
}

/* Yubico tells 6A80 of a key that was imported, and of none. */
static bool not_attested(uint8_t slot, uint16_t sw, struct wire_status *s)
{
    if (sw == 0x6a80 || sw == SW_NOT_FOUND || sw == SW_DATA_NOT_FOUND)
        return status_fail(s, CKR_DEVICE_ERROR, "SCardTransmit",
                           "slot %02X holds no key that the card made itself, and it attests no "
                           "others: a key that was imported cannot be attested (the card answers "
                           "%04X)",
                           slot, sw);
    if (sw == 0x6d00 || sw == 0x6e00)
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "SCardTransmit",
                           "this card cannot attest keys; YubiKeys can, from version 4.3 on");
    return card_refused("attesting the key", sw, s);
}

/* The certificate of the key, made by the device over it; then that of the device (slot F9). */
bool piv_attest(struct card *c, uint8_t slot, struct wire_attestation *out, struct wire_status *s)
{
    const struct apdu attest = {.ins = INS_ATTEST, .p1 = slot, .answers = true};
    struct buffer data = BUFFER_INIT;
    struct tlv object, value;
    bool there = false, done;
    uint16_t sw;

    *out = (struct wire_attestation){0};
    if (!piv_is_slot(slot))
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "%02X is no slot of a PIV card", slot);
    done = card_send(c, &attest, &data, &sw, s) && (sw == SW_OK || not_attested(slot, sw, s));
    if (done)
        driver_keep(&data, &out->certificate, &out->certificate_length);
    done = done && piv_object(c, PIV_OBJECT_ATTESTATION, &data, &object, &there, s);
    if (done && there && tlv_find(object, 0x70, &value)) {
        struct buffer der = BUFFER_INIT;

        buffer_append(&der, value.data, value.length);
        driver_keep(&der, &out->intermediate, &out->intermediate_length);
        buffer_free(&der);
    }
    buffer_free(&data);
    return done;
}
