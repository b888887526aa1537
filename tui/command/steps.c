/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps from an empty token to signed builds, done by Enter. None has a memory of its own: what
 * is on the token and in the folders of orders says how far one is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/action.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/model/pair.h"

enum { MOST_WAYS = 6 };

/* One way to do a step. */
struct way {
    const char *text;
    void (*run)(struct console *c);
};

struct ways {
    size_t count;
    struct way way[MOST_WAYS];
};

static void add_way(struct ways *w, const char *text, void (*run)(struct console *c))
{
    if (w->count < MOST_WAYS)
        w->way[w->count++] = (struct way){text, run};
}

/* The token may have gone while the list was open. */
static void way_chosen(struct console *c, void *data, size_t index)
{
    const struct ways *ways = data;

    if (console_token(c) == NULL)
        console_say(c, STYLE_WARN, "the token is gone");
    else
        ways->way[index].run(c);
}

static void offer(struct console *c, const char *title, const struct ways *ways)
{
    struct ways *copy = malloc(sizeof *copy);
    struct window *w = copy == NULL ? NULL : palette_new(title, way_chosen, copy);

    if (w == NULL) {
        free(copy);
        console_open(c, NULL);
        return;
    }
    *copy = *ways;
    palette_owns_data(w, free);
    for (size_t i = 0; i < ways->count; i++)
        palette_add(w, ways->way[i].text, NULL, NULL);
    console_open(c, w);
}

static void run_status(struct console *c, const char *option)
{
    const json_t *order = checklist_order(&c->store, console_token(c));
    const char *words[] = {op_string(order, "folder"), option};

    if (order != NULL)
        jobs_run(c, "order status", NULL, words, option == NULL ? 1 : 2);
}

static void look_at_order(struct console *c)
{
    run_status(c, NULL);
}

static void note_ordered(struct console *c)
{
    run_status(c, "--ordered");
}

static void attach(struct console *c)
{
    const json_t *order = checklist_order(&c->store, console_token(c));
    const struct verb_value values[] = {{.name = "DIR", .value = op_string(order, "folder")}, {0}};

    command_open_verb_with(c, "order attach", values);
}

static void add_order_ways(struct ways *ways, const json_t *order)
{
    const char *state = op_string(order, "state");

    if (strcmp(state, "made") == 0)
        add_way(ways, "note that it is ordered at the CA, today", note_ordered);
    add_way(ways, "import what the CA returned, from a file or pasted", command_import);
    add_way(ways, "look at the order", look_at_order);
    if (strcmp(state, "issued") != 0)
        add_way(ways, "keep what the CA returned with the order", attach);
}

static void certificate_step(struct console *c)
{
    const json_t *token = console_token(c), *order = checklist_order(&c->store, token);
    bool has = checklist_certificate(&c->store, token) != NULL;
    struct ways ways = {0};

    if (command_key_here(c) == NULL) {
        command_step(c, STEP_KEY);
        return;
    }
    if (order != NULL)
        add_order_ways(&ways, order);
    add_way(&ways,
            has             ? "order the next one: a CSR from this certificate, for its key"
            : order == NULL ? "make a CSR for this key, in a folder for the order"
                            : "make another CSR for this key",
            command_csr);
    if (order == NULL)
        add_way(&ways, "import what the CA returned, from a file or pasted", command_import);
    if (has)
        add_way(&ways, "make a new key for the next one", command_keygen);
    offer(c, has ? "The next certificate" : "From the key to its certificate", &ways);
}

static void import_chain(struct console *c, const char *data, const char *answer)
{
    const json_t *token = console_token(c);
    const json_t *shown = store_detail(&c->store, data);
    const char *pem = op_string(json_object_get(shown, "certificate"), "pem");
    const char *name = op_string(command_profile_here(c), "name");
    const char *words[] = {"--profile", name, "--", op_string(token, "uri"), pem, answer};
    size_t skipped = *name == '\0' ? 2 : 0;

    if (answer == NULL || *answer == '\0')
        return;
    if (token == NULL || *pem == '\0')
        console_say(c, STYLE_WARN, "the certificate is not read yet");
    else
        jobs_run(c, "import", token, words + skipped, sizeof words / sizeof *words - skipped);
}

/* The chain goes by its certificate: the verb takes both. */
static void ask_chain(struct console *c)
{
    console_open(c, ask_text("Which file has the CA's intermediate certificates?", NULL, true,
                             import_chain, checklist_certificate(&c->store, console_token(c))));
}

static void name_chain(struct console *c)
{
    if (command_profile_here(c) != NULL)
        command_profile_edit(c);
    else
        command_profile_new(c);
}

static void chain_step(struct console *c)
{
    struct ways ways = {0};

    if (checklist_certificate(&c->store, console_token(c)) == NULL) {
        certificate_step(c);
        return;
    }
    add_way(&ways, "put the CA's certificates onto the token, from a file", ask_chain);
    add_way(&ways, "name a file of them under chain in the profile", name_chain);
    offer(c, "The certificates of the CA", &ways);
}

static void key_step(struct console *c)
{
    struct pair p = pair_of(store_objects(&c->store, console_token(c)));
    const char *why = command_no_key_made(c);

    if (p.certificate != NULL || (p.key != NULL && op_true(p.key, "ca-accepts")))
        console_say(c, STYLE_GOOD, "that is done; K makes another key");
    else if (why != NULL)
        console_say(c, STYLE_WARN, "%s; a CA sends tokens with a key, too", why);
    else
        command_keygen(c);
}

void command_step(struct console *c, enum step s)
{
    struct checklist list;

    checklist_make(&list, &c->store, console_token(c));
    switch (s) {
    case STEP_PASSWORD:
        if (store_is_blocked(&c->store, console_token(c)) && jobs_op("unblock") != NULL)
            command_unblock(c);
        else
            command_change_pin(c);
        break;
    case STEP_PROFILE:
        command_profile_new(c);
        break;
    case STEP_PIN:
        command_pin_store(c);
        break;
    case STEP_TRIAL:
        command_profile_trial(c);
        break;
    case STEP_CHAIN:
        chain_step(c);
        break;
    case STEP_KEY:
        key_step(c);
        break;
    case STEP_CERTIFICATE:
        if (list.step[s].state == STATE_DONE)
            console_say(c, STYLE_GOOD, "that is done; O orders another one");
        else
            certificate_step(c);
        break;
    case STEP_TOKEN:
    case STEP_DRIVER:
    case STEP_COUNT:
        console_say(c, STYLE_GOOD, "that is done");
        break;
    }
}
