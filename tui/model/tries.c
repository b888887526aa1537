/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/tries.h"

#include <stdio.h>
#include <string.h>

#include "op/text.h"

static void without_number(struct tries *t, const json_t *c)
{
    const char *state = op_string(c, "state"), *problem = op_string(c, "problem");

    t->style = STYLE_DIM;
    if (*state != '\0')
        snprintf(t->words, sizeof t->words, "%s", state);
    else if (op_true(c, "logged-in"))
        snprintf(t->words, sizeof t->words, "a login is open; the card tells no figure meanwhile");
    else
        snprintf(t->words, sizeof t->words, "not known%s%s", *problem == '\0' ? "" : ": ", problem);
}

/* The last one is as grave as none: the next mistake blocks. */
static enum style style_of(json_int_t left, json_int_t total)
{
    if (left <= 1)
        return STYLE_BAD;
    return left < total ? STYLE_WARN : STYLE_GOOD;
}

struct tries tries_of(const json_t *counter)
{
    json_int_t left = op_number(counter, "left", -1), most = op_number(counter, "maximum", left);
    struct tries t = {.style = STYLE_DIM};

    if (op_true(counter, "unset")) {
        snprintf(t.words, sizeof t.words, "not set");
        return t;
    }
    if (left < 0) {
        without_number(&t, counter);
        return t;
    }
    t.known = true;
    t.style = style_of(left, most);
    if (most <= TRIES_DOTS) {
        t.left = (int)left;
        t.total = (int)(most > left ? most : left);
    }
    if (left == 0)
        snprintf(t.words, sizeof t.words, "BLOCKED");
    else if (json_is_integer(json_object_get(counter, "maximum")))
        snprintf(t.words, sizeof t.words, "%lld of %lld", (long long)left, (long long)most);
    else
        snprintf(t.words, sizeof t.words, "%lld left", (long long)left);
    return t;
}
