/* SPDX-License-Identifier: Apache-2.0 */
/* The files that travel between the two steps of signing: steps.c reads them, steps_output.c writes
 * them, step.h tells of their lines. */
#ifndef SIGNET_PROFILES_ENGINE_STEPS_H
#define SIGNET_PROFILES_ENGINE_STEPS_H

#include "profiles/engine/step.h"

/* Such a file that is being written; it is there when all of it is. Another file is not replaced by
 * it: whoever forgets the name of the output names a program (`digest -o *.exe`). NULL:
 * ERROR_USAGE, ERROR_SYSTEM. */
struct steps_output;
struct steps_output *steps_create(enum step_kind kind, const char *path, struct error *e);

/* Lines may come in any order; `index` says which of them this one is. What is kept of a line is
 * its place. */
bool steps_add(struct steps_output *o, size_t index, const struct step *s, struct error *e);

/* Puts the lines into the order of their index. Where that cannot be done (it takes the room of
 * the file once more), they stay in the order in which they came, which no reader minds. */
bool steps_commit(struct steps_output *o, struct error *e);
void steps_output_free(struct steps_output **o);

/* One that is there. */
struct steps;

/* Looks through all of it: one line that is not right, or two for one file, and none is taken. What
 * is kept of a line is all but its `der`. NULL: ERROR_FORMAT names the line; ERROR_USAGE: it
 * cannot be opened; ERROR_SYSTEM; ERROR_UNSUPPORTED: not a regular file. */
struct steps *steps_open(enum step_kind kind, const char *path, struct error *e);
void steps_close(struct steps **s);

size_t steps_count(const struct steps *s);
const struct step *steps_at(const struct steps *s, size_t index); /* without its `der` */

/* The line for a file of this name; steps_count: there is none. */
size_t steps_find(const struct steps *s, const char *file);

/* Reads line `index` again, whole; by any thread. */
bool steps_read(const struct steps *s, size_t index, struct step *out, struct error *e);

#endif
