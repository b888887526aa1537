/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/checklist.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cert/expiry.h"
#include "op/text.h"
#include "tui/model/pair.h"
#include "tui/model/tries.h"

const char *checklist_name(enum step s)
{
    static const char *const names[STEP_COUNT] = {
        [STEP_TOKEN] = "Token",       [STEP_DRIVER] = "Driver",
        [STEP_KEY] = "Key",           [STEP_CERTIFICATE] = "Certificate",
        [STEP_PASSWORD] = "Password", [STEP_CHAIN] = "Chain",
        [STEP_PROFILE] = "Profile",   [STEP_PIN] = "Build PIN",
        [STEP_TRIAL] = "Trial",
    };

    return names[s];
}

static void set(struct checklist *c, enum step s, enum step_state state, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void set(struct checklist *c, enum step s, enum step_state state, const char *format, ...)
{
    va_list args;

    c->step[s].state = state;
    va_start(args, format);
    vsnprintf(c->step[s].text, sizeof c->step[s].text, format, args);
    va_end(args);
}

const char *checklist_certificate(const struct store *s, const json_t *token)
{
    struct pair p = pair_of(store_objects(s, token));

    return p.certificate == NULL ? NULL : op_string(p.certificate, "uri");
}

static void key_step(struct checklist *c, const struct pair *p, bool known)
{
    if (!known)
        set(c, STEP_KEY, STATE_WAITING, "being read");
    else if (p->key == NULL)
        set(c, STEP_KEY, STATE_WAITING, "none yet; it comes with the certificate, or is made here");
    else if (p->certificate != NULL || op_true(p->key, "ca-accepts"))
        set(c, STEP_KEY, STATE_DONE, "%s, %s", op_string(p->key, "type"),
            op_string(p->key, "ca-reason"));
    else
        set(c, STEP_KEY, STATE_WRONG, "%s, %s", op_string(p->key, "type"),
            op_string(p->key, "ca-reason"));
}

const json_t *checklist_order(const struct store *s, const json_t *token)
{
    struct pair p = pair_of(store_objects(s, token));
    const json_t *shown;

    if (p.certificate == NULL)
        return store_order_of(s, token, NULL);
    shown = json_object_get(store_detail(s, op_string(p.certificate, "uri")), "certificate");
    return shown == NULL ? NULL : store_order_of(s, token, shown);
}

static bool is_soon(const json_t *certificate)
{
    json_int_t days = op_number(certificate, "days-left", 0);

    return certificate != NULL && days >= 0 && days < CERT_WARN_DAYS;
}

bool checklist_expires_soon(const struct store *s, const json_t *token)
{
    return is_soon(pair_of(store_objects(s, token)).certificate);
}

/* How far an order is, and what comes next for it. */
static void order_words(const json_t *order, char *out, size_t size)
{
    const char *state = op_string(order, "state"), *folder = op_string(order, "folder");

    if (strcmp(state, "issued") == 0)
        snprintf(out, size, "issued %.10s, in %s: import it", op_string(order, "issued"), folder);
    else if (strcmp(state, "ordered") == 0)
        snprintf(out, size, "ordered %.10s, in %s: waiting for the CA", op_string(order, "ordered"),
                 folder);
    else
        snprintf(out, size, "request made %.10s, in %s: give it to the CA",
                 op_string(order, "made"), folder);
}

static void certificate_step(struct checklist *c, const struct pair *p, const json_t *order)
{
    long long days = op_number(p->certificate, "days-left", 0);
    char next[192] = "";

    if (order != NULL)
        order_words(order, next, sizeof next);
    if (p->certificate == NULL && order != NULL)
        set(c, STEP_CERTIFICATE, STATE_WAITING, "%s", next);
    else if (p->certificate == NULL && p->key != NULL)
        set(c, STEP_CERTIFICATE, STATE_WAITING, "none yet: a CSR for the CA, then what it returns");
    else if (p->certificate == NULL)
        set(c, STEP_CERTIFICATE, STATE_WAITING, "none for code signing with a key here");
    else if (days < 0)
        set(c, STEP_CERTIFICATE, STATE_WRONG, "expired %lld days ago%s%s", -days,
            order == NULL ? "" : "; next: ", next);
    else if (is_soon(p->certificate))
        set(c, STEP_CERTIFICATE, STATE_WAITING, "%lld days left; next: %s", days,
            order == NULL ? "order it now" : next);
    else
        set(c, STEP_CERTIFICATE, STATE_DONE, "code signing, matches key, %lld days left", days);
}

static void password_step(struct checklist *c, const struct store *s, const json_t *token)
{
    const json_t *flags = json_object_get(token, "flags"), *pin = store_user_pin(s, token);
    struct tries tries = tries_of(pin);

    if (store_is_blocked(s, token))
        set(c, STEP_PASSWORD, STATE_WRONG, "locked: the SO PIN or PUK opens it");
    else if (!op_true(flags, "user-pin-initialized"))
        set(c, STEP_PASSWORD, STATE_WRONG, "none set yet: the issuer, or the SO PIN, sets one");
    else if (op_true(flags, "user-pin-to-be-changed") || op_true(pin, "default"))
        set(c, STEP_PASSWORD, STATE_WAITING, "still the issuer's: change it");
    else
        set(c, STEP_PASSWORD, STATE_DONE, "set; %s%s",
            pin == NULL ? op_string(token, "user-pin") : tries.words,
            pin == NULL ? "" : " tries left");
}

/* What `check` found about one subject. */
static const json_t *finding(const json_t *check, const char *subject)
{
    size_t index;
    json_t *f;

    json_array_foreach(json_object_get(check, "findings"), index, f)
    {
        if (strcmp(op_string(f, "subject"), subject) == 0)
            return f;
    }
    return NULL;
}

static void chain_step(struct checklist *c, const struct store *s, const struct pair *p,
                       const json_t *check)
{
    const json_t *found = finding(check, "chain");
    const json_t *shown =
        p->certificate == NULL ? NULL : store_detail(s, op_string(p->certificate, "uri"));

    if (found != NULL && strcmp(op_string(found, "level"), "ok") == 0)
        set(c, STEP_CHAIN, STATE_DONE, "%s", op_string(found, "text"));
    else if (found != NULL || (shown != NULL && *op_string(shown, "chain-missing") != '\0'))
        set(c, STEP_CHAIN, STATE_WAITING, "missing: %s",
            shown != NULL ? op_string(shown, "chain-missing") : "an intermediate certificate");
    else if (shown != NULL)
        set(c, STEP_CHAIN, STATE_DONE, "complete on the token");
    else
        set(c, STEP_CHAIN, STATE_WAITING, "%s", p->certificate == NULL ? "" : "being read");
}

static void profile_steps(struct checklist *c, const struct store *s, const json_t *profile,
                          const json_t *check)
{
    const json_t *pin = finding(check, "pin");
    const char *source = op_string(profile, "pin");

    if (profile == NULL) {
        set(c, STEP_PROFILE, STATE_WAITING, "made from this token");
        set(c, STEP_PIN, STATE_WAITING, "typed once, tested, stored for you alone");
        set(c, STEP_TRIAL, STATE_WAITING, "one signature, checked with the certificate");
        return;
    }
    set(c, STEP_PROFILE, STATE_DONE, "%s", op_string(profile, "name"));
    if (*source == '\0' || strcmp(source, "prompt") == 0)
        set(c, STEP_PIN, STATE_WAITING, "asked at each run: typed once, it is stored for builds");
    else if (pin != NULL && strcmp(op_string(pin, "level"), "error") == 0)
        set(c, STEP_PIN, STATE_WRONG, "%s", op_string(pin, "text"));
    else
        set(c, STEP_PIN, STATE_DONE, "%s", source);
    if (json_is_true(json_object_get(s->trials, op_string(profile, "path"))))
        set(c, STEP_TRIAL, STATE_DONE, "the key signed for its certificate");
    else
        set(c, STEP_TRIAL, STATE_WAITING, "one signature, checked with the certificate");
}

/* Windows may know the chain, and what expires soon still signs: what signs goes first. */
static bool can_wait(const struct checklist *c, enum step s, const struct pair *p)
{
    return s == STEP_CHAIN || (s == STEP_CERTIFICATE && is_soon(p->certificate) &&
                               c->step[STEP_PIN].state != STATE_DONE);
}

void checklist_make(struct checklist *c, const struct store *s, const json_t *token)
{
    const json_t *document = store_objects(s, token);
    const json_t *profile = store_profile_of(s, token);
    const json_t *check = profile == NULL ? NULL : store_check(s, profile);
    struct pair p = pair_of(document);

    *c = (struct checklist){.next = STEP_COUNT};
    set(c, STEP_TOKEN, STATE_DONE, "plugged in");
    set(c, STEP_DRIVER, STATE_DONE, "%s", store_module_path(s, token));
    key_step(c, &p, document != NULL);
    certificate_step(c, &p, checklist_order(s, token));
    password_step(c, s, token);
    chain_step(c, s, &p, check);
    profile_steps(c, s, profile, check);
    for (int i = 0; i < STEP_COUNT; i++) {
        if (c->step[i].state == STATE_DONE)
            c->done++;
        else if (c->next == STEP_COUNT ||
                 (can_wait(c, c->next, &p) && !can_wait(c, (enum step)i, &p)))
            c->next = (enum step)i;
    }
    if (c->next != STEP_COUNT && c->step[c->next].state == STATE_WAITING)
        c->step[c->next].state = STATE_NEXT;
}
