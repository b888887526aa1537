/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to an operation's arguments, and the texts made from descriptors. Nothing here prints.
 */
#ifndef SIGNET_OP_ARGS_H
#define SIGNET_OP_ARGS_H

#include "op/op.h"

/* Parses what follows the verb. Options may stand anywhere, `--name=value` or `--name value`, `--`
 * ends them. NULL: ERROR_USAGE, naming the option and the nearest known one. A value after --pin
 * that is no source is never repeated. */
struct op_args *op_args_parse(const struct op *op, int argc, const char *const *argv,
                              struct error *e);
void op_args_free(struct op_args **a);

/* The operation that argv begins with ("profile" "new" …), and how many words it took; NULL:
 * ERROR_USAGE names a near miss. */
const struct op *op_find(const struct op *const *table, size_t count, int argc,
                         const char *const *argv, int *words, struct error *e);

/* Appends: the program's overview, one verb's help, one verb in scdoc, a bash completion script. */
void op_help_program(const char *program, const char *about, const struct op *const *table,
                     size_t count, struct buffer *out);
void op_help_verb(const char *program, const struct op *op, struct buffer *out);
void op_manual_verb(const char *program, const struct op *op, struct buffer *out);
void op_completion(const char *program, const struct op *const *table, size_t count,
                   struct buffer *out);

#endif
