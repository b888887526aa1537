/* SPDX-License-Identifier: Apache-2.0 */
/* Texts quoted for those who read them: YAML, and cmd.exe of Windows. */
#ifndef SIGNET_PROFILES_QUOTE_H
#define SIGNET_PROFILES_QUOTE_H

#include <stdbool.h>

#include "base/buffer.h"

/* Appends a scalar that YAML 1.1 and 1.2 read back as this very text; plain where that is safe,
 * else in double quotes. In a flow collection (`flow`) always in quotes. */
void quote_yaml(struct buffer *out, const char *text, bool flow);

/* Appends one argument for a line of a batch file (.cmd): quoted as the C runtime of the program
 * takes it apart (double quotes, a quote as \", backslashes before a quote doubled), and so that
 * cmd.exe before it changes nothing (a percent sign doubled; where the text has a quote in it,
 * which would turn cmd.exe's own idea of quoting over, a caret before each of its signs). */
void quote_cmd(struct buffer *out, const char *text);

#endif
