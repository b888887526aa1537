/* SPDX-License-Identifier: Apache-2.0 */
/* signet containers: the names by which Windows signs with the keys of tokens and cards. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/view.h"
#include "op/container.h"
#include "op/devices.h"
#include "op/named.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"
#include "token/objects.h"
#include "token/uri.h"

static const struct op_arg args[] = {
    OP_ANY_TOKEN,
};

static json_t *printable(const char *text)
{
    return record_take(text_printable(text, strlen(text)));
}

static json_t *certificate_record(X509 *x)
{
    char end[CLOCK_TEXT_SIZE];
    json_t *record = json_object();

    json_object_set_new(record, "subject", record_take(cert_subject(x)));
    json_object_set_new(record, "sha256", record_take(cert_pin(x)));
    json_object_set_new(record, "not-after", json_string(clock_text(cert_not_after(x), end)));
    json_object_set_new(record, "days-left", json_integer(cert_days_left(x, time(NULL))));
    return record;
}

static void add_certificate(json_t *list, X509 *x)
{
    if (x != NULL)
        json_array_append_new(list, certificate_record(x));
    X509_free(x);
}

static X509 *parse(const uint8_t *der, size_t length)
{
    const unsigned char *at = der;

    return der == NULL ? NULL : d2i_X509(NULL, &at, (long)length);
}

/* A name is shown so that no terminal is harmed; where that changes it, its bytes are told too. */
static void set_name(json_t *row, const char *name)
{
    json_object_set_new(row, "container", printable(name));
    if (!container_is_printable(name))
        json_object_set_new(row, "container-hex", record_take(text_hex(name, strlen(name))));
}

static void set_read(json_t *row, const struct wire_container *c)
{
    if (*c->name != '\0')
        set_name(row, c->name);
    else
        json_object_set_new(row, "why-unknown", json_string(c->problem));
    json_object_set_new(row, "provider", json_string(c->provider));
    json_object_set_new(row, "known-by", json_string(c->source));
    json_object_set_new(row, "place", json_string(c->place));
    json_object_set_new(row, "default", json_boolean(c->is_default));
}

/* Every row has these, known or not. */
static json_t *new_row(void)
{
    return json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:b, s:[]}", "key", "id", "key-uri",
                     "container", "provider", "known-by", "computed", false, "certificates");
}

static char *key_uri(const struct seen_token *t, const struct wire_object *key)
{
    struct wire_slot slot = {.has_token = true, .token = t->info};
    struct wire_object named = *key;

    named.class = CKO_PRIVATE_KEY;
    return token_uri_of_object(&slot, &named);
}

static json_t *key_row(const struct seen *s, const struct seen_token *t,
                       const struct wire_object *key)
{
    struct container c;
    json_t *row = new_row();

    container_find(s, t, key, &c);
    json_object_set_new(row, "key", printable(key->label == NULL ? "" : key->label));
    json_object_set_new(row, "id", record_take(text_hex(key->id, key->id_length)));
    json_object_set_new(row, "key-uri", record_take(key_uri(t, key)));
    if (c.read != NULL) {
        set_read(row, c.read);
    } else if (c.computed[0] != '\0') {
        set_name(row, c.computed);
        json_object_set_new(row, "provider", json_string(container_provider(&c)));
        json_object_set_new(row, "known-by", json_string(container_source(&c)));
        json_object_set_new(row, "computed", json_true());
    } else {
        json_object_set_new(row, "why-unknown", json_string(c.problem));
    }
    return row;
}

/* True when the group from `first` to before `end` is a key's: a key, or a certificate whose key
 * is hidden before login. A CA's certificate has no key here. */
static bool is_key(const struct wire_objects *all, size_t first, size_t end)
{
    bool leaf = false;

    for (size_t i = first; i < end; i++) {
        X509 *x = record_x509(&all->object[i]);

        leaf = leaf || all->object[i].class != CKO_CERTIFICATE || (x != NULL && !cert_is_ca(x));
        X509_free(x);
    }
    return leaf;
}

static json_t *key_rows(const struct seen *s, const struct seen_token *t)
{
    const struct wire_objects *all = &t->objects;
    json_t *rows = json_array();

    for (size_t first = 0, end; first < all->count; first = end) {
        json_t *row;

        for (end = first + 1;
             end < all->count && all->object[end].group == all->object[first].group;)
            end++;
        if (!is_key(all, first, end))
            continue;
        row = key_row(s, t, &all->object[first]);
        for (size_t i = first; i < end; i++)
            if (all->object[i].class == CKO_CERTIFICATE)
                add_certificate(json_object_get(row, "certificates"), record_x509(&all->object[i]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static bool has_key(const struct wire_application *a, const struct wire_container *c,
                    const struct wire_objects *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (container_match(a, &all->object[i]) == c)
            return true;
    return false;
}

static json_t *container_row(const struct wire_container *c)
{
    json_t *row = new_row();

    set_read(row, c);
    add_certificate(json_object_get(row, "certificates"),
                    parse(c->certificate, c->certificate_length));
    return row;
}

/* What the token's objects do not show. */
static void add_others(json_t *rows, const struct wire_application *a,
                       const struct wire_objects *all)
{
    for (size_t i = 0; i < a->container_count; i++)
        if (!has_key(a, &a->container[i], all))
            json_array_append_new(rows, container_row(&a->container[i]));
}

static json_t *of_token(const struct seen *s, const struct seen_token *t)
{
    const struct wire_card *card = t->card == SEEN_NO_CARD ? NULL : &s->card[t->card];
    const struct wire_application *a = card == NULL ? NULL : card_application_of(card, &t->info);
    json_t *rows = key_rows(s, t);

    add_others(rows, &t->vendor, &t->objects);
    if (a != NULL)
        add_others(rows, a, &t->objects);
    return rows;
}

/* A key of which the card tells, but no container. */
static json_t *card_key_row(const struct wire_application *a, const struct wire_card_key *key)
{
    json_t *row = new_row();

    json_object_set_new(row, "place", record_take(text_format("slot %02X", key->slot)));
    json_object_set_new(row, "type", json_string(key->algorithm));
    json_object_set_new(row, "why-unknown",
                        json_string(a->container_problem[0] != '\0'
                                        ? a->container_problem
                                        : "the card's container map does not have this key"));
    return row;
}

static void add_card_keys(json_t *rows, const struct wire_application *a)
{
    for (size_t i = 0; i < a->key_count; i++) {
        struct wire_object key = {.spki = a->key[i].spki, .spki_length = a->key[i].spki_length};

        if (key.spki == NULL || container_match(a, &key) == NULL)
            json_array_append_new(rows, card_key_row(a, &a->key[i]));
    }
}

static json_t *of_card(const struct wire_card *card)
{
    static const struct wire_objects none = {0};
    json_t *rows = json_array();

    for (size_t i = 0; i < card->count; i++) {
        add_others(rows, &card->application[i], &none);
        add_card_keys(rows, &card->application[i]);
    }
    return rows;
}

static const char *why_none(const struct wire_card *card)
{
    for (size_t i = 0; i < card->count; i++)
        if (card->application[i].container_problem[0] != '\0')
            return card->application[i].container_problem;
    return "";
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    static const struct devices containers = {.kind = "containers",
                                              .rows = "keys",
                                              .objects = true,
                                              .of_token = of_token,
                                              .of_card = of_card,
                                              .none = why_none};

    return op_devices(a, ctx, &containers, e);
}

static void text_certificates(const json_t *row, struct buffer *out)
{
    size_t index;
    json_t *c;

    json_array_foreach(json_object_get(row, "certificates"), index, c)
    {
        struct buffer days = BUFFER_INIT;

        op_days(&days, op_number(c, "days-left", 0));
        op_line(out, "certificate", op_string(c, "subject"));
        op_line(out, "", op_string(c, "sha256"));
        op_line(out, "", buffer_text(&days));
        buffer_free(&days);
    }
}

static void text_container(const json_t *row, unsigned width, struct buffer *out)
{
    char *why = text_format("cannot be known here, because %s", op_string(row, "why-unknown"));

    if (*op_string(row, "container") != '\0')
        op_line(out, "container", op_string(row, "container"));
    else
        op_prose(out, "container", why, width);
    free(why);
}

static void text_key(const json_t *row, unsigned width, struct buffer *out)
{
    struct buffer line = BUFFER_INIT;

    text_container(row, width, out);
    if (*op_string(row, "container-hex") != '\0')
        buffer_printf(out, "  %-19s it has characters that cannot be shown; in hex: %s\n", "",
                      op_string(row, "container-hex"));
    op_line(out, "provider", op_string(row, "provider"));
    op_line(out, "known by", op_string(row, "known-by"));
    buffer_append_text(&line, op_string(row, "key"));
    if (*op_string(row, "id") != '\0')
        buffer_printf(&line, "%sid %s", line.length > 0 ? ", " : "", op_string(row, "id"));
    if (*op_string(row, "place") != '\0')
        buffer_printf(&line, "%s%s", line.length > 0 ? ", " : "", op_string(row, "place"));
    op_line(out, "key", line.length > 0 ? buffer_text(&line) : "not shown by PKCS#11");
    if (*op_string(row, "key-uri") != '\0')
        buffer_printf(out, "  %-19s '%s'\n", "URI", op_string(row, "key-uri"));
    buffer_free(&line);
    text_certificates(row, out);
}

static void text_rows(const json_t *t, unsigned width, struct buffer *out)
{
    const json_t *keys = json_object_get(t, "keys");
    size_t index;
    json_t *row;

    json_array_foreach(keys, index, row)
    {
        if (index > 0)
            buffer_append_byte(out, '\n');
        text_key(row, width, out);
    }
    if (json_array_size(keys) == 0 && *op_string(t, "problem") == '\0')
        buffer_append_text(out, "  no key is shown here before a login\n");
}

/* No name is wrapped or cut: they are there to be copied. */
static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)colour;
    op_text_devices(r, text_rows, width, out);
}

const struct op op_containers = {
    .verb = "containers",
    .group = "Look",
    .summary = "show by which container and provider Windows signs with each key",
    .description =
        "The name is read from the card (YubiKey's map, GIDS, IDPrime) or from what SafeNet's "
        "module tells beyond PKCS#11, without a login. Where OpenSC's minidriver is used, it "
        "computes the name from the key's id and the card's serial: that is computed here too, "
        "and said. Where a name cannot be known, the reason stands in its place; it is never "
        "guessed.",
    .example = "signet containers\nsignet containers @1 --json",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
