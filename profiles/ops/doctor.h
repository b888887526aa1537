/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `signet doctor` looked at and what it found. Each file of the verb fills in its steps; none
 * of them logs in, and none knows a PIN.
 */
#ifndef SIGNET_PROFILES_OPS_DOCTOR_H
#define SIGNET_PROFILES_OPS_DOCTOR_H

#include <openssl/x509.h>

#include "base/buffer.h"
#include "base/error.h"
#include "op/op.h"
#include "profiles/profile.h"
#include "profiles/ready.h"
#include "token/card.h"
#include "token/devices.h"
#include "token/inventory.h"
#include "token/usb.h"

/* In the order in which they stand in each other's way; the names in JSON. */
#define DOCTOR_STEPS(X)                                                                            \
    X(DOCTOR_USB, "usb")                                                                           \
    X(DOCTOR_PCSCD, "pcscd")                                                                       \
    X(DOCTOR_PERMISSION, "permission")                                                             \
    X(DOCTOR_READER, "reader")                                                                     \
    X(DOCTOR_CARD, "card")                                                                         \
    X(DOCTOR_DRIVER, "driver")                                                                     \
    X(DOCTOR_MODULE, "module")                                                                     \
    X(DOCTOR_TOKEN, "token")                                                                       \
    X(DOCTOR_KEY, "key")                                                                           \
    X(DOCTOR_CERTIFICATE, "certificate")                                                           \
    X(DOCTOR_CHAIN, "chain")                                                                       \
    X(DOCTOR_PROFILE, "profile")                                                                   \
    X(DOCTOR_TIMESTAMP, "timestamp")

enum doctor_step {
#define X(step, name) step,
    DOCTOR_STEPS(X)
#undef X
        DOCTOR_STEP_COUNT
};

/* From good to bad: a step has the worst of what was found in it. */
enum doctor_state { DOCTOR_UNSEEN, DOCTOR_OK, DOCTOR_WARNING, DOCTOR_GAP };

struct doctor_finding {
    enum doctor_state state;
    struct buffer text;   /* one line */
    struct buffer remedy; /* lines, to be pasted where they are commands; empty: none */
    enum error_code code; /* of a gap: what the verb ends with */
};

struct doctor {
    struct op_ctx *ctx;
    const char *name;              /* of the token, or NULL */
    const struct profile *profile; /* NULL: none is named */
    bool explicit_module;          /* --module, or that of the profile */
    struct doctor_finding step[DOCTOR_STEP_COUNT];

    /* What was read. */
    struct usb_devices usb;
    struct error usb_error;
    struct wire_readers readers;
    struct error pcsc;  /* why there are no readers; ERROR_NONE */
    bool cards_refused; /* polkit lets this user at readers, and at no card */
    struct wire_card *card;
    size_t card_count;
    struct module_list modules; /* all, whatever --module says */
    struct error no_module;     /* why none could be asked (an unknown --module); ERROR_NONE */
    struct ready ready;         /* with a profile; its inventory is the one below then */
    struct inventory own;
    struct inventory *inventory;
    struct token *token; /* the one that is meant, where it is there */
};

/* Adds to a step: the text after what it has already, the state where it is worse. */
void doctor_say(struct doctor_finding *f, enum doctor_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A gap that ends the verb with `code`. */
void doctor_gap(struct doctor_finding *f, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a line to the step's remedy. */
void doctor_remedy(struct doctor_finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first gap before `end`; `end` for none. */
enum doctor_step doctor_first_gap(const struct doctor *d, enum doctor_step end);

/* doctor_look.c: reads all facts. False: no memory, cancelled, a token's name that means several.
 */
bool doctor_look(struct doctor *d, const struct op_args *args, struct error *e);
void doctor_free(struct doctor *d);

/* True when this token is in a reader of PC/SC; *reader (may be NULL) which. */
bool doctor_in_reader(const struct doctor *d, const struct token *t, const char **reader);

/* doctor_device.c: usb to driver, where the token that is meant may be such a device. */
void doctor_devices(struct doctor *d);

/* doctor_module.c: the modules that were asked. */
void doctor_modules(struct doctor *d);

/* What to do about a module that failed so. */
void doctor_module_remedy(struct doctor_finding *f, const char *path, const struct error *failed);

/* doctor_token.c: token to chain, of the token that is meant, else of the one that is nearest to
 * signing. */
void doctor_tokens(struct doctor *d);

/* doctor_profile.c: the same steps by what ready_prepare found, and the rest of the profile. */
void doctor_ready(struct doctor *d);

/* doctor_server.c: the timestamp servers of the profile. */
void doctor_servers(struct doctor *d);

/* `file` of the CA that issued `x`, from its authority information access (RFC 5280 section
 * 4.2.2.1), as a remedy for a chain that is not complete. */
void doctor_chain_remedy(struct doctor_finding *f, const X509 *x);

#endif
