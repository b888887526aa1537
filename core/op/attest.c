/* SPDX-License-Identifier: Apache-2.0 */
/* signet attest: what a YubiKey says of a key that it made, for the CA and for who wants to know.
 */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/load.h"
#include "cert/view.h"
#include "op/attested.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"

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

/* The attested key is the key on the token; *how says by whom that is known, "" where nothing tells
 * the public half of the key. */
static bool compare(const struct attested *t, const char **how, struct error *e)
{
    const struct wire_card_key *k = op_attested_key(t, t->slot);
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
static bool check_chain(const struct op_args *a, const struct attested *t, bool *holds, char **word,
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

static json_t *document(const struct attested *t, const char *how, bool holds, char *chain)
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
static bool encode(const struct attested *t, BIO *bio, struct error *e)
{
    bool good = bio != NULL && PEM_write_bio_X509(bio, t->said.statement) > 0 &&
                (t->said.device == NULL || PEM_write_bio_X509(bio, t->said.device) > 0);

    return good || error_set_openssl(e, ERROR_SYSTEM, "cannot encode the certificates");
}

static bool deliver(const struct op_args *a, struct op_ctx *ctx, const struct attested *t,
                    json_t *record, struct error *e)
{
    const char *path = op_text(a, "output");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool done = encode(t, bio, e);
    size_t length = done ? (size_t)BIO_get_mem_data(bio, &data) : 0;

    if (done && path == NULL)
        json_object_set_new(record, "pem", json_stringn(data, length));
    else if (done &&
             (done = op_may_replace(ctx, path, e) && path_write_file(path, data, length, 0644, e)))
        json_object_set_new(record, "file", json_string(path));
    BIO_free(bio);
    return done;
}

/* A chain that was to hold and does not is told in full, and no file leaves. */
static bool tell(const struct op_args *a, struct op_ctx *ctx, const struct attested *t,
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
    struct attested t;
    bool done = op_attested(a, ctx, &t, e) && tell(a, ctx, &t, e);

    op_attested_free(&t);
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
