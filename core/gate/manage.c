/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/manage.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "gate/audit.h"
#include "gate/guard.h"
#include "gate/lock.h"
#include "token/attempt.h"
#include "wire/card.h"
#include "wire/rv.h"

enum { KEY_MAX = 32 };

static const char who[] = "management";

/* One request to a card, from its lock to its audit. */
struct errand {
    const struct gate_card *card;
    const char *event;
    enum wire_type type;
    struct gate_lock *lock;
    struct secret *key;
    struct guard_mark before; /* the guard's mark as it was */
};

static const char *actor(const struct errand *r)
{
    return r->card->actor == GATE_PERSON ? "person" : "headless";
}

static bool append(const struct errand *r, const char *outcome, const char *rv, const char *reason,
                   struct error *e)
{
    const struct audit_line line = {
        .event = r->event,
        .outcome = outcome,
        .device = r->card->device,
        .token = r->card->label,
        .serial = r->card->serial,
        .user = who,
        .actor = actor(r),
        .source = pin_source_text(r->card->management_key),
        .program = r->card->program,
        .rv = rv,
        .reason = reason,
    };

    return audit_append(&line, e);
}

static void audit(const struct errand *r, const char *outcome, const char *rv, const char *reason)
{
    struct error e = ERROR_INIT;

    if (!append(r, outcome, rv, reason, &e))
        log_line("%s", e.text);
}

/* Keys have 16, 24 or 32 bytes; which of these, the card knows. */
static struct secret *from_hex(const struct gate_card *card, const struct secret *text,
                               struct error *e)
{
    const uint8_t *at = secret_bytes(text);
    size_t length = secret_length(text);
    uint8_t key[KEY_MAX];
    bool good = length == 32 || length == 48 || length == 64;

    for (size_t i = 0; good && i < length; i += 2) {
        int high = text_hex_digit(at[i]), low = text_hex_digit(at[i + 1]);

        good = high >= 0 && low >= 0;
        if (good)
            key[i / 2] = (uint8_t)(high << 4 | low);
    }
    if (good)
        return secret_take(key, length / 2, e);
    secret_wipe(key, sizeof key);
    error_set(e, ERROR_PIN_SOURCE,
              "the management key from %s is not tried: it is written as 32, 48 or 64 hexadecimal "
              "digits",
              pin_source_text(card->management_key));
    return NULL;
}

/* Before the queue, so that a person who is slow to type holds up nobody. */
static bool read_key(struct errand *r, struct error *e)
{
    const struct gate_card *c = r->card;
    struct secret *text;
    char *what;

    if (pin_source_kind(c->management_key) == PIN_PINPAD)
        return error_set(e, ERROR_PIN_SOURCE, "pinpad: no reader has keys for a management key");
    what = text_format("Management key of '%s'", c->label);
    if (what == NULL)
        return error_set_memory(e);
    text = pin_source_read(c->management_key, what, c->person, c->cancel, e);
    free(what);
    if (text != NULL)
        r->key = from_hex(c, text, e);
    secret_free(&text);
    return r->key != NULL;
}

static bool check_guard(struct errand *r, struct error *e)
{
    const struct gate_card *c = r->card;

    if (!guard_read(c->device, who, &r->before, e))
        return false;
    if (!r->before.set)
        return true;
    if (c->actor != GATE_PERSON) {
        error_set(e, ERROR_FORBIDDEN,
                  "no try: the management key of '%s' was not accepted before (%s, %s); let a "
                  "person type it: --management-key prompt",
                  c->label, r->before.reason, r->before.since);
        audit(r, "forbidden", NULL, e == NULL ? NULL : e->text);
        return false;
    }
    if (c->person != NULL && c->person->tell != NULL)
        c->person->tell(c->person->data, "an earlier management key was not accepted");
    return true;
}

/* A try that cannot be remembered is not made. */
static bool permit(struct errand *r, struct error *e)
{
    const struct gate_card *c = r->card;

    r->lock = gate_lock_take(c->device, c->program, c->wait_ms, c->person, c->cancel, e);
    return r->lock != NULL && check_guard(r, e) && append(r, "begun", NULL, NULL, e) &&
           guard_mark(c->device, who, actor(r), "pending", "", e);
}

static bool refused(const struct errand *r, const struct wire_status *s, struct error *e)
{
    char name[RV_TEXT_SIZE];

    rv_name(s->rv, name);
    audit(r, "refused", name, s->text);
    guard_mark(r->card->device, who, actor(r), "refused", name, NULL);
    if (s->rv == CKR_PIN_INCORRECT)
        return error_set(e, ERROR_PIN_REFUSED, "'%s': %s", r->card->label, s->text);
    return false;
}

static bool settle(const struct errand *r, const struct attempt *a, struct error *e)
{
    const struct wire_status *s = &a->status;
    const char *text = e == NULL ? NULL : e->text;
    char name[RV_TEXT_SIZE];

    if (!a->answered) {
        guard_mark(r->card->device, who, actor(r), "no answer", "", NULL);
        audit(r, "no-answer", NULL, text);
        return error_prefix(e, "there was no answer, and the management key counts as refused");
    }
    if (s->rv == CKR_OK || s->accepted) {
        audit(r, s->rv == CKR_OK ? "ok" : "error", rv_name(s->rv, name),
              s->rv == CKR_OK ? NULL : text);
        return guard_clear(r->card->device, who, e) && s->rv == CKR_OK;
    }
    if (s->attempted)
        return refused(r, s, e);
    audit(r, "error", rv_name(s->rv, name), "the management key was not sent");
    guard_restore(r->card->device, who, &r->before);
    if (s->rv == CKR_PIN_LEN_RANGE)
        return error_set(e, ERROR_PIN_SOURCE, "the management key from %s is not tried: %s",
                         pin_source_text(r->card->management_key), s->text);
    return false;
}

static bool send_request(struct errand *r, const struct buffer *body, struct host *host,
                         struct buffer *answer, struct error *e)
{
    struct attempt result = {0};
    bool done;

    if (!buffer_ok(body, e) || !permit(r, e))
        return false;
    done = attempt_send(host, r->type, 0, body, gate_lock_fd(r->lock), false, NULL, &result, answer,
                        e);
    return settle(r, &result, e) && done;
}

static void end(struct errand *r)
{
    gate_lock_release(&r->lock);
    secret_free(&r->key);
}

static bool send_certificate(struct errand *r, uint8_t slot, const void *der, size_t length,
                             struct host *host, struct error *e)
{
    const struct gate_card *card = r->card;
    struct wire_store what = {.reader = (char *)(uintptr_t)card->reader,
                              .slot = slot,
                              .certificate = (uint8_t *)(uintptr_t)der,
                              .certificate_length = length,
                              .management_key = r->key};
    struct buffer body = BUFFER_INIT;
    bool done;

    snprintf(what.family, sizeof what.family, "%s", card->family);
    snprintf(what.serial, sizeof what.serial, "%s", card->serial == NULL ? "" : card->serial);
    wire_store_put(&body, &what);
    done = send_request(r, &body, host, NULL, e);
    buffer_free(&body);
    return done;
}

/* The key was accepted a moment ago; the lock is taken anew, for the reading between. */
static bool add_certificate(struct errand *r, const struct gate_new_key *key, struct host *host,
                            const struct buffer *spki, struct error *e)
{
    uint8_t *der = NULL;
    size_t length = 0;
    bool done;

    if (key->certificate == NULL)
        return true;
    gate_lock_release(&r->lock);
    r->event = "store";
    r->type = WIRE_CARD_STORE;
    done = key->certificate(key->data, spki, &der, &length, e) &&
           (length == 0 || send_certificate(r, key->slot, der, length, host, e));
    OPENSSL_free(der);
    return done;
}

bool gate_card_generate(const struct gate_card *card, const struct gate_new_key *key,
                        struct host *host, struct buffer *spki, struct error *e)
{
    struct errand r = {.card = card, .event = "generate", .type = WIRE_CARD_GENERATE};
    struct wire_generate what = {.reader = (char *)(uintptr_t)card->reader,
                                 .slot = key->slot,
                                 .pin_policy = key->pin_policy,
                                 .touch_policy = key->touch_policy};
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct wire_reader reader;
    const uint8_t *bytes;
    size_t length;
    bool done = read_key(&r, e);

    if (done) {
        snprintf(what.family, sizeof what.family, "%s", card->family);
        snprintf(what.serial, sizeof what.serial, "%s", card->serial == NULL ? "" : card->serial);
        snprintf(what.algorithm, sizeof what.algorithm, "%s", key->type);
        what.management_key = r.key;
        wire_generate_put(&body, &what);
        done = send_request(&r, &body, host, &answer, e);
    }
    if (done) {
        reader = wire_reader_of(answer.data, answer.length);
        bytes = wire_get_bytes(&reader, &length);
        done = wire_reader_done(&reader, e);
        if (done)
            buffer_append(spki, bytes, length);
    }
    if (done && buffer_ok(spki, e) && !add_certificate(&r, key, host, spki, e)) {
        done = false;
        error_prefix(e, "the key is made, but nothing shows it yet: its placeholder of a "
                        "certificate was not stored");
    }
    end(&r);
    buffer_free(&body);
    buffer_free(&answer);
    return done && buffer_ok(spki, e);
}

bool gate_card_store(const struct gate_card *card, uint8_t slot, const void *der, size_t length,
                     struct host *host, struct error *e)
{
    struct errand r = {.card = card, .event = "store", .type = WIRE_CARD_STORE};
    bool done = read_key(&r, e) && send_certificate(&r, slot, der, length, host, e);

    end(&r);
    return done;
}
