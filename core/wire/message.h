/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program asks of a token host, and what it answers. The level is that of our needs, not of
 * PKCS#11. A request's body is the struct named beside it; a reply's body is a struct wire_status,
 * then, when that says CKR_OK, the answer's struct. Every struct has a `_put`, a `_get` (false:
 * malformed, nothing to free) and, where it owns memory, a `_free` that leaves it zeroed.
 */
#ifndef SIGNET_WIRE_MESSAGE_H
#define SIGNET_WIRE_MESSAGE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/secret.h"
#include "base/signer.h"
#include "wire/codec.h"

/* type, can spend a try of a PIN, deadline in ms (design section 1a), name in messages: what is
 * done. Requests that can spend a try are sent by attempt_send (token/attempt.h) alone. */
#define WIRE_REQUESTS(X)                                                                           \
    X(WIRE_LOAD, false, 30000, "loading the module") /* path as text -> wire_module */             \
    X(WIRE_SLOTS, false, 10000, "listing the slots") /* nothing -> wire_slots */                   \
    X(WIRE_TOKEN, false, 10000, "reading the token") /* u64 slot -> wire_slot */                   \
    X(WIRE_OBJECTS, false, 10000,                                                                  \
      "reading the objects") /* u64 slot, u32 first, u32 most, bool certs -> wire_objects */       \
    X(WIRE_VENDOR, false, 10000,                                                                   \
      "reading what the vendor adds") /* u64 slot -> wire_application (wire/card.h) */             \
    X(WIRE_OPEN_KEY, false, 10000, "opening the key")         /* wire_open_key -> wire_opened */   \
    X(WIRE_SIGN, false, 60000, "signing")                     /* wire_sign -> bytes: signature */  \
    X(WIRE_LOGOUT, false, 10000, "logging out")               /* u64 slot -> nothing */            \
    X(WIRE_LOGIN, true, 60000, "logging in")                  /* wire_login -> nothing */          \
    X(WIRE_SET_PIN, true, 60000, "changing the PIN")          /* wire_set_pin -> nothing */        \
    X(WIRE_INIT_PIN, true, 60000, "setting a new PIN")        /* wire_init_pin -> nothing */       \
    X(WIRE_SIGN_LOGIN, true, 60000, "logging in and signing") /* wire_sign -> bytes: signature */  \
    /* Changes by a module (wire/write.h); all but the last go where a login is open */            \
    X(WIRE_GENERATE, false, 600000,                                                                \
      "making the key") /* wire_new_key -> wire_object: the private key */                         \
    X(WIRE_STORE_CERTIFICATE, false, 60000,                                                        \
      "storing the certificate")                         /* wire_new_certificate -> nothing */     \
    X(WIRE_SET_NAMES, false, 60000, "naming the object") /* wire_new_names -> nothing */           \
    X(WIRE_DELETE, false, 60000, "deleting the object")  /* wire_which -> nothing */               \
    X(WIRE_INIT_TOKEN, true, 60000,                                                                \
      "initialising the token") /* wire_init_token -> wire_slot: the token as it is now */         \
    /* Of the PC/SC host (wire/card.h) */                                                          \
    X(WIRE_READERS, false, 10000, "looking for readers") /* nothing -> wire_readers */             \
    X(WIRE_READERS_WAIT, false, 20000,                                                             \
      "waiting for readers") /* wire_readers, as known -> wire_readers */                          \
    X(WIRE_CARD, false, 20000,                                                                     \
      "reading the card") /* reader as text, u8 counters alone -> wire_card */                     \
    X(WIRE_ATTEST, false, 120000,                                                                  \
      "attesting the key") /* reader as text, u8 slot -> wire_attestation */                       \
    X(WIRE_UNBLOCK, true, 60000, "setting a new PIN") /* wire_unblock -> nothing */                \
    /* These two carry a management key, which is a secret that can lock as well. */               \
    X(WIRE_CARD_GENERATE, true, 600000, "making the key")      /* wire_generate -> bytes: SPKI */  \
    X(WIRE_CARD_STORE, true, 60000, "storing the certificate") /* wire_store -> nothing */

enum wire_type {
    WIRE_REPLY,
#define X(type, spends, deadline, name) type,
    WIRE_REQUESTS(X)
#undef X
        WIRE_TYPES
};

/* ms; login and PIN change on a reader's own keys, and touch */
enum { WIRE_PINPAD_DEADLINE = 120000 };

bool wire_type_spends(enum wire_type type);
int64_t wire_type_deadline(enum wire_type type);
const char *wire_type_name(enum wire_type type);

/* How the request went. */
struct wire_status {
    uint64_t rv;       /* CK_RV of the call that failed, or CKR_OK */
    char function[32]; /* "C_Login"; "" when no call of the module is to blame */
    char text[256];    /* what else there is to say; "" for nothing */
    bool attempted;    /* spending requests: C_Login (or C_SetPIN) was really called */
    bool accepted;     /* spending requests: the PIN was right; what failed came after it */
    bool flags_known;  /* spending requests: token_flags were read after the attempt */
    uint64_t token_flags;
};
void wire_status_put(struct buffer *out, const struct wire_status *s);
bool wire_status_get(struct wire_reader *r, struct wire_status *s);

struct wire_module {
    CK_INFO info;  /* as the module filled it in */
    bool can_lock; /* false: CKR_CANT_LOCK, one call at a time */
};
void wire_module_put(struct buffer *out, const struct wire_module *m);
bool wire_module_get(struct wire_reader *r, struct wire_module *m);

struct wire_mechanism {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO info; /* key sizes in the unit of the mechanism: bits, for RSA and EC */
};

struct wire_slot {
    CK_SLOT_ID id;
    CK_SLOT_INFO info;
    bool has_token;      /* token and mechanisms are set */
    CK_TOKEN_INFO token; /* every field and flag, as the module filled it in */
    struct wire_mechanism *mechanisms;
    size_t mechanism_count;
    char problem[256]; /* "" or why this slot could not be read in full: "C_GetTokenInfo: CKR_…" */
};
void wire_slot_put(struct buffer *out, const struct wire_slot *s);
bool wire_slot_get(struct wire_reader *r, struct wire_slot *s);
void wire_slot_free(struct wire_slot *s);

struct wire_slots {
    struct wire_slot *slot;
    size_t count;
};
void wire_slots_put(struct buffer *out, const struct wire_slots *s);
bool wire_slots_get(struct wire_reader *r, struct wire_slots *s);
void wire_slots_free(struct wire_slots *s);

/* Attributes of a key that are yes or no; the name in text and JSON. */
#define WIRE_FLAGS(X)                                                                              \
    X(WIRE_TOKEN_OBJECT, CKA_TOKEN, "token")                                                       \
    X(WIRE_PRIVATE, CKA_PRIVATE, "private")                                                        \
    X(WIRE_MODIFIABLE, CKA_MODIFIABLE, "modifiable")                                               \
    X(WIRE_CAN_SIGN, CKA_SIGN, "sign")                                                             \
    X(WIRE_CAN_DECRYPT, CKA_DECRYPT, "decrypt")                                                    \
    X(WIRE_CAN_UNWRAP, CKA_UNWRAP, "unwrap")                                                       \
    X(WIRE_CAN_DERIVE, CKA_DERIVE, "derive")                                                       \
    X(WIRE_CAN_VERIFY, CKA_VERIFY, "verify")                                                       \
    X(WIRE_CAN_ENCRYPT, CKA_ENCRYPT, "encrypt")                                                    \
    X(WIRE_CAN_WRAP, CKA_WRAP, "wrap")                                                             \
    X(WIRE_SENSITIVE, CKA_SENSITIVE, "sensitive")                                                  \
    X(WIRE_ALWAYS_SENSITIVE, CKA_ALWAYS_SENSITIVE, "always-sensitive")                             \
    X(WIRE_EXTRACTABLE, CKA_EXTRACTABLE, "extractable")                                            \
    X(WIRE_NEVER_EXTRACTABLE, CKA_NEVER_EXTRACTABLE, "never-extractable")                          \
    X(WIRE_LOCAL, CKA_LOCAL, "local")                                                              \
    X(WIRE_ALWAYS_AUTHENTICATE, CKA_ALWAYS_AUTHENTICATE, "always-authenticate")                    \
    X(WIRE_TRUSTED, CKA_TRUSTED, "trusted")

enum wire_flag {
#define X(flag, attribute, name) flag,
    WIRE_FLAGS(X)
#undef X
        WIRE_FLAG_COUNT
};

/* One object: a private key, a public key or a certificate. Other classes are counted only. */
struct wire_object {
    CK_OBJECT_CLASS class;
    CK_ULONG type; /* CK_KEY_TYPE, or CK_CERTIFICATE_TYPE */
    uint8_t *id;   /* CKA_ID */
    size_t id_length;
    char *label;          /* CKA_LABEL, as stored, without trailing NULs; not yet safe to print */
    uint32_t flags_known; /* bit 1 << enum wire_flag: the token told */
    uint32_t flags_set;   /* ... and what */
    uint32_t bits;        /* of an RSA modulus or an EC field; 0 unknown */
    char curve[32];       /* "P-256", "P-384", "P-521", else a name or dotted OID; "" for RSA */
    /* SubjectPublicKeyInfo in DER, where it can be known (from the key's own attributes, its public
     * key object, or its certificate); else NULL. */
    uint8_t *spki;
    size_t spki_length;
    uint8_t *der; /* CKA_VALUE of a certificate */
    size_t der_length;
    char problem[160]; /* "" or what could not be read of it */
    size_t group;      /* not sent: see objects_group (token/objects.h) */
};
void wire_object_put(struct buffer *out, const struct wire_object *o);
bool wire_object_get(struct wire_reader *r, struct wire_object *o);
void wire_object_free(struct wire_object *o);

/* A page of a token's objects, or all of them. A request with `first` 0 lists them anew; the next
 * pages go on in that list. */
struct wire_objects {
    struct wire_object *object;
    size_t count;
    uint32_t others; /* objects of other classes */
    uint32_t total;  /* objects of all classes on the token */
};
void wire_objects_put(struct buffer *out, const struct wire_objects *o);
bool wire_objects_get(struct wire_reader *r, struct wire_objects *o);
void wire_objects_free(struct wire_objects *o);

/* The key is the one whose public half is `spki`; id and label only say where to look first
 * (tokens.md section 5: "keys and certificates are matched by CKA_ID only: compare public keys").
 */
struct wire_open_key {
    CK_SLOT_ID slot;
    uint8_t *id;
    size_t id_length;
    char *label;
    uint8_t *spki;
    size_t spki_length;
    uint32_t lanes; /* sessions wanted, 1 or more */
};
void wire_open_key_put(struct buffer *out, const struct wire_open_key *k);
bool wire_open_key_get(struct wire_reader *r, struct wire_open_key *k);
void wire_open_key_free(struct wire_open_key *k);

struct wire_opened {
    uint32_t key;             /* the host's number for it */
    uint32_t lanes;           /* sessions really opened */
    bool always_authenticate; /* sign with WIRE_SIGN_LOGIN */
    char path[96];            /* "libp11" or "C_Sign: why" , for --verbose */
};
void wire_opened_put(struct buffer *out, const struct wire_opened *o);
bool wire_opened_get(struct wire_reader *r, struct wire_opened *o);

struct wire_sign {
    uint32_t key;
    enum signer_hash hash;
    uint8_t digest[64];
    size_t digest_length;
    bool pinpad;        /* WIRE_SIGN_LOGIN only: the PIN is typed at the reader */
    struct secret *pin; /* WIRE_SIGN_LOGIN only; NULL with pinpad */
};
void wire_sign_put(struct buffer *out, const struct wire_sign *s);
bool wire_sign_get(struct wire_reader *r, struct wire_sign *s);
void wire_sign_free(struct wire_sign *s);

struct wire_login {
    CK_SLOT_ID slot;
    CK_USER_TYPE user; /* CKU_USER or CKU_SO */
    bool pinpad;
    struct secret *pin; /* NULL with pinpad */
};
void wire_login_put(struct buffer *out, const struct wire_login *l);
bool wire_login_get(struct wire_reader *r, struct wire_login *l);
void wire_login_free(struct wire_login *l);

struct wire_set_pin {
    CK_SLOT_ID slot;
    CK_USER_TYPE user;
    bool pinpad; /* both PINs are typed at the reader */
    struct secret *old_pin;
    struct secret *new_pin;
};
void wire_set_pin_put(struct buffer *out, const struct wire_set_pin *s);
bool wire_set_pin_get(struct wire_reader *r, struct wire_set_pin *s);
void wire_set_pin_free(struct wire_set_pin *s);

/* A login as SO, then C_InitPIN. */
struct wire_init_pin {
    CK_SLOT_ID slot;
    bool pinpad; /* both are typed at the reader */
    struct secret *so_pin;
    struct secret *new_pin;
};
void wire_init_pin_put(struct buffer *out, const struct wire_init_pin *p);
bool wire_init_pin_get(struct wire_reader *r, struct wire_init_pin *p);
void wire_init_pin_free(struct wire_init_pin *p);

#endif
