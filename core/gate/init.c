/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/session.h"
#include "wire/write.h"

/* Everything that is asked of a person, before anything is lost. */
struct secrets {
    struct secret *new_so_pin, *new_pin;
};

static bool is_pinpad(const struct gate_session *s)
{
    return pin_source_kind(s->source) == PIN_PINPAD;
}

static bool read_secrets(struct gate_session *s, const struct gate_new_token *what,
                         struct secrets *out, struct error *e)
{
    if (is_pinpad(s))
        return true;
    s->pin = what->first_so_pin ? session_read_new_secret(s, s->source, "New SO PIN", e)
                                : session_read_secret(s, s->source, s->name, e);
    if (s->pin == NULL)
        return false;
    if (what->new_so_pin != NULL) {
        out->new_so_pin = session_read_new_secret(s, what->new_so_pin, "New SO PIN", e);
        if (out->new_so_pin == NULL || !session_fits(s, out->new_so_pin, what->new_so_pin, e))
            return false;
    }
    if (what->new_pin == NULL)
        return true;
    out->new_pin = session_read_new_secret(s, what->new_pin, "New PIN", e);
    return out->new_pin != NULL && session_fits(s, out->new_pin, what->new_pin, e);
}

static bool take_answer(struct buffer *answer, struct wire_slot *out, struct error *e)
{
    struct wire_reader r = wire_reader_of(answer->data, answer->length);

    wire_slot_get(&r, out);
    if (wire_reader_done(&r, e))
        return true;
    wire_slot_free(out);
    return false;
}

/* From here on the session is one with the new token: its serial, and with it the name of the
 * device, is another. */
static bool adopt(struct gate_session *s, const struct wire_slot *slot, struct error *e)
{
    char *device = inventory_device(&slot->token);

    guard_clear(s->device, tries_role_word(WIRE_PIN_USER), NULL);
    if (device == NULL)
        return error_set_memory(e);
    free(s->device);
    s->device = device;
    s->token = slot->token;
    s->slot = slot->id;
    s->first_pin = false;
    s->figure.left = WIRE_UNKNOWN;
    return guard_clear(s->device, tries_role_word(WIRE_PIN_USER), e);
}

static bool send_init(struct gate_session *s, const char *label, struct wire_slot *out,
                      struct error *e)
{
    struct wire_init_token init = {.slot = s->slot, .pinpad = is_pinpad(s), .so_pin = s->pin};
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct attempt result = {0};
    bool done;

    if (!session_permit(s, "init-token", NULL, e))
        return false;
    if (init.pinpad && s->person.tell != NULL)
        s->person.tell(s->person.data, "type the SO PIN at the reader");
    snprintf(init.label, sizeof init.label, "%s", label);
    wire_init_token_put(&body, &init);
    done = buffer_ok(&body, e) &&
           attempt_send(s->host, WIRE_INIT_TOKEN, 0, &body, gate_lock_fd(s->lock), init.pinpad,
                        init.pinpad ? s->cancel : NULL, &result, &answer, e);
    done = session_settle(s, "init-token", &result, e) && done && take_answer(&answer, out, e);
    if (!done && result.answered && result.status.accepted)
        error_prefix(e, "the token is initialised, but has no user PIN yet (signet unblock sets "
                        "one)");
    if (!done && !result.answered)
        error_prefix(e, "whether the token was made new, and all on it is lost, is not known "
                        "(signet tokens shows it)");
    buffer_free(&body);
    buffer_free(&answer);
    return done;
}

/* A token that wants its SO PIN changed now, and did not before (opencryptoki's do), may have its
 * maker's again: the one that was right a moment ago could cost a try. */
static bool is_so_pin_known(const struct gate_session *s, CK_FLAGS before)
{
    return (before & CKF_SO_PIN_TO_BE_CHANGED) || !(s->token.flags & CKF_SO_PIN_TO_BE_CHANGED);
}

static bool set_so_pin(struct gate_session *s, struct secrets *own, struct error *e)
{
    if (!session_set_pin(s, own->new_so_pin, e))
        return error_prefix(e, "the token is initialised, but its SO PIN is the old one and it has "
                               "no user PIN yet");
    if (!is_pinpad(s)) {
        secret_free(&s->pin);
        s->pin = own->new_so_pin;
        own->new_so_pin = NULL;
    }
    return true;
}

/* The SO PIN first: some tokens want it changed before they do anything else. */
static bool set_pins(struct gate_session *s, const struct gate_new_token *what, struct secrets *own,
                     CK_FLAGS before, struct error *e)
{
    bool so_pin_stays = what->new_so_pin == NULL;

    if (!is_so_pin_known(s, before) ||
        (so_pin_stays && (s->token.flags & CKF_SO_PIN_TO_BE_CHANGED) && !what->first_so_pin))
        return error_set(e, ERROR_UNFIT,
                         "the token is initialised, and wants its SO PIN changed before anything "
                         "else; it may have its maker's again, so none was tried: signet "
                         "change-pin '%s' --so-pin SOURCE, then signet unblock '%s'",
                         what->label, what->label);
    if (!so_pin_stays && !set_so_pin(s, own, e))
        return false;
    if (what->new_pin == NULL || session_init_pin(s, own->new_pin, e))
        return true;
    return error_prefix(e, "the token is initialised, but has no user PIN yet (signet unblock sets "
                           "one)");
}

/* A token without a name is spoken of by its new one. */
static bool name_session(struct gate_session *s, const char *label, struct error *e)
{
    if (*s->label != '\0')
        return true;
    free(s->label);
    s->label = strdup(label);
    return s->label != NULL || error_set_memory(e);
}

bool gate_init_token(const struct gate_request *request, const struct gate_new_token *what,
                     struct host **host, struct wire_slot *out, struct error *e)
{
    struct gate_session *s = session_new(request, host, e);
    struct secrets own = {0};
    CK_FLAGS before = request->slot->token.flags;
    bool done;

    *out = (struct wire_slot){0};
    if (s == NULL)
        return false;
    s->first_pin = what->first_so_pin;
    done = name_session(s, what->label, e) && read_secrets(s, what, &own, e) &&
           session_lock(s, request, e) && session_connect(s, e) &&
           send_init(s, what->label, out, e) && adopt(s, out, e) &&
           set_pins(s, what, &own, before, e);
    secret_free(&own.new_so_pin);
    secret_free(&own.new_pin);
    gate_close(&s);
    return done;
}
