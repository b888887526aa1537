/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What signet and signet-batch have in common as programs: argv to operation, records to the
 * terminal or JSON, prompts, signals, exit status. The only room below tui that prints.
 */
#ifndef SIGNET_PROFILES_PROGRAM_H
#define SIGNET_PROFILES_PROGRAM_H

#include "op/op.h"

/* All operations of both programs: op_core_table and those of profiles. NULL-terminated, built at
 * first use. */
const struct op *const *program_table(size_t *count);

/* Runs `program` ("signet" or "signet-batch") and returns its exit status (design section 3). A
 * verb of the other program is passed on with exec. --help, --version, `help VERB`; hidden:
 * --manual (scdoc of the verbs),
 * --completion. */
int program_main(const char *program, int argc, char **argv);

#endif
