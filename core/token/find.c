/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a name means. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "token/inventory.h"
#include "token/uri.h"

enum { MOST_CANDIDATES = 8 };

/* How well a name fits a token; a better fit of one beats worse ones of others. */
enum fit { NO_FIT, PREFIX_FIT, EXACT_FIT };

static bool listed(const struct token *t)
{
    return t->hidden == NULL;
}

static enum fit fit_text(const char *name, const char *text)
{
    size_t length = strlen(name);

    if (length == 0 || strncasecmp(name, text, length) != 0)
        return NO_FIT;
    return text[length] == '\0' ? EXACT_FIT : PREFIX_FIT;
}

static bool is_number(const char *text, unsigned number)
{
    char digits[12];

    snprintf(digits, sizeof digits, "%u", number);
    return strcmp(text, digits) == 0;
}

static enum fit fit(const char *name, const struct token_uri *uri, const struct token *t)
{
    enum fit label, serial;

    if (uri != NULL)
        return token_uri_matches_slot(uri, &t->slot) ? EXACT_FIT : NO_FIT;
    if (name[0] == '@')
        return is_number(name + 1, t->number) ? EXACT_FIT : NO_FIT;
    label = fit_text(name, t->label);
    serial = fit_text(name, t->serial);
    return label > serial ? label : serial;
}

static void list_candidates(const struct inventory *inv, struct buffer *out)
{
    size_t shown = 0;

    for (size_t i = 0; i < inv->token_count; i++) {
        const struct token *t = &inv->token[i];

        if (!listed(t) || ++shown > MOST_CANDIDATES)
            continue;
        buffer_printf(out, "%s@%u '%s' (serial %s)", shown > 1 ? ", " : "", t->number, t->label,
                      t->serial);
    }
    if (shown > MOST_CANDIDATES)
        buffer_printf(out, " and %zu more", shown - MOST_CANDIDATES);
    if (shown == 0)
        buffer_append_text(out, "none");
    for (size_t i = 0; i < inv->module_count; i++)
        if (inv->module[i].error.code != ERROR_NONE)
            buffer_printf(out, "; %s", inv->module[i].error.text);
}

static struct token *refuse(const struct inventory *inv, enum error_code code, const char *what,
                            const char *name, struct error *e)
{
    struct buffer there = BUFFER_INIT;
    const char *text;
    const char *hint = name != NULL && token_uri_is(name) && strchr(name, ';') == NULL
                           ? "; quote the URI: a shell cuts it at ';'"
                           : "";

    list_candidates(inv, &there);
    text = buffer_text(&there);
    if (name == NULL)
        error_set(e, code, "%s; tokens here: %s", what, text == NULL ? "?" : text);
    else
        error_set(e, code, "'%s': %s%s; tokens here: %s", name, what, hint,
                  text == NULL ? "?" : text);
    buffer_free(&there);
    return NULL;
}

static struct token *only_one(const struct inventory *inv, struct error *e)
{
    struct token *found = NULL;

    for (size_t i = 0; i < inv->token_count; i++) {
        if (!listed(&inv->token[i]))
            continue;
        if (found != NULL)
            return refuse(inv, ERROR_USAGE, "several tokens; say which", NULL, e);
        found = &inv->token[i];
    }
    return found != NULL ? found : refuse(inv, ERROR_MISSING, "no token", NULL, e);
}

static struct token *search(const struct inventory *inv, const char *name,
                            const struct token_uri *uri, struct error *e)
{
    struct token *found = NULL;
    enum fit best = NO_FIT;
    bool several = false;

    for (size_t i = 0; i < inv->token_count; i++) {
        struct token *t = &inv->token[i];
        enum fit f = listed(t) ? fit(name, uri, t) : NO_FIT;

        if (f == NO_FIT || f < best)
            continue;
        several = f == best;
        found = t;
        best = f;
    }
    if (several)
        return refuse(inv, ERROR_USAGE, "several tokens fit; use @number or the full URI", name, e);
    return found != NULL ? found : refuse(inv, ERROR_MISSING, "no such token", name, e);
}

struct token *inventory_find(const struct inventory *inv, const char *name, struct error *e)
{
    struct token_uri *uri = NULL;
    struct token *found;

    if (name == NULL)
        return only_one(inv, e);
    if (token_uri_is(name)) {
        uri = token_uri_parse(name, e);
        if (uri == NULL)
            return NULL;
    }
    found = search(inv, name, uri, e);
    token_uri_free(&uri);
    return found;
}

static bool is_new(const struct token *t)
{
    return t->slot.has_token && !(t->slot.token.flags & CKF_TOKEN_INITIALIZED);
}

/* "new", or "new:SLOT". */
static bool reads_as_new(const char *name, bool *any, unsigned long *slot)
{
    int end = 0;

    *any = strcmp(name, "new") == 0;
    return *any || (sscanf(name, "new:%lu%n", slot, &end) == 1 && name[end] == '\0');
}

struct token *inventory_find_new(const struct inventory *inv, const char *name, struct error *e)
{
    struct buffer there = BUFFER_INIT;
    struct token *found = NULL;
    unsigned long slot = 0;
    unsigned fitting = 0;
    bool any;

    if (!reads_as_new(name, &any, &slot))
        return NULL;
    for (size_t i = 0; i < inv->token_count; i++) {
        struct token *t = &inv->token[i];

        if (!is_new(t))
            continue;
        buffer_printf(&there, "%snew:%lu (module %s)", there.length > 0 ? ", " : "", t->slot.id,
                      inv->module[t->module].entry.name);
        if (any || t->slot.id == slot) {
            found = t;
            fitting++;
        }
    }
    if (fitting == 0)
        error_set(e, ERROR_MISSING, "'%s': no such token that is not initialised; there is: %s",
                  name, there.length == 0 ? "none" : buffer_text(&there));
    else if (fitting > 1)
        error_set(e, ERROR_USAGE, "'%s' may mean several; say which, or the module: %s", name,
                  buffer_text(&there));
    buffer_free(&there);
    return fitting == 1 ? found : NULL;
}
