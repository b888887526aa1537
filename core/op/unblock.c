/* SPDX-License-Identifier: Apache-2.0 */
/* signet unblock: a new PIN by the secret that stands above it. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "op/named.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/card.h"
#include "token/pool.h"

/* So long a card that is in use is waited for, and so often it is looked at. */
enum { LEAVING_MS = 10000, LOOK_MS = 200 };

static const char *const secrets[] = {"puk", "reset-code", "so-pin", NULL};
static const char *const applications[] = {"piv", "openpgp", "sc-hsm", NULL};

static const struct op_arg args[] = {
    OP_ONE_TOKEN,
    {.name = "by",
     .type = OP_CHOICE,
     .value = "SECRET",
     .choices = secrets,
     .help = "what sets the new PIN; default: what the token has for it"},
    {.name = "application",
     .type = OP_CHOICE,
     .value = "NAME",
     .choices = applications,
     .help = "which application of a card that has several"},
    {.name = "puk", .type = OP_PIN, .value = "SOURCE", .help = "where the PUK comes from"},
    {.name = "reset-code",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the reset code of an OpenPGP card comes from"},
    {.name = "so-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the SO PIN comes from; of an OpenPGP card, the admin PIN (PW3)"},
    {.name = "new-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .default_text = "prompt",
     .help = "where the new PIN comes from, in the words of --pin; a prompt asks twice"},
};

/* What is to be opened again: a card's application, or else a token by PKCS#11. */
struct target {
    const struct token *token; /* NULL: it is the card that was named */
    const struct token *shown; /* what a module shows of it; NULL: nothing */
    struct wire_card card;
    const struct wire_application *application; /* NULL: by C_InitPIN */
    char *label, *device;
    enum wire_pin by;
};

static void free_target(struct target *t)
{
    wire_card_free(&t->card);
    free(t->label);
    free(t->device);
}

static const struct wire_counter *counter(const struct target *t, enum wire_pin pin)
{
    for (size_t i = 0; t->application != NULL && i < t->application->counter_count; i++)
        if (t->application->counter[i].pin == pin)
            return &t->application->counter[i];
    return NULL;
}

static bool can_unblock(const struct wire_application *a, const char *wanted)
{
    return *a->unblocked_by != '\0' && (wanted == NULL || strcmp(a->family, wanted) == 0);
}

static bool ask_which(const struct target *t, struct error *e)
{
    return error_set(e, ERROR_USAGE,
                     "the card in '%s' has several applications; say which with --application",
                     t->card.reader.name);
}

static bool refuse_busy(const struct target *t, struct error *e)
{
    return error_set(e, ERROR_BUSY, "'%s': %s", t->card.reader.name, t->card.problem);
}

/* The one that a module shows. Where that has no such secret on the card, or no card is known, the
 * way is PKCS#11, with the SO PIN. A card that could not be asked is not taken for none: another
 * secret than its own would be asked for, and a try of that be lost. */
static bool take_application(struct target *t, struct error *e)
{
    if (card_is_busy(&t->card))
        return refuse_busy(t, e);
    t->application = card_application_of(&t->card, &t->token->slot.token);
    if (t->application == NULL && t->card.count > 1)
        return ask_which(t, e);
    if (t->application != NULL && !can_unblock(t->application, NULL))
        t->application = NULL;
    return true;
}

static bool choose_application(struct target *t, const char *wanted, struct error *e)
{
    size_t usable = 0;

    if (wanted == NULL && t->token != NULL)
        return take_application(t, e);
    for (size_t i = 0; i < t->card.count; i++)
        if (can_unblock(&t->card.application[i], wanted)) {
            t->application = &t->card.application[i];
            usable++;
        }
    if (usable == 1)
        return true;
    if (usable > 1)
        return ask_which(t, e);
    if (card_is_busy(&t->card))
        return refuse_busy(t, e);
    if (t->card.reader.name == NULL)
        return error_set(e, ERROR_UNFIT, "'%s' is in no reader where it could be asked for that",
                         t->label);
    return error_set(e, ERROR_UNFIT, "'%s'%s%s: this version knows no way to unblock it%s",
                     t->card.reader.name, *t->card.problem == '\0' ? "" : ": ", t->card.problem,
                     wanted == NULL ? "" : " by that application");
}

/* A reset code is set by few; where it has no tries it is not there, or used up. */
static enum wire_pin usual_secret(const struct target *t)
{
    const struct wire_counter *code = counter(t, WIRE_PIN_RESET);

    if (t->application == NULL || strcmp(t->application->family, "sc-hsm") == 0)
        return WIRE_PIN_SO;
    if (strcmp(t->application->family, "openpgp") == 0)
        return code != NULL && code->left > 0 ? WIRE_PIN_RESET : WIRE_PIN_SO;
    return WIRE_PIN_PUK;
}

static const char *option_of(enum wire_pin by)
{
    return by == WIRE_PIN_PUK ? "puk" : by == WIRE_PIN_RESET ? "reset-code" : "so-pin";
}

/* --by, or the one secret that a source was named for, or what the token has. */
static bool choose_secret(struct target *t, const struct op_args *a, struct error *e)
{
    static const enum wire_pin all[] = {WIRE_PIN_PUK, WIRE_PIN_RESET, WIRE_PIN_SO};
    unsigned named = 0;

    t->by = usual_secret(t);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (op_given(a, option_of(all[i])) && (!op_given(a, "by") || named == 0)) {
            t->by = all[i];
            named++;
        }
    if (op_given(a, "by"))
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (strcmp(op_text(a, "by"), option_of(all[i])) == 0)
                t->by = all[i];
    if (named > 1)
        return error_set(e, ERROR_USAGE, "several secrets are named; say which with --by");
    if (t->application == NULL && t->by != WIRE_PIN_SO)
        return error_set(e, ERROR_UNFIT,
                         "'%s' is known by PKCS#11 alone, which has the SO PIN for this: --so-pin",
                         t->label);
    return true;
}

/* What is left to do where nothing of the token opens its PIN any more. */
static const char *last_resort(const struct target *t)
{
    const char *family = t->application == NULL ? "" : t->application->family;

    if (strcmp(family, "piv") == 0)
        return "certificates can still be read, the keys are out of reach for good; only a reset "
               "of the PIV application makes it usable again, and deletes its keys (ykman piv "
               "reset, on a YubiKey); Signet does not do that";
    if (strcmp(family, "openpgp") == 0)
        return "public keys can still be read; only a factory reset of the application makes it "
               "usable again, and deletes its keys; Signet does not do that";
    if (strcmp(family, "sc-hsm") == 0)
        return "certificates can still be read; only initialising the device makes it usable "
               "again, which takes the SO PIN, too: one that is blocked needs its maker";
    return "certificates can still be read; the keys are out of reach for good, and the token's "
           "maker may offer to initialise it";
}

static bool check_secret(const struct target *t, struct error *e)
{
    const struct wire_counter *c = counter(t, t->by);

    if (c != NULL && c->left == 0)
        return error_set(e, ERROR_FORBIDDEN, "the %s of '%s' is %s: %s", c->name, t->label,
                         c->unset ? "not set, or used up" : "blocked", last_resort(t));
    return true;
}

static json_t *counters_of(const struct target *t)
{
    json_t *list = json_array();

    for (size_t i = 0; t->application != NULL && i < t->application->counter_count; i++)
        json_array_append_new(list, op_counter_record(&t->application->counter[i]));
    return list;
}

static void tell_counters(const struct target *t, struct op_ctx *ctx)
{
    for (size_t i = 0; t->application != NULL && i < t->application->counter_count; i++) {
        json_t *record = op_counter_record(&t->application->counter[i]);
        struct buffer text = BUFFER_INIT;

        op_text_counter(record, &text);
        op_tell(ctx, "%s: %s", t->application->counter[i].name, buffer_text(&text));
        buffer_free(&text);
        json_decref(record);
    }
    if (t->application == NULL)
        op_tell(ctx, "PIN: %s; SO PIN: %s", gate_counter_text(t->token->slot.token.flags, false),
                gate_counter_text(t->token->slot.token.flags, true));
}

/* One that is not blocked may be forgotten: that is for a person to say. */
static bool confirm(const struct target *t, struct op_ctx *ctx, struct error *e)
{
    const struct wire_counter *pin = counter(t, WIRE_PIN_USER);
    bool blocked = t->application != NULL ? pin != NULL && pin->left == 0
                                          : (t->token->slot.token.flags & CKF_USER_PIN_LOCKED) != 0;

    if (blocked || op_ask_yes(ctx,
                              "The PIN of '%s' is not known to be blocked. Set a new one all the "
                              "same?",
                              t->label))
        return true;
    return error_set(e, ERROR_USAGE,
                     "nothing was changed: the PIN of '%s' is not known to be blocked; --yes has a "
                     "new one set all the same",
                     t->label);
}

static bool open_again(const struct target *t, const struct op_args *a, struct op_ctx *ctx,
                       struct inventory *inv, struct error *e)
{
    const char *named = op_text(a, option_of(t->by));
    struct pin_source *source = pin_source_parse(named == NULL ? "prompt" : named, e);
    struct pin_source *fresh = source == NULL ? NULL : pin_source_parse(op_text(a, "new-pin"), e);
    struct gate_person person = op_person(ctx);
    struct wire_slot card = {.has_token = true};
    struct host *host = NULL;
    struct gate_request request = {
        .module = WIRE_PCSC,
        .device = t->device,
        .slot = &card,
        .role = t->by,
        .name = counter(t, t->by) == NULL ? NULL : counter(t, t->by)->name,
        .actor = source == NULL ? GATE_HEADLESS : gate_actor_of(source),
        .source = source,
        .wait_ms = OP_WAIT_MS,
        .person = &person,
        .program = ctx->op->verb,
        .cancel = ctx->cancel,
    };
    bool done;

    memset(card.token.label, ' ', sizeof card.token.label);
    memcpy(card.token.label, t->label, strnlen(t->label, sizeof card.token.label));
    if (t->application != NULL) {
        request.reader = t->card.reader.name;
        request.family = t->application->family;
        request.serial = *t->application->serial == '\0' ? NULL : t->application->serial;
    } else {
        request.module = inv->module[t->token->module].entry.path;
        request.slot = &t->token->slot;
        host = op_take_host(inv, t->token);
    }
    done = fresh != NULL && gate_unblock(&request, fresh, &host, e);
    pin_source_free(&source);
    pin_source_free(&fresh);
    return done;
}

/* The figures as they are now; what cannot be read is left out. */
static json_t *read_again(struct target *t, struct op_ctx *ctx)
{
    struct host *h = t->application == NULL ? NULL : card_host_start(ctx->cancel, NULL);
    struct wire_card card;
    json_t *after = json_array();

    if (h != NULL && card_read(h, t->card.reader.name, true, ctx->cancel, &card, NULL)) {
        for (size_t i = 0; i < card.count; i++)
            if (strcmp(card.application[i].family, t->application->family) == 0) {
                struct target now = {.application = &card.application[i]};

                json_decref(after);
                after = counters_of(&now);
            }
        wire_card_free(&card);
    }
    host_stop(&h);
    return after;
}

/* Whether the application is the one that the token's logins go to: they share lock and guard. */
static bool is_of_token(const struct target *t)
{
    return t->shown != NULL &&
           t->application == card_application_of(&t->card, &t->shown->slot.token);
}

/* A card that is no token, and another application than the token's, are called by what is meant.
 */
static bool name_card(struct target *t, struct error *e)
{
    const struct wire_application *a = t->application;

    if (t->label == NULL && a != NULL)
        t->label = strdup(a->title);
    if (a != NULL && !is_of_token(t)) {
        free(t->device);
        t->device = inventory_device_name(a->serial, a->title, t->card.reader.name);
    }
    return (t->label != NULL && t->device != NULL) || error_set_memory(e);
}

static bool unblock(struct target *t, const struct op_args *a, struct op_ctx *ctx,
                    struct inventory *inv, struct error *e)
{
    json_t *before;

    if (!choose_application(t, op_text(a, "application"), e) || !name_card(t, e) ||
        !choose_secret(t, a, e))
        return false;
    tell_counters(t, ctx);
    if (!check_secret(t, e) || !confirm(t, ctx, e))
        return false;
    before = counters_of(t);
    if (!open_again(t, a, ctx, inv, e)) {
        json_decref(before);
        return false;
    }
    op_emit(ctx, "unblocked",
            json_pack("{s:s, s:s, s:o, s:o}", "token", t->label, "by", option_of(t->by), "before",
                      before, "after", read_again(t, ctx)));
    return true;
}

/* The card of a reader: what a module shows of it gives the device its name. */
static bool take_reader(struct target *t, const char *reader, const struct token *shown,
                        struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    bool read = h != NULL && card_read_when_free(h, reader, true, ctx->cancel, &t->card, e);

    host_stop(&h);
    t->shown = shown;
    return read &&
           (shown == NULL || (t->device = strdup(shown->device)) != NULL || error_set_memory(e));
}

/* What uses the card may be a host of ours: one that is just ending, or that rests. */
static bool read_token_card(struct target *t, struct inventory *inv, struct op_ctx *ctx,
                            struct error *e)
{
    const struct token *token = t->token;
    int64_t end = clock_ms() + LEAVING_MS;
    bool found, read;

    for (;;) {
        read = card_read_slot(&token->slot.info, &inv->module[token->module].host, ctx->cancel,
                              &t->card, &found, e);
        if (!read || !card_is_busy(&t->card) || clock_ms() >= end)
            return read;
        wire_card_free(&t->card);
        if (ctx->pool != NULL)
            host_pool_drop(ctx->pool, NULL);
        clock_sleep_ms(LOOK_MS);
    }
}

static bool take_token(struct target *t, const struct token *token, struct inventory *inv,
                       struct op_ctx *ctx, struct error *e)
{
    t->token = t->shown = token;
    t->label = strdup(token->label);
    t->device = strdup(token->device);
    return ((t->label != NULL && t->device != NULL) || error_set_memory(e)) &&
           read_token_card(t, inv, ctx, e);
}

/* The token that is meant, and the card that it is; or the card alone, where no module shows it, or
 * shows several tokens of it. */
static bool find_target(struct target *t, const struct op_args *a, struct op_ctx *ctx,
                        struct inventory *inv, struct error *e)
{
    struct named named;
    bool found;

    if (!op_named(op_text(a, "TOKEN"), inv, ctx, &named, e))
        return false;
    if (named.tokens == 1) {
        found = take_token(t, named.token, inv, ctx, e);
    } else {
        for (size_t i = 0; i < inv->module_count; i++)
            host_stop(&inv->module[i].host);
        found = take_reader(t, named.reader, named.token, ctx, e);
    }
    op_named_free(&named);
    return found;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct target target = {0};
    struct inventory inv;
    bool done;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    done = find_target(&target, a, ctx, &inv, e) && unblock(&target, a, ctx, &inv, e);
    free_target(&target);
    inventory_free(&inv);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    size_t index;
    json_t *c;

    (void)kind, (void)colour;
    buffer_printf(out, "'%s' has a new PIN. Builds that use it need the new one.\n",
                  op_string(record, "token"));
    json_array_foreach(json_object_get(record, "after"), index, c)
    {
        struct buffer state = BUFFER_INIT;

        op_text_counter(c, &state);
        op_prose(out, op_string(c, "name"), buffer_text(&state), width);
        buffer_free(&state);
    }
}

const struct op op_unblock = {
    .verb = "unblock",
    .group = "PINs",
    .summary = "set a new PIN by the PUK, the reset code or the SO PIN",
    .description =
        "For a PIN that is blocked or forgotten. PIV cards take their PUK, OpenPGP cards their "
        "reset code or admin PIN, a SmartCard-HSM and tokens by PKCS#11 the SO PIN. These lock "
        "too, mostly for ever: the tries left are told before, one try is made, and the last one "
        "only after the token's label was typed. Nothing is ever sent that brings back the PINs "
        "that a card came with.",
    .example = "signet unblock @1\nsignet unblock @1 --by so-pin",
    .effects = OP_LOGS_IN | OP_OWN_SECRETS | OP_CHANGES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
