/* SPDX-License-Identifier: Apache-2.0 */
#include "token/objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { PAGE = 256 }; /* objects that are asked for at once */

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

/* Moves the objects of a page to the end of `all`. */
static bool append(struct wire_objects *all, struct wire_objects *page, struct error *e)
{
    size_t count = all->count + page->count;
    struct wire_object *grown = realloc(all->object, (count + 1) * sizeof *grown);

    if (grown == NULL)
        return error_set_memory(e);
    all->object = grown;
    if (page->count > 0)
        memcpy(grown + all->count, page->object, page->count * sizeof *grown);
    for (size_t i = all->count; i < count; i++)
        grown[i].group = i; /* until all are here */
    all->count = count;
    all->others += page->others;
    all->total = page->total;
    page->count = 0;
    return true;
}

/* What is read, and how much of it at once. */
struct page {
    uint32_t first, most;
    bool certificates;
};

static bool read_page(struct host *h, CK_SLOT_ID slot, const struct page *wanted,
                      struct cancel *cancel, struct wire_objects *all, struct error *e)
{
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct wire_objects page = {0};
    struct wire_reader r;
    bool read;

    wire_put_u64(&body, slot);
    wire_put_u32(&body, wanted->first);
    wire_put_u32(&body, wanted->most);
    wire_put_u8(&body, wanted->certificates);
    read = buffer_ok(&body, e) && host_call(h, WIRE_OBJECTS, 0, &body, cancel, &answer, e);
    if (read) {
        r = wire_reader_of(answer.data, answer.length);
        wire_objects_get(&r, &page);
        read = wire_reader_done(&r, e) && append(all, &page, e);
    }
    wire_objects_free(&page);
    buffer_free(&body);
    buffer_free(&answer);
    return read;
}

static void borrow_public_key(struct wire_object *key, const struct wire_objects *all,
                              CK_OBJECT_CLASS from)
{
    for (size_t i = 0; key->spki == NULL && i < all->count; i++) {
        const struct wire_object *o = &all->object[i];

        if (o->class != from || o->spki == NULL || !same_id(key, o) ||
            (from == CKO_PUBLIC_KEY && o->type != key->type))
            continue;
        key->spki = malloc(o->spki_length);
        if (key->spki == NULL)
            return;
        memcpy(key->spki, o->spki, o->spki_length);
        key->spki_length = o->spki_length;
        key->bits = o->bits;
        memcpy(key->curve, o->curve, sizeof key->curve);
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct wire_object *x = *(struct wire_object *const *)a;
    const struct wire_object *y = *(struct wire_object *const *)b;

    if (x->spki_length != y->spki_length)
        return x->spki_length < y->spki_length ? -1 : 1;
    return x->spki_length == 0 ? 0 : memcmp(x->spki, y->spki, x->spki_length);
}

static int rank(const struct wire_object *o)
{
    return o->class == CKO_PRIVATE_KEY ? 0 : o->class == CKO_PUBLIC_KEY ? 1 : 2;
}

static int compare_groups(const void *a, const void *b)
{
    const struct wire_object *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return rank(x) - rank(y);
}

/* What does not tell its public key goes to the first that has its id. */
static void group_by_id(struct wire_objects *all, struct wire_object *o)
{
    for (size_t i = 0; i < all->count; i++) {
        struct wire_object *other = &all->object[i];

        if (other == o || !same_id(o, other))
            continue;
        if (other->spki != NULL || other < o)
            o->group = other->group;
        if (other->spki != NULL)
            return;
    }
}

/* A group's number says where it stands: what its best member is, then where the first of its
 * members stood. */
static void number_groups(struct wire_object **sorted, size_t count, const struct wire_objects *all)
{
    for (size_t start = 0, end; start < count; start = end) {
        size_t first = all->count;
        int best = 2;

        for (end = start; end < count && compare_keys(&sorted[start], &sorted[end]) == 0 &&
                          (end == start || sorted[end]->spki != NULL);
             end++) {
            size_t at = (size_t)(sorted[end] - all->object);

            first = at < first ? at : first;
            best = rank(sorted[end]) < best ? rank(sorted[end]) : best;
        }
        for (size_t i = start; i < end; i++)
            sorted[i]->group = (size_t)best * all->count + first;
    }
}

bool objects_group(struct wire_objects *all, struct error *e)
{
    struct wire_object **sorted = calloc(all->count + 1, sizeof(struct wire_object *));

    if (sorted == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < all->count; i++)
        sorted[i] = &all->object[i];
    qsort(sorted, all->count, sizeof(struct wire_object *), compare_keys);
    number_groups(sorted, all->count, all);
    free(sorted);
    for (size_t i = 0; i < all->count; i++)
        if (all->object[i].spki == NULL)
            group_by_id(all, &all->object[i]);
    if (all->count > 0)
        qsort(all->object, all->count, sizeof *all->object, compare_groups);
    return true;
}

bool objects_read(struct host *h, CK_SLOT_ID slot, const struct objects_parts *parts,
                  struct cancel *cancel, struct wire_objects *out, struct error *e)
{
    struct page page = {.most = PAGE};

    *out = (struct wire_objects){0};
    do {
        if (!read_page(h, slot, &page, cancel, out, e)) {
            wire_objects_free(out);
            return false;
        }
        page.first += PAGE;
        if (parts != NULL && page.first < out->total)
            parts->part(parts->data, out);
    } while (page.first < out->total);
    for (size_t i = 0; i < out->count; i++)
        if (out->object[i].class == CKO_PRIVATE_KEY) {
            borrow_public_key(&out->object[i], out, CKO_PUBLIC_KEY);
            borrow_public_key(&out->object[i], out, CKO_CERTIFICATE);
        }
    if (!objects_group(out, e)) {
        wire_objects_free(out);
        return false;
    }
    return true;
}

bool objects_read_certificates(struct host *h, CK_SLOT_ID slot, uint32_t most,
                               struct cancel *cancel, struct wire_objects *out, struct error *e)
{
    const struct page page = {.most = most, .certificates = true};

    *out = (struct wire_objects){0};
    if (read_page(h, slot, &page, cancel, out, e))
        return true;
    wire_objects_free(out);
    return false;
}

/* Public keys decide; where one side's is not known, the id does. */
static const struct wire_object *partner(const struct wire_objects *all,
                                         const struct wire_object *o, CK_OBJECT_CLASS class,
                                         bool *by_id)
{
    const struct wire_object *end = all->object + all->count, *first = o, *probable = NULL;

    if (by_id != NULL)
        *by_id = false;
    while (first > all->object && first[-1].group == o->group)
        first--;
    for (const struct wire_object *other = first; other < end && other->group == o->group;
         other++) {
        if (other == o || other->class != class)
            continue;
        if (objects_same_key(o, other))
            return other;
        if (probable == NULL && (o->spki == NULL || other->spki == NULL) && same_id(o, other))
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

        /* A key that hides before login is looked for by what speaks for it, be it that it is named
         * as what it would be, or as what is shown for it. */
        as_asked.class = class;
        return token_uri_matches_object(w->uri, &as_asked) ||
               (class == CKO_PRIVATE_KEY && token_uri_matches_object(w->uri, o));
    }
    if (w->id_length > 0 && o->id_length == w->id_length && memcmp(o->id, w->id, w->id_length) == 0)
        return true;
    return o->label != NULL && strcmp(o->label, w->label) == 0;
}

/* Objects of a class: all, or those alone that meet the wish for one of class `wanted`. */
static void describe(const struct wire_slot *slot, const struct wire_objects *all,
                     const struct wish *w, CK_OBJECT_CLASS wanted, CK_OBJECT_CLASS class,
                     struct buffer *out)
{
    size_t named = 0;

    for (size_t i = 0; i < all->count && named < 6; i++) {
        const struct wire_object *o = &all->object[i];
        char *uri;

        if (o->class != class || (w != NULL && !meets(w, o, wanted)))
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

/* `w`: those that it fits, for a choice; NULL: all that are there. */
static const struct wire_object *refuse(const struct wish *w, const struct wire_objects *all,
                                        const struct wire_slot *slot, CK_OBJECT_CLASS class,
                                        struct error *e)
{
    static const CK_OBJECT_CLASS stand_ins[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    struct buffer list = BUFFER_INIT;
    const char *there;

    describe(slot, all, w, class, class, &list);
    /* Private keys hide before a login: what speaks for them is shown in their place. */
    for (size_t i = 0; list.length == 0 && class == CKO_PRIVATE_KEY && i < 2; i++)
        describe(slot, all, w, class, stand_ins[i], &list);
    there = list.length == 0 ? "the token has none" : buffer_text(&list);
    if (w != NULL)
        error_set(e, ERROR_USAGE,
                  "that names more than one %s; name one by its id: %s; quote the URI, a shell "
                  "cuts it at ';'",
                  class_name(class), there == NULL ? "?" : there);
    else
        error_set(e, ERROR_MISSING, "no such %s; there is: %s", class_name(class),
                  there == NULL ? "?" : there);
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
        /* Several certificates of one key speak for one key. */
        if (found != NULL && (wanted == CKO_CERTIFICATE || !objects_same_key(found, o)))
            *several = true;
        if (found == NULL)
            found = o;
    }
    return found;
}

static const struct wire_object *or_its_key(const struct wire_objects *all,
                                            const struct wire_object *stand_in)
{
    const struct wire_object *key = objects_private_key_of(all, stand_in, NULL);

    return key != NULL && key->spki != NULL ? key : stand_in;
}

static const struct wire_object *find(const struct wire_objects *all, const struct wire_slot *slot,
                                      const struct wish *w, CK_OBJECT_CLASS class, struct error *e)
{
    static const CK_OBJECT_CLASS stand_ins[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    bool several = false;
    const struct wire_object *found = search(all, w, class, class, &several);

    for (size_t i = 0; found == NULL && class == CKO_PRIVATE_KEY && i < 2; i++)
        found = search(all, w, class, stand_ins[i], &several);
    if (found != NULL && !several)
        return found->class == class ? found : or_its_key(all, found);
    return refuse(several ? w : NULL, all, slot, class, e);
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
