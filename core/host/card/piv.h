/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the PIV driver share (NIST SP 800-73-4, parts 1 and 2; Yubico's extensions as
 * its PIV introduction documents them). */
#ifndef SIGNET_HOST_CARD_PIV_H
#define SIGNET_HOST_CARD_PIV_H

#include "host/card/driver.h"
#include "host/card/tlv.h"

enum {
    PIV_PIN = 0x80,
    PIV_PUK = 0x81,
    PIV_MANAGEMENT = 0x9b,
    PIV_OBJECT_DISCOVERY = 0x7e,
    PIV_OBJECT_CHUID = 0x5fc102,
    PIV_OBJECT_ATTESTATION = 0x5fff01, /* YubiKey: certificate of slot F9 */
    PIV_OBJECT_CONTAINERS = 0x5fff10,  /* YubiKey: Yubico's minidriver */
};

/* GET DATA: the whole answer is in `data`, what is in its template (53) in `value`. *there is false
 * where the card has no such object. */
bool piv_object(struct card *c, uint32_t object, struct buffer *data, struct tlv *value,
                bool *there, struct wire_status *s);

/* The certificate of a key, in DER; empty where there is none. */
bool piv_certificate(struct card *c, uint8_t slot, struct buffer *der, struct wire_status *s);

/* After detection: the card speaks Yubico's extensions. */
bool piv_is_yubikey(const struct wire_application *a);

/* GET METADATA of a YubiKey (5.3 and later). *known is false where the card does not know that. */
bool piv_metadata(struct card *c, uint8_t reference, struct buffer *data, bool *known,
                  struct wire_status *s);

/* The object that a slot's certificate is in (SP 800-73-4 part 1, table 3). */
uint32_t piv_certificate_object(uint8_t slot);

/* The slots that may hold a key, in the order in which people name them; 0 ends them. */
extern const uint8_t piv_slots[];
bool piv_is_slot(uint8_t slot);

/* The number of an algorithm by its name ("RSA-2048"); 0: none, or one whose public keys cannot be
 * read here. */
uint8_t piv_algorithm(const char *name);

/* Appends the SubjectPublicKeyInfo of a key as the card writes it: 81 and 82 of RSA, 86 of EC.
 * Nothing is appended where it cannot be read. */
void piv_public_key(struct tlv key, uint8_t algorithm, struct buffer *out);

bool piv_keys(struct card *c, struct wire_application *out, struct wire_status *s);
bool piv_containers(struct card *c, struct wire_application *out, struct wire_status *s);
bool piv_attest(struct card *c, uint8_t slot, struct wire_attestation *out, struct wire_status *s);

/* With the management key (piv_admin.c). */
bool piv_authenticate(struct card *c, const struct secret *key, struct wire_status *s);
bool piv_generate(struct card *c, const struct wire_generate *g, struct buffer *spki,
                  struct wire_status *s);
bool piv_store(struct card *c, const struct wire_store *t, struct wire_status *s);

#endif
