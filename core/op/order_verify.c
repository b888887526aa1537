/* SPDX-License-Identifier: Apache-2.0 */
/* signet order verify: what an order proves, without a token and without a network. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cert/load.h"
#include "cert/order.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"

static const struct op_arg args[] = {
    {.name = "DIR",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .help = "folder of the order"},
    {.name = "root",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "root to believe an attestation by, and what stands below it"},
};

static STACK_OF(X509) * load_roots(const struct op_args *a, struct error *e)
{
    STACK_OF(X509) *roots = sk_X509_new_null();
    bool loaded = roots != NULL || error_set_memory(e);

    for (size_t i = 0; i < op_count(a, "root") && loaded; i++)
        loaded = cert_load_file(op_text_at(a, "root", i), roots, e);
    if (loaded)
        return roots;
    sk_X509_pop_free(roots, X509_free);
    return NULL;
}

static void report(const char *folder, const struct order_facts *facts, struct op_ctx *ctx)
{
    json_t *list = json_array();

    for (size_t i = 0; i < facts->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "word",
                                              order_word_name(facts->fact[i].word), "what",
                                              facts->fact[i].what, "text", facts->fact[i].text));
    op_emit(ctx, "order-facts",
            json_pack("{s:o, s:b, s:o}", "folder", record_text(folder), "holds", facts->holds,
                      "facts", list));
}

static const struct order_fact *first_false(const struct order_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->fact[i].word == ORDER_FALSE)
            return &facts->fact[i];
    return NULL;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const char *folder = op_text(a, "DIR");
    STACK_OF(X509) *roots = load_roots(a, e);
    json_t *order = roots == NULL ? NULL : order_load(folder, e);
    struct order_facts *facts = order == NULL ? NULL : malloc(sizeof *facts);
    const struct order_fact *wrong;
    bool done = false;

    if (order != NULL && facts == NULL)
        error_set_memory(e);
    if (facts != NULL && order_verify(folder, order, roots, time(NULL), facts, e)) {
        report(folder, facts, ctx);
        wrong = first_false(facts);
        done = facts->holds ||
               error_set(e, ERROR_UNFIT, "%s: %s", wrong == NULL ? "the order" : wrong->what,
                         wrong == NULL ? "it does not hold" : wrong->text);
    }
    free(facts);
    json_decref(order);
    sk_X509_pop_free(roots, X509_free);
    return done;
}

enum { FACT_COLUMN = 36 };

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    size_t index;
    json_t *f;

    (void)kind, (void)colour;
    json_array_foreach(json_object_get(r, "facts"), index, f)
    {
        buffer_printf(out, "%-8s %-26s ", op_string(f, "word"), op_string(f, "what"));
        op_wrap(out, op_string(f, "text"), FACT_COLUMN, width > 2 * FACT_COLUMN ? width - 1 : 79);
    }
    buffer_printf(out, "The order in '%s' %s.\n", op_string(r, "folder"),
                  op_true(r, "holds") ? "holds together" : "does not hold together");
}

const struct op op_order_verify = {
    .verb = "order verify",
    .group = "Order",
    .summary = "check an order offline: one key in request, attestation and certificate",
    .description =
        "Each fact is told as proved (by a signature or a comparison), claimed (the module, the "
        "card or a vendor says so), open (not looked at, or nobody says), or false, which ends "
        "with status 3. What a device attests is proved only up to a root of --root.",
    .example = "signet order verify orders/2026 --root yubico.pem",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
