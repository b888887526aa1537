/* SPDX-License-Identifier: Apache-2.0 */
/* The store's part about readers, cards, the figures of their PINs, and names of containers. */
#include <string.h>

#include "op/text.h"
#include "tui/model/store.h"

enum { SLOT_DESCRIPTION = 64 }; /* CK_SLOT_INFO, PKCS#11 3.0 base section 3.2 */

static const json_t *reader_of_name(const json_t *document, const char *name)
{
    size_t index;
    json_t *r;

    json_array_foreach(json_object_get(document, "readers"), index, r)
    {
        if (strcmp(op_string(r, "reader"), name) == 0)
            return r;
    }
    return NULL;
}

/* Programs that use a card come and go without a change. */
static bool is_same_card(const json_t *a, const json_t *b)
{
    return a != NULL && b != NULL && op_true(a, "card") == op_true(b, "card") &&
           strcmp(op_string(a, "atr"), op_string(b, "atr")) == 0;
}

/* Whatever was read of what is, or was, in this reader. What is in it now is not shown before its
 * module has told of it. */
static void touch_reader(struct store *s, const json_t *reader)
{
    size_t index;
    json_t *t;

    store_touch_figures(s, op_string(reader, "reader"));
    json_array_foreach(json_object_get(s->tokens, "tokens"), index, t)
    {
        if (!store_reader_is_slot(reader, t))
            continue;
        json_object_set_new(t, "gone", json_true());
        if (*op_string(t, "uri") != '\0')
            store_touch_token(s, op_string(t, "uri"));
    }
}

/* Readers of `from` that are not in `to`, or hold something else there. */
static bool compare_readers(struct store *s, const json_t *from, const json_t *to)
{
    bool changed = false;
    size_t index;
    json_t *r;

    json_array_foreach(json_object_get(from, "readers"), index, r)
    {
        if (is_same_card(r, reader_of_name(to, op_string(r, "reader"))))
            continue;
        touch_reader(s, r);
        changed = true;
    }
    return changed;
}

bool store_set_readers(struct store *s, json_t *document)
{
    bool first = s->readers == NULL;
    bool gone = !first && compare_readers(s, s->readers, document);
    bool come = !first && compare_readers(s, document, s->readers);

    json_decref(s->readers);
    s->readers = json_incref(document);
    s->version++;
    return gone || come;
}

void store_set_doctor(struct store *s, json_t *document)
{
    json_decref(s->doctor);
    s->doctor = document == NULL ? NULL : json_incref(document);
}

/* By a card, or by what a module adds: flags have no numbers. */
static bool has_numbers(const json_t *device)
{
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(device, "counters"), index, c)
    {
        if (json_is_integer(json_object_get(c, "left")))
            return true;
    }
    return false;
}

void store_set_figures(struct store *s, const char *name, json_t *device, const char *time)
{
    json_t *last = json_object_get(s->figures, name);
    const char *problem = op_string(device, "problem");
    bool had_numbers = has_numbers(json_object_get(last, "device"));
    /* A tree of thousands of rows is not built anew for what it does not show. */
    bool in_tree = had_numbers || has_numbers(device) || *op_string(device, "uri") == '\0';

    if (*problem != '\0' && had_numbers) {
        json_object_set_new(last, "problem", json_string(problem));
        json_object_del(last, "due");
    } else {
        json_object_set_new(
            s->figures, name,
            json_pack("{s:O, s:s, s:s}", "device", device, "time", time, "problem", problem));
    }
    s->version += in_tree;
}

const json_t *store_figures(const struct store *s, const char *name)
{
    return json_object_get(s->figures, name);
}

/* NULL: all. */
void store_touch_figures(struct store *s, const char *name)
{
    const char *key;
    json_t *one;

    json_object_foreach(s->figures, key, one)
    {
        if (name == NULL || strcmp(key, name) == 0)
            json_object_set_new(one, "due", json_true());
    }
}

bool store_needs_figures(const struct store *s, const char *name)
{
    const json_t *one = store_figures(s, name);

    return one == NULL || op_true(one, "due");
}

/* A token may have thousands of keys: "by" finds them. */
void store_set_names(struct store *s, const char *token_uri, json_t *part)
{
    json_t *by = json_object(), *key;
    size_t index;

    json_array_foreach(json_object_get(part, "keys"), index, key)
    {
        json_object_set(by, op_string(key, "key-uri"), key);
        json_object_set(by, op_string(key, "id"), key);
    }
    json_object_set_new(part, "by", by);
    json_object_set(s->names, token_uri, part);
}

const json_t *store_names(const struct store *s, const char *token_uri)
{
    return json_object_get(s->names, token_uri);
}

bool store_reader_is_slot(const json_t *reader, const json_t *token)
{
    const char *name = op_string(reader, "reader");
    const char *slot = op_string(json_object_get(token, "slot"), "description");
    size_t length = strnlen(name, SLOT_DESCRIPTION);

    while (length > 0 && name[length - 1] == ' ')
        length--;
    return length > 0 && strlen(slot) == length && strncmp(name, slot, length) == 0;
}

const json_t *store_reader_of(const struct store *s, const json_t *token)
{
    size_t index;
    json_t *r;

    json_array_foreach(json_object_get(s->readers, "readers"), index, r)
    {
        if (store_reader_is_slot(r, token))
            return r;
    }
    return NULL;
}

bool store_token_is_gone(const struct store *s, const json_t *token)
{
    const json_t *reader = store_reader_of(s, token);

    if (op_true(token, "gone"))
        return true;
    return reader != NULL && !op_true(reader, "card");
}

bool store_shows(const struct store *s, const json_t *token)
{
    return !json_is_string(json_object_get(token, "hidden")) && !store_token_is_gone(s, token);
}

bool store_shows_any(const struct store *s)
{
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(s->tokens, "tokens"), index, t)
    {
        if (store_shows(s, t))
            return true;
    }
    return false;
}

bool store_reader_is_token(const struct store *s, const json_t *reader)
{
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(s->tokens, "tokens"), index, t)
    {
        if (store_shows(s, t) && store_reader_is_slot(reader, t))
            return true;
    }
    return false;
}

static const json_t *device_of(const struct store *s, const json_t *token)
{
    return json_object_get(store_figures(s, op_string(token, "uri")), "device");
}

/* A card may have other applications, whose PINs are not this token's. */
static bool is_of_token(const json_t *device, const json_t *counter)
{
    const char *token = op_string(device, "application"), *own = op_string(counter, "application");

    return *token == '\0' || *own == '\0' || strcmp(token, own) == 0;
}

const json_t *store_user_pin(const struct store *s, const json_t *token)
{
    const json_t *device = device_of(s, token);
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(device, "counters"), index, c)
    {
        if (is_of_token(device, c) && strcmp(op_string(c, "pin"), "user") == 0 &&
            op_number(c, "left", -1) >= 0)
            return c;
    }
    return NULL;
}

static bool is_blocked(const json_t *counter)
{
    const char *pin = op_string(counter, "pin");

    return (strcmp(pin, "user") == 0 || strcmp(pin, "signature") == 0) &&
           op_number(counter, "left", -1) == 0 && !op_true(counter, "unset");
}

bool store_is_blocked(const struct store *s, const json_t *token)
{
    const json_t *device = device_of(s, token);
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(device, "counters"), index, c)
    {
        if (is_of_token(device, c) && is_blocked(c))
            return true;
    }
    return store_user_pin(s, token) == NULL &&
           op_true(json_object_get(token, "flags"), "user-pin-locked");
}
