/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token host: the child process signet-token with one PKCS#11 module in it (design section 1a).
 * Calls may come from several threads, each on its own lane. A host that crashes or misses a
 * deadline is dead for good: each call then says so, and whoever owns it starts another.
 */
#ifndef SIGNET_TOKEN_HOST_H
#define SIGNET_TOKEN_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "wire/message.h"

struct host;

/* Where signet-token is: $SIGNET_TOKEN, the build tree beside the running program, or libexecdir.
 * New string, freed by the caller. NULL: ERROR_MISSING. */
char *host_program(struct error *e);

/* Starts a child and has it load the module at `path` (C_GetFunctionList, C_Initialize). NULL:
 * ERROR_HOST when it crashed or hung, ERROR_MISSING when the file is not there or not a module,
 * ERROR_TOKEN, ERROR_CANCELLED. */
struct host *host_start(const char *path, struct cancel *cancel, struct error *e);

/* Closes the socket, gives the child two seconds to finalise, kills it, reaps it. Takes NULL; sets
 * *h to NULL. */
void host_stop(struct host **h);

const char *host_module_path(const struct host *h);
const struct wire_module *host_module(const struct host *h);
pid_t host_pid(const struct host *h);

/* How long ago it was started, in ms. */
int64_t host_age(const struct host *h);

/* Kills the child because of `text`: calls under way and to come end with it, as ERROR_HOST. Any
 * thread. */
void host_end(struct host *h, const char *text);

/* False once the child crashed, was killed, or broke the protocol. */
bool host_alive(const struct host *h);

/* Sends a request that cannot spend a try, and waits for its answer until the type's deadline. On
 * success `answer` holds the reply's body after its status, the caller's to free. False:
 * ERROR_TOKEN when the module refused (detail: CK_RV), ERROR_HOST when the host crashed, or was
 * killed at the deadline, ERROR_CANCELLED when it was killed because `cancel` was requested. */
bool host_call(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
               struct cancel *cancel, struct buffer *answer, struct error *e);

/* The same with a deadline of its own, in ms: for what a person has to do at the device meanwhile.
 */
bool host_call_within(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
                      int64_t deadline, struct cancel *cancel, struct buffer *answer,
                      struct error *e);

/* WIRE_SLOTS, WIRE_TOKEN, WIRE_LOGOUT with their answers unpacked. */
bool host_slots(struct host *h, struct cancel *cancel, struct wire_slots *out, struct error *e);
bool host_token(struct host *h, CK_SLOT_ID slot, struct cancel *cancel, struct wire_slot *out,
                struct error *e);
bool host_logout(struct host *h, CK_SLOT_ID slot, struct cancel *cancel, struct error *e);

#endif
