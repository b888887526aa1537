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

void command_unblock(struct console *c)
{
    run(c, "unblock", NULL);
}

/* Of the token, or the card that no module shows. */
void command_counters(struct console *c)
{
    const struct row *r = console_row(c);
    const json_t *token = console_token(c);

    if (token != NULL)
        store_touch_figures(&c->store, op_string(token, "uri"));
    else if (r != NULL && r->kind == ROW_CARD)
        store_touch_figures(&c->store, op_string(r->record, "reader"));
    else {
        console_say(c, STYLE_WARN, "tries left: no token and no card here");
        return;
    }
    c->asked_figures = true;
    c->answering = false;
    console_say(c, STYLE_DIM, "asking for the tries left");
}

void command_doctor(struct console *c)
{
    jobs_run(c, "doctor", NULL, NULL, 0);
}

void command_change_pin(struct console *c)
{
    run(c, "change-pin", NULL);
}

void command_login(struct console *c)
{
    run(c, "objects", "--login");
}
