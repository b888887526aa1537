/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way to anything that can spend a try of a PIN (design section 2). Its order is always:
 * lock, length, guard, counter, attempt, audit.
 *
 * A session is a login that lasts. It holds the token's lock, the host and the PIN (in locked
 * memory, for the one login of a fresh host after a crash) until it is closed.
 */
#ifndef SIGNET_GATE_GATE_H
#define SIGNET_GATE_GATE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"
#include "gate/person.h"
#include "gate/pin_source.h"
#include "token/host.h"
#include "token/inventory.h"
#include "wire/card.h"

enum gate_actor {
    GATE_HEADLESS, /* nobody watches: one try, and only while no try is missing */
    GATE_PERSON,   /* a person types the PIN, here and now */
    GATE_RESET,    /* the verb that goes on below the maximum, with a PIN that nobody typed: once,
                      since a script could say it again and again */
};

/* Who asks, by where the PIN comes from: only what is typed tells of a person. */
enum gate_actor gate_actor_of(const struct pin_source *source);

struct gate_request {
    const char *module; /* path of the module, for a fresh host; WIRE_PCSC with `reader` */
    const char *device; /* token.device: the key of lock and guard */
    const struct wire_slot
        *slot; /* the token as last read; matched again by serial and label in a fresh host */
    enum wire_pin role; /* whose secret it is: WIRE_PIN_USER, WIRE_PIN_SO; gate_unblock: any */
    const char *name;   /* what the token calls it, "PW3 (admin)"; NULL: as its role */
    const char *reader; /* gate_unblock of a card by PC/SC: its reader; else NULL */
    const char *family; /* ... the application that is meant (wire_application.family) */
    const char *serial; /* ... and its serial, if it told one: the secret is for no other card */
    enum gate_actor actor;
    const struct pin_source *source;
    long tries_left; /* profile's `tries-left`; 0: the maximum */
    /* gate_would_try alone: the user PIN's counter as last read, where something tells a figure;
     * NULL: the flags count. gate_open reads it anew, under the lock. */
    const struct wire_counter *counter;
    int64_t wait_ms;                  /* how long to queue for the token; 0: not at all */
    const struct gate_person *person; /* may be NULL */
    const char
        *program; /* for the audit log and for who waits behind us: "signet-batch sign release" */
    struct cancel *cancel;
};

struct gate_session;

/* Queues for the token and logs in, once, or finds a reason not to. `host` is taken over, also on
 * failure (*host becomes NULL); a NULL host is started from request->module. The request and what
 * it points to may go afterwards, except `person` and `cancel`. NULL: ERROR_BUSY (who holds it),
 * ERROR_PIN_SOURCE, ERROR_FORBIDDEN (guard or counter, and how to go on), ERROR_PIN_REFUSED (with
 * the tries left as exactly as they are known), ERROR_TOKEN, ERROR_HOST, ERROR_CANCELLED. */
struct gate_session *gate_open(const struct gate_request *request, struct host **host,
                               struct error *e);

/* Logs out, wipes the PIN, gives the token to the next in the queue. Takes NULL; sets *s to NULL.
 */
void gate_close(struct gate_session **s);

/* The host and slot of the session as they are now; they change with a recovery. For reading only.
 */
struct host *gate_host(struct gate_session *s);
CK_SLOT_ID gate_slot(struct gate_session *s);

/* A signer for the key whose public half is `want->spki` (slot is ignored), with up to
 * `want->lanes` sessions; *lanes is how many there are. A crashed or hung host, or a dead session,
 * is replaced by a fresh host and one login with the same PIN while guard and counter allow it, and
 * the signature is asked for again; never after a refused PIN, and at most three times in a
 * session. Keys with always-authenticate log in for each signature. `path` (may be NULL) gets how
 * it signs, for --verbose. The signer is the session's; its calls may come from several threads,
 * those of one lane are done one after the other. */
const struct signer *gate_signer(struct gate_session *s, const struct wire_open_key *want,
                                 unsigned *lanes, const char **path, struct error *e);

/* Before gate_signer: the key wants a touch. Each signature may then take as long as a person needs
 * (120 s). */
void gate_expect_touch(struct gate_session *s);

/* The text of the source where none is named: what a person types at the reader's own keys goes
 * nowhere else, so these come first where the token has them. */
const char *gate_default_source(const CK_TOKEN_INFO *token);

/* Would gate_open try? Looks at the source, the length of a PIN that a look does not use up
 * (pin_source_peek), guard and counter, in that order, without a lock or a try. False: the error
 * gate_open would give. */
bool gate_would_try(const struct gate_request *request, struct host *host, struct error *e);

/* C_SetPIN, once, under lock, guard and counter, with the same rules for old and new PIN. The new
 * PIN is asked for twice when it comes from a prompt. */
bool gate_change_pin(const struct gate_request *request, const struct pin_source *new_pin,
                     struct host **host, struct error *e);

/* Writes the PIN that the session's login proved to `path`, mode 0600, in one step; makes its
 * folder. ERROR_USAGE when it was typed at the reader. */
bool gate_store_pin(struct gate_session *s, const char *path, struct error *e);

/* Sets a new user PIN by a secret that can lock for ever, tried once: C_InitPIN after a login as
 * SO, or with request->reader what the card's family has for it (PUK, reset code, SO PIN), as
 * request->role says. request->source is that secret's. The same order and rules as for a login;
 * the new PIN is asked for twice at a prompt. A card that another program uses is ERROR_BUSY. */
bool gate_unblock(const struct gate_request *request, const struct pin_source *new_pin,
                  struct host **host, struct error *e);

/* Tries left in words, from the flags of CK_TOKEN_INFO. Static storage. `so` chooses the SO PIN's
 * flags. */
const char *gate_counter_text(CK_FLAGS flags, bool so);

/* What the session's login began with, in words: "2 of 3 tries left (card, GET METADATA)". */
const char *gate_tries_before(const struct gate_session *s);

#endif
