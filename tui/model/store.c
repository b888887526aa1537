/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/store.h"

#include <string.h>

#include "cert/order.h"
#include "op/text.h"
#include "tui/model/pair.h"

bool store_init(struct store *s)
{
    *s = (struct store){.objects = json_object(),
                        .details = json_object(),
                        .checks = json_object(),
                        .trials = json_object(),
                        .stale = json_object(),
                        .figures = json_object(),
                        .names = json_object(),
                        .settled = true};
    return s->figures != NULL && s->names != NULL && s->objects != NULL && s->details != NULL &&
           s->checks != NULL && s->trials != NULL && s->stale != NULL;
}

void store_free(struct store *s)
{
    json_decref(s->tokens);
    json_decref(s->profiles);
    json_decref(s->objects);
    json_decref(s->details);
    json_decref(s->checks);
    json_decref(s->trials);
    json_decref(s->stale);
    json_decref(s->readers);
    json_decref(s->figures);
    json_decref(s->names);
    json_decref(s->doctor);
    json_decref(s->orders);
    *s = (struct store){0};
}

static void replace(struct store *s, json_t **place, json_t *document)
{
    json_decref(*place);
    *place = json_incref(document);
    s->version++;
}

void store_set_tokens(struct store *s, json_t *document, bool complete)
{
    s->complete = s->complete || complete;
    replace(s, &s->tokens, document);
}

void store_set_complete(struct store *s)
{
    s->version += !s->complete;
    s->complete = true;
}

void store_set_profiles(struct store *s, json_t *document)
{
    replace(s, &s->profiles, document);
}

void store_set_orders(struct store *s, json_t *document)
{
    replace(s, &s->orders, document);
}

void store_set_objects(struct store *s, const char *token_uri, json_t *document)
{
    pair_note(document);
    json_object_set(s->objects, token_uri, document);
    json_object_del(s->stale, token_uri);
    s->version++;
}

void store_set_detail(struct store *s, const char *uri, json_t *record)
{
    json_object_set(s->details, uri, record);
}

void store_set_check(struct store *s, const char *path, json_t *document, bool trial)
{
    json_object_set(s->checks, path, document);
    if (trial && op_true(document, "ready"))
        json_object_set_new(s->trials, path, json_true());
    s->version++;
}

void store_forget(struct store *s)
{
    json_object_clear(s->objects);
    json_object_clear(s->details);
    json_object_clear(s->checks);
    json_object_clear(s->names);
    store_touch_figures(s, NULL);
    store_set_doctor(s, NULL);
    s->version++;
}

void store_touch_token(struct store *s, const char *token_uri)
{
    json_object_set_new(s->stale, token_uri, json_true());
    json_object_clear(s->details);
    json_object_del(s->names, token_uri);
    store_touch_figures(s, token_uri);
}

bool store_is_stale(const struct store *s, const char *token_uri)
{
    return json_object_get(s->stale, token_uri) != NULL;
}

const json_t *store_objects(const struct store *s, const json_t *token)
{
    return json_object_get(s->objects, op_string(token, "uri"));
}

const json_t *store_detail(const struct store *s, const char *uri)
{
    return json_object_get(s->details, uri);
}

const json_t *store_check(const struct store *s, const json_t *profile)
{
    return json_object_get(s->checks, op_string(profile, "path"));
}

json_t *store_token(const struct store *s, const char *uri)
{
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(s->tokens, "tokens"), index, t)
    {
        if (strcmp(op_string(t, "uri"), uri) == 0 && !json_is_string(json_object_get(t, "hidden")))
            return t;
    }
    return NULL;
}

const char *store_module_path(const struct store *s, const json_t *token)
{
    size_t index;
    json_t *m;

    json_array_foreach(json_object_get(s->tokens, "modules"), index, m)
    {
        if (strcmp(op_string(m, "name"), op_string(token, "module")) == 0)
            return op_string(m, "path");
    }
    return "";
}

/* The attribute `name` of a pkcs11: URI, still percent-encoded. */
static const char *attribute(const char *uri, const char *name, size_t *length)
{
    size_t name_length = strlen(name);

    for (uri += strcspn(uri, ":"); *uri != '\0'; uri += strcspn(uri, ";")) {
        uri++;
        if (strncmp(uri, name, name_length) == 0 && uri[name_length] == '=') {
            uri += name_length + 1;
            *length = strcspn(uri, ";?");
            return uri;
        }
    }
    return NULL;
}

static bool same_attribute(const char *a, const char *b, const char *name, bool *given)
{
    size_t a_length, b_length;
    const char *x = attribute(a, name, &a_length), *y = attribute(b, name, &b_length);

    *given = x != NULL;
    return x != NULL && y != NULL && a_length == b_length && strncmp(x, y, a_length) == 0;
}

static bool is_on(const char *key, const json_t *token)
{
    const char *uri = op_string(token, "uri");
    bool given, same = same_attribute(key, uri, "serial", &given);

    return given ? same : same_attribute(key, uri, "token", &given);
}

bool store_profile_is_for(const json_t *profile, const json_t *token)
{
    return is_on(op_string(profile, "key"), token);
}

bool store_is_blank(const json_t *token)
{
    return strcmp(op_string(token, "hidden"), "not initialised") == 0;
}

size_t store_blanks(const struct store *s, const json_t **first)
{
    size_t index, count = 0;
    json_t *t;

    *first = NULL;
    json_array_foreach(json_object_get(s->tokens, "tokens"), index, t)
    {
        if (store_is_blank(t) && count++ == 0)
            *first = t;
    }
    return count;
}

/* The key is there still: by its id, or, where it has none, by its label. */
static bool has_key(const json_t *objects, const char *key)
{
    size_t index;
    json_t *o;

    json_array_foreach(objects, index, o)
    {
        const char *uri = op_string(o, "uri");
        bool given, same = same_attribute(key, uri, "id", &given);

        if (strcmp(op_string(o, "class"), "certificate") != 0 &&
            (given ? same : same_attribute(key, uri, "object", &given)))
            return true;
    }
    return false;
}

/* CAs date a certificate back, by hours or a day. */
static bool is_open(const json_t *order, const json_t *certificate)
{
    enum { BACK = 3 * 24 * 60 * 60 };
    const json_t *issued = json_object_get(order, "certificate");

    if (*op_string(order, "problem") != '\0')
        return false;
    if (certificate == NULL)
        return !json_is_object(issued) || op_number(order, "days-left", -1) >= 0;
    if (json_is_object(issued))
        return order_time(issued, "not-after") > order_time(certificate, "not-after");
    return order_time(order, "made") > order_time(certificate, "not-before") + BACK;
}

const json_t *store_order_of(const struct store *s, const json_t *token, const json_t *certificate)
{
    const json_t *objects = json_object_get(store_objects(s, token), "objects");
    const json_t *newest = NULL;
    size_t index;
    json_t *o;

    json_array_foreach(json_object_get(s->orders, "orders"), index, o)
    {
        const char *key = op_string(json_object_get(o, "key"), "uri");

        if (is_open(o, certificate) && is_on(key, token) &&
            (newest == NULL || strcmp(op_string(o, "made"), op_string(newest, "made")) > 0) &&
            has_key(objects, key))
            newest = o;
    }
    return newest;
}

const json_t *store_profile_of(const struct store *s, const json_t *token)
{
    size_t index;
    json_t *p;

    json_array_foreach(json_object_get(s->profiles, "profiles"), index, p)
    {
        if (op_true(p, "valid") && !op_true(p, "hidden") && store_profile_is_for(p, token))
            return p;
    }
    return NULL;
}
