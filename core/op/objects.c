/* SPDX-License-Identifier: Apache-2.0 */
/* signet objects: keys and certificates of a token. */
#include <stdlib.h>
#include <string.h>

#include "op/named.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/objects.h"

static const struct op_arg args[] = {
    OP_ONE_TOKEN,
    {.name = "login",
     .type = OP_FLAG,
     .help = "log in, to see what the token hides before: most show private keys only then"},
};

static json_t *document(const struct op_ctx *ctx, const struct inventory *inv,
                        const struct token *t, const struct wire_objects *all, bool logged_in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < all->count; i++)
        json_array_append_new(list, ctx->live ? record_object_brief(&t->slot, &all->object[i])
                                              : record_object(&t->slot, all, &all->object[i]));
    return json_pack("{s:o, s:b, s:o, s:i, s:i}", "token", record_token(inv, t, false), "logged-in",
                     logged_in, "objects", list, "others", (int)all->others, "total",
                     (int)all->total);
}

/* For who watches: the first page at once. */
struct first_page {
    struct op_ctx *ctx;
    const struct inventory *inv;
    const struct token *token;
    bool login, shown;
};

static void emit_first(void *data, const struct wire_objects *so_far)
{
    struct first_page *p = data;

    if (!p->shown)
        op_emit(p->ctx, "objects-part", document(p->ctx, p->inv, p->token, so_far, p->login));
    p->shown = true;
}

static bool read_logged_in(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                           struct token *t, const struct objects_parts *parts,
                           struct wire_objects *all, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct pin_source *source;
    struct gate_request request;
    struct gate_session *session;
    struct host *host;
    bool read = false;

    if (!op_gate_request(a, ctx, inv, t, &person, &source, &request, e))
        return false;
    host = op_take_host(inv, t);
    session = gate_open(&request, &host, e);
    if (session != NULL)
        read = objects_read(gate_host(session), gate_slot(session), parts, ctx->cancel, all, e);
    gate_close(&session);
    pin_source_free(&source);
    return read;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct wire_objects all = {0};
    struct inventory inv;
    struct token *t;
    bool login = op_flag(a, "login"), read = false;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_named_token(op_text(a, "TOKEN"), &inv, ctx, e);
    if (t != NULL) {
        struct first_page first = {ctx, &inv, t, login, false};
        struct objects_parts parts = {emit_first, &first}, *wanted = ctx->live ? &parts : NULL;

        read =
            login ? read_logged_in(a, ctx, &inv, t, wanted, &all, e)
                  : objects_read(inventory_host(&inv, t), t->slot.id, wanted, ctx->cancel, &all, e);
    }
    if (read)
        op_emit(ctx, "objects", document(ctx, &inv, t, &all, login));
    wire_objects_free(&all);
    inventory_free(&inv);
    return read;
}

/* The one question a signer has: can this key be copied off the device? */
static const char *can_leave(const json_t *attributes)
{
    if (op_true(attributes, "extractable"))
        return "CAN LEAVE the device";
    if (op_true(attributes, "never-extractable") && op_true(attributes, "always-sensitive"))
        return "cannot leave the device";
    if (json_is_false(json_object_get(attributes, "extractable")))
        return "cannot leave the device now (it may have before)";
    return "";
}

static void certificate_line(const json_t *certificate, struct buffer *out)
{
    struct buffer text = BUFFER_INIT;

    op_field(out, certificate, "subject", "subject");
    op_field(out, certificate, "issuer", "issuer");
    buffer_printf(&text, "%.10s to %.10s, ", op_string(certificate, "not-before"),
                  op_string(certificate, "not-after"));
    op_days(&text, op_number(certificate, "days-left", 0));
    op_line(out, "valid", buffer_text(&text));
    buffer_free(&text);
    op_line(out, "for", op_string(certificate, "extended-key-usage"));
    op_field(out, certificate, "SHA-256", "sha256");
}

static void partner_line(const json_t *o, const char *name, const char *key, struct buffer *out)
{
    if (*op_string(o, key) == '\0')
        return;
    buffer_printf(out, "  %-19s '%s'%s\n", name, op_string(o, key),
                  *op_string(o, "matched-by") != '\0' ? " (by id; the public key is not shown)"
                                                      : "");
}

void op_text_object(const json_t *o, struct buffer *out)
{
    const json_t *attributes = json_object_get(o, "attributes");
    struct buffer flags = BUFFER_INIT;

    buffer_printf(out, "%s  %s  %s\n", op_string(o, "class"), op_string(o, "type"),
                  op_string(o, "label"));
    buffer_printf(out, "  %-19s '%s'\n", "URI", op_string(o, "uri"));
    op_field(out, o, "id", "id");
    op_line(out, "problem", op_string(o, "problem"));
    op_field(out, o, "for new orders", "ca-reason");
    if (strcmp(op_string(o, "class"), "private-key") == 0)
        op_line(out, "key", can_leave(attributes));
    if (strcmp(op_string(o, "class"), "certificate") == 0) {
        certificate_line(json_object_get(o, "certificate"), out);
        op_line(out, "WARNING", op_string(o, "warning"));
    } else {
        op_true_keys(&flags, attributes);
        op_line(out, "attributes", buffer_text(&flags));
        buffer_free(&flags);
    }
    partner_line(o, "its certificate", "certificate-uri", out);
    partner_line(o, "its private key", "private-key-uri", out);
}

static bool shows_private_key(const json_t *objects)
{
    size_t index;
    json_t *o;

    json_array_foreach(objects, index, o)
    {
        if (strcmp(op_string(o, "class"), "private-key") == 0)
            return true;
    }
    return false;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    const json_t *objects = json_object_get(record, "objects");
    size_t index;
    json_t *o;

    (void)kind, (void)width, (void)colour;
    json_array_foreach(objects, index, o)
    {
        op_text_object(o, out);
    }
    if (json_array_size(objects) == 0)
        buffer_append_text(out, "This token shows no keys and no certificates.\n");
    if (op_number(record, "others", 0) > 0)
        buffer_printf(out, "%lld objects of other kinds\n",
                      (long long)op_number(record, "others", 0));
    if (!op_true(record, "logged-in") && !shows_private_key(objects))
        buffer_append_text(out, "Private keys are hidden before login; --login shows them.\n");
}

const struct op op_objects = {
    .verb = "objects",
    .group = "Look",
    .summary = "list a token's keys and certificates, and which belong together",
    .description = "Keys and certificates belong together when their public keys are equal; the id "
                   "that a token gives "
                   "them does not matter. Never needs a PIN for what is public.",
    .example = "signet objects @1\nsignet objects @1 --login --json",
    .effects = OP_READS | OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
