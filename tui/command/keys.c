/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, keys, requests and certificates that are to be made: forms of their verbs, with what is
 * known filled in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/model/pair.h"

enum { LABEL_SIZE = 48, FOLDER_SIZE = 48, NAME_TRIES = 100 };

/* The slot under the cursor; else "new", where that can mean one only. */
void command_init(struct console *c)
{
    const struct row *r = console_row(c);
    const json_t *blank;
    size_t count = store_blanks(&c->store, &blank);
    char slot[32] = "new";
    const struct verb_value values[] = {
        {.name = "TOKEN", .value = slot}, {.name = "label", .value = "code-signing"}, {0}};

    if (r != NULL && r->kind == ROW_TOKEN && store_is_blank(r->record))
        blank = r->record;
    if (count > 1)
        snprintf(slot, sizeof slot, "new:%lld",
                 (long long)op_number(json_object_get(blank, "slot"), "id", 0));
    command_open_verb_with(c, "init", values);
}

/* The largest key that it makes of this mechanism; 0: none, or it does not tell. */
static json_int_t largest(const json_t *token, const char *mechanism, bool *has)
{
    size_t index;
    json_t *m;

    json_array_foreach(json_object_get(token, "mechanisms"), index, m)
    {
        if (strcmp(op_string(m, "name"), mechanism) == 0) {
            *has = true;
            return op_number(m, "maximum", 0);
        }
    }
    *has = false;
    return 0;
}

/* What CAs take, and the token can make: the curve is quicker on every card. NULL: neither. */
static const char *key_type(const json_t *token)
{
    enum { CURVE = 384, MODULUS = 3072 };
    bool has;
    json_int_t most = largest(token, "CKM_EC_KEY_PAIR_GEN", &has);

    if (has && (most == 0 || most >= CURVE))
        return "ec:P-384";
    most = largest(token, "CKM_RSA_PKCS_KEY_PAIR_GEN", &has);
    if (has && (most == 0 || most >= MODULUS))
        return "rsa:3072";
    return json_array_size(json_object_get(token, "mechanisms")) == 0 ? "rsa:3072" : NULL;
}

const char *command_no_key_made(const struct console *c)
{
    const json_t *token = console_token(c);

    return token != NULL && key_type(token) == NULL ? "it makes no key that CAs accept" : NULL;
}

static bool has_label(const json_t *document, const char *label)
{
    size_t index;
    json_t *o;

    json_array_foreach(json_object_get(document, "objects"), index, o)
    {
        if (strcmp(op_string(o, "label"), label) == 0)
            return true;
    }
    return false;
}

static int year_now(void)
{
    time_t now = time(NULL);
    struct tm today;

    return localtime_r(&now, &today) == NULL ? 0 : today.tm_year + 1900;
}

/* "code-signing-2026"; where that is on the token, "code-signing-2026-2". */
static void propose_label(const json_t *document, char out[LABEL_SIZE])
{
    int year = year_now();

    snprintf(out, LABEL_SIZE, "code-signing-%d", year);
    for (int i = 2; has_label(document, out) && i < NAME_TRIES; i++)
        snprintf(out, LABEL_SIZE, "code-signing-%d-%d", year, i);
}

void command_keygen(struct console *c)
{
    const json_t *token = console_token(c);
    char label[LABEL_SIZE];
    const struct verb_value values[] = {
        {.name = "type", .value = key_type(token)}, {.name = "label", .value = label}, {0}};

    propose_label(store_objects(&c->store, token), label);
    command_open_verb_with(c, "keygen", values);
}

const json_t *command_key_here(const struct console *c)
{
    const json_t *document = store_objects(&c->store, console_token(c));
    struct pair p = pair_of(document);

    if (console_object(c) != NULL)
        return pair_key_beside(document, console_object(c));
    return p.certificate != NULL ? pair_key_beside(document, p.certificate) : p.key;
}

static bool has_order(const json_t *orders, const char *folder)
{
    size_t index;
    json_t *o;

    json_array_foreach(orders, index, o)
    {
        const char *path = op_string(o, "folder"), *slash = strrchr(path, '/');

        if (strcmp(slash == NULL ? path : slash + 1, folder) == 0)
            return true;
    }
    return false;
}

/* In the folder that the console was started in; the disk is not asked. */
static void propose_folder(const struct store *s, char out[FOLDER_SIZE])
{
    const json_t *orders = json_object_get(s->orders, "orders");
    int year = year_now();

    snprintf(out, FOLDER_SIZE, "order-%d", year);
    for (int i = 2; has_order(orders, out) && i < NAME_TRIES; i++)
        snprintf(out, FOLDER_SIZE, "order-%d-%d", year, i);
}

static bool is_certificate(const json_t *object)
{
    return strcmp(op_string(object, "class"), "certificate") == 0;
}

/* With a certificate there is a subject already. */
void command_csr(struct console *c)
{
    const json_t *object = console_object(c);
    const char *uri = checklist_certificate(&c->store, console_token(c));
    char folder[FOLDER_SIZE];
    struct verb_value values[] = {{.name = "KEY", .value = op_string(command_key_here(c), "uri")},
                                  {.name = "order", .value = folder},
                                  {0},
                                  {0}};

    if (object != NULL)
        uri = is_certificate(object) ? op_string(object, "uri") : NULL;
    propose_folder(&c->store, folder);
    values[2] = uri != NULL ? (struct verb_value){.name = "from", .value = uri}
                            : (struct verb_value){.name = "subject", .needed = true};
    command_open_verb_with(c, "csr", values);
}

/* What came back to the order, if it is there. A form takes blanks for the end of a name. */
void command_import(struct console *c)
{
    const json_t *order = checklist_order(&c->store, console_token(c));
    const char *file = op_string(json_object_get(order, "certificate"), "file");
    char *path = *file == '\0' ? NULL : text_format("%s/%s", op_string(order, "folder"), file);
    const struct verb_value values[] = {
        {.name = "FILE", .value = path == NULL || strchr(path, ' ') != NULL ? NULL : path}, {0}};

    command_open_verb_with(c, "import", values);
    free(path);
}

static void delete_one(struct console *c, const char *uri, const char *with)
{
    const char *words[] = {uri, with};

    jobs_run(c, "delete", console_token(c), words, with == NULL ? 1 : 2);
}

static void delete_chosen(struct console *c, void *data, size_t index)
{
    const json_t *key = command_key_here(c), *object = console_object(c);

    (void)data;
    if (key == NULL || object == NULL)
        return;
    if (index == 0)
        delete_one(c, op_string(object, "uri"), NULL);
    else
        delete_one(c, op_string(key, "uri"), index == 1 ? "--certificates" : NULL);
}

/* The verb names what is lost, and asks. A row that stands for a key with its certificate does not
 * say which is meant. */
void command_delete(struct console *c)
{
    const json_t *object = console_object(c);
    struct window *w;

    if (console_row(c)->kind != ROW_KEY || !is_certificate(object) || command_key_here(c) == NULL) {
        delete_one(c, op_string(object, "uri"), NULL);
        return;
    }
    w = palette_new("Delete what?", delete_chosen, NULL);
    if (w != NULL) {
        palette_add(w, "the certificate alone", NULL, NULL);
        palette_add(w, "the key with its certificates", NULL, NULL);
        palette_add(w, "the key alone", NULL, NULL);
    }
    console_open(c, w);
}
