/* SPDX-License-Identifier: Apache-2.0 */
#include "token/objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

bool objects_same_key(const struct wire_object *a, const struct wire_object *b)
{
    return a->spki != NULL && b->spki != NULL && a->spki_length == b->spki_length &&
           memcmp(a->spki, b->spki, a->spki_length) == 0;
}

static bool same_id(const struct wire_object *a, const struct wire_object *b)
{
    return a->id_length > 0 && a->id_length == b->id_length &&
           memcmp(a->id, b->id, a->id_length) == 0;
}

static bool same_probably(const struct wire_object *a, const struct wire_object *b)
{
    return (a->spki == NULL || b->spki == NULL) && same_id(a, b);
}

bool objects_belong(const struct wire_object *a, const struct wire_object *b)
{
    return objects_same_key(a, b) || same_probably(a, b);
}

/* Public keys decide; where one side's is not known, the id does. */
static const struct wire_object *partner(const struct wire_objects *all,
                                         const struct wire_object *o, CK_OBJECT_CLASS class,
                                         bool *by_id)
{
    const struct wire_object *probable = NULL;

    if (by_id != NULL)
        *by_id = false;
    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *other = &all->object[i];

        if (other == o || other->class != class)
            continue;
        if (objects_same_key(o, other))
            return other;
        if (probable == NULL && same_probably(o, other))
            probable = other;
    }
    if (by_id != NULL)
        *by_id = probable != NULL;
    return probable;
}

const struct wire_object *objects_certificate_of(const struct wire_objects *all,
                                                 const struct wire_object *o, bool *by_id)
{
    return partner(all, o, CKO_CERTIFICATE, by_id);
}

const struct wire_object *objects_private_key_of(const struct wire_objects *all,
                                                 const struct wire_object *o, bool *by_id)
{
    return partner(all, o, CKO_PRIVATE_KEY, by_id);
}

const struct wire_object *objects_public_key_of(const struct wire_objects *all,
                                                const struct wire_object *o, bool *by_id)
{
    return partner(all, o, CKO_PUBLIC_KEY, by_id);
}

/* What a name can be: the parts of a URI, an id, a label. */
struct wish {
    const struct token_uri *uri;
    const char *label;
    uint8_t id[64];
    size_t id_length;
};

static bool meets(const struct wish *w, const struct wire_object *o, CK_OBJECT_CLASS class)
{
    if (w->uri != NULL) {
        struct wire_object as_asked = *o;

        /* A key that hides before login is looked for by what speaks for it. */
        as_asked.class = class;
        return token_uri_matches_object(w->uri, &as_asked);
    }
    if (w->id_length > 0 && o->id_length == w->id_length && memcmp(o->id, w->id, w->id_length) == 0)
        return true;
    return o->label != NULL && strcmp(o->label, w->label) == 0;
}

static void describe(const struct wire_slot *slot, const struct wire_objects *all,
                     CK_OBJECT_CLASS class, struct buffer *out)
{
    size_t named = 0;

    for (size_t i = 0; i < all->count && named < 6; i++) {
        const struct wire_object *o = &all->object[i];
        char *uri;

        if (o->class != class)
            continue;
        uri = token_uri_of_object(slot, o);
        buffer_printf(out, "%s'%s'", named++ > 0 ? ", " : "", uri == NULL ? "?" : uri);
        free(uri);
    }
}

static const char *class_name(CK_OBJECT_CLASS class)
{
    switch (class) {
    case CKO_PRIVATE_KEY:
        return "private key";
    case CKO_PUBLIC_KEY:
        return "public key";
    default:
        return "certificate";
    }
}

static const struct wire_object *refuse(enum error_code code, const char *what,
                                        const struct wire_objects *all,
                                        const struct wire_slot *slot, CK_OBJECT_CLASS class,
                                        struct error *e)
{
    struct buffer list = BUFFER_INIT;
    const char *there;

    describe(slot, all, class, &list);
    if (list.length == 0 && class == CKO_PRIVATE_KEY)
        describe(slot, all, CKO_CERTIFICATE, &list);
    there = list.length == 0 ? "the token has none" : buffer_text(&list);
    error_set(e, code, "%s; there is: %s%s", what, there == NULL ? "?" : there,
              code == ERROR_USAGE ? "; quote the URI, a shell cuts it at ';'" : "");
    buffer_free(&list);
    return NULL;
}

/* One of `class` that meets the wish. *several is set when two different keys do. */
static const struct wire_object *search(const struct wire_objects *all, const struct wish *w,
                                        CK_OBJECT_CLASS wanted, CK_OBJECT_CLASS class,
                                        bool *several)
{
    const struct wire_object *found = NULL;

    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *o = &all->object[i];

        if (o->class != class || !meets(w, o, wanted))
            continue;
        if (found != NULL && (class == CKO_CERTIFICATE || !objects_same_key(found, o)))
            *several = true;
        if (found == NULL)
            found = o;
    }
    return found;
}

static const struct wire_object *find(const struct wire_objects *all, const struct wire_slot *slot,
                                      const struct wish *w, CK_OBJECT_CLASS class, struct error *e)
{
    static const CK_OBJECT_CLASS stand_ins[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    bool several = false;
    const struct wire_object *found = search(all, w, class, class, &several);
    char what[64];

    for (size_t i = 0; found == NULL && class == CKO_PRIVATE_KEY && i < 2; i++)
        found = search(all, w, class, stand_ins[i], &several);
    if (found != NULL && !several)
        return found;
    if (several) {
        strcpy(what, "that names more than one ");
        strcat(what, class_name(class));
        return refuse(ERROR_USAGE, what, all, slot, class, e);
    }
    strcpy(what, "no such ");
    strcat(what, class_name(class));
    return refuse(ERROR_MISSING, what, all, slot, class, e);
}

const struct wire_object *objects_find(const struct wire_objects *all, const struct wire_slot *slot,
                                       const struct token_uri *uri, CK_OBJECT_CLASS class,
                                       struct error *e)
{
    struct wish w = {.uri = uri};

    return find(all, slot, &w, class, e);
}

const struct wire_object *objects_find_named(const struct wire_objects *all,
                                             const struct wire_slot *slot, const char *name,
                                             CK_OBJECT_CLASS class, struct error *e)
{
    struct wish w = {.label = name};
    struct token_uri *uri;
    const struct wire_object *found;

    if (!token_uri_is(name)) {
        if (!text_unhex(name, w.id, sizeof w.id, &w.id_length))
            w.id_length = 0;
        return find(all, slot, &w, class, e);
    }
    uri = token_uri_parse(name, e);
    if (uri == NULL)
        return NULL;
    found = objects_find(all, slot, uri, class, e);
    token_uri_free(&uri);
    return found;
}
