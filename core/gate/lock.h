/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of one device among all processes of the machine: first come, first served. Every
 * process that wants the token holds a ticket file under an OFD lock (fcntl F_OFD_SETLK); whose
 * ticket has the lowest number has the token. A ticket whose lock is free belongs to the dead and
 * is skipped.
 */
#ifndef SIGNET_GATE_LOCK_H
#define SIGNET_GATE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "gate/person.h"

struct gate_lock;

/* Queues up to `wait_ms` for `device` ([a-z0-9-]). `program` is told to those who wait behind.
 * NULL: ERROR_BUSY names holder, process, user and since when; ERROR_CANCELLED; ERROR_SYSTEM. */
struct gate_lock *gate_lock_take(const char *device, const char *program, int64_t wait_ms,
                                 const struct gate_person *person, struct cancel *cancel,
                                 struct error *e);

/* The same in two steps, for who has something to do when it has to wait: the first draws a ticket
 * (NULL: ERROR_SYSTEM), the last waits; false leaves the ticket to gate_lock_release. */
struct gate_lock *gate_lock_join(const char *device, const char *program, struct error *e);
bool gate_lock_is_ours(const struct gate_lock *l);
bool gate_lock_wait(const struct gate_lock *l, int64_t wait_ms, const struct gate_person *person,
                    struct cancel *cancel, struct error *e);

/* The descriptor that keeps the lock; a child that inherits it keeps the token. */
int gate_lock_fd(const struct gate_lock *l);

/* How long ago another last drew a ticket or gave the lock back, in ms; 0 where this one had to
 * wait for it; INT64_MAX where nobody ever did. One that was killed is not counted. */
int64_t gate_lock_others_ago(const struct gate_lock *l);

void gate_lock_release(struct gate_lock **l);

/* Who has the device now, in one line; NULL when nobody. New string, freed by the caller. */
char *gate_lock_holder(const char *device);

#endif
