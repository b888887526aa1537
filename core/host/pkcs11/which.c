/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/which.h"

#include <stdlib.h>
#include <string.h>

#include "host/pkcs11/objects.h"
#include "host/status.h"

bool which_session(struct module *m, CK_SLOT_ID slot, CK_SESSION_HANDLE *out, struct wire_status *s)
{
    return status_of(
        s, m->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out),
        "C_OpenSession");
}

static bool same(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

enum match { NO_MATCH, MATCH, UNPROVED, RIVAL };

/* A private key that does not tell its public half has it from whatever vouches for its id: another
 * one with this id may as well be the key that is vouched for, whatever its label. */
static enum match compare(const struct wire_object *o, const struct wire_which *w)
{
    bool named = o->label != NULL && strcmp(o->label, w->label) == 0;

    if (!same(o->id, o->id_length, w->id, w->id_length))
        return NO_MATCH;
    if (o->class == CKO_PRIVATE_KEY && o->spki == NULL)
        return named ? UNPROVED : RIVAL;
    if (!named)
        return NO_MATCH;
    if (o->class == CKO_CERTIFICATE)
        return same(o->der, o->der_length, w->value, w->value_length) ? MATCH : NO_MATCH;
    return o->spki != NULL && same(o->spki, o->spki_length, w->value, w->value_length) ? MATCH
                                                                                       : NO_MATCH;
}

static bool search(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                   CK_OBJECT_HANDLE **handles, size_t *count, struct wire_status *s)
{
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}};

    return objects_search(m, session, match, 1, handles, count, s);
}

/* Public keys, or certificates, with the id of `w`: how many have its public half, how many another
 * one. */
static bool ask_class(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                      const struct wire_which *w, unsigned *right, unsigned *wrong,
                      struct wire_status *s)
{
    CK_OBJECT_HANDLE *handles;
    size_t count;

    if (!search(m, session, class, &handles, &count, s))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct object_ref ref = {m, session, handles[i]};
        struct wire_object o;

        if (!object_read(&ref, &o))
            continue;
        if (o.spki != NULL && same(o.id, o.id_length, w->id, w->id_length)) {
            if (same(o.spki, o.spki_length, w->value, w->value_length))
                ++*right;
            else
                ++*wrong;
        }
        wire_object_free(&o);
    }
    free(handles);
    return true;
}

static bool is_vouched_for(struct module *m, CK_SESSION_HANDLE session, const struct wire_which *w,
                           struct wire_status *s)
{
    unsigned right = 0, wrong = 0;

    return ask_class(m, session, CKO_PUBLIC_KEY, w, &right, &wrong, s) &&
           ask_class(m, session, CKO_CERTIFICATE, w, &right, &wrong, s) && right > 0 && wrong == 0;
}

/* What a look at every object of the class found. */
struct found {
    CK_OBJECT_HANDLE certain, unproved;
    unsigned unproved_count, rivals;
};

static void look(struct module *m, CK_SESSION_HANDLE session, const struct wire_which *w,
                 const CK_OBJECT_HANDLE *handles, size_t count, struct found *out)
{
    for (size_t i = 0; i < count && out->certain == CK_INVALID_HANDLE; i++) {
        struct object_ref ref = {m, session, handles[i]};
        struct wire_object o;
        enum match match;

        if (!object_read(&ref, &o))
            continue;
        match = compare(&o, w);
        if (match == MATCH) {
            out->certain = handles[i];
        } else if (match == UNPROVED) {
            out->unproved = handles[i];
            out->unproved_count++;
        } else if (match == RIVAL) {
            out->rivals++;
        }
        wire_object_free(&o);
    }
}

bool which_find(struct module *m, CK_SESSION_HANDLE session, const struct wire_which *w,
                CK_OBJECT_HANDLE *out, struct wire_status *s)
{
    struct found found = {CK_INVALID_HANDLE, CK_INVALID_HANDLE, 0, 0};
    CK_OBJECT_HANDLE *handles;
    size_t count;

    if (!search(m, session, w->class, &handles, &count, s))
        return false;
    look(m, session, w, handles, count, &found);
    free(handles);
    *out = found.certain;
    if (*out == CK_INVALID_HANDLE && found.unproved_count == 1 && found.rivals == 0 &&
        is_vouched_for(m, session, w, s))
        *out = found.unproved;
    if (s->rv != CKR_OK)
        return false;
    if (*out == CK_INVALID_HANDLE && found.unproved_count > 0)
        return status_fail(s, CKR_OBJECT_HANDLE_INVALID, "",
                           "which of the token's private keys is meant cannot be told for sure: "
                           "they do not tell their public halves, and nothing vouches for one; "
                           "the vendor's own tool shows and deletes it");
    if (*out == CK_INVALID_HANDLE)
        return status_fail(s, CKR_OBJECT_HANDLE_INVALID, "",
                           "the token has no such object any more, with this id, label and value");
    return true;
}
