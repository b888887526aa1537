/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program asks of the PC/SC host, and what it answers: readers, the card in one of them, and
 * what its applications tell of PINs, containers and keys. As in wire/message.h, each struct has a
 * `_put`, a `_get` and a `_free`.
 */
#ifndef SIGNET_WIRE_CARD_H
#define SIGNET_WIRE_CARD_H

#include "wire/message.h"

/* What WIRE_LOAD is told instead of a module's path: this host drives PC/SC. */
#define WIRE_PCSC "PC/SC"

enum { WIRE_ATR_MAX = 33, WIRE_UNKNOWN = -1 };

/* A reader, without a word to its card. */
struct wire_reader_state {
    char *name;
    uint8_t atr[WIRE_ATR_MAX];
    size_t atr_length; /* 0: no card, or one that does not answer */
    bool present;
    bool in_use;    /* another connection has the card (SCARD_STATE_INUSE) */
    bool exclusive; /* ... alone (SCARD_STATE_EXCLUSIVE) */
    bool mute;      /* it does not answer to a reset */
    /* How often a card came or went, as PC/SC counts it: another card, where all else is alike. */
    uint16_t events;
};

struct wire_readers {
    struct wire_reader_state *reader;
    size_t count;
};
void wire_readers_put(struct buffer *out, const struct wire_readers *r);
bool wire_readers_get(struct wire_reader *r, struct wire_readers *out);
void wire_readers_free(struct wire_readers *r);

/* Makes room for one more, zeroed; NULL: no memory. */
struct wire_reader_state *wire_readers_add(struct wire_readers *r);

/* The PINs that a card may have; what each family calls them is in the counter's name. */
enum wire_pin { WIRE_PIN_USER, WIRE_PIN_SIGNATURE, WIRE_PIN_SO, WIRE_PIN_PUK, WIRE_PIN_RESET };
enum { WIRE_PIN_KINDS = WIRE_PIN_RESET + 1 };

struct wire_counter {
    enum wire_pin pin;
    char name[24];     /* "PIN", "PW1", "SO PIN" */
    int left;          /* tries; WIRE_UNKNOWN */
    int maximum;       /* WIRE_UNKNOWN where the card does not tell it */
    int usual;         /* tries that this family is delivered with; WIRE_UNKNOWN */
    int is_default;    /* the value it came with is still set: 1, 0 or WIRE_UNKNOWN */
    bool verified;     /* a login is open, and the card tells no figure while it is */
    bool unset;        /* there is no such PIN on this card yet */
    char source[80];   /* how it was learnt: "card, GET METADATA" */
    char problem[160]; /* why it is not known; "" */
};

/* A name by which Windows signs with a key. */
struct wire_container {
    char *name;      /* UTF-8, as stored; not yet safe to print */
    char *provider;  /* of CryptoAPI */
    char place[24];  /* "slot 9C", "container 0" */
    char source[80]; /* "YubiKey's container map (5FFF10)" */
    bool is_default;
    uint8_t *certificate; /* DER; NULL where it cannot be told which */
    size_t certificate_length;
    /* Which key it is of, where a module tells the names: its SubjectPublicKeyInfo and its CKA_ID;
     * NULL where that is not told. */
    uint8_t *spki, *id;
    size_t spki_length, id_length;
    char problem[160]; /* why the name, which is "" then, cannot be used; "" */
};

/* What a card tells of a key beyond its certificate (YubiKey). */
struct wire_card_key {
    uint8_t slot;        /* PIV key reference */
    char algorithm[16];  /* "RSA-2048", "P-256" */
    char pin_policy[24]; /* "once", "always", "never"; "" unknown */
    char touch_policy[24];
    char origin[24]; /* "made on the card", "imported" */
    uint8_t *spki;   /* NULL unknown */
    size_t spki_length;
};

/* One application of a card, as its driver knows it; or what a module tells of its token beyond
 * PKCS#11 (WIRE_VENDOR), with neither counter nor container where it tells nothing. */
struct wire_application {
    char family[16];       /* "piv", "openpgp", "gids", "idprime", "sc-hsm", "safenet" */
    char title[64];        /* "YubiKey PIV 5.4.3" */
    char serial[48];       /* printable; "" unknown */
    char unblocked_by[80]; /* in words: "the PUK"; "" : by nothing that this version can send */
    struct wire_counter *counter;
    size_t counter_count;
    struct wire_container *container;
    size_t container_count;
    char container_problem[160]; /* why there is none; "" */
    struct wire_card_key *key;
    size_t key_count;
};

void wire_application_put(struct buffer *out, const struct wire_application *a);
bool wire_application_get(struct wire_reader *r, struct wire_application *a);
void wire_application_free(struct wire_application *a);

struct wire_card {
    struct wire_reader_state reader;
    struct wire_application *application;
    size_t count;
    char problem[256]; /* why it was not asked, or not to its end; "" */
};
void wire_card_put(struct buffer *out, const struct wire_card *c);
bool wire_card_get(struct wire_reader *r, struct wire_card *c);
void wire_card_free(struct wire_card *c);

/* Makes room for one more, zeroed; NULL: no memory. */
struct wire_application *wire_card_add(struct wire_card *c);
struct wire_counter *wire_application_add_counter(struct wire_application *a);
struct wire_container *wire_application_add_container(struct wire_application *a);
struct wire_card_key *wire_application_add_key(struct wire_application *a);

/* Which card a secret is meant for: these three requests say it alike. `serial` as
 * wire_application has it; "": any card with that application. */

/* A new PIN for the user, by a secret that can lock for ever. */
struct wire_unblock {
    char *reader;
    char family[16];
    char serial[48];
    enum wire_pin by; /* WIRE_PIN_PUK, WIRE_PIN_RESET or WIRE_PIN_SO */
    struct secret *secret;
    struct secret *new_pin;
};
void wire_unblock_put(struct buffer *out, const struct wire_unblock *u);
bool wire_unblock_get(struct wire_reader *r, struct wire_unblock *u);
void wire_unblock_free(struct wire_unblock *u);

/* A new key in a slot of a PIV card; one that is there is lost. The answer is its
 * SubjectPublicKeyInfo, as bytes. */
struct wire_generate {
    char *reader;
    char family[16];
    char serial[48];
    uint8_t slot;         /* PIV key reference */
    char algorithm[16];   /* "RSA-3072", "P-256" */
    uint8_t pin_policy;   /* YubiKey: 1 never, 2 once, 3 always; 0: what the slot has by itself */
    uint8_t touch_policy; /* YubiKey: 1 never, 2 always, 3 cached for 15 s; 0: likewise */
    struct secret *management_key; /* its bytes */
};
void wire_generate_put(struct buffer *out, const struct wire_generate *g);
bool wire_generate_get(struct wire_reader *r, struct wire_generate *g);
void wire_generate_free(struct wire_generate *g);

/* The certificate of a slot's key, in place of one that is there. */
struct wire_store {
    char *reader;
    char family[16];
    char serial[48];
    uint8_t slot;
    uint8_t *certificate; /* DER */
    size_t certificate_length;
    struct secret *management_key;
};
void wire_store_put(struct buffer *out, const struct wire_store *t);
bool wire_store_get(struct wire_reader *r, struct wire_store *t);
void wire_store_free(struct wire_store *t);

/* A key's certificate that the device itself made, and that of the device. */
struct wire_attestation {
    uint8_t *certificate, *intermediate; /* DER */
    size_t certificate_length, intermediate_length;
};
void wire_attestation_put(struct buffer *out, const struct wire_attestation *a);
bool wire_attestation_get(struct wire_reader *r, struct wire_attestation *a);
void wire_attestation_free(struct wire_attestation *a);

#endif
