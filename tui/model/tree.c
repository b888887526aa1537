/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/expiry.h"
#include "op/text.h"
#include "tui/model/tries.h"

enum { SOON_DAYS = 14 };

bool tree_init(struct tree *t)
{
    *t = (struct tree){.folded = json_object(), .stale = true};
    return t->folded != NULL;
}

static void clear(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->row[i].id);
        free(t->row[i].text);
        free(t->row[i].right);
    }
    free(t->row);
    t->row = NULL;
    t->count = 0;
}

void tree_free(struct tree *t)
{
    clear(t);
    json_decref(t->folded);
    t->folded = NULL;
}

static struct row *add(struct tree *t, enum row_kind kind, int depth, char *id, char *text)
{
    static struct row nowhere;
    struct row *r;

    /* Grows by halves of what is there: tokens can have thousands of rows. */
    if ((t->count & (t->count - 1)) == 0) {
        r = realloc(t->row, (t->count == 0 ? 1 : t->count * 2) * sizeof *r);
        if (r == NULL) {
            free(id);
            free(text);
            return &nowhere;
        }
        t->row = r;
    }
    r = &t->row[t->count++];
    *r = (struct row){.kind = kind, .depth = depth, .id = id, .text = text};
    return r;
}

static struct row *note(struct tree *t, int depth, enum style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct row *note(struct tree *t, int depth, enum style style, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    struct row *r;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    r = add(t, ROW_NOTE, depth, NULL, text);
    r->style = style;
    return r;
}

static bool is_open(const struct tree *t, const char *id, bool otherwise)
{
    const json_t *decided = json_object_get(t->folded, id);

    return decided == NULL ? otherwise : json_is_true(decided);
}

void tree_fold(struct tree *t, const char *id, bool open)
{
    json_object_set_new(t->folded, id, json_boolean(open));
    t->stale = true;
}

void tree_show_hidden(struct tree *t, bool show)
{
    t->show_hidden = show;
    t->stale = true;
}

static enum style counter_style(const json_t *token)
{
    const json_t *flags = json_object_get(token, "flags");

    if (op_true(flags, "user-pin-locked") || op_true(flags, "user-pin-final-try"))
        return STYLE_BAD;
    return op_true(flags, "user-pin-count-low") ? STYLE_WARN : STYLE_DIM;
}

/* One PIN's tries as dots. */
static void tries_row(struct tree *t, const json_t *counter, const char *since)
{
    struct tries tries = tries_of(counter);
    struct row *r = note(t, 1, tries.style == STYLE_GOOD ? STYLE_DIM : tries.style, "%s %s%s%s%s",
                         op_string(counter, "name"), tries.words, *since == '\0' ? "" : " (at ",
                         since, *since == '\0' ? "" : ")");

    r->gauge = GAUGE_TRIES;
    r->filled = tries.left;
    r->total = tries.total;
}

/* The user's PIN always, the others where a try is lost. False where no figure is known. */
static bool tries_rows(struct tree *t, const json_t *figures)
{
    const json_t *device = json_object_get(figures, "device");
    const char *since = *op_string(figures, "problem") == '\0' ? "" : op_string(figures, "time");
    bool user = false;
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(device, "counters"), index, c)
    {
        struct tries tries = tries_of(c);
        bool is_user = strcmp(op_string(c, "pin"), "user") == 0;

        if (!tries.known || (!is_user && tries.style == STYLE_GOOD))
            continue;
        tries_row(t, c, since);
        user = user || is_user;
    }
    return user;
}

static enum style days_style(json_int_t days)
{
    return days < SOON_DAYS ? STYLE_BAD : days < CERT_WARN_DAYS ? STYLE_WARN : STYLE_DIM;
}

static void days_row(struct tree *t, int depth, json_int_t days)
{
    struct row *r = days < 0 ? note(t, depth, STYLE_BAD, "expired %lld days ago", (long long)-days)
                             : note(t, depth, days_style(days), "%lld days left", (long long)days);

    r->gauge = GAUGE_DAYS;
    r->total = CERT_LONGEST_DAYS;
    r->filled = days < 0 ? 0 : days > CERT_LONGEST_DAYS ? CERT_LONGEST_DAYS : (int)days;
}

/* The members of one key, which stand side by side. */
struct group {
    const json_t *private_key, *public_key, *certificate;
    size_t first, end, certificates;
};

static struct group group_at(const json_t *objects, size_t first)
{
    json_int_t number = op_number(json_array_get(objects, first), "group", 0);
    struct group g = {.first = first, .end = first};

    for (; g.end < json_array_size(objects); g.end++) {
        const json_t *o = json_array_get(objects, g.end);
        const char *class = op_string(o, "class");

        if (op_number(o, "group", 0) != number)
            break;
        if (strcmp(class, "private-key") == 0)
            g.private_key = o;
        else if (strcmp(class, "public-key") == 0)
            g.public_key = o;
        else if (g.certificates++ == 0 ||
                 op_number(o, "days-left", 0) > op_number(g.certificate, "days-left", 0))
            g.certificate = o;
    }
    return g;
}

static const char *parts_of(const struct group *g)
{
    if (g->private_key == NULL && g->public_key == NULL)
        return "certificate";
    return g->certificate != NULL ? "key + cert" : "key, no cert";
}

static const json_t *head_of(const struct group *g)
{
    return g->certificate != NULL   ? g->certificate
           : g->private_key != NULL ? g->private_key
                                    : g->public_key;
}

static const char *name_of(const json_t *o)
{
    const char *name = op_string(o, "name");

    if (*name == '\0')
        name = op_string(o, "label");
    return *name != '\0' ? name : *op_string(o, "id") != '\0' ? op_string(o, "id") : "(no name)";
}

static const char *leaving(const struct group *g)
{
    const json_t *leaves = json_object_get(g->private_key, "leaves-device");

    if (g->private_key == NULL && g->public_key != NULL)
        return ", hides before login";
    return json_is_true(leaves)    ? ", CAN LEAVE the device"
           : json_is_false(leaves) ? ", cannot leave the device"
                                   : "";
}

/* A key that no CA would issue for. */
static bool is_refused(const struct group *g)
{
    const json_t *key = g->private_key != NULL ? g->private_key : g->public_key;

    return json_is_false(json_object_get(key, "ca-accepts"));
}

static void member_rows(struct tree *t, const json_t *objects, const struct group *g,
                        const json_t *token, int depth)
{
    for (size_t i = g->first; i < g->end; i++) {
        const json_t *o = json_array_get(objects, i);
        struct row *r = add(t, ROW_OBJECT, depth, strdup(op_string(o, "uri")),
                            text_format("%s %s", op_string(o, "class"), name_of(o)));

        r->record = o;
        r->token = token;
    }
}

static void group_rows(struct tree *t, const json_t *objects, const struct group *g,
                       const json_t *token)
{
    const json_t *head = head_of(g);
    char *id = text_format("key %s", op_string(head, "uri"));
    bool open = id != NULL && is_open(t, id, false);
    struct row *r = add(t, ROW_KEY, 1, id, text_format("%s  (%s)", name_of(head), parts_of(g)));

    r->record = head;
    r->token = token;
    r->folds = g->end - g->first > 1;
    r->open = open;
    note(t, 2, is_refused(g) ? STYLE_WARN : STYLE_DIM, "%s%s", op_string(head, "type"), leaving(g));
    if (g->certificate != NULL)
        days_row(t, 2, op_number(g->certificate, "days-left", 0));
    if (open)
        member_rows(t, objects, g, token, 2);
}

static void object_rows(struct tree *t, const struct store *s, const json_t *token)
{
    const json_t *document = store_objects(s, token);
    const json_t *objects = json_object_get(document, "objects");
    json_int_t total = op_number(document, "total", 0);

    if (document == NULL) {
        note(t, 1, STYLE_DIM, "reading%s", screen_glyph(GLYPH_MORE));
        return;
    }
    for (size_t i = 0; i < json_array_size(objects);) {
        struct group g = group_at(objects, i);

        group_rows(t, objects, &g, token);
        i = g.end;
    }
    if (json_array_size(objects) == 0)
        note(t, 1, STYLE_DIM, "no keys, no certificates");
    if ((json_int_t)json_array_size(objects) + op_number(document, "others", 0) < total)
        note(t, 1, STYLE_DIM, "reading %lld objects%s", (long long)total, screen_glyph(GLYPH_MORE));
}

static void token_rows(struct tree *t, const struct store *s, const json_t *token)
{
    const char *label = op_string(token, "label");
    char *id = text_format("token %s", op_string(token, "uri"));
    bool open = id != NULL && is_open(t, id, true);
    struct row *r = add(t, ROW_TOKEN, 0, id, strdup(*label == '\0' ? "(no label)" : label));

    r->style = STYLE_TITLE;
    r->folds = true;
    r->open = open;
    r->record = r->token = token;
    if (s->complete && op_number(token, "number", 0) > 0)
        r->right = text_format("@%lld", (long long)op_number(token, "number", 0));
    if (!open)
        return;
    note(t, 1, STYLE_DIM, "serial %s", op_string(token, "serial"));
    if (!tries_rows(t, store_figures(s, op_string(token, "uri"))))
        note(t, 1, counter_style(token), "%s", op_string(token, "user-pin"));
    if (json_is_false(json_object_get(token, "ca-accepts")))
        note(t, 1, STYLE_WARN, "%s", op_string(token, "ca-reason"));
    object_rows(t, s, token);
}

static bool is_hidden(const json_t *token)
{
    return json_is_string(json_object_get(token, "hidden"));
}

static void hidden_token_row(struct tree *t, const json_t *token)
{
    const char *label = op_string(token, "label");
    const char *slot = op_string(json_object_get(token, "slot"), "description");
    char *id = text_format("hidden %s %s %lld", op_string(token, "module"), slot,
                           (long long)op_number(json_object_get(token, "slot"), "id", 0));
    struct row *r =
        add(t, ROW_TOKEN, 1, id,
            text_format("%s: %s", *label == '\0' ? slot : label, op_string(token, "hidden")));

    r->style = STYLE_DIM;
    r->record = r->token = token;
}

/* Why each is hidden, and how many; the rows themselves on request. */
static void hidden_rows(struct tree *t, const struct store *s)
{
    const json_t *tokens = json_object_get(s->tokens, "tokens");
    /* Trust modules are left out before their tokens are read. */
    json_t *left_out = json_object_get(s->tokens, "hidden");
    json_t *reasons = json_object(), *token, *number;
    const char *reason;
    size_t index;

    json_object_update(reasons, left_out);
    json_array_foreach(tokens, index, token)
    {
        reason = op_string(token, "hidden");
        if (is_hidden(token))
            json_object_set_new(reasons, reason, json_integer(op_number(reasons, reason, 0) + 1));
    }
    if (json_object_size(reasons) > 0)
        note(t, 0, STYLE_DIM, t->show_hidden ? "Hidden:" : "Hidden (H):");
    json_object_foreach(reasons, reason, number)
    {
        if (!t->show_hidden)
            note(t, 1, STYLE_DIM, "%lld %s", (long long)json_integer_value(number), reason);
    }
    json_array_foreach(tokens, index, token)
    {
        if (t->show_hidden && is_hidden(token))
            hidden_token_row(t, token);
    }
    json_decref(reasons);
}

static void profile_rows(struct tree *t, const struct store *s)
{
    const json_t *list = json_object_get(s->profiles, "profiles");
    size_t index;
    json_t *p;

    if (json_array_size(list) > 0) {
        note(t, 0, STYLE_DIM, "%s", "");
        note(t, 0, STYLE_TITLE, "Profiles");
    }
    json_array_foreach(list, index, p)
    {
        const json_t *check = store_check(s, p);
        struct row *r = add(t, ROW_PROFILE, 1, text_format("profile %s", op_string(p, "path")),
                            strdup(op_string(p, "name")));

        r->record = p;
        if (!op_true(p, "valid"))
            r->style = STYLE_BAD;
        else if (check != NULL)
            r->style = op_true(check, "ready") ? STYLE_GOOD : STYLE_WARN;
        if (!op_true(p, "valid"))
            r->right = strdup("not valid");
        else if (check != NULL)
            r->right = strdup(op_true(check, "ready") ? "ready" : "not ready");
    }
}

static void module_rows(struct tree *t, const struct store *s)
{
    size_t index;
    json_t *m;

    note(t, 0, STYLE_DIM, "%s", "");
    note(t, 0, STYLE_TITLE, "Modules");
    json_array_foreach(json_object_get(s->tokens, "modules"), index, m)
    {
        struct row *r = add(t, ROW_MODULE, 1, text_format("module %s", op_string(m, "path")),
                            strdup(op_string(m, "name")));

        r->record = m;
        r->style = STYLE_DIM;
        if (*op_string(m, "error") != '\0')
            r->style = STYLE_BAD;
        if (*op_string(m, "error") != '\0')
            r->right = strdup("cannot be used");
        else if (op_true(m, "reading"))
            r->right = text_format("reading%s", screen_glyph(GLYPH_MORE));
    }
}

static void no_token_rows(struct tree *t, const struct store *s)
{
    const json_t *blank;
    struct row *r;

    if (!s->complete) {
        note(t, 0, STYLE_DIM, "Looking for tokens%s", screen_glyph(GLYPH_MORE));
        return;
    }
    r = add(t, ROW_NONE, 0, strdup("none"), strdup("No token here."));
    r->style = STYLE_TITLE;
    note(t, 1, STYLE_DIM, "Plug it in: it shows by itself.");
    note(t, 1, STYLE_DIM, "Is its driver installed?");
    note(t, 1, STYLE_DIM, "signet --module /path/driver.so");
    if (store_blanks(s, &blank) > 0)
        note(t, 1, STYLE_WARN, "T makes one of a free slot");
}

/* Cards that no module shows; while a module may still be about to, no more is said. */
static void card_rows(struct tree *t, const struct store *s)
{
    size_t index;
    json_t *reader;

    json_array_foreach(json_object_get(s->readers, "readers"), index, reader)
    {
        const char *name = op_string(reader, "reader");
        const json_t *figures = store_figures(s, name);
        const char *title = op_string(json_object_get(figures, "device"), "title");
        struct row *r;

        if (!op_true(reader, "card") || store_reader_is_token(s, reader))
            continue;
        r = add(t, ROW_CARD, 0, text_format("card %s", name),
                strdup(*title != '\0' ? title : "A card"));
        r->style = STYLE_TITLE;
        r->record = reader;
        note(t, 1, STYLE_DIM, "%s", name);
        if (!s->complete || !s->settled) {
            note(t, 1, STYLE_DIM, "reading%s", screen_glyph(GLYPH_MORE));
            continue;
        }
        note(t, 1, STYLE_WARN, "no driver shows it");
        tries_rows(t, figures);
    }
}

static void reader_rows(struct tree *t, const struct store *s)
{
    size_t index, shown = 0;
    json_t *reader;

    json_array_foreach(json_object_get(s->readers, "readers"), index, reader)
    {
        struct row *r;

        if (op_true(reader, "card"))
            continue;
        if (shown++ == 0) {
            note(t, 0, STYLE_DIM, "%s", "");
            note(t, 0, STYLE_TITLE, "Readers");
        }
        r = add(t, ROW_READER, 1, text_format("reader %s", op_string(reader, "reader")),
                strdup(op_string(reader, "reader")));
        r->style = STYLE_DIM;
        r->record = reader;
        r->right = strdup("empty");
    }
}

void tree_build(struct tree *t, const struct store *s)
{
    const json_t *tokens = json_object_get(s->tokens, "tokens");
    size_t index, shown = 0;
    json_t *token;

    if (!t->stale && t->version == s->version)
        return;
    t->stale = false;
    t->version = s->version;
    clear(t);
    json_array_foreach(tokens, index, token)
    {
        if (!store_shows(s, token))
            continue;
        token_rows(t, s, token);
        shown++;
    }
    if (shown == 0)
        no_token_rows(t, s);
    card_rows(t, s);
    note(t, 0, STYLE_DIM, "%s", "");
    hidden_rows(t, s);
    profile_rows(t, s);
    reader_rows(t, s);
    if (s->tokens != NULL)
        module_rows(t, s);
}

size_t tree_find(const struct tree *t, const char *id)
{
    for (size_t i = 0; id != NULL && i < t->count; i++)
        if (t->row[i].id != NULL && strcmp(t->row[i].id, id) == 0)
            return i;
    return t->count;
}

size_t tree_next(const struct tree *t, size_t index)
{
    while (index < t->count && t->row[index].id == NULL)
        index++;
    return index < t->count ? index : t->count;
}

size_t tree_previous(const struct tree *t, size_t index)
{
    if (t->count == 0)
        return t->count;
    for (size_t i = index < t->count ? index : t->count - 1;; i--) {
        if (t->row[i].id != NULL)
            return i;
        if (i == 0)
            return t->count;
    }
}
