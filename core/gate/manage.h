/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates of a card, made and written with its management key. That key is a secret
 * like a PIN, and may lock as one does: so the gate's order holds here, too. Lock, length, guard;
 * no counter, since no card tells one of this key; attempt, audit. The guard's mark is one of its
 * own, "management", and says nothing about the PINs.
 */
#ifndef SIGNET_GATE_MANAGE_H
#define SIGNET_GATE_MANAGE_H

#include "gate/gate.h"

/* A card as card_read tells of it. All strings are needed but `serial`. */
struct gate_card {
    const char *reader;
    const char *family; /* of the application: "piv" */
    const char *device; /* the key of lock and guard, [a-z0-9-] */
    const char *label;  /* for people, and for the audit log */
    const char *serial; /* as it tells it: no other card in that reader is asked; NULL: any is */
    /* Gives the key in hexadecimal: 16, 24 or 32 bytes. */
    const struct pin_source *management_key;
    enum gate_actor actor;
    int64_t wait_ms;                  /* how long to queue for the device */
    const struct gate_person *person; /* may be NULL */
    const char *program;              /* for the audit log and for who waits behind us */
    struct cancel *cancel;            /* ends the waiting; what the card has begun is waited for */
};

struct gate_new_key {
    uint8_t slot;         /* PIV key reference; a key that is there is lost */
    const char *type;     /* "RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384" */
    uint8_t pin_policy;   /* as in struct wire_generate; 0: the card's own */
    uint8_t touch_policy; /* likewise */
    /* Asked once the key is there, with its SubjectPublicKeyInfo: a certificate (DER, freed with
     * OPENSSL_free) to be stored beside it with the same management key; *length 0 for none, which
     * is no error. May be NULL. */
    bool (*certificate)(void *data, const struct buffer *spki, uint8_t **der, size_t *length,
                        struct error *e);
    void *data;
};

/* Makes a key in the card, and appends its SubjectPublicKeyInfo to `spki`. `host` is a PC/SC host
 * (card_host_start) and stays the caller's. False: ERROR_BUSY, ERROR_PIN_SOURCE (no such key, or
 * not one of the card's length), ERROR_FORBIDDEN (the guard), ERROR_PIN_REFUSED (a wrong key),
 * ERROR_TOKEN (the card cannot, or did not prove that it knows its key), ERROR_HOST,
 * ERROR_CANCELLED. */
bool gate_card_generate(const struct gate_card *card, const struct gate_new_key *key,
                        struct host *host, struct buffer *spki, struct error *e);

/* Writes the certificate (DER) of a slot's key, in place of one that is there. False: as above;
 * ERROR_TOKEN also where it is too large for the card. */
bool gate_card_store(const struct gate_card *card, uint8_t slot, const void *der, size_t length,
                     struct host *host, struct error *e);

#endif
