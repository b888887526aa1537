/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/device_lines.h"

#include <string.h>

#include "op/text.h"
#include "tui/model/lines.h"
#include "tui/model/tries.h"

static void tries_field(struct detail *d, const json_t *counter)
{
    struct tries tries = tries_of(counter);
    struct line *l = lines_field(d, op_string(counter, "name"), strdup(tries.words));

    l->style = tries.style;
    if (tries.total > 0) {
        l->gauge = GAUGE_TRIES;
        l->filled = tries.left;
        l->total = tries.total;
    }
    if (op_true(counter, "default") && op_number(counter, "left", 1) > 0)
        lines_under(d, STYLE_WARN, "still the one it came with: change it");
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(op_string(a, key), op_string(b, key)) == 0;
}

/* A card with several applications has PINs of the same name. */
static void application_line(struct detail *d, const json_t *counters, size_t i)
{
    const json_t *c = json_array_get(counters, i), *before = json_array_get(counters, i - 1);
    const json_t *last = json_array_get(counters, json_array_size(counters) - 1);

    if (*op_string(c, "application") != '\0' &&
        (i == 0 ? !same(c, last, "application") : !same(c, before, "application")))
        lines_text(d, STYLE_DIM, "%s", op_string(c, "application"));
}

/* The source stands behind the figures that come from it. */
void device_counters(struct detail *d, const json_t *figures)
{
    const json_t *counters = json_object_get(json_object_get(figures, "device"), "counters");

    for (size_t i = 0; i < json_array_size(counters); i++) {
        const json_t *c = json_array_get(counters, i), *next = json_array_get(counters, i + 1);

        application_line(d, counters, i);
        tries_field(d, c);
        if (!same(c, next, "known-by") || !same(c, next, "application"))
            lines_field(d, "Known from", strdup(op_string(c, "known-by")))->style = STYLE_DIM;
    }
    if (*op_string(figures, "problem") == '\0')
        return;
    if (*op_string(json_object_get(figures, "device"), "problem") == '\0')
        lines_field(d, "As of", strdup(op_string(figures, "time")))->style = STYLE_WARN;
    lines_field(d, "Not asked now", strdup(op_string(figures, "problem")))->style = STYLE_WARN;
}

/* Of a card, or by what its module adds: figures with numbers, or the reason for none. */
bool device_tells_more(const json_t *figures)
{
    const json_t *counters = json_object_get(json_object_get(figures, "device"), "counters");
    size_t index;
    json_t *c;

    json_array_foreach(counters, index, c)
    {
        if (*op_string(c, "state") == '\0')
            return true;
    }
    return *op_string(figures, "problem") != '\0';
}

/* The record of `containers` names it, too: an id alone may be that of another key's certificate.
 */
static bool has_certificate(const json_t *container, const json_t *certificate)
{
    const char *sha256 = op_string(certificate, "sha256");
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(container, "certificates"), index, c)
    {
        const char *pin = op_string(c, "sha256"), *colon = strchr(pin, ':');

        if (*sha256 != '\0' && strcmp(colon == NULL ? pin : colon + 1, sha256) == 0)
            return true;
    }
    return false;
}

/* A key goes by its URI, and by its id where only its public half is seen. */
static const json_t *container_of(const json_t *names, const json_t *object)
{
    const json_t *by = json_object_get(names, "by");
    const json_t *found = json_object_get(by, op_string(object, "uri"));

    if (found == NULL && *op_string(object, "id") != '\0')
        found = json_object_get(by, op_string(object, "id"));
    if (strcmp(op_string(object, "class"), "certificate") == 0 &&
        !has_certificate(found, json_object_get(object, "certificate")))
        return NULL;
    return found;
}

/* With a certificate only a name that is known: why there is none stands with its key. */
void device_container(struct detail *d, const json_t *names, const json_t *object)
{
    bool is_key = strcmp(op_string(object, "class"), "certificate") != 0;
    const json_t *container = container_of(names, object);
    const char *why = op_string(container, "why-unknown");

    if (*why == '\0')
        why = op_string(names, "problem");
    if (*op_string(container, "container") != '\0') {
        lines_member(d, "Container", container, "container")->style = STYLE_GOOD;
        lines_member(d, "Provider", container, "provider");
        lines_member(d, "Known from", container, "known-by")->style = STYLE_DIM;
    } else if (is_key) {
        lines_field(d, "Container",
                    strdup(*why != '\0' ? why : "cannot be known here: PKCS#11 does not tell it"))
            ->style = STYLE_DIM;
    }
}

/* A reader that is empty, or holds a card that no module shows. */
void device_reader(struct detail *d, const struct store *s, const json_t *r)
{
    const json_t *figures = store_figures(s, op_string(r, "reader"));
    const char *title = op_string(json_object_get(figures, "device"), "title");
    const char *state = op_string(r, "state");

    lines_member(d, "Reader", r, "reader");
    if (!op_true(r, "card")) {
        lines_field(d, "Card", strdup("none: put one in, it shows by itself"))->style = STYLE_DIM;
        return;
    }
    lines_field(d, "Card", strdup(*title != '\0' ? title : "of no family that Signet knows"));
    lines_member(d, "ATR", r, "atr");
    if (strcmp(state, "mute") == 0)
        lines_field(d, "State", strdup("does not answer; is it the right way round?"))->style =
            STYLE_BAD;
    lines_field(
        d, "Driver",
        strdup("no module shows this card: its driver is not installed, or does not know it"))
        ->style = STYLE_WARN;
    if (figures == NULL)
        return;
    lines_heading(d, "PINs");
    device_counters(d, figures);
}

static enum style doctor_style(const char *state)
{
    return strcmp(state, "ok") == 0        ? STYLE_GOOD
           : strcmp(state, "gap") == 0     ? STYLE_BAD
           : strcmp(state, "warning") == 0 ? STYLE_WARN
                                           : STYLE_DIM;
}

/* Each line can be copied for itself. */
static void remedy_fields(struct detail *d, const char *remedy)
{
    const char *name = "Remedy";

    while (*remedy != '\0') {
        size_t length = strcspn(remedy, "\n");

        lines_field(d, name, strndup(remedy, length))->style = STYLE_KEY;
        name = "";
        remedy += length + (remedy[length] == '\n');
    }
}

/* Why there is no token: the first gap with what closes it, then all that was looked at. */
void device_doctor(struct detail *d, const json_t *doctor)
{
    const json_t *steps = json_object_get(doctor, "steps"), *gap = json_object_get(doctor, "gap");
    size_t index;
    json_t *step;

    if (doctor == NULL) {
        lines_text(d, STYLE_DIM,
                   "Plug the token in, or put the card into its reader: it shows by itself.");
        return;
    }
    if (json_is_integer(gap))
        lines_text(d, STYLE_BAD, "%s",
                   op_string(json_array_get(steps, (size_t)json_integer_value(gap)), "text"));
    remedy_fields(d, op_string(doctor, "remedy"));
    if (*op_string(doctor, "problem") != '\0')
        lines_text(d, STYLE_BAD, "%s", op_string(doctor, "problem"));
    lines_heading(d, "Looked at");
    json_array_foreach(steps, index, step)
    {
        lines_field(d, op_string(step, "step"), strdup(op_string(step, "text")))->style =
            doctor_style(op_string(step, "state"));
    }
}
