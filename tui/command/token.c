/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to the token under the cursor. The gate asks and refuses. */
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"

static void run(struct console *c, const char *verb, const char *option)
{
    const json_t *token = console_token(c);
    const char *words[] = {op_string(token, "uri"), option};

    jobs_run(c, verb, token, words, option == NULL ? 1 : 2);
}

void command_reset_counter(struct console *c)
{
    run(c, "reset-counter", NULL);
}

void command_change_pin(struct console *c)
{
    run(c, "change-pin", NULL);
}

void command_login(struct console *c)
{
    run(c, "objects", "--login");
}
