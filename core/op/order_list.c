/* SPDX-License-Identifier: Apache-2.0 */
/* signet order list, status: which certificates are ordered, came, and end. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "cert/expiry.h"
#include "cert/order.h"
#include "op/ops.h"
#include "op/order_known.h"
#include "op/record.h"
#include "op/text.h"

enum { DAY = 24 * 60 * 60, ORDERS_MAX = 10000 };

static const struct op_arg list_args[] = {
    {.name = "FOLDER",
     .type = OP_PATH,
     .positional = true,
     .help = "folder that holds orders, or one order; without it, the folder that you are in"},
    {.name = "known",
     .type = OP_FLAG,
     .help = "those that were made on this machine, too, wherever they are"},
};

static const struct op_arg status_args[] = {
    {.name = "DIR",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .help = "folder of the order"},
    {.name = "ordered", .type = OP_FLAG, .help = "note that it was ordered at the CA, now"},
};

/* Days until the certificate ends, as cert_days_left has them. */
static json_t *days_left(const json_t *certificate)
{
    time_t end = order_time(certificate, "not-after"), left;

    if (end == (time_t)-1)
        return json_null();
    left = end - time(NULL);
    return json_integer(left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY));
}

/* An order as it is told: all of order.json, where it is, and the days left. */
static json_t *order_record(const char *folder, json_t *order)
{
    json_t *record = json_copy(order);

    json_object_set_new(record, "folder", record_text(folder));
    json_object_set_new(record, "days-left", days_left(json_object_get(order, "certificate")));
    return record;
}

/* One that cannot be read does not hide the others. */
static void add_order(const char *folder, json_t *list, bool *good)
{
    struct error why = ERROR_INIT;
    json_t *order = order_load(folder, &why);

    if (order != NULL)
        json_array_append_new(list, order_record(folder, order));
    else
        json_array_append_new(
            list, json_pack("{s:o, s:s}", "folder", record_text(folder), "problem", why.text));
    *good = *good && order != NULL;
    json_decref(order);
}

static bool is_order(const char *folder)
{
    char *path = path_join(folder, ORDER_FILE, NULL);
    bool is = path != NULL && access(path, F_OK) == 0;

    free(path);
    return is;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool read_folder(const char *folder, json_t *list, bool *good, struct error *e)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, visible, alphasort);

    if (count < 0)
        return error_set_errno(e, "cannot read the folder '%s'", folder);
    for (int i = 0; i < count; i++) {
        char *inside = strcmp(folder, ".") == 0 ? strdup(names[i]->d_name)
                                                : path_join(folder, names[i]->d_name, NULL);

        if (inside != NULL && is_order(inside) && json_array_size(list) < ORDERS_MAX)
            add_order(inside, list, good);
        free(inside);
        free(names[i]);
    }
    free(names);
    return true;
}

static bool is_listed(const json_t *list, const char *folder)
{
    size_t index;
    json_t *o;

    json_array_foreach(list, index, o)
    {
        char *whole = realpath(op_string(o, "folder"), NULL);
        bool same = whole != NULL && strcmp(whole, folder) == 0;

        free(whole);
        if (same)
            return true;
    }
    return false;
}

static bool add_known(json_t *list, bool *good, struct error *e)
{
    json_t *known = order_known(e), *folder;
    bool done = known != NULL;
    size_t index;

    json_array_foreach(known, index, folder)
    {
        const char *path = json_string_value(folder);

        if (is_order(path) && !is_listed(list, path))
            add_order(path, list, good);
    }
    json_decref(known);
    return done;
}

static bool list_run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const char *folder = op_text(a, "FOLDER") == NULL ? "." : op_text(a, "FOLDER");
    json_t *list = json_array();
    bool good = true;

    if (is_order(folder)) {
        add_order(folder, list, &good);
    } else if (!read_folder(folder, list, &good, e)) {
        json_decref(list);
        return false;
    }
    if (op_flag(a, "known") && !add_known(list, &good, e)) {
        json_decref(list);
        return false;
    }
    op_emit(ctx, "orders", json_pack("{s:o, s:o}", "folder", record_text(folder), "orders", list));
    return good || error_set(e, ERROR_SOME_FAILED, "an order here cannot be read");
}

static bool status_run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const char *folder = op_text(a, "DIR");
    json_t *order = order_load(folder, e);
    bool done = order != NULL &&
                (!op_flag(a, "ordered") || order_mark_ordered(folder, order, time(NULL), e));

    if (done)
        op_emit(ctx, "order", order_record(folder, order));
    json_decref(order);
    return done;
}

static void text_end(const json_t *o, struct buffer *out)
{
    const json_t *certificate = json_object_get(o, "certificate");
    json_int_t days = op_number(o, "days-left", 0);

    if (!json_is_object(certificate))
        return;
    buffer_printf(out, "  until %.10s, ", op_string(certificate, "not-after"));
    op_days(out, days);
    if (days < CERT_WARN_DAYS)
        buffer_append_text(out, ": order the next one now (signet csr --from-order)");
}

static void text_list(const json_t *r, struct buffer *out)
{
    const json_t *list = json_object_get(r, "orders");
    size_t index;
    json_t *o;

    if (json_array_size(list) == 0)
        buffer_printf(out, "No order in '%s'.\n", op_string(r, "folder"));
    json_array_foreach(list, index, o)
    {
        if (*op_string(o, "problem") != '\0') {
            buffer_printf(out, "%-24s cannot be read: %s\n", op_string(o, "folder"),
                          op_string(o, "problem"));
            continue;
        }
        buffer_printf(out, "%-24s %-8s %s", op_string(o, "folder"), op_string(o, "state"),
                      op_string(o, "subject"));
        text_end(o, out);
        buffer_append_text(out, "\n");
    }
}

static void text_status(const json_t *o, struct buffer *out)
{
    const json_t *key = json_object_get(o, "key"), *token = json_object_get(o, "token");
    const json_t *certificate = json_object_get(o, "certificate");
    const json_t *proofs = json_object_get(o, "proofs");
    struct buffer line = BUFFER_INIT;

    op_field(out, o, "state", "state");
    op_field(out, o, "subject", "subject");
    op_field(out, o, "e-mail", "email");
    op_field(out, key, "key", "type");
    if (*op_string(key, "uri") != '\0')
        buffer_printf(out, "  %-19s '%s'\n", "key's URI", op_string(key, "uri"));
    op_field(out, token, "token", "label");
    op_field(out, o, "made", "made");
    op_field(out, o, "ordered", "ordered");
    op_field(out, o, "issued", "issued");
    op_line(out, "attestation", json_is_object(json_object_get(o, "attestation")) ? "yes" : "none");
    for (size_t i = 0; i < json_array_size(proofs); i++)
        op_field(out, json_array_get(proofs, i), "proof", "file");
    if (!json_is_object(certificate))
        return;
    op_field(out, certificate, "certificate", "subject");
    op_field(out, certificate, "by", "issuer");
    op_field(out, certificate, "ends", "not-after");
    op_days(&line, op_number(o, "days-left", 0));
    op_line(out, "", buffer_text(&line));
    buffer_free(&line);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)width, (void)colour;
    if (strcmp(kind, "orders") == 0)
        text_list(r, out);
    else
        text_status(r, out);
}

const struct op op_order_list = {
    .verb = "order list",
    .group = "Order",
    .summary = "list orders: made, ordered, issued, and how long the certificates live",
    .example = "signet order list orders",
    .effects = OP_READS,
    .args = list_args,
    .arg_count = sizeof list_args / sizeof *list_args,
    .run = list_run,
    .text = text,
};

const struct op op_order_status = {
    .verb = "order status",
    .group = "Order",
    .summary = "show one order, or note that it was ordered",
    .example = "signet order status orders/2026 --ordered",
    .effects = OP_READS | OP_WRITES,
    .args = status_args,
    .arg_count = sizeof status_args / sizeof *status_args,
    .run = status_run,
    .text = text,
};
