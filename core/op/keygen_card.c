/* SPDX-License-Identifier: Apache-2.0 */
/* keygen in a slot of a PIV card: by its management key, and without PKCS#11. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/placeholder.h"
#include "cert/view.h"
#include "op/loss.h"
#include "op/new_key.h"
#include "op/piv_slot.h"
#include "op/record.h"
#include "op/text.h"
#include "op/waiting.h"
#include "token/uri.h"
#include "wire/rv.h"

/* From this version of its firmware on a YubiKey makes RSA keys of more than 2048 bits. */
enum { LARGE_RSA_MAJOR = 5, LARGE_RSA_MINOR = 7 };

static bool is_yubikey(const struct piv_slot *s)
{
    return strncmp(s->piv->title, "YubiKey", 7) == 0;
}

/* What the card cannot do, as far as it is known beforehand. */
static bool check_card(const struct op_args *a, const struct piv_slot *s,
                       const struct key_kind *kind, struct error *e)
{
    unsigned major, minor;

    if ((op_given(a, "pin-policy") || op_given(a, "touch-policy")) && !is_yubikey(s))
        return error_set(e, ERROR_UNFIT,
                         "'%s' is no YubiKey, and those alone have PIN and touch policies",
                         s->label);
    if (kind->rsa_bits > 2048 && sscanf(s->piv->title, "YubiKey PIV %u.%u", &major, &minor) == 2 &&
        (major < LARGE_RSA_MAJOR || (major == LARGE_RSA_MAJOR && minor < LARGE_RSA_MINOR)))
        return error_set(e, ERROR_UNFIT,
                         "a YubiKey with firmware %u.%u makes no %s keys; it can make ec:P-256 and "
                         "ec:P-384, and rsa:2048, which no public CA takes; from 5.7 on it could",
                         major, minor, kind->of_card);
    return true;
}

static bool is_in_slot(const struct piv_slot *s, const struct wire_object *o)
{
    return o->id_length == 1 && o->id[0] == op_piv_slot_id(s);
}

static struct wire_slot slot_of(const struct piv_slot *s)
{
    const struct seen_token *t = op_piv_slot_token(s);
    struct wire_slot slot = {.has_token = true};

    if (t != NULL)
        slot.token = t->info;
    return slot;
}

static void collect(const struct piv_slot *s, struct loss *out)
{
    const struct wire_objects *all = op_piv_slot_objects(s);
    const struct wire_card_key *key = op_piv_slot_key(s);
    struct wire_slot slot = slot_of(s);

    for (size_t i = 0; all != NULL && i < all->count; i++)
        if (is_in_slot(s, &all->object[i]))
            op_loss_add(out, &slot, all, &all->object[i]);
    if (key != NULL && out->keys == 0) {
        json_array_append_new(out->list,
                              json_pack("{s:s, s:o, s:s}", "class", "private-key", "label",
                                        json_sprintf("slot %02X", (unsigned)s->slot), "type",
                                        key->algorithm));
        out->keys++;
    }
    /* A card that tells of some keys tells of all; others keep it to themselves. */
    out->incomplete = s->piv->key_count == 0;
}

static bool confirm(const struct piv_slot *s, struct op_ctx *ctx, const struct loss *l,
                    struct error *e)
{
    /* Certificates are seen by a module alone: what the key has is worth a label, too. */
    bool blind = op_piv_slot_objects(s) == NULL && (l->incomplete || l->keys > 0);
    char *what;
    bool sure;

    op_loss_tell(l, ctx);
    if (blind)
        op_tell(ctx,
                l->keys > 0
                    ? "lost: what the certificate of the key in slot %02X is worth; no module "
                      "shows this card, so it cannot be seen here (--module FILE names one)"
                    : "lost: the key in slot %02X, if there is one, and what its certificate is "
                      "worth; neither can be seen here",
                (unsigned)s->slot);
    if (l->unexpired || blind) {
        what = text_format("A key in slot %02X of '%s'%s is LOST FOR EVER. Type the token's label",
                           (unsigned)s->slot, s->label,
                           blind ? ", whose certificate cannot be seen,"
                                 : ", and with it a certificate that is valid yet,");
        sure = what != NULL && op_loss_type_label(ctx, what, s->label, e);
        free(what);
        return sure;
    }
    if (json_array_size(l->list) == 0 && !l->incomplete)
        return true;
    return op_ask_yes(ctx, "%s in slot %02X of '%s' is lost for ever. Go on?",
                      l->keys > 0 ? "The key" : "A key, if one is", (unsigned)s->slot, s->label) ||
           error_set(e, ERROR_USAGE, "nothing was done; --yes says so beforehand");
}

static uint8_t policy(const struct op_args *a, const char *name, const char *const words[3])
{
    const char *text = op_text(a, name);

    for (uint8_t i = 0; text != NULL && i < 3; i++)
        if (strcmp(text, words[i]) == 0)
            return (uint8_t)(i + 1);
    return 0;
}

/* Where a module shows the new key already, its URI. */
static json_t *uri_of(const struct op_args *a, struct op_ctx *ctx, const struct buffer *spki)
{
    json_t *uri = NULL;
    struct seen seen;

    if (!op_seen(a, ctx, "TOKEN", true, &seen, NULL))
        return json_null();
    for (size_t i = 0; i < seen.token_count && uri == NULL; i++) {
        const struct wire_objects *all = &seen.token[i].objects;
        const struct wire_slot slot = {.has_token = true, .token = seen.token[i].info};

        for (size_t k = 0; k < all->count && uri == NULL; k++)
            if (all->object[k].class != CKO_CERTIFICATE &&
                all->object[k].spki_length == spki->length &&
                memcmp(all->object[k].spki, spki->data, spki->length) == 0)
                uri = record_take(token_uri_of_object(&slot, &all->object[k]));
    }
    op_seen_free(&seen);
    return uri == NULL ? json_null() : uri;
}

static bool has_certificate(const struct loss *l)
{
    size_t index;
    json_t *o;

    json_array_foreach(l->list, index, o)
    {
        if (strcmp(op_string(o, "class"), "certificate") == 0)
            return true;
    }
    return false;
}

static bool report(const struct op_args *a, struct op_ctx *ctx, const struct piv_slot *s,
                   const struct key_kind *kind, const struct buffer *spki, const struct loss *l,
                   bool placed, struct error *e)
{
    json_t *record =
        json_pack("{s:s, s:o, s:s, s:o, s:s?, s:s?, s:b, s:b, s:O}", "token", s->label, "place",
                  json_sprintf("slot %02X", (unsigned)s->slot), "type", kind->of_card, "uri",
                  uri_of(a, ctx, spki), "pin-policy", op_text(a, "pin-policy"), "touch-policy",
                  op_text(a, "touch-policy"), "old-certificate", has_certificate(l) && !placed,
                  "placeholder", placed, "lost", l->list);

    if (!new_key_describe(record, spki->data, spki->length, e)) {
        json_decref(record);
        return false;
    }
    op_emit(ctx, "key", record);
    return true;
}

/* A person's time at the prompt is not the card's: the telling begins behind it. */
struct making {
    const struct op_args *args;
    const struct piv_slot *slot;
    bool placed; /* a placeholder was given to the card */
    struct gate_person person;
    struct op_ctx *ctx;
    struct waiting *waiting;
};

static struct secret *ask_first(void *data, const char *text, struct error *e)
{
    struct making *m = data;
    struct secret *typed = m->person.secret(m->person.data, text, e);

    if (typed != NULL)
        m->waiting = op_waiting_begin(m->ctx, "making the key");
    return typed;
}

static void tell_person(void *data, const char *line)
{
    struct making *m = data;

    m->person.tell(m->person.data, line);
}

/* Where a module shows the card, but not its new key, since that is shown by a certificate. */
static bool place(void *data, const struct buffer *spki, uint8_t **der, size_t *length,
                  struct error *e)
{
    struct making *m = data;
    json_t *uri;
    X509 *x;
    int size;

    if (op_piv_slot_objects(m->slot) == NULL)
        return true;
    uri = uri_of(m->args, m->ctx, spki);
    m->placed = json_is_null(uri);
    json_decref(uri);
    if (!m->placed)
        return true;
    x = cert_placeholder(spki->data, spki->length, e);
    size = x == NULL ? -1 : i2d_X509(x, der);
    X509_free(x);
    *length = size > 0 ? (size_t)size : 0;
    return x != NULL && (size > 0 || error_set_memory(e));
}

/* What may have begun is not left unsaid. */
static void say_what_is_left(const struct piv_slot *s, struct error *e)
{
    if (e != NULL &&
        (e->code == ERROR_HOST || (e->code == ERROR_TOKEN && rv_is_dead_session(e->detail))))
        error_prefix(e,
                     "slot %02X may hold the old key yet, or a new one (signet keygen makes it "
                     "anew)",
                     (unsigned)s->slot);
}

static bool make(const struct op_args *a, struct op_ctx *ctx, const struct piv_slot *s,
                 const struct key_kind *kind, struct buffer *spki, bool *placed, struct error *e)
{
    static const char *const pin[] = {"never", "once", "always"};
    static const char *const touch[] = {"never", "always", "cached"};
    struct making m = {.args = a, .slot = s, .person = op_person(ctx), .ctx = ctx};
    const struct gate_new_key key = {.slot = s->slot,
                                     .type = kind->of_card,
                                     .pin_policy = policy(a, "pin-policy", pin),
                                     .touch_policy = policy(a, "touch-policy", touch),
                                     .certificate = place,
                                     .data = &m};
    const struct gate_person person = {
        .data = &m, .secret = m.person.secret == NULL ? NULL : ask_first, .tell = tell_person};
    struct pin_source *source;
    struct gate_card card;
    struct host *host;
    bool made = false;

    if (!op_piv_slot_request(a, ctx, s, &person, &source, &card, e))
        return false;
    host = card_host_start(ctx->cancel, e);
    if (host != NULL) {
        if (pin_source_kind(source) != PIN_PROMPT)
            m.waiting = op_waiting_begin(ctx, "making the key");
        made = gate_card_generate(&card, &key, host, spki, e);
        op_waiting_end(&m.waiting);
        if (!made)
            say_what_is_left(s, e);
    }
    host_stop(&host);
    pin_source_free(&source);
    *placed = m.placed;
    return made;
}

/* The old key is gone by now. One that is not what was asked for is no key to go on with. */
static bool check_made(const struct piv_slot *s, const struct key_kind *kind,
                       const struct buffer *spki, struct error *e)
{
    const unsigned char *at = spki->data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->length);
    char *type = key == NULL ? NULL : cert_key_text(key);
    bool same = type != NULL && strcmp(type, kind->of_card) == 0;

    if (!same)
        error_set(e, ERROR_TOKEN,
                  "the card was asked for a key of type %s, and made one of type %s in slot %02X; "
                  "signet keygen puts another in its place",
                  kind->of_card, type == NULL ? "unknown" : type, (unsigned)s->slot);
    EVP_PKEY_free(key);
    free(type);
    ERR_clear_error();
    return same;
}

bool new_key_on_card(const struct op_args *args, struct op_ctx *ctx, const struct key_kind *kind,
                     struct error *e)
{
    struct buffer spki = BUFFER_INIT;
    struct loss loss = {0};
    struct piv_slot s;
    bool placed = false;
    bool done = op_piv_slot(args, ctx, "TOKEN", op_text(args, "slot"), &s, e) &&
                check_card(args, &s, kind, e);

    if (done && (done = op_loss_init(&loss) || error_set_memory(e))) {
        collect(&s, &loss);
        done = confirm(&s, ctx, &loss, e) && make(args, ctx, &s, kind, &spki, &placed, e) &&
               check_made(&s, kind, &spki, e) &&
               report(args, ctx, &s, kind, &spki, &loss, placed, e);
    }
    op_loss_free(&loss);
    buffer_free(&spki);
    op_piv_slot_free(&s);
    return done;
}
