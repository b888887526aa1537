/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: state folder /audit.log, one JSON object per line, appended whole under an OFD
 * lock. Every attempt, made or refused by us, is a line; never a PIN. Keys: time, event ("login",
 * "set-pin", "sign-login", "generate", "store"), outcome ("begun", "ok", "refused", "no-answer",
 * "forbidden", "error"), device, token, serial, user, actor, source, program, pid, uid, rv, reason.
 */
#ifndef SIGNET_GATE_AUDIT_H
#define SIGNET_GATE_AUDIT_H

#include <stdbool.h>

#include "base/error.h"

struct audit_line {
    const char *event;
    const char *outcome;
    const char *device;
    const char *token; /* label */
    const char *serial;
    const char *user;   /* "user", "so" or "management" */
    const char *actor;  /* "headless", "person" or "reset" */
    const char *source; /* "env:SIGNET_PIN" */
    const char *program;
    const char *rv;     /* NULL: none */
    const char *reason; /* NULL: none */
};

/* Appends. An attempt is told twice, before it begins and with what came of it: one that was cut
 * off is in the log, too. False when the log cannot be written: the gate then does not try. */
bool audit_append(const struct audit_line *line, struct error *e);

#endif
