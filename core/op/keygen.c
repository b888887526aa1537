/* SPDX-License-Identifier: Apache-2.0 */
/* signet keygen: a key pair made on the token. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/new_key.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "op/waiting.h"
#include "token/card.h"
#include "token/uri.h"
#include "token/write.h"
#include "wire/rv.h"

static const char *const types[] = {"rsa:3072", "rsa:4096", "ec:P-256",
                                    "ec:P-384", "rsa:2048", NULL};
static const char *const pin_policies[] = {"never", "once", "always", NULL};
static const char *const touch_policies[] = {"never", "always", "cached", NULL};

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .required = true,
     .help = "@number, label, serial or pkcs11: URI; with --slot, also a reader's name"},
    {.name = "type",
     .type = OP_CHOICE,
     .value = "TYPE",
     .choices = types,
     .required = true,
     .help = "which key"},
    {.name = "label",
     .type = OP_TEXT,
     .value = "LABEL",
     .help = "the key's name; needed but for a slot of a card, whose keys have none"},
    {.name = "id",
     .type = OP_TEXT,
     .value = "HEX",
     .help = "the key's id, by which other programs find its certificate; default: eight random "
             "bytes"},
    {.name = "slot",
     .type = OP_TEXT,
     .value = "SLOT",
     .help = "slot of a PIV card: 9a, 9c, 9d, 9e or 82 to 95; a key that is there is lost"},
    {.name = "allow-2048",
     .type = OP_FLAG,
     .help = "make an RSA key of 2048 bits, for which no public CA issues a code-signing "
             "certificate"},
    {.name = "pin-policy",
     .type = OP_CHOICE,
     .value = "POLICY",
     .choices = pin_policies,
     .help = "of a YubiKey: how often the key wants the PIN; default: what the slot has by itself"},
    {.name = "touch-policy",
     .type = OP_CHOICE,
     .value = "POLICY",
     .choices = touch_policies,
     .help = "of a YubiKey: how often the key wants a touch; 'cached' is once in 15 s"},
    {.name = "management-key",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the card's management key comes from, in hexadecimal; default: prompt"},
};

enum { ID_MAX = 64, RANDOM_ID = 8, LABEL_MAX = 256 };

/* Everything that one run knows of its key. */
struct making {
    const struct key_kind *kind;
    struct wire_new_key key; /* slot, id and label point elsewhere */
    uint8_t id[ID_MAX];
    bool given_id;
};

static const struct key_kind *kind_of(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const struct key_kind *kind = key_kinds;

    while (kind->name != NULL && strcmp(kind->name, op_text(a, "type")) != 0)
        kind++;
    if (kind->rsa_bits != 2048)
        return kind;
    if (!op_flag(a, "allow-2048")) {
        error_set(e, ERROR_USAGE,
                  "no public CA issues a code-signing certificate for RSA-2048 (CA/Browser Forum, "
                  "Code Signing Baseline Requirements, section 6.1.5: 3072 bits at least); "
                  "--allow-2048 makes one all the same, for private use");
        return NULL;
    }
    op_tell(ctx, "WARNING: no public CA issues a code-signing certificate for an RSA key of 2048 "
                 "bits");
    return kind;
}

static bool read_names(const struct op_args *a, struct making *m, struct error *e)
{
    const char *label = op_text(a, "label"), *id = op_text(a, "id");

    if (label == NULL || *label == '\0' || strlen(label) > LABEL_MAX)
        return error_set(e, ERROR_USAGE, "--label: the key needs a name, of %d bytes at most",
                         LABEL_MAX);
    if (!new_label_check(label, e))
        return false;
    m->key.label = (char *)(uintptr_t)label;
    m->key.id = m->id;
    m->key.id_length = RANDOM_ID;
    m->given_id = id != NULL;
    if (id != NULL &&
        (!text_unhex(id, m->id, sizeof m->id, &m->key.id_length) || m->key.id_length == 0))
        return error_set(e, ERROR_USAGE, "--id: '%s' should be 1 to %d bytes in hexadecimal", id,
                         ID_MAX);
    if (op_given(a, "pin-policy") || op_given(a, "touch-policy") || op_given(a, "management-key"))
        return error_set(e, ERROR_USAGE, "policies and management key go with --slot");
    return true;
}

/* The keys of a PIV card are made by its management key, which no module asks for in our way. */
static bool check_is_no_card(struct inventory *inv, const struct token *t, struct op_ctx *ctx,
                             struct error *e)
{
    const struct wire_application *a;
    struct wire_card card;
    bool found, piv = false;

    if (!card_service_is_there())
        return true;
    if (!card_read_slot(&t->slot.info, &inv->module[t->module].host, ctx->cancel, &card, &found, e))
        return false;
    if (found) {
        a = card_application_of(&card, &t->slot.token);
        piv = a != NULL && strcmp(a->family, "piv") == 0;
    }
    wire_card_free(&card);
    return !piv || error_set(e, ERROR_USAGE,
                             "'%s' is a PIV card, whose keys are in slots: say which, as in "
                             "--slot 9c",
                             t->label);
}

static bool check_can(const struct token *t, const struct key_kind *kind, struct error *e)
{
    struct buffer others = BUFFER_INIT;
    bool fits = key_kind_fits(kind, &t->slot);

    if (t->slot.token.flags & CKF_WRITE_PROTECTED)
        return error_set(e, ERROR_UNFIT, "'%s' is write protected", t->label);
    for (const struct key_kind *k = key_kinds; !fits && k->name != NULL; k++)
        if (key_kind_fits(k, &t->slot))
            buffer_printf(&others, "%s%s", others.length > 0 ? ", " : "", k->name);
    if (!fits)
        error_set(e, ERROR_UNFIT, "'%s' makes no %s keys (C_GetMechanismInfo); it can make: %s",
                  t->label, kind->name, others.length == 0 ? "none" : buffer_text(&others));
    buffer_free(&others);
    return fits;
}

static const struct wire_object *with_id(const struct wire_objects *all, const uint8_t *id,
                                         size_t length)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->object[i].id_length == length && memcmp(all->object[i].id, id, length) == 0)
            return &all->object[i];
    return NULL;
}

/* An id of its own, since other programs pair by it, and old profiles name keys by it: random, so
 * that one that was deleted is not used again. */
static bool choose_id(struct making *m, const struct wire_objects *all, struct error *e)
{
    const struct wire_object *other;

    do {
        if (!m->given_id && RAND_bytes(m->id, RANDOM_ID) != 1)
            return error_set_openssl(e, ERROR_SYSTEM, "no random id");
        other = with_id(all, m->id, m->key.id_length);
    } while (!m->given_id && other != NULL);
    return other == NULL || error_set(e, ERROR_USAGE,
                                      "--id: '%s' on the token has that id already; without --id "
                                      "one is chosen that is free",
                                      other->label);
}

static void warn_of_label(const struct making *m, const struct wire_objects *all,
                          struct op_ctx *ctx)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->object[i].label, m->key.label) == 0) {
            op_tell(ctx,
                    "the token has a key or certificate with the label '%s' already; its URI, with "
                    "the id, tells them apart",
                    m->key.label);
            return;
        }
}

static bool make(struct making *m, struct op_ctx *ctx, struct gate_session *s,
                 struct wire_object *out, struct error *e)
{
    struct wire_objects all;
    struct waiting *waiting;
    bool made;

    if (!objects_read(gate_host(s), gate_slot(s), NULL, ctx->cancel, &all, e))
        return false;
    made = choose_id(m, &all, e);
    if (made) {
        warn_of_label(m, &all, ctx);
        m->key.slot = gate_slot(s);
        waiting = op_waiting_begin(ctx, "making the key");
        made = write_key(gate_host(s), &m->key, ctx->cancel, out, e);
        op_waiting_end(&waiting);
    }
    wire_objects_free(&all);
    return made;
}

static bool same_token(const CK_TOKEN_INFO *a, const CK_TOKEN_INFO *b)
{
    return memcmp(a->serialNumber, b->serialNumber, sizeof a->serialNumber) == 0 &&
           memcmp(a->label, b->label, sizeof a->label) == 0;
}

static char *find_in_slot(const struct making *m, struct host *h, CK_SLOT_ID slot,
                          const struct token *t)
{
    const struct wire_object *left;
    struct wire_objects all;
    char *uri;

    if (!objects_read(h, slot, NULL, NULL, &all, NULL))
        return NULL;
    left = with_id(&all, m->id, m->key.id_length);
    uri = left == NULL ? NULL : token_uri_of_object(&t->slot, left);
    wire_objects_free(&all);
    return uri;
}

/* The URI of something with the new key's id, as far as a fresh host without a login sees it. */
static char *find_left(const struct making *m, const char *module, const struct token *t)
{
    struct host *h = host_start(module, NULL, NULL);
    struct wire_slots slots = {0};
    char *uri = NULL;

    if (h != NULL && host_slots(h, NULL, &slots, NULL))
        for (size_t i = 0; i < slots.count && uri == NULL; i++)
            if (slots.slot[i].has_token && same_token(&slots.slot[i].token, &t->slot.token))
                uri = find_in_slot(m, h, slots.slot[i].id, t);
    wire_slots_free(&slots);
    host_stop(&h);
    return uri;
}

/* The token may have gone on when nobody listened any more. */
static void say_what_is_left(const struct making *m, const char *module, const struct token *t,
                             struct error *e)
{
    bool open_end = e != NULL && (e->code == ERROR_CANCELLED || e->code == ERROR_HOST ||
                                  (e->code == ERROR_TOKEN && rv_is_dead_session(e->detail)));
    char *uri, *id;
    struct error was;

    if (!open_end || m->key.slot == CK_UNAVAILABLE_INFORMATION)
        return;
    was = *e;
    uri = find_left(m, module, t);
    id = text_hex(m->id, m->key.id_length);
    if (uri != NULL)
        error_set(e, was.code,
                  "%s; the key was begun: its public half is on the token, signet delete '%s' "
                  "removes it",
                  was.text, uri);
    else
        error_set(e, was.code,
                  "%s; no public half with the id %s is seen on the token; if a key was made all "
                  "the same, signet objects --login shows it, and signet delete removes it",
                  was.text, id == NULL ? "?" : id);
    e->detail = was.detail;
    free(uri);
    free(id);
}

static bool report(struct op_ctx *ctx, const struct token *t, struct wire_object *o,
                   struct error *e)
{
    const struct wire_objects all = {.object = o, .count = 1};
    json_t *record = json_pack("{s:s, s:o, s:o}", "token", t->label, "uri",
                               record_take(token_uri_of_object(&t->slot, o)), "key",
                               record_object(&t->slot, &all, o));

    if (!new_key_describe(record, o->spki, o->spki_length, e)) {
        json_decref(record);
        return false;
    }
    op_emit(ctx, "key", record);
    return true;
}

static bool on_token(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                     struct token *t, struct making *m, struct error *e)
{
    const char *module = inv->module[t->module].entry.path;
    struct gate_person person = op_person(ctx);
    struct wire_object made = {0};
    struct gate_session *session;
    struct pin_source *source;
    struct gate_request request;
    struct host *host;
    bool done = false;

    if (!op_gate_request(a, ctx, inv, t, &person, &source, &request, e))
        return false;
    host = op_take_host(inv, t);
    session = gate_open(&request, &host, e);
    m->key.slot = CK_UNAVAILABLE_INFORMATION;
    if (session != NULL) {
        done = make(m, ctx, session, &made, e);
        gate_close(&session);
        if (!done)
            say_what_is_left(m, module, t, e);
    }
    done = done && report(ctx, t, &made, e);
    wire_object_free(&made);
    pin_source_free(&source);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct making m = {.kind = kind_of(a, ctx, e)};
    struct inventory inv;
    struct token *t;
    bool done;

    if (m.kind == NULL)
        return false;
    if (op_given(a, "slot"))
        return new_key_on_card(a, ctx, m.kind, e);
    m.key.rsa_bits = m.kind->rsa_bits;
    strcpy(m.key.curve, m.kind->curve);
    if (!read_names(a, &m, e) || !op_inventory(a, ctx, &inv, e))
        return false;
    t = op_token(a, "TOKEN", &inv, e);
    done = t != NULL && check_is_no_card(&inv, t, ctx, e) && check_can(t, m.kind, e) &&
           on_token(a, ctx, &inv, t, &m, e);
    inventory_free(&inv);
    return done;
}

static void text_of_card(const json_t *record, struct buffer *out)
{
    buffer_printf(out, "A new %s key is in %s of '%s'.\n", op_string(record, "type"),
                  op_string(record, "place"), op_string(record, "token"));
    if (*op_string(record, "uri") != '\0')
        buffer_printf(out, "  %-19s '%s'\n", "URI", op_string(record, "uri"));
    op_field(out, record, "PIN policy", "pin-policy");
    op_field(out, record, "touch policy", "touch-policy");
    if (op_true(record, "old-certificate"))
        buffer_append_text(out, "The certificate of the old key is in the slot yet, and of no use "
                                "any more; the new one takes its place.\n");
    if (op_true(record, "placeholder"))
        buffer_append_text(out, "In the slot is a placeholder for its certificate, without which "
                                "no module would\nshow the key; signet import puts the real one in "
                                "its place.\n");
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    const json_t *key = json_object_get(record, "key");

    (void)kind, (void)width, (void)colour;
    if (key == NULL)
        text_of_card(record, out);
    else
        op_text_object(key, out);
    op_field(out, record, "public key SHA-256", "public-key-sha256");
    buffer_append_text(out, op_string(record, "public-key"));
    if (*op_string(record, "uri") != '\0')
        buffer_printf(out, "Next: signet csr '%s' --subject 'C=…, L=…, O=…, CN=…' -o request.pem\n",
                      op_string(record, "uri"));
}

const struct op op_keygen = {
    .verb = "keygen",
    .group = "Keys",
    .summary = "make a key on the token, which can sign and never leaves it",
    .description =
        "Both halves get one id that nothing on the token has yet, and the label. What the token "
        "made is read back: a key that is not what was asked for is deleted again, and an error. "
        "What the token cannot make is said before, with what it can. A token may work on a long "
        "RSA key for minutes.\n\nThe keys of a PIV card are in slots, and are made with its "
        "management key (--slot); a key that is in the slot is lost, and is named before. Where "
        "a module shows a slot's key by its certificate alone, as OpenSC does, a placeholder "
        "is put there, which import replaces.",
    .example = "signet keygen @1 --type rsa:3072 --label release\n"
               "signet keygen @1 --type ec:P-384 --slot 9c",
    .effects = OP_LOGS_IN | OP_CHANGES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
