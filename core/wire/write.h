/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program asks of a host that changes a token by PKCS#11: new keys, certificates, names of
 * objects, their end, and a new token. As in wire/message.h, each struct has a `_put`, a `_get` and
 * a `_free`.
 */
#ifndef SIGNET_WIRE_WRITE_H
#define SIGNET_WIRE_WRITE_H

#include "wire/message.h"

/* A key pair to be made: an RSA key of `rsa_bits`, or an EC key on `curve`. Its private half cannot
 * leave the token and can only sign. */
struct wire_new_key {
    CK_SLOT_ID slot;
    uint32_t rsa_bits; /* 0: EC */
    char curve[8];     /* "P-256", "P-384"; "" for RSA */
    uint8_t *id;       /* CKA_ID of both halves; not empty */
    size_t id_length;
    char *label; /* CKA_LABEL of both halves */
};
void wire_new_key_put(struct buffer *out, const struct wire_new_key *k);
bool wire_new_key_get(struct wire_reader *r, struct wire_new_key *k);
void wire_new_key_free(struct wire_new_key *k);

/* A certificate to be stored. Subject, issuer and serial number are set from it, so that other
 * programs find it by them. */
struct wire_new_certificate {
    CK_SLOT_ID slot;
    uint8_t *der;
    size_t der_length;
    uint8_t *id; /* CKA_ID; that of its key */
    size_t id_length;
    char *label;
};
void wire_new_certificate_put(struct buffer *out, const struct wire_new_certificate *c);
bool wire_new_certificate_get(struct wire_reader *r, struct wire_new_certificate *c);
void wire_new_certificate_free(struct wire_new_certificate *c);

/* One object, so named that it cannot be taken for another: all of it must be right. */
struct wire_which {
    CK_SLOT_ID slot;
    CK_OBJECT_CLASS class; /* private key, public key or certificate */
    uint8_t *id;           /* CKA_ID as it is now */
    size_t id_length;
    char *label;    /* CKA_LABEL as it is now */
    uint8_t *value; /* a key's SubjectPublicKeyInfo; a certificate's DER */
    size_t value_length;
};
void wire_which_put(struct buffer *out, const struct wire_which *w);
bool wire_which_get(struct wire_reader *r, struct wire_which *w);
void wire_which_free(struct wire_which *w);

/* New values of an object's CKA_ID and CKA_LABEL. */
struct wire_new_names {
    struct wire_which which;
    uint8_t *id; /* NULL: it stays */
    size_t id_length;
    bool set_label;
    char *label;
};
void wire_new_names_put(struct buffer *out, const struct wire_new_names *n);
bool wire_new_names_get(struct wire_reader *r, struct wire_new_names *n);
void wire_new_names_free(struct wire_new_names *n);

/* A token made new: all that is on it is lost. */
struct wire_init_token {
    CK_SLOT_ID slot;
    bool pinpad;
    struct secret *so_pin; /* the present one; of a token that has none yet, its first. NULL with
                              pinpad */
    char label[33];        /* UTF-8, at most 32 bytes */
};
void wire_init_token_put(struct buffer *out, const struct wire_init_token *t);
bool wire_init_token_get(struct wire_reader *r, struct wire_init_token *t);
void wire_init_token_free(struct wire_init_token *t);

#endif
