/* SPDX-License-Identifier: Apache-2.0 */
/* An import under way, for the files of the operation. */
#ifndef SIGNET_OP_IMPORTING_H
#define SIGNET_OP_IMPORTING_H

#include "op/import.h"
#include "token/card.h"

/* Where a certificate of the chain went. */
enum link_state { LINK_IN_FILE, LINK_STORED, LINK_THERE };

struct importing {
    const struct op_args *args;
    struct op_ctx *ctx;
    struct inventory inventory;
    struct token *token; /* in the inventory */
    struct gate_person person;
    struct gate_session *session; /* NULL: not logged in */
    struct wire_objects objects;

    STACK_OF(X509) * sent;
    bool private_key; /* a file has one */
    struct delivery found;
    /* The key of the leaf, as the token shows its halves; NULL where it does not. */
    const struct wire_object *private_half, *public_half;
    EVP_PKEY *key;

    uint8_t *id; /* that key and certificate have, or get */
    size_t id_length;
    char *label;

    bool already;        /* the leaf was there */
    bool named;          /* ... and got the id of its key now */
    const char *renamed; /* what the key got: "id", "label", "id and label"; NULL */
    json_t *older;       /* other certificates of the key on the token */
    bool to_file;        /* the chain is wanted in a file, or must be there */
    char *chain_file;
    enum link_state link[16]; /* of each issuer */
    char refused[300];        /* why the token did not take one */

    struct wire_card card;              /* by PC/SC */
    const struct wire_application *piv; /* in the card; NULL: by PKCS#11 */
    uint8_t slot;                       /* of the card */
};

/* --- core/op/import_files.c */

/* Reads the files, or what was pasted. */
bool import_read(struct importing *i, struct error *e);

/* Writes the chain as PEM to i->chain_file, which then is a whole path. */
bool import_write_chain(struct importing *i, struct error *e);

/* Asks before anything is written whether the file may be. */
bool import_may_write_chain(struct importing *i, struct error *e);

/* --- core/op/import_token.c */

struct host *import_host(const struct importing *i);
CK_SLOT_ID import_slot(const struct importing *i);

/* Logs in, once, through the gate; reads the objects again. */
bool import_login(struct importing *i, struct error *e);
bool import_objects(struct importing *i, struct error *e);

/* Says that half of the key is missing. Always false. */
bool import_no_private_half(const struct importing *i, struct error *e);

/* The certificate object with the same DER; NULL for none. */
const struct wire_object *import_find(const struct wire_objects *all, X509 *x);

/* Names the key where it lacks a name, stores the leaf, then its issuers, and reads it all back. */
bool import_to_token(struct importing *i, struct error *e);

/* --- core/op/import_card.c */

/* Sets i->piv where the token is a PIV card that PC/SC reaches: PKCS#11 writes no certificate
 * there. The module's host is ended then. */
bool import_find_card(struct importing *i, struct error *e);

bool import_to_card(struct importing *i, struct error *e);

#endif
