/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tries.h"

#include <stdio.h>

#include "gate/gate.h"
#include "gate/guard.h"

static const struct {
    const char *word, *name;
} roles[WIRE_PIN_KINDS] = {
    [WIRE_PIN_USER] = {"user", "PIN"},
    [WIRE_PIN_SIGNATURE] = {"signature", "signature PIN"},
    [WIRE_PIN_SO] = {"so", "SO PIN"},
    [WIRE_PIN_PUK] = {"puk", "PUK"},
    [WIRE_PIN_RESET] = {"reset-code", "reset code"},
};

const char *tries_role_word(enum wire_pin role)
{
    return roles[role].word;
}

const char *tries_role_name(enum wire_pin role)
{
    return roles[role].name;
}

static const char *flags_text(const struct tries *t)
{
    return t->locked  ? "locked"
           : t->final ? "one try left"
           : t->low   ? "at least one try is lost"
                      : "no try is known to be lost";
}

static void judge_flags(enum wire_pin role, CK_FLAGS flags, struct tries *out)
{
    if (role == WIRE_PIN_SO) {
        out->low = flags & CKF_SO_PIN_COUNT_LOW;
        out->final = flags & CKF_SO_PIN_FINAL_TRY;
        out->locked = flags & CKF_SO_PIN_LOCKED;
    } else if (role == WIRE_PIN_USER) {
        out->low = flags & CKF_USER_PIN_COUNT_LOW;
        out->final = flags & CKF_USER_PIN_FINAL_TRY;
        out->locked = flags & CKF_USER_PIN_LOCKED;
    }
    snprintf(out->text, sizeof out->text, "%s", flags_text(out));
}

/* The most of what is told, what was seen, and what cards of this family come with. */
static int most_of(const char *device, enum wire_pin role, const struct wire_counter *figure)
{
    int seen;

    if (figure->maximum != WIRE_UNKNOWN)
        return figure->maximum;
    seen = guard_most(device, tries_role_word(role), figure->left);
    return figure->usual > seen ? figure->usual : seen;
}

static void judge_figure(const char *device, enum wire_pin role, const struct wire_counter *figure,
                         struct tries *out)
{
    out->left = figure->left;
    out->most = most_of(device, role, figure);
    out->locked = out->left == 0;
    out->final = out->left == 1;
    out->low = out->left < out->most;
    if (out->locked)
        snprintf(out->text, sizeof out->text, "blocked (%s)", figure->source);
    else if (figure->maximum != WIRE_UNKNOWN)
        snprintf(out->text, sizeof out->text, "%d of %d tries left (%s)", out->left, out->most,
                 figure->source);
    else
        snprintf(out->text, sizeof out->text, "%d %s left (%s)", out->left,
                 out->left == 1 ? "try" : "tries", figure->source);
    if (out->low)
        guard_note_low(device, tries_role_word(role), out->text);
    else
        guard_forget_low(device, tries_role_word(role));
}

/* A card that another program uses tells nothing: what it told last still counts, since many
 * modules' flags never say that a try is lost. One that is logged in has its maximum. */
static void judge_unread(const char *device, enum wire_pin role, CK_FLAGS flags,
                         const struct wire_counter *figure, struct tries *out)
{
    judge_flags(role, flags, out);
    if (figure != NULL && figure->verified)
        guard_forget_low(device, tries_role_word(role));
    else if (!out->locked && !out->final &&
             guard_was_low(device, tries_role_word(role), out->text, sizeof out->text))
        out->low = true;
}

void tries_judge(const char *device, enum wire_pin role, CK_FLAGS flags,
                 const struct wire_counter *figure, struct tries *out)
{
    *out = (struct tries){.left = WIRE_UNKNOWN, .most = WIRE_UNKNOWN};
    if (figure != NULL && figure->left != WIRE_UNKNOWN)
        judge_figure(device, role, figure, out);
    else
        judge_unread(device, role, flags, figure, out);
}

const char *gate_counter_text(CK_FLAGS flags, bool so)
{
    struct tries t = {0};

    judge_flags(so ? WIRE_PIN_SO : WIRE_PIN_USER, flags, &t);
    return flags_text(&t);
}
