/* SPDX-License-Identifier: Apache-2.0 */
#include "op/loss.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/placeholder.h"
#include "cert/view.h"
#include "op/record.h"
#include "op/text.h"

bool op_loss_init(struct loss *l)
{
    *l = (struct loss){.list = json_array()};
    return l->list != NULL;
}

void op_loss_free(struct loss *l)
{
    json_decref(l->list);
    *l = (struct loss){0};
}

bool op_loss_is_unexpired(const struct wire_object *o)
{
    X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;
    /* One whose end cannot be read may be valid yet. */
    bool unexpired = x != NULL && !cert_is_placeholder(x) &&
                     (cert_not_after(x) == (time_t)-1 || cert_days_left(x, time(NULL)) >= 0);

    X509_free(x);
    return unexpired;
}

void op_loss_add(struct loss *l, const struct wire_slot *slot, const struct wire_objects *all,
                 const struct wire_object *o)
{
    X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;
    json_t *record;

    if (x != NULL && cert_is_placeholder(x)) {
        X509_free(x);
        return;
    }
    record = record_object_brief(slot, o);
    if (x != NULL) {
        json_t *full = record_certificate(x);

        json_object_set(record, "subject", json_object_get(full, "subject"));
        json_object_set(record, "not-after", json_object_get(full, "not-after"));
        json_decref(full);
    }
    if (o->class == CKO_PRIVATE_KEY ||
        (o->class == CKO_PUBLIC_KEY && objects_private_key_of(all, o, NULL) == NULL))
        l->keys++;
    l->unexpired = l->unexpired || op_loss_is_unexpired(o);
    json_array_append_new(l->list, record);
    X509_free(x);
}

void op_loss_tell(const struct loss *l, struct op_ctx *ctx)
{
    size_t index;
    json_t *o;

    json_array_foreach(l->list, index, o)
    {
        struct buffer days = BUFFER_INIT;

        if (json_object_get(o, "not-after") == NULL) {
            op_tell(ctx, "lost: %s '%s' (%s)", op_string(o, "class"), op_string(o, "label"),
                    op_string(o, "type"));
            continue;
        }
        op_days(&days, op_number(o, "days-left", 0));
        op_tell(ctx, "lost: certificate '%s', %s, to %.10s (%s)", op_string(o, "label"),
                op_string(o, "subject"), op_string(o, "not-after"), buffer_text(&days));
        buffer_free(&days);
    }
}

/* An empty label would be typed by the Enter key alone. */
static const char instead_of_label[] = "delete for ever";

bool op_loss_type_label(struct op_ctx *ctx, const char *what, const char *label, struct error *e)
{
    struct gate_person person = op_person(ctx);
    bool blank = label[strspn(label, " ")] == '\0';
    const char *expected = blank ? instead_of_label : label;
    char *text = text_format("%s%s", what, blank ? "; it has none: type these words instead" : "");
    bool typed =
        text != NULL && person.type_label != NULL && person.type_label(person.data, text, expected);

    free(text);
    return typed || error_set(e, ERROR_FORBIDDEN,
                              "nothing was done: a person types '%s' on a terminal for that, and "
                              "--yes does not",
                              expected);
}
