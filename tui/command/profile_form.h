/* SPDX-License-Identifier: Apache-2.0 */
/* A profile in a form, made from the schema table (profiles/schema.h). */
#ifndef SIGNET_TUI_COMMAND_PROFILE_FORM_H
#define SIGNET_TUI_COMMAND_PROFILE_FORM_H

#include "tui/console.h"

/* From the token, key or certificate under the cursor: asks for a name, drafts the profile. */
void profile_form_new(struct console *c);

/* The profile in this file. */
void profile_form_edit(struct console *c, const char *path);

#endif
