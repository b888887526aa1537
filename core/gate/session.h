/* SPDX-License-Identifier: Apache-2.0 */
/* A gate session inside, for the files of this room. */
#ifndef SIGNET_GATE_SESSION_H
#define SIGNET_GATE_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "gate/gate.h"
#include "gate/guard.h"
#include "gate/lock.h"
#include "gate/tries.h"
#include "gate/watch.h"
#include "token/attempt.h"

enum { GATE_RECOVERIES = 3 };

struct gate_session {
    /* What was asked for; own copies. */
    char *module, *device, *program, *label;
    char *name;            /* of the secret, for people */
    char *reader, *family; /* a card by PC/SC; else NULL */
    CK_TOKEN_INFO token;   /* as first read: label, serial and model find it again */
    CK_SLOT_INFO slot_info;
    enum wire_pin role;
    bool first_pin; /* the token has no such PIN yet: nothing can be tried, whatever flags and guard
                       say (SoftHSM calls the SO PIN of a token that has none locked) */
    enum gate_actor actor;
    struct pin_source *source;
    long tries_left;
    struct gate_person person;
    struct cancel *cancel;

    char *
        card_reader; /* the reader that the token's card is in, as last seen; NULL: it is no card */
    struct gate_watch *watch;
    struct gate_lock *lock;
    struct secret *pin; /* NULL: pinpad, or no login needed */
    struct host *host;
    CK_SLOT_ID slot;
    /* The counter as its card or vendor told it last; left WIRE_UNKNOWN: the flags count. */
    struct wire_counter figure;
    struct tries tries;       /* ... and as it was judged before this attempt */
    struct guard_mark before; /* the guard's mark as it was before this attempt */

    /* Lanes read host, slot and key; a recovery writes them. */
    pthread_rwlock_t current;
    unsigned generation, recoveries;
    atomic_bool unproved; /* recovered, and has not signed since */
    bool touch;           /* each signature waits for a person's touch */
    bool ended;           /* nothing more is tried, because of `why` */
    struct error why;

    /* Keys that want a login per signature: one at a time, and none after a refusal. */
    pthread_mutex_t attempting;
    atomic_bool refused;
    struct error refusal;

    struct signer signer;
    struct wire_open_key want; /* own copies */
    struct wire_opened key;
};

/* The steps before an attempt: the token as it is now, length of `new_pin` too (may be NULL),
 * guard, counter; then the guard's mark is set. Refusals are audited as `event`. */
bool session_permit(struct gate_session *s, const char *event, const struct secret *new_pin,
                    struct error *e);

/* The steps after: guard and audit by what came of it; on failure `e` becomes what a person needs
 * to know. */
bool session_settle(struct gate_session *s, const char *event, const struct attempt *result,
                    struct error *e);

/* One login in s->host, whole: permit, attempt, settle. */
bool session_login(struct gate_session *s, struct error *e);

/* The token that was asked for, not another in its place. */
bool session_is_token(const struct gate_session *s, const struct wire_slot *slot);

/* Asks the card for its counter where the token is one, starts a host when there is none, and finds
 * the token in it. */
bool session_connect(struct gate_session *s, struct error *e);

/* Reads s->figure anew. A token's host is ended where it would be in the way. False: cancelled, or
 * the card of a request with a reader is gone or in use. */
bool session_read_figure(struct gate_session *s, struct error *e);

/* ... from what the vendor's module adds to PKCS#11, where no card told it. The host must be there.
 */
void session_read_vendor_figure(struct gate_session *s);

/* A session of its own for the request, with the host taken over. NULL: no memory. */
struct gate_session *session_new(const struct gate_request *request, struct host **host,
                                 struct error *e);

/* The role, as PKCS#11 has it. */
CK_USER_TYPE session_user(const struct gate_session *s);

/* Queues for the token. */
bool session_lock(struct gate_session *s, const struct gate_request *request, struct error *e);

/* Asks for a secret of the session's token by name: "SO PIN of 'release'". */
struct secret *session_read_secret(struct gate_session *s, const struct pin_source *source,
                                   const char *what, struct error *e);

/* The same of a new one, which a prompt asks for twice. */
struct secret *session_read_new_secret(struct gate_session *s, const struct pin_source *source,
                                       const char *what, struct error *e);

/* C_SetPIN, or a new user PIN by the session's secret, whole: permit, attempt, settle. NULL: typed
 * at the reader. */
bool session_set_pin(struct gate_session *s, const struct secret *new_pin, struct error *e);
bool session_init_pin(struct gate_session *s, const struct secret *new_pin, struct error *e);

/* The length of a PIN from `source` is one that the token takes, as it was last read. */
bool session_fits(const struct gate_session *s, const struct secret *pin,
                  const struct pin_source *source, struct error *e);

#endif
