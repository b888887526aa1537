/* SPDX-License-Identifier: Apache-2.0 */
#include "token/write.h"

static bool send(struct host *h, enum wire_type type, const struct buffer *body,
                 struct cancel *cancel, struct buffer *answer, struct error *e)
{
    return buffer_ok(body, e) && host_call(h, type, 0, body, cancel, answer, e);
}

bool write_key(struct host *h, const struct wire_new_key *k, struct cancel *cancel,
               struct wire_object *out, struct error *e)
{
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    bool done;

    *out = (struct wire_object){0};
    wire_new_key_put(&body, k);
    done = send(h, WIRE_GENERATE, &body, cancel, &answer, e);
    if (done) {
        struct wire_reader r = wire_reader_of(answer.data, answer.length);

        wire_object_get(&r, out);
        done = wire_reader_done(&r, e);
    }
    buffer_free(&body);
    buffer_free(&answer);
    return done;
}

bool write_certificate(struct host *h, const struct wire_new_certificate *c, struct cancel *cancel,
                       struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_new_certificate_put(&body, c);
    done = send(h, WIRE_STORE_CERTIFICATE, &body, cancel, NULL, e);
    buffer_free(&body);
    return done;
}

bool write_names(struct host *h, const struct wire_new_names *n, struct cancel *cancel,
                 struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_new_names_put(&body, n);
    done = send(h, WIRE_SET_NAMES, &body, cancel, NULL, e);
    buffer_free(&body);
    return done;
}

bool write_delete(struct host *h, const struct wire_which *w, struct cancel *cancel,
                  struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_which_put(&body, w);
    done = send(h, WIRE_DELETE, &body, cancel, NULL, e);
    buffer_free(&body);
    return done;
}

bool write_which(const struct wire_object *o, CK_SLOT_ID slot, struct wire_which *out,
                 struct error *e)
{
    bool certificate = o->class == CKO_CERTIFICATE;

    *out = (struct wire_which){
        .slot = slot,
        .class = o->class,
        .id = o->id,
        .id_length = o->id_length,
        .label = o->label,
        .value = certificate ? o->der : o->spki,
        .value_length = certificate ? o->der_length : o->spki_length,
    };
    return out->value_length > 0 ||
           error_set(e, ERROR_UNFIT,
                     "'%s' does not tell its public key, so that it cannot be told from others; "
                     "the vendor's own tool can change or delete it",
                     o->label);
}
