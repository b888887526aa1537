/* SPDX-License-Identifier: Apache-2.0 */
/* signet tokens: what is here. */
#include <stdio.h>
#include <string.h>

#include "op/expiry.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/objects.h"

static const struct op_arg args[] = {
    {.name = "all",
     .type = OP_FLAG,
     .help = "empty slots, uninitialised tokens and trust modules too"},
};

/* So many certificates of a token are looked at: to list tokens is to be quick. */
enum { MOST_CERTIFICATES = 64 };

/* Certificates are public: no login. What cannot be read now is no reason to list nothing. */
static void add_expiry(json_t *record, const struct inventory *inv, const struct token *t,
                       struct cancel *cancel)
{
    struct host *host = inventory_host(inv, t);
    struct wire_objects all = {0};

    if (host == NULL || !t->slot.has_token || t->hidden != NULL)
        return;
    if (objects_read_certificates(host, t->slot.id, MOST_CERTIFICATES, cancel, &all, NULL)) {
        json_object_set_new(record, "expiry-warnings", op_expiry_warnings(&all));
        if (all.total > MOST_CERTIFICATES)
            json_object_set_new(record, "certificates-not-read",
                                json_integer(all.total - MOST_CERTIFICATES));
    }
    wire_objects_free(&all);
}

static json_t *record_of(const struct inventory *inv, const struct token *t, bool verbose,
                         bool expiry, struct cancel *cancel)
{
    json_t *record = record_token(inv, t, verbose);

    if (expiry)
        add_expiry(record, inv, t, cancel);
    return record;
}

/* `expiry`: the certificates are looked at, too. */
static json_t *document(const struct inventory *inv, bool all, bool verbose, bool expiry,
                        struct cancel *cancel)
{
    json_t *modules = json_array(), *tokens = json_array(), *hidden = json_object();

    for (size_t i = 0; i < inv->module_count; i++)
        json_array_append_new(modules, record_module(&inv->module[i]));
    for (size_t i = 0; i < inv->token_count; i++) {
        const struct token *t = &inv->token[i];

        if (t->hidden != NULL && !all)
            json_object_set_new(hidden, t->hidden,
                                json_integer(op_number(hidden, t->hidden, 0) + 1));
        else
            json_array_append_new(tokens, record_of(inv, t, verbose, expiry, cancel));
    }
    if (inv->hidden_modules > 0)
        json_object_set_new(hidden, "trust modules", json_integer((json_int_t)inv->hidden_modules));
    return json_pack("{s:o, s:o, s:o}", "tokens", tokens, "hidden", hidden, "modules", modules);
}

static bool any_usable(const struct inventory *inv)
{
    bool usable = inv->module_count == 0;

    for (size_t i = 0; i < inv->module_count; i++)
        usable = usable || inv->module[i].error.code == ERROR_NONE;
    return usable;
}

/* Slow modules hold up nobody who watches. */
static void emit_part(void *data, const struct inventory *so_far)
{
    op_emit(data, "tokens-part", document(so_far, true, true, false, NULL));
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct inventory_options options = {
        .all = op_flag(a, "all"), .part = ctx->live ? emit_part : NULL, .data = ctx};
    struct inventory inv;
    bool usable;

    if (!op_inventory_with(a, ctx, &options, &inv, e))
        return false;
    op_emit(ctx, "tokens",
            document(&inv, op_flag(a, "all") || ctx->live, ctx->verbose || ctx->json, !ctx->live,
                     ctx->cancel));
    usable = any_usable(&inv);
    if (!usable && e != NULL)
        *e = inv.module[0].error;
    inventory_free(&inv);
    return usable;
}

static void title(const json_t *t, struct buffer *out)
{
    json_int_t number = op_number(t, "number", 0);

    if (number > 0)
        buffer_printf(out, "@%lld  ", (long long)number);
    else
        buffer_printf(out, "(%s)  ", op_string(t, "hidden"));
    buffer_printf(out, "%s\n",
                  *op_string(t, "label") != '\0'
                      ? op_string(t, "label")
                      : op_string(json_object_get(t, "slot"), "description"));
}

static void pin_line(const json_t *t, struct buffer *out)
{
    const json_t *length = json_object_get(t, "pin-length");
    char text[160];

    snprintf(text, sizeof text, "%s; %lld to %lld characters", op_string(t, "user-pin"),
             (long long)op_number(length, "minimum", 0),
             (long long)op_number(length, "maximum", 0));
    op_line(out, "PIN", text);
}

static void not_read_line(const json_t *t, struct buffer *out)
{
    json_int_t count = op_number(t, "certificates-not-read", 0);
    char text[120];

    if (count == 0)
        return;
    snprintf(text, sizeof text, "%lld more certificates were not looked at; objects shows them",
             (long long)count);
    op_line(out, "expiry", text);
}

void op_text_token(const json_t *t, struct buffer *out)
{
    struct buffer flags = BUFFER_INIT;

    title(t, out);
    if (strcmp(op_string(t, "hidden"), "not initialised") == 0)
        buffer_printf(out, "  %-19s signet init new:%lld --label NAME\n", "to initialise",
                      (long long)op_number(json_object_get(t, "slot"), "id", 0));
    op_line(out, "problem", op_string(t, "problem"));
    if (json_object_get(t, "flags") == NULL)
        return;
    buffer_printf(out, "  %-19s '%s'\n", "URI", op_string(t, "uri"));
    op_field(out, t, "model", "model");
    op_field(out, t, "manufacturer", "manufacturer");
    op_field(out, t, "serial", "serial");
    op_field(out, t, "module", "module");
    pin_line(t, out);
    op_field(out, t, "for new orders", "ca-reason");
    op_text_expiry(json_object_get(t, "expiry-warnings"), out);
    not_read_line(t, out);
    op_true_keys(&flags, json_object_get(t, "flags"));
    op_line(out, "flags", buffer_text(&flags));
    buffer_free(&flags);
}

void op_text_mechanisms(const json_t *t, struct buffer *out)
{
    const json_t *list = json_object_get(t, "mechanisms");
    size_t index;
    json_t *m;

    if (json_array_size(list) > 0)
        buffer_append_text(out, "  mechanisms\n");
    json_array_foreach(list, index, m)
    {
        json_int_t least = op_number(m, "minimum", 0), most = op_number(m, "maximum", 0);

        if (most > 0)
            buffer_printf(out, "    %-32s %lld to %lld\n", op_string(m, "name"), (long long)least,
                          (long long)most);
        else
            buffer_printf(out, "    %s\n", op_string(m, "name"));
    }
}

static void modules_with_errors(const json_t *modules, struct buffer *out)
{
    size_t index;
    json_t *m;

    json_array_foreach(modules, index, m)
    {
        if (*op_string(m, "error") != '\0')
            buffer_printf(out, "module %s cannot be used: %s\n", op_string(m, "name"),
                          op_string(m, "error"));
    }
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    const json_t *tokens = json_object_get(record, "tokens");
    const char *reason;
    size_t index;
    json_t *t, *number;

    (void)kind, (void)width, (void)colour;
    json_array_foreach(tokens, index, t)
    {
        op_text_token(t, out);
        op_text_mechanisms(t, out);
    }
    if (json_array_size(tokens) == 0)
        buffer_append_text(
            out,
            "No token here. Is it plugged in, and its driver installed? A driver in an unusual "
            "place: --module PATH\n");
    modules_with_errors(json_object_get(record, "modules"), out);
    if (json_object_size(json_object_get(record, "hidden")) > 0) {
        buffer_append_text(out, "Hidden (--all shows them):");
        json_object_foreach(json_object_get(record, "hidden"), reason, number)
            buffer_printf(out, " %lld %s;", (long long)json_integer_value(number), reason);
        out->data[out->length - 1] = '\n';
    }
}

const struct op op_tokens = {
    .verb = "tokens",
    .group = "Look",
    .summary = "list the tokens that are here",
    .description =
        "Asks every PKCS#11 module that is registered with p11-kit or stands in a known "
        "place, each in a "
        "process of its own, and lists the tokens they show, with a warning for code-signing "
        "certificates that expire within 60 days, of the first 64 of each token. Never logs in. A "
        "module "
        "that fails is named "
        "with its error; the others go on.",
    .example = "signet tokens\nsignet tokens --module /usr/lib/libeToken.so --json",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
