/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/pair.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "op/text.h"

static bool is_class(const json_t *o, const char *class)
{
    return strcmp(op_string(o, "class"), class) == 0;
}

static struct pair find_pair(const json_t *objects)
{
    struct pair p = {0};
    json_int_t key_group = -1; /* of the last key: what belongs to it stands behind it */
    size_t index;
    json_t *o;

    json_array_foreach(objects, index, o)
    {
        if (!is_class(o, "certificate")) {
            key_group = op_number(o, "group", -1);
            if (p.key == NULL || (!op_true(p.key, "ca-accepts") && op_true(o, "ca-accepts")))
                p.key = o;
        } else if (op_true(o, "code-signing") && op_number(o, "group", -2) == key_group &&
                   (p.certificate == NULL ||
                    op_number(o, "days-left", 0) > op_number(p.certificate, "days-left", 0))) {
            p.certificate = o;
        }
    }
    return p;
}

void pair_note(json_t *document)
{
    struct pair p = find_pair(json_object_get(document, "objects"));
    json_t *noted = json_object();

    if (p.key != NULL)
        json_object_set(noted, "key", (json_t *)(uintptr_t)p.key);
    if (p.certificate != NULL)
        json_object_set(noted, "certificate", (json_t *)(uintptr_t)p.certificate);
    json_object_set_new(document, "pair", noted);
}

struct pair pair_of(const json_t *document)
{
    const json_t *noted = json_object_get(document, "pair");

    return (struct pair){json_object_get(noted, "key"), json_object_get(noted, "certificate")};
}

const json_t *pair_key_beside(const json_t *document, const json_t *object)
{
    json_int_t group = op_number(object, "group", -1);
    const json_t *key = NULL;
    size_t index;
    json_t *o;

    json_array_foreach(json_object_get(document, "objects"), index, o)
    {
        if (op_number(o, "group", -2) == group && !is_class(o, "certificate") &&
            (key == NULL || is_class(o, "private-key")))
            key = o;
    }
    return key;
}
