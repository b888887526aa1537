/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this PIN be tried now, and what does the answer mean? The rules of the design, section 2, in
 * its order: length, guard, counter before; guard and audit after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "gate/audit.h"
#include "gate/guard.h"
#include "gate/session.h"
#include "token/settle.h"
#include "wire/rv.h"

static bool is_so(const struct gate_session *s)
{
    return s->role == WIRE_PIN_SO;
}

static const char *who(const struct gate_session *s)
{
    return tries_role_word(s->role);
}

static const char *actor(const struct gate_session *s)
{
    static const char *const words[] = {
        [GATE_HEADLESS] = "headless",
        [GATE_PERSON] = "person",
        [GATE_RESET] = "reset",
    };

    return words[s->actor];
}

enum gate_actor gate_actor_of(const struct pin_source *source)
{
    enum pin_source_kind kind = pin_source_kind(source);

    return kind == PIN_PROMPT || kind == PIN_PINPAD ? GATE_PERSON : GATE_HEADLESS;
}

static bool append(const struct gate_session *s, const char *event, const char *outcome,
                   const char *rv, const char *reason, struct error *e)
{
    char serial[sizeof s->token.serialNumber + 1] = "";
    struct audit_line line = {
        .event = event,
        .outcome = outcome,
        .device = s->device,
        .token = s->label,
        .serial = serial,
        .user = who(s),
        .actor = actor(s),
        .source = pin_source_text(s->source),
        .program = s->program,
        .rv = rv,
        .reason = reason,
    };

    memcpy(serial, s->token.serialNumber, sizeof s->token.serialNumber);
    serial[strcspn(serial, " ")] = '\0';
    return audit_append(&line, e);
}

static void audit(const struct gate_session *s, const char *event, const char *outcome,
                  const char *rv, const char *reason)
{
    struct error e = ERROR_INIT;

    if (!append(s, event, outcome, rv, reason, &e))
        log_line("%s", e.text);
}

static void tell(const struct gate_session *s, const char *text)
{
    if (s->person.tell != NULL)
        s->person.tell(s->person.data, text);
}

static bool check_state(const struct gate_session *s, CK_FLAGS flags, struct error *e)
{
    if (s->reader == NULL && s->role == WIRE_PIN_USER && !(flags & CKF_USER_PIN_INITIALIZED))
        return error_set(e, ERROR_UNFIT,
                         "'%s' has no user PIN yet; its issuer, or the SO PIN, sets one", s->label);
    if (pin_source_kind(s->source) == PIN_PINPAD && !(flags & CKF_PROTECTED_AUTHENTICATION_PATH))
        return error_set(e, ERROR_PIN_SOURCE, "pinpad: '%s' has no keys of its own to type a PIN",
                         s->label);
    return true;
}

/* Limits that make no sense are no limits. */
static bool check_length(const struct gate_session *s, const struct secret *pin,
                         const struct pin_source *source, const CK_TOKEN_INFO *token,
                         struct error *e)
{
    size_t length = pin == NULL ? 0 : secret_length(pin);

    if (pin == NULL || token->ulMaxPinLen == 0 || token->ulMaxPinLen < token->ulMinPinLen)
        return true;
    if (length >= token->ulMinPinLen && length <= token->ulMaxPinLen)
        return true;
    return error_set(e, ERROR_PIN_SOURCE,
                     "the PIN from %s is not tried: '%s' takes PINs of %lu to %lu characters",
                     pin_source_text(source), s->label, token->ulMinPinLen, token->ulMaxPinLen);
}

bool session_fits(const struct gate_session *s, const struct secret *pin,
                  const struct pin_source *source, struct error *e)
{
    return check_length(s, pin, source, &s->token, e);
}

/* The mark of a login that another process is making right now says nothing yet. Whoever holds the
 * lock itself looks at no other's: then a pending mark was left by the dead. */
static bool is_under_way(const struct gate_session *s, const struct guard_mark *mark)
{
    char *holder = s->lock == NULL && strcmp(mark->reason, "pending") == 0
                       ? gate_lock_holder(s->device)
                       : NULL;
    bool held = holder != NULL;

    free(holder);
    return held;
}

enum { HOW_SIZE = 160 };

/* How a person goes on where a script may not. */
static const char *by_a_person(const struct gate_session *s, char out[HOW_SIZE])
{
    char *label = text_shell_quote(s->label);

    if (s->role == WIRE_PIN_USER && label != NULL)
        snprintf(out, HOW_SIZE, "let a person run: signet reset-counter %s", label);
    else
        snprintf(out, HOW_SIZE, "let a person type it at a prompt");
    free(label);
    return out;
}

/* After a refusal, or a login that never answered, only a person goes on; a script that says so for
 * a person, once. */
static bool check_guard(const struct gate_session *s, struct error *e)
{
    struct guard_mark mark;
    char how[HOW_SIZE];

    if (!guard_read(s->device, who(s), &mark, e))
        return false;
    if (!mark.set || is_under_way(s, &mark))
        return true;
    if (s->actor == GATE_HEADLESS)
        return error_set(e, ERROR_FORBIDDEN, "no try: the %s of '%s' did not succeed (%s, %s); %s",
                         s->name, s->label, mark.reason, mark.since, by_a_person(s, how));
    if (s->actor == GATE_RESET && strcmp(mark.actor, actor(s)) == 0)
        return error_set(e, ERROR_FORBIDDEN,
                         "no try: this was done already with a PIN that nobody typed, and did not "
                         "succeed (%s, %s); %s, with --pin prompt",
                         mark.reason, mark.since, by_a_person(s, how));
    if (s->role == WIRE_PIN_USER)
        tell(s,
             "an earlier login to this token did not succeed; if this one does, builds may go on");
    return true;
}

static bool check_counter_headless(const struct gate_session *s, const struct tries *t,
                                   struct error *e)
{
    bool known = t->left != WIRE_UNKNOWN;
    long least = s->tries_left > 0 ? s->tries_left : t->most;
    char how[HOW_SIZE];

    if (!t->final && (known ? t->left >= least : !t->low))
        return true;
    by_a_person(s, how);
    if (known && !t->final)
        return error_set(e, ERROR_FORBIDDEN,
                         "no try: the %s of '%s' has %s, and unattended it takes %ld; %s", s->name,
                         s->label, t->text, least, how);
    return error_set(
        e, ERROR_FORBIDDEN, "no try: the %s of '%s': %s%s; %s", s->name, s->label, t->text,
        s->tries_left > 0 && !t->final ? ", and it does not say how many are left" : "", how);
}

/* At the last try a person types the token's label, so that no reflex locks it; to an empty one the
 * Enter key would do. */
static bool check_counter_person(const struct gate_session *s, const struct tries *t,
                                 struct error *e)
{
    bool blank = s->label[strspn(s->label, " ")] == '\0', typed;
    char *text;

    if (!t->final) {
        if (t->low && (text = text_format("%s of '%s': %s", s->name, s->label, t->text)) != NULL) {
            tell(s, text);
            free(text);
        }
        return true;
    }
    text =
        text_format("This is the LAST TRY: a wrong %s locks %s. Type its label%s to go on", s->name,
                    is_so(s) || s->role == WIRE_PIN_PUK ? "the token for ever" : "the token",
                    blank ? ", or, as it has none, these words" : "");
    typed = text != NULL && s->person.type_label != NULL &&
            s->person.type_label(s->person.data, text, blank ? "the last try" : s->label);
    free(text);
    return typed || error_set(e, ERROR_FORBIDDEN,
                              "no try: it would be the last of '%s', and its label was not typed "
                              "on a terminal",
                              s->label);
}

static const char *after_a_lock(enum wire_pin role)
{
    switch (role) {
    case WIRE_PIN_USER:
    case WIRE_PIN_SIGNATURE:
        return "the PUK or SO PIN sets a new one: signet unblock";
    case WIRE_PIN_RESET:
        return "the admin PIN sets a new PIN: signet unblock --by so";
    default:
        return "no program can unlock it";
    }
}

static bool check_counter(const struct gate_session *s, const struct tries *t, struct error *e)
{
    if (t->locked)
        return error_set(e, ERROR_FORBIDDEN, "no try: the %s of '%s' is locked; %s", s->name,
                         s->label, after_a_lock(s->role));
    return s->actor == GATE_HEADLESS ? check_counter_headless(s, t, e)
                                     : check_counter_person(s, t, e);
}

static bool check_all(const struct gate_session *s, const CK_TOKEN_INFO *now,
                      const struct secret *new_pin, struct error *e)
{
    return check_state(s, now->flags, e) && check_length(s, s->pin, s->source, now, e) &&
           check_length(s, new_pin, s->source, now, e) &&
           (s->first_pin || (check_guard(s, e) && check_counter(s, &s->tries, e)));
}

/* The token as it is now: still the same one, and where it seems to have no user PIN, that is not
 * believed at once. */
static bool read_token(const struct gate_session *s, struct host *host, CK_SLOT_ID slot,
                       CK_TOKEN_INFO *out, struct error *e)
{
    struct wire_slot now;
    int64_t end = 0;
    bool same, usable;

    do {
        if (!host_token(host, slot, s->cancel, &now, e))
            return false;
        *out = now.token;
        same = session_is_token(s, &now);
        usable = same && (s->role != WIRE_PIN_USER || (out->flags & CKF_USER_PIN_INITIALIZED));
        wire_slot_free(&now);
    } while (!usable && settle_again(&end, s->cancel));
    return same || error_set(e, ERROR_MISSING, "the token '%s' is gone", s->label);
}

bool session_permit(struct gate_session *s, const char *event, const struct secret *new_pin,
                    struct error *e)
{
    struct error reason = ERROR_INIT;
    CK_TOKEN_INFO now = s->token;

    if (s->reader == NULL && !read_token(s, s->host, s->slot, &now, e))
        return false;
    tries_judge(s->device, s->role, now.flags, &s->figure, &s->tries);
    if (!check_all(s, &now, new_pin, &reason)) {
        audit(s, event, "forbidden", NULL, reason.text);
        if (e != NULL)
            *e = reason;
        return false;
    }
    if (!guard_read(s->device, who(s), &s->before, e))
        return false;
    /* A try that cannot be remembered is not made. */
    return append(s, event, "begun", NULL, NULL, e) &&
           guard_mark(s->device, who(s), actor(s), "pending", "", e);
}

/* Values that say nothing about the PIN: the token went away, or could not do it at all. */
static bool no_pin_reason(CK_RV rv)
{
    return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_DEVICE_ERROR ||
           rv == CKR_TOKEN_NOT_RECOGNIZED || rv == CKR_SESSION_HANDLE_INVALID ||
           rv == CKR_SESSION_CLOSED || rv == CKR_FUNCTION_NOT_SUPPORTED ||
           rv == CKR_USER_ALREADY_LOGGED_IN || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN ||
           rv == CKR_USER_PIN_NOT_INITIALIZED || rv == CKR_USER_TYPE_INVALID ||
           rv == CKR_TOKEN_WRITE_PROTECTED || rv == CKR_SESSION_EXISTS ||
           rv == CKR_SESSION_READ_ONLY_EXISTS;
}

/* tpm2-pkcs11 says so of a token that is initialised. */
static bool is_not_done_twice(const struct wire_status *status)
{
    return status->rv == CKR_ARGUMENTS_BAD && strcmp(status->function, "C_InitToken") == 0;
}

/* The token's host is ended on the way, under the eyes of the thread that watches the card. */
static void read_after(struct gate_session *s)
{
    pthread_rwlock_wrlock(&s->current);
    if (session_read_figure(s, NULL) && s->host != NULL)
        session_read_vendor_figure(s);
    pthread_rwlock_unlock(&s->current);
}

/* What is left after a refusal. Flags that are clear say nothing: many tokens never set them. A
 * session that signs is not disturbed for a figure. */
static void judge_after(struct gate_session *s, const struct wire_status *status, struct tries *t)
{
    CK_FLAGS flags = status->flags_known ? (CK_FLAGS)status->token_flags : 0;

    session_forget_figure(s);
    if (s->signer.sign == NULL)
        read_after(s);
    tries_judge(s->device, s->role, flags, &s->figure, t);
    if (t->left == WIRE_UNKNOWN && status->rv == CKR_PIN_LOCKED)
        t->locked = true;
    else if (t->left == WIRE_UNKNOWN && !t->locked && !t->final && !t->low)
        snprintf(t->text, sizeof t->text, "it does not tell how many tries are left");
}

static bool refused(struct gate_session *s, const char *event, const struct wire_status *status,
                    struct error *e)
{
    char name[RV_TEXT_SIZE];
    bool other = no_pin_reason((CK_RV)status->rv) || is_not_done_twice(status);
    char how[HOW_SIZE], *next;
    struct tries after;

    rv_name(status->rv, name);
    guard_mark(s->device, who(s), actor(s), "refused", name, NULL);
    audit(s, event, other ? "error" : "refused", name, NULL);
    judge_after(s, status, &after);
    next = after.locked ? text_format("it is locked now; %s", after_a_lock(s->role))
                        : text_format("%s; nothing of Signet tries again unattended; %s",
                                      after.text, by_a_person(s, how));
    error_set(e, other ? ERROR_TOKEN : ERROR_PIN_REFUSED, "'%s' %s the %s (%s%s%s): %s", s->label,
              other ? "did not take" : "refused", s->name, status->function,
              *status->function == '\0' ? "" : ": ", *status->text == '\0' ? name : status->text,
              next == NULL ? "" : next);
    free(next);
    if (e != NULL)
        e->detail = status->rv;
    return false;
}

bool session_settle(struct gate_session *s, const char *event, const struct attempt *result,
                    struct error *e)
{
    char name[RV_TEXT_SIZE];

    if (!result->answered) {
        guard_mark(s->device, who(s), actor(s), "no answer", "", NULL);
        audit(s, event, "no-answer", NULL, e == NULL ? NULL : e->text);
        return error_prefix(e, "the login got no answer and counts as refused");
    }
    if (result->status.rv == CKR_OK || result->status.accepted) {
        if (result->status.rv == CKR_OK)
            audit(s, event, "ok", "CKR_OK", NULL);
        else
            audit(s, event, "error", rv_name(result->status.rv, name),
                  "the secret was right; what came after it failed");
        session_forget_figure(s);
        guard_forget_low(s->device, who(s));
        if (s->actor != GATE_HEADLESS)
            guard_forget_most(s->device, who(s));
        return guard_clear(s->device, who(s), e) && result->status.rv == CKR_OK;
    }
    if (!result->status.attempted) {
        /* The module failed before the PIN was sent: the mark that this attempt set is taken back.
         */
        audit(s, event, "error", rv_name(result->status.rv, name), "the PIN was not sent");
        guard_restore(s->device, who(s), &s->before);
        if (result->status.rv == CKR_PIN_LEN_RANGE)
            error_set(e, ERROR_PIN_SOURCE, "nothing was tried: %s", result->status.text);
        return false;
    }
    return refused(s, event, &result->status, e);
}

/* At the last try a person would be asked. */
static bool would_be_asked(void *data, const char *text, const char *label)
{
    (void)data, (void)text, (void)label;
    return true;
}

bool gate_would_try(const struct gate_request *request, struct host *host, struct error *e)
{
    struct gate_session s = {
        .device = (char *)(uintptr_t)request->device,
        .token = request->slot->token,
        .role = request->role,
        .name = (char *)(uintptr_t)(request->name == NULL ? tries_role_name(request->role)
                                                          : request->name),
        .actor = request->actor,
        .source = (struct pin_source *)(uintptr_t)request->source,
        .tries_left = request->tries_left,
        .cancel = request->cancel,
        .person = {.type_label = would_be_asked},
        .host = host,
        .slot = request->slot->id,
        .figure = {.left = WIRE_UNKNOWN},
    };
    CK_TOKEN_INFO now;
    bool allowed;

    s.label = text_padded(s.token.label, sizeof s.token.label);
    if (s.label == NULL)
        return error_set_memory(e);
    allowed = read_token(&s, host, request->slot->id, &now, e) &&
              pin_source_check(request->source, e) && pin_source_peek(request->source, &s.pin, e);
    if (allowed) {
        if (request->counter != NULL)
            s.figure = *request->counter;
        session_read_vendor_figure(&s);
        tries_judge(s.device, s.role, now.flags, &s.figure, &s.tries);
        allowed = check_all(&s, &now, NULL, e);
    }
    secret_free(&s.pin);
    free(s.label);
    return allowed;
}
