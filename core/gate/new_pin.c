/* SPDX-License-Identifier: Apache-2.0 */
/* A new PIN in place of the old one, or by a secret that is above it. */
#include <stdio.h>
#include <string.h>

#include "gate/session.h"

static bool same_secret(const struct secret *a, const struct secret *b)
{
    return secret_length(a) == secret_length(b) &&
           memcmp(secret_bytes(a), secret_bytes(b), secret_length(a)) == 0;
}

/* From a prompt twice: a slip of the finger would lock the token's owner out. */
struct secret *session_read_new_secret(struct gate_session *s, const struct pin_source *source,
                                       const char *what, struct error *e)
{
    struct secret *pin = session_read_secret(s, source, what, e), *again;

    if (pin == NULL || pin_source_kind(source) != PIN_PROMPT)
        return pin;
    again = pin_source_read(source, "Once more", &s->person, s->cancel, e);
    if (again != NULL && !same_secret(pin, again)) {
        error_set(e, ERROR_PIN_SOURCE, "the two new PINs differ; nothing was changed");
        secret_free(&pin);
    } else if (again == NULL) {
        secret_free(&pin);
    }
    secret_free(&again);
    return pin;
}

bool session_set_pin(struct gate_session *s, const struct secret *new_pin, struct error *e)
{
    struct wire_set_pin change = {.slot = s->slot, .user = session_user(s), .old_pin = s->pin};
    struct buffer body = BUFFER_INIT;
    struct attempt result = {0};
    bool done;

    if (!session_permit(s, "set-pin", new_pin, e))
        return false;
    change.new_pin = (struct secret *)(uintptr_t)new_pin;
    change.pinpad = s->pin == NULL;
    if (change.pinpad && s->person.tell != NULL)
        s->person.tell(s->person.data, "type the old PIN, then the new one twice, at the reader");
    wire_set_pin_put(&body, &change);
    done = buffer_ok(&body, e) &&
           attempt_send(s->host, WIRE_SET_PIN, 0, &body, gate_lock_fd(s->lock), change.pinpad,
                        change.pinpad ? s->cancel : NULL, &result, NULL, e);
    buffer_free(&body);
    return session_settle(s, "set-pin", &result, e) && done;
}

bool gate_change_pin(const struct gate_request *request, const struct pin_source *new_pin,
                     struct host **host, struct error *e)
{
    struct gate_session *s = session_new(request, host, e);
    struct secret *fresh = NULL;
    bool done = false;

    if (s == NULL)
        return false;
    if (pin_source_kind(s->source) == PIN_PINPAD)
        done = session_lock(s, request, e) && session_connect(s, e) && session_set_pin(s, NULL, e);
    else {
        s->pin = session_read_secret(s, s->source, "Old PIN", e);
        if (s->pin != NULL)
            fresh = session_read_new_secret(s, new_pin, "New PIN", e);
        if (fresh != NULL && same_secret(s->pin, fresh))
            error_set(e, ERROR_PIN_SOURCE, "the new PIN is the old one; nothing was changed");
        else if (fresh != NULL && session_fits(s, fresh, new_pin, e))
            done = session_lock(s, request, e) && session_connect(s, e) &&
                   session_set_pin(s, fresh, e);
    }
    secret_free(&fresh);
    gate_close(&s);
    return done;
}

/* The request that does it: of the card's family, or C_InitPIN after a login as SO. */
static enum wire_type put_unblock(const struct gate_session *s, const struct secret *new_pin,
                                  struct buffer *body)
{
    struct secret *fresh = (struct secret *)(uintptr_t)new_pin;

    if (s->reader != NULL) {
        struct wire_unblock u = {
            .reader = s->reader, .by = s->role, .secret = s->pin, .new_pin = fresh};

        snprintf(u.family, sizeof u.family, "%s", s->family);
        snprintf(u.serial, sizeof u.serial, "%s", s->serial);
        wire_unblock_put(body, &u);
        return WIRE_UNBLOCK;
    }
    wire_init_pin_put(
        body, &(struct wire_init_pin){
                  .slot = s->slot, .pinpad = s->pin == NULL, .so_pin = s->pin, .new_pin = fresh});
    return WIRE_INIT_PIN;
}

/* A new user PIN makes the guard's mark of the old one pointless. */
bool session_init_pin(struct gate_session *s, const struct secret *new_pin, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    struct attempt result = {0};
    enum wire_type type;
    bool done;

    if (!session_permit(s, "unblock", new_pin, e))
        return false;
    type = put_unblock(s, new_pin, &body);
    if (s->pin == NULL && s->person.tell != NULL)
        s->person.tell(s->person.data, "type the SO PIN, then the new PIN twice, at the reader");
    done = buffer_ok(&body, e) &&
           attempt_send(s->host, type, 0, &body, gate_lock_fd(s->lock), s->pin == NULL,
                        s->pin == NULL ? s->cancel : NULL, &result, NULL, e);
    buffer_free(&body);
    if (!session_settle(s, "unblock", &result, e) || !done)
        return false;
    guard_forget_low(s->device, tries_role_word(WIRE_PIN_USER));
    return guard_clear(s->device, tries_role_word(WIRE_PIN_USER), e);
}

static bool send_when_due(struct gate_session *s, const struct gate_request *request,
                          const struct secret *new_pin, struct error *e)
{
    return session_lock(s, request, e) && session_connect(s, e) && session_init_pin(s, new_pin, e);
}

bool gate_unblock(const struct gate_request *request, const struct pin_source *new_pin,
                  struct host **host, struct error *e)
{
    struct gate_session *s = session_new(request, host, e);
    struct secret *fresh = NULL;
    bool done = false;

    if (s == NULL)
        return false;
    if (pin_source_kind(s->source) == PIN_PINPAD) {
        done = s->reader != NULL
                   ? error_set(e, ERROR_UNSUPPORTED,
                               "pinpad: the %s of '%s' is not typed at a reader", s->name, s->label)
                   : send_when_due(s, request, NULL, e);
    } else {
        s->pin = session_read_secret(s, s->source, s->name, e);
        if (s->pin != NULL)
            fresh = session_read_new_secret(s, new_pin, "New PIN", e);
        done = fresh != NULL && session_fits(s, fresh, new_pin, e) &&
               send_when_due(s, request, fresh, e);
    }
    secret_free(&fresh);
    gate_close(&s);
    return done;
}
