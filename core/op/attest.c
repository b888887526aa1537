/* SPDX-License-Identifier: Apache-2.0 */
/* signet attest: what a YubiKey says of a key that it made, for the CA and for who wants to know.
 */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/attestation.h"
#include "cert/load.h"
#include "cert/view.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/seen.h"
#include "op/session.h"
#include "op/text.h"
#include "token/uri.h"

static const struct op_arg args[] = {
    {.name = "KEY",
     .type = OP_OBJECT,
     .positional = true,
     .required = true,
     .help = "pkcs11: URI of the key, in quotes; with --slot, a token or a reader"},
    {.name = "slot",
     .type = OP_TEXT,
     .value = "SLOT",
     .help = "slot of the key on the card: 9a, 9c, 9d, 9e or 82 to 95"},
    {.name = "root",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help =
         "root to believe, and what stands between it and the device; Yubico publishes its own"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "write the certificates here; without it, they go to standard output"},
};

enum { NO_SLOT = -1 };

/* The card, and what is known of the key that is meant. */
struct target {
    struct wire_card card;
    const struct wire_application *piv; /* in `card` */
    int slot;                           /* NO_SLOT: to be found by the public key */
    uint8_t *spki;                      /* of the key by PKCS#11; NULL: no such key was named */
    size_t spki_length;
    struct wire_objects objects; /* of the token, if it was seen through PKCS#11 */
    struct attestation said;
};

static void target_free(struct target *t)
{
    wire_card_free(&t->card);
    wire_objects_free(&t->objects);
    attestation_free(&t->said);
    free(t->spki);
    *t = (struct target){0};
}

/* PIV key references: SP 800-73-4 part 1, table 4b. */
static bool read_slot(const struct op_args *a, int *slot, struct error *e)
{
    const char *text = op_text(a, "slot");
    size_t length = 0;
    uint8_t byte = 0;

    *slot = NO_SLOT;
    if (text == NULL)
        return true;
    if (!text_unhex(text, &byte, 1, &length) || length != 1 ||
        !((byte >= 0x82 && byte <= 0x95) || (byte >= 0x9a && byte <= 0x9e && byte != 0x9b)))
        return error_set(e, ERROR_USAGE, "--slot: '%s' should be 9a, 9c, 9d, 9e or 82 to 95", text);
    *slot = byte;
    return true;
}

/* The reader of this name, or the only one that begins with it where `prefix`. */
static const char *find_reader(const struct wire_readers *all, const char *name, bool prefix,
                               bool *several)
{
    const char *found = NULL;

    *several = false;
    for (size_t i = 0; i < all->count; i++) {
        const char *reader = all->reader[i].name;

        if (strcmp(reader, name) == 0)
            return reader;
        if (!prefix || strncasecmp(reader, name, strlen(name)) != 0)
            continue;
        *several = *several || found != NULL;
        found = reader;
    }
    return found;
}

/* Takes the card of a reader, with its keys. *found is false where none has that name; `why` is
 * then why no reader is there, if that is known. */
static bool take_reader(struct target *t, const char *name, bool prefix, struct op_ctx *ctx,
                        bool *found, struct error *why, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    struct wire_readers readers = {0};
    const char *reader = NULL;
    bool done = h != NULL, several = false;

    *found = false;
    if (done && card_readers(h, ctx->cancel, &readers, why))
        reader = find_reader(&readers, name, prefix, &several);
    *found = reader != NULL;
    if (several)
        done = error_set(e, ERROR_USAGE, "the names of several readers begin with '%s'", name);
    else if (reader != NULL)
        done = card_read(h, reader, false, ctx->cancel, &t->card, e);
    wire_readers_free(&readers);
    host_stop(&h);
    return done;
}

static bool take_key(struct target *t, const struct seen_token *seen, const char *name,
                     struct error *e)
{
    const struct token token = {.slot = {.has_token = true, .token = seen->info}};
    const struct wire_object *o = op_object(&t->objects, &token, name, NULL, e);

    if (o == NULL)
        return t->slot != NO_SLOT ||
               error_prefix(e, "say which key: its slot by --slot, or its pkcs11: URI");
    if (o->spki == NULL)
        return t->slot != NO_SLOT ||
               error_set(e, ERROR_MISSING,
                         "the token does not tell the public half of that key; say its slot on "
                         "the card: --slot");
    t->spki = malloc(o->spki_length);
    if (t->spki == NULL)
        return error_set_memory(e);
    memcpy(t->spki, o->spki, o->spki_length);
    t->spki_length = o->spki_length;
    return true;
}

/* With --slot, a name that is no object's names the token alone. */
static bool names_object(const char *name)
{
    struct token_uri *uri = token_uri_is(name) ? token_uri_parse(name, NULL) : NULL;
    bool names = uri != NULL && token_uri_names_object(uri);

    token_uri_free(&uri);
    return names;
}

static bool take_token(struct target *t, struct seen *seen, const char *name, struct error *e)
{
    struct seen_token *one = &seen->token[0];
    struct wire_card *card = one->card == SEEN_NO_CARD ? NULL : &seen->card[one->card];

    if (card == NULL)
        return error_set(e, seen->pcsc.code != ERROR_NONE ? seen->pcsc.code : ERROR_UNFIT,
                         "'%s' cannot be asked as a card, and cards alone attest: %s", one->label,
                         seen->pcsc.code != ERROR_NONE ? seen->pcsc.text : "no reader here has it");
    t->card = *card;
    *card = (struct wire_card){0};
    t->objects = one->objects;
    one->objects = (struct wire_objects){0};
    return (t->slot != NO_SLOT && !names_object(name)) || take_key(t, one, name, e);
}

/* No token has that name. A reader's may begin with it. */
static bool find_by_prefix(struct target *t, const char *name, struct op_ctx *ctx,
                           const struct error *missing, struct error *e)
{
    struct error why = ERROR_INIT;
    bool found, taken = take_reader(t, name, true, ctx, &found, &why, e);

    if (found || !taken)
        return taken;
    return error_set(e, missing->code, "%s%s%s", missing->text,
                     why.code != ERROR_NONE ? "; readers: " : "; no reader has that name",
                     why.text);
}

/* By the name of a reader, by a token, by the beginning of a reader's name. */
static bool find_target(const struct op_args *a, struct op_ctx *ctx, struct target *t,
                        struct error *e)
{
    const char *name = op_text(a, "KEY");
    bool plain = t->slot != NO_SLOT && !token_uri_is(name), found = false, taken;
    struct error missing = ERROR_INIT;
    struct seen seen;

    if (plain && !take_reader(t, name, false, ctx, &found, NULL, e))
        return false;
    if (found)
        return true;
    if (op_seen(a, ctx, "KEY", true, &seen, &missing)) {
        taken = take_token(t, &seen, name, e);
        op_seen_free(&seen);
        return taken;
    }
    if (plain && missing.code == ERROR_MISSING)
        return find_by_prefix(t, name, ctx, &missing, e);
    if (e != NULL)
        *e = missing;
    return false;
}

static bool find_piv(struct target *t, struct error *e)
{
    for (size_t i = 0; i < t->card.count && t->piv == NULL; i++)
        if (strcmp(t->card.application[i].family, "piv") == 0)
            t->piv = &t->card.application[i];
    return t->piv != NULL ||
           error_set(e, ERROR_UNFIT, "'%s': %s", t->card.reader.name,
                     t->card.problem[0] != '\0'
                         ? t->card.problem
                         : "the card has no PIV application, whose keys alone are attested");
}

static const struct wire_card_key *key_in(const struct target *t, int slot)
{
    for (size_t i = 0; i < t->piv->key_count; i++)
        if (t->piv->key[i].slot == slot)
            return &t->piv->key[i];
    return NULL;
}

/* The slot whose key the card itself says to be this one. */
static int slot_by_metadata(const struct target *t)
{
    for (size_t i = 0; i < t->piv->key_count && t->spki != NULL; i++) {
        const struct wire_card_key *k = &t->piv->key[i];

        if (k->spki_length == t->spki_length && memcmp(k->spki, t->spki, t->spki_length) == 0)
            return k->slot;
    }
    return NO_SLOT;
}

/* What metadata tells needs no question. */
static bool can_be_attested(const struct target *t, int slot, struct error *e)
{
    const struct wire_card_key *k = key_in(t, slot);

    if (k == NULL && t->piv->key_count > 0)
        return error_set(e, ERROR_MISSING, "there is no key in slot %02X of '%s'", (unsigned)slot,
                         t->piv->title);
    if (k != NULL && strcmp(k->origin, "imported") == 0)
        return error_set(e, ERROR_UNFIT,
                         "the key in slot %02X was imported, and a YubiKey attests only keys that "
                         "it made itself; whoever wants it attested needs a new one, made on the "
                         "card",
                         (unsigned)slot);
    return true;
}

static bool ask(struct target *t, struct host *h, int slot, struct op_ctx *ctx, struct error *e)
{
    struct wire_attestation raw = {0};
    bool done = card_attest(h, t->card.reader.name, (uint8_t)slot, ctx->cancel, &raw, e) &&
                attestation_read(raw.certificate, raw.certificate_length, raw.intermediate,
                                 raw.intermediate_length, &t->said, e);

    wire_attestation_free(&raw);
    if (done)
        t->slot = slot;
    else
        attestation_free(&t->said);
    return done;
}

/* Older YubiKeys tell of no keys: each is attested until it is the one. */
static bool ask_each(struct target *t, struct host *h, struct op_ctx *ctx, struct error *e)
{
    static const uint8_t slots[] = {0x9a, 0x9c, 0x9d, 0x9e};

    for (size_t i = 0; i < sizeof slots; i++) {
        if (ask(t, h, slots[i], ctx, e) && attestation_is_of(&t->said, t->spki, t->spki_length))
            return true;
        attestation_free(&t->said);
        if (!host_alive(h))
            return false;
    }
    return error_set(e, ERROR_MISSING,
                     "no slot of '%s' attests this key: either it was imported, or it is in a slot "
                     "that --slot must say",
                     t->piv->title);
}

static bool get_attestation(struct target *t, struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    bool done = h != NULL && find_piv(t, e);
    int slot = t->slot;

    if (done && slot == NO_SLOT)
        slot = slot_by_metadata(t);
    if (done && slot == NO_SLOT && t->piv->key_count > 0)
        done = error_set(e, ERROR_MISSING, "no slot of '%s' holds this key", t->piv->title);
    else if (done && slot == NO_SLOT)
        done = ask_each(t, h, ctx, e);
    else if (done)
        done = can_be_attested(t, slot, e) && ask(t, h, slot, ctx, e);
    host_stop(&h);
    return done;
}

/* The attested key is the key on the token; *how says by whom that is known, "" where nothing tells
 * the public half of the key. */
static bool compare(const struct target *t, const char **how, struct error *e)
{
    const struct wire_card_key *k = key_in(t, t->slot);
    bool differs = false;

    *how = "";
    if (t->spki != NULL) {
        *how = "PKCS#11";
        differs = !attestation_is_of(&t->said, t->spki, t->spki_length);
    }
    if (k != NULL && k->spki != NULL && !differs) {
        *how = t->spki != NULL ? "PKCS#11 and the card's GET METADATA" : "the card's GET METADATA";
        differs = !attestation_is_of(&t->said, k->spki, k->spki_length);
    }
    for (size_t i = 0; i < t->objects.count && **how == '\0'; i++) {
        const struct wire_object *o = &t->objects.object[i];

        if (o->spki != NULL && attestation_is_of(&t->said, o->spki, o->spki_length))
            *how = "PKCS#11";
    }
    return !differs || error_set(e, ERROR_UNFIT,
                                 "the card attests another key in slot %02X than the one that %s "
                                 "shows there; nothing was written",
                                 (unsigned)t->slot, *how);
}

/* *holds: the chain does. `word` (new) says so, or why not. */
static bool check_chain(const struct op_args *a, const struct target *t, bool *holds, char **word,
                        struct error *why, struct error *e)
{
    STACK_OF(X509) *given = sk_X509_new_null();
    size_t count = op_count(a, "root");
    char *root = NULL;
    bool loaded = given != NULL || error_set_memory(e);

    *holds = false;
    for (size_t i = 0; i < count && loaded; i++)
        loaded = cert_load_file(op_text_at(a, "root", i), given, e);
    if (loaded && count > 0) {
        *holds = attestation_prove(&t->said, given, &root, why);
        *word = *holds ? text_format("holds, up to the root '%s'", root == NULL ? "?" : root)
                       : strdup(why->text);
    } else if (loaded) {
        *word = strdup("not checked: no root given (--root FILE)");
    }
    free(root);
    sk_X509_pop_free(given, X509_free);
    return loaded;
}

static json_t *word_or_null(const char *word)
{
    return *word == '\0' ? json_null() : json_string(word);
}

static json_t *facts_record(const struct attestation *said)
{
    json_t *record = json_pack(
        "{s:n, s:n, s:o, s:o, s:o, s:b, s:b}", "firmware", "serial", "pin-policy",
        word_or_null(said->pin_policy), "touch-policy", word_or_null(said->touch_policy),
        "form-factor", word_or_null(said->form_factor), "fips", said->fips, "cspn", said->cspn);

    if (said->version[0] != ATTESTATION_UNTOLD)
        json_object_set_new(
            record, "firmware",
            json_sprintf("%d.%d.%d", said->version[0], said->version[1], said->version[2]));
    if (said->serial != ATTESTATION_UNTOLD)
        json_object_set_new(record, "serial", json_integer(said->serial));
    return record;
}

static json_t *document(const struct target *t, const char *how, bool holds, char *chain)
{
    const char *reader = t->card.reader.name;
    json_t *record =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:b, s:o, s:b, s:o}", "reader",
                  record_take(text_printable(reader, strlen(reader))), "title", t->piv->title,
                  "slot", json_sprintf("%02X", (unsigned)t->slot), "key",
                  record_take(cert_key_text(X509_get0_pubkey(t->said.statement))), "same-key-by",
                  word_or_null(how), "device-certificate", t->said.device != NULL, "chain",
                  record_take(chain), "proved", holds, "attestation", facts_record(&t->said));

    if (t->said.slot != ATTESTATION_UNTOLD)
        json_object_set_new(json_object_get(record, "attestation"), "slot",
                            json_sprintf("%02X", (unsigned)t->said.slot));
    return record;
}

/* The key's certificate, then the device's: the order in which CAs take them. */
static bool encode(const struct target *t, BIO *bio, struct error *e)
{
    bool good = bio != NULL && PEM_write_bio_X509(bio, t->said.statement) > 0 &&
                (t->said.device == NULL || PEM_write_bio_X509(bio, t->said.device) > 0);

    return good || error_set_openssl(e, ERROR_SYSTEM, "cannot encode the certificates");
}

static bool deliver(const struct op_args *a, struct op_ctx *ctx, const struct target *t,
                    json_t *record, struct error *e)
{
    const char *path = op_text(a, "output");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool done = encode(t, bio, e);
    size_t length = done ? (size_t)BIO_get_mem_data(bio, &data) : 0;

    if (done && path == NULL)
        json_object_set_new(record, "pem", json_stringn(data, length));
    else if (done && access(path, F_OK) == 0 && !op_ask_yes(ctx, "'%s' exists; replace it?", path))
        done = error_set(e, ERROR_USAGE, "'%s' exists; --yes replaces it", path);
    else if (done && (done = path_write_file(path, data, length, 0644, e)))
        json_object_set_new(record, "file", json_string(path));
    BIO_free(bio);
    return done;
}

/* A chain that was to hold and does not is told in full, and no file leaves. */
static bool tell(const struct op_args *a, struct op_ctx *ctx, const struct target *t,
                 struct error *e)
{
    struct error why = ERROR_INIT;
    const char *how;
    char *chain = NULL;
    bool holds, done;
    json_t *record;

    if (!compare(t, &how, e) || !check_chain(a, t, &holds, &chain, &why, e))
        return false;
    record = document(t, how, holds, chain);
    done = why.code == ERROR_NONE && deliver(a, ctx, t, record, e);
    if (done || why.code != ERROR_NONE)
        op_emit(ctx, "attestation", record);
    else
        json_decref(record);
    if (why.code != ERROR_NONE && e != NULL)
        *e = why;
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct target t = {0};
    bool done = read_slot(a, &t.slot, e) && find_target(a, ctx, &t, e) &&
                get_attestation(&t, ctx, e) && tell(a, ctx, &t, e);

    target_free(&t);
    return done;
}

/* What the device says of itself, and whether that is proved. */
static void text_fact(const json_t *r, const char *name, const char *key, struct buffer *out)
{
    const json_t *value = json_object_get(json_object_get(r, "attestation"), key);
    struct buffer line = BUFFER_INIT;

    if (json_is_integer(value))
        buffer_printf(&line, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buffer_append_text(&line, json_is_true(value) ? "yes" : "no");
    else
        buffer_append_text(&line, json_is_string(value) ? json_string_value(value) : "not told");
    buffer_append_text(&line,
                       op_true(r, "proved") ? "  [proved by the attestation]" : "  [not proved]");
    op_line(out, name, buffer_text(&line));
    buffer_free(&line);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const char *how = op_string(r, "same-key-by");

    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "Slot %s of %s in '%s'\n", op_string(r, "slot"), op_string(r, "title"),
                  op_string(r, "reader"));
    op_field(out, r, "key", "key");
    op_line(out, "same as the key by", *how != '\0' ? how : "nothing: no one else tells of it");
    op_field(out, r, "chain", "chain");
    if (!op_true(r, "device-certificate"))
        op_line(out, "device", "no certificate in slot F9: nobody can check what it says");
    text_fact(r, "firmware", "firmware", out);
    text_fact(r, "serial", "serial", out);
    text_fact(r, "PIN policy", "pin-policy", out);
    text_fact(r, "touch policy", "touch-policy", out);
    text_fact(r, "form", "form-factor", out);
    text_fact(r, "FIPS series", "fips", out);
    text_fact(r, "CSPN series", "cspn", out);
    if (*op_string(r, "file") != '\0')
        buffer_printf(out, "wrote the certificates of key and device to %s\n",
                      op_string(r, "file"));
    buffer_append_text(out, op_string(r, "pem"));
}

const struct op op_attest = {
    .verb = "attest",
    .group = "Look",
    .summary = "have a YubiKey certify that it made a key itself, and with which policies",
    .description =
        "A YubiKey signs a certificate over a key that it made, with its firmware, serial number, "
        "PIN and touch policy in it; CAs take that as proof of the hardware. Written are this "
        "certificate and then that of the device, as CAs want them. Nothing is called proved "
        "unless the chain holds up to a root of --root; without one nothing is checked. Dates of "
        "these certificates do not count. A key that was imported cannot be attested. Costs no PIN "
        "and no touch.",
    .example = "signet attest 'pkcs11:token=release;id=%02' --root roots.pem -o key.pem\n"
               "signet attest @1 --slot 9c --json",
    .effects = OP_READS | OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
