/* SPDX-License-Identifier: Apache-2.0 */
/* How the gate reaches a person, if there is one. The programs and the console fill this in. */
#ifndef SIGNET_GATE_PERSON_H
#define SIGNET_GATE_PERSON_H

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"

/* Members may be NULL: nobody can be asked that. */
struct gate_person {
    void *data;
    /* Asks for a secret without echo. NULL: ERROR_PIN_SOURCE (no terminal) or ERROR_CANCELLED. */
    struct secret *(*secret)(void *data, const char *text, struct error *e);
    /* Asks to type `expected` (a token's label) on a terminal; true when it was typed. Never
     * answered by --yes. */
    bool (*type_label)(void *data, const char *text, const char *expected);
    /* Tells something while waiting: who holds the token, "type the PIN at the reader". One line.
     */
    void (*tell)(void *data, const char *text);
};

#endif
