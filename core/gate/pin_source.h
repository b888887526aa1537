/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a PIN comes from (design section 2, rule 2): prompt, env:NAME, file:PATH, fd:N,
 * credential:NAME, command:ARGV, pinpad.
 */
#ifndef SIGNET_GATE_PIN_SOURCE_H
#define SIGNET_GATE_PIN_SOURCE_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/secret.h"
#include "gate/person.h"

enum pin_source_kind {
    PIN_PROMPT,
    PIN_ENV,
    PIN_FILE,
    PIN_FD,
    PIN_CREDENTIAL,
    PIN_COMMAND,
    PIN_PINPAD,
};

struct pin_source;

/* Parses the text of a source. NULL: ERROR_USAGE. A text that is no source is answered as what it
 * probably is, a PIN in the shell's history, and is not repeated. */
struct pin_source *pin_source_parse(const char *text, struct error *e);
struct pin_source *pin_source_dup(const struct pin_source *s, struct error *e);
void pin_source_free(struct pin_source **s);

enum pin_source_kind pin_source_kind(const struct pin_source *s);

/* As it was written: "env:SIGNET_PIN". Never the PIN. */
const char *pin_source_text(const struct pin_source *s);

/* Everything that can be said about the source without reading a PIN: the variable is set, the file
 * is there and private, the command exists. ERROR_PIN_SOURCE names the source and the remedy. Does
 * not consume. */
bool pin_source_check(const struct pin_source *s, struct error *e);

/* Reads the PIN. An environment variable is overwritten in place and unset, a descriptor is read to
 * its end and closed: so read once, and keep. `what` is for the prompt: "PIN of 'release'". Refused
 * with ERROR_PIN_SOURCE (rule 3): unset, empty, white space or CR at an end, an unexpanded $NAME,
 * NUL inside. One line end after the PIN of a file, descriptor or command is not part of it. Not
 * for PIN_PINPAD (there is nothing to read). */
struct secret *pin_source_read(const struct pin_source *s, const char *what,
                               const struct gate_person *person, struct cancel *cancel,
                               struct error *e);

/* The same of a source that reading does not use up, a variable, a file or a credential: *pin is
 * what would be tried, for looking at its length. Of others it is NULL, and true. */
bool pin_source_peek(const struct pin_source *s, struct secret **pin, struct error *e);

/* For a program that logs in more than once, as the console does: what is read from variables from
 * now on is kept in locked memory, and given again. False wipes it. */
void pin_source_keep_env(bool keep);

#endif
