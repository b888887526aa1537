/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the console: to the clipboard, and to files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/term/clipboard.h"
#include "tui/view/form.h"

void command_copy_text(struct console *c, const char *what, const char *text)
{
    if (text == NULL || *text == '\0')
        console_say(c, STYLE_WARN, "there is no %s to copy", what);
    else if (clipboard_copy(text, strlen(text)))
        console_say(c, STYLE_GOOD, "copied %s: %.*s", what, (int)strcspn(text, "\n"), text);
    else
        console_say(c, STYLE_BAD, "%s is too long for the clipboard", what);
}

static const char *row_uri(const struct console *c)
{
    const struct row *r = console_row(c);
    const char *uri = r == NULL ? "" : op_string(r->record, "uri");

    return *uri != '\0' || r == NULL ? uri : op_string(r->record, "path");
}

void command_copy(struct console *c)
{
    const struct line *l = c->line < c->detail.count ? &c->detail.line[c->line] : NULL;

    if (c->focus == PANE_DETAIL && l != NULL && l->copy != NULL)
        command_copy_text(c, l->name == NULL ? "the line" : l->name, l->copy);
    else
        command_copy_text(c, "URI", row_uri(c));
}

void command_copy_uri(struct console *c)
{
    command_copy_text(c, "URI", row_uri(c));
}

void command_copy_pem(struct console *c)
{
    const json_t *full = store_detail(&c->store, op_string(console_object(c), "uri"));

    command_copy_text(c, "PEM", op_string(json_object_get(full, "certificate"), "pem"));
}

void command_copy_signtool(struct console *c)
{
    const json_t *profile = command_profile_here(c);
    const char *words[] = {op_string(profile, "path")};

    if (profile == NULL)
        console_say(c, STYLE_WARN, "signtool line: there is no profile for this yet (p)");
    else
        jobs_run(c, "profile signtool", NULL, words, 1);
}

/* Export. */

enum { EXPORT_FILE, EXPORT_FORMAT, EXPORT_CHAIN, EXPORT_FIELDS };

static const char *const formats[] = {"pem", "der", "p7b", NULL};

static const struct form_field export_fields[EXPORT_FIELDS] = {
    [EXPORT_FILE] = {"File", "where to; Tab completes", FORM_PATH, NULL, true, false},
    [EXPORT_FORMAT] = {"Format", "pem is text, der is bytes, p7b is PKCS#7", FORM_CHOICE, formats,
                       true, false},
    [EXPORT_CHAIN] = {"With its chain", "the certificates up to the root, as far as they are here",
                      FORM_SWITCH, NULL, false, false},
};

/* What is exported, as it was when the form opened. */
struct export
{
    char *uri, *token_uri;
};

static void export_free(void *data)
{
    struct export *x = data;

    free(x->uri);
    free(x->token_uri);
    free(x);
}

static bool export_done(struct console *c, void *data, const char *const *values, char *why,
                        size_t size)
{
    struct export *x = data;
    const json_t *token = store_token(&c->store, x->token_uri);
    const char *words[] = {x->uri,   "-o", values[EXPORT_FILE], "--format", values[EXPORT_FORMAT],
                           "--chain"};

    if (token == NULL) {
        snprintf(why, size, "the token is gone");
        return false;
    }
    jobs_run(c, "export", token, words, values[EXPORT_CHAIN] != NULL ? 6 : 5);
    return true;
}

void command_export(struct console *c)
{
    struct export *x = calloc(1, sizeof *x);
    const char *values[EXPORT_FIELDS] = {[EXPORT_FORMAT] = "pem"};
    struct form_spec spec = {.title = "Export the certificate",
                             .verb = "export",
                             .fields = export_fields,
                             .count = EXPORT_FIELDS,
                             .done = export_done,
                             .free_data = export_free,
                             .data = x};
    const json_t *object = console_object(c);
    char *name;

    if (x == NULL)
        return;
    x->uri = strdup(op_string(object, "uri"));
    x->token_uri = strdup(op_string(console_token(c), "uri"));
    name = text_format("%s.pem", *op_string(object, "name") != '\0' ? op_string(object, "name")
                                                                    : "certificate");
    for (char *at = name; at != NULL && *at != '\0'; at++)
        if (*at == '/' || *at == ' ')
            *at = '-';
    values[EXPORT_FILE] = name;
    console_open(c, form_new(&spec, values));
    free(name);
}
