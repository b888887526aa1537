/* SPDX-License-Identifier: Apache-2.0 */
/* signet import: certificates that the CA returned, beside their key. */
#include "op/import.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/chain.h"
#include "cert/placeholder.h"
#include "cert/view.h"
#include "op/importing.h"
#include "op/record.h"
#include "op/text.h"
#include "token/uri.h"

enum { MOST_KEYS = 256, MOST_NAMED = 6 };

static EVP_PKEY *public_key(const uint8_t *spki, size_t length)
{
    const unsigned char *at = spki;

    return spki == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)length);
}

/* The public keys of what is a key here, not those of certificates alone. */
static size_t collect_keys(const struct importing *i, EVP_PKEY **keys)
{
    size_t count = 0;

    for (size_t n = 0; n < i->objects.count && count < MOST_KEYS; n++) {
        const struct wire_object *o = &i->objects.object[n];
        EVP_PKEY *key = o->class == CKO_CERTIFICATE ? NULL : public_key(o->spki, o->spki_length);

        if (key != NULL)
            keys[count++] = key;
    }
    for (size_t n = 0; i->piv != NULL && n < i->piv->key_count && count < MOST_KEYS; n++) {
        EVP_PKEY *key = public_key(i->piv->key[n].spki, i->piv->key[n].spki_length);

        if (key != NULL)
            keys[count++] = key;
    }
    return count;
}

static bool is_half(const struct wire_object *o, CK_OBJECT_CLASS class, EVP_PKEY *key)
{
    EVP_PKEY *own = o->class == class ? public_key(o->spki, o->spki_length) : NULL;
    bool same = own != NULL && EVP_PKEY_eq(own, key) == 1;

    EVP_PKEY_free(own);
    return same;
}

static const struct wire_object *find_half(const struct importing *i, CK_OBJECT_CLASS class)
{
    for (size_t n = 0; i->key != NULL && n < i->objects.count; n++)
        if (is_half(&i->objects.object[n], class, i->key))
            return &i->objects.object[n];
    return NULL;
}

static void find_halves(struct importing *i)
{
    i->private_half = find_half(i, CKO_PRIVATE_KEY);
    i->public_half = find_half(i, CKO_PUBLIC_KEY);
}

/* The leaf by its key; NULL without an error: none. */
static X509 *find_leaf(struct importing *i, struct error *e)
{
    EVP_PKEY *keys[MOST_KEYS];
    size_t count = collect_keys(i, keys), which = 0;
    X509 *leaf = delivery_leaf(i->sent, keys, count, &which, e);

    EVP_PKEY_free(i->key);
    i->key = leaf == NULL ? NULL : keys[which];
    for (size_t n = 0; n < count; n++)
        if (keys[n] != i->key)
            EVP_PKEY_free(keys[n]);
    find_halves(i);
    return leaf;
}

static bool shows(const struct importing *i, CK_OBJECT_CLASS class)
{
    for (size_t n = 0; n < i->objects.count; n++)
        if (i->objects.object[n].class == class)
            return true;
    return false;
}

/* Before a login, many tokens hide their private keys, some the public ones too. */
static bool may_hide_keys(const struct importing *i)
{
    return i->session == NULL && (i->token->slot.token.flags & CKF_LOGIN_REQUIRED) != 0 &&
           !shows(i, CKO_PRIVATE_KEY);
}

/* Where public halves are shown, that of another key is hardly hidden: a login is for who names the
 * PIN. */
static bool login_may_show(const struct importing *i)
{
    return may_hide_keys(i) && (op_given(i->args, "pin") || !shows(i, CKO_PUBLIC_KEY));
}

/* The keys that are here, for a person who has the wrong token. */
static void list_keys(const struct importing *i, struct buffer *out)
{
    size_t named = 0, slots = i->piv == NULL ? 0 : i->piv->key_count;

    for (size_t n = 0; n < slots; n++)
        buffer_printf(out, "%sslot %02X (%s)", n > 0 ? ", " : "", i->piv->key[n].slot,
                      i->piv->key[n].algorithm);
    if (slots > 0)
        return;
    for (size_t n = 0; n < i->objects.count; n++) {
        const struct wire_object *o = &i->objects.object[n];
        EVP_PKEY *key = o->class == CKO_CERTIFICATE ? NULL : public_key(o->spki, o->spki_length);
        char *id = text_hex(o->id, o->id_length), *type = cert_key_text(key);

        /* The private half stands for both, where it is shown. */
        if (key != NULL && (o->class == CKO_PRIVATE_KEY || !shows(i, CKO_PRIVATE_KEY)) &&
            ++named <= MOST_NAMED)
            buffer_printf(out, "%s'%s' (%s, id %s)", named > 1 ? ", " : "",
                          o->label == NULL ? "" : o->label, type == NULL ? "?" : type,
                          id == NULL || *id == '\0' ? "none" : id);
        free(id);
        free(type);
        EVP_PKEY_free(key);
    }
    if (named == 0)
        buffer_append_text(out, "none");
    else if (named > MOST_NAMED)
        buffer_printf(out, " and %zu more", named - MOST_NAMED);
}

static X509 *first_leaf(const struct importing *i)
{
    for (int n = 0; n < sk_X509_num(i->sent); n++)
        if (!cert_is_ca(sk_X509_value(i->sent, n)))
            return sk_X509_value(i->sent, n);
    return NULL;
}

/* Always false. */
static bool no_key(const struct importing *i, struct error *e)
{
    X509 *x = first_leaf(i);
    struct buffer keys = BUFFER_INIT;
    char *name, *pin;

    if (x == NULL)
        return error_set(e, ERROR_UNFIT,
                         "these are certificates of CAs alone; the one that was issued for a key "
                         "of yours is missing");
    name = cert_common_name(x);
    pin = cert_pin(x);
    list_keys(i, &keys);
    error_set(e, ERROR_MISSING,
              "the certificate '%s' (%s) is for no key on '%s'; the keys here: %s. Is it another "
              "token?%s",
              name == NULL ? "?" : name, pin == NULL ? "?" : pin, i->token->label,
              buffer_text(&keys) == NULL ? "?" : buffer_text(&keys),
              i->piv == NULL && may_hide_keys(i)
                  ? " What it hides before a login, --pin SOURCE shows."
                  : "");
    buffer_free(&keys);
    free(name);
    free(pin);
    return false;
}

/* The leaf of a plain PIV card, which tells no keys: a person names the slot. */
static bool is_named_slot(const struct importing *i)
{
    return i->piv != NULL && op_given(i->args, "slot") && first_leaf(i) != NULL;
}

/* The leaf, and its key on the token as far as it can be seen. */
static bool match(struct importing *i, X509 **leaf, struct error *e)
{
    struct error several = ERROR_INIT;

    *leaf = find_leaf(i, &several);
    if (*leaf == NULL && several.code == ERROR_NONE && i->piv == NULL && first_leaf(i) != NULL &&
        login_may_show(i)) {
        op_tell(i->ctx, "'%s' does not show the certificate's key before a login.",
                i->token->label);
        if (!import_login(i, e) || !import_objects(i, e))
            return false;
        *leaf = find_leaf(i, &several);
    }
    if (several.code != ERROR_NONE)
        return error_set(e, several.code, "%s", several.text);
    if (*leaf == NULL && is_named_slot(i))
        *leaf = first_leaf(i);
    if (*leaf == NULL)
        return no_key(i, e);
    if (i->piv == NULL && i->private_half == NULL && shows(i, CKO_PRIVATE_KEY))
        return import_no_private_half(i, e);
    return true;
}

static bool is_named(const struct wire_object *o)
{
    return o == NULL || (o->id_length > 0 && o->label != NULL && *o->label != '\0');
}

/* What a key lacks is to be set on its private half, too, which a login may show. */
static bool see_private_half(struct importing *i, struct error *e)
{
    if (i->piv != NULL || i->private_half != NULL || is_named(i->public_half) || !may_hide_keys(i))
        return true;
    if (!import_login(i, e) || !import_objects(i, e))
        return false;
    find_halves(i);
    return true;
}

/* The id that both get: the key's, else the hash of its public half (RFC 5280 section 4.2.1.2). */
static bool choose_id(struct importing *i, struct error *e)
{
    const struct wire_object *o = i->private_half != NULL && i->private_half->id_length > 0
                                      ? i->private_half
                                      : i->public_half;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (o == NULL || o->id_length == 0) {
        if (X509_pubkey_digest(i->found.leaf, EVP_sha1(), hash, &length) != 1)
            return error_set_openssl(e, ERROR_SYSTEM, "cannot make an id");
        i->id_length = length;
    } else {
        i->id_length = o->id_length;
    }
    i->id = malloc(i->id_length);
    if (i->id == NULL)
        return error_set_memory(e);
    memcpy(i->id, o == NULL || o->id_length == 0 ? hash : o->id, i->id_length);
    return true;
}

static const char *label_of(const struct wire_object *o)
{
    return o == NULL || o->label == NULL || *o->label == '\0' ? NULL : o->label;
}

static bool choose_label(struct importing *i, struct error *e)
{
    const char *label = label_of(i->private_half);

    if (label == NULL)
        label = label_of(i->public_half);
    i->label = label != NULL ? strdup(label) : cert_common_name(i->found.leaf);
    return i->label != NULL || error_set_memory(e);
}

/* The certificates that the token has, to find issuers among. */
static STACK_OF(X509) * known(const struct importing *i)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    for (size_t n = 0; all != NULL && n < i->objects.count; n++) {
        X509 *x = i->objects.object[n].class == CKO_CERTIFICATE ? record_x509(&i->objects.object[n])
                                                                : NULL;

        if (x != NULL && (!cert_is_ca(x) || sk_X509_push(all, x) <= 0))
            X509_free(x);
    }
    return all;
}

static bool judge(struct importing *i, X509 *leaf, struct error *e)
{
    STACK_OF(X509) * there;
    bool sound;

    if (!cert_fit_to_sign(leaf, i->key, time(NULL), e))
        return false;
    there = known(i);
    sound =
        there != NULL ? delivery_chain(leaf, i->sent, there, &i->found, e) : error_set_memory(e);
    sk_X509_pop_free(there, X509_free);
    return sound;
}

static json_t *brief(X509 *x)
{
    char end[CLOCK_TEXT_SIZE];
    json_t *record = json_object();

    json_object_set_new(record, "subject", record_take(cert_subject(x)));
    json_object_set_new(record, "sha256", record_take(cert_pin(x)));
    json_object_set_new(record, "not-after", json_string(clock_text(cert_not_after(x), end)));
    json_object_set_new(record, "days-left", json_integer(cert_days_left(x, time(NULL))));
    return record;
}

/* Other certificates of this key: they stay, since files may be signed with them. */
static void find_older(struct importing *i)
{
    i->older = json_array();
    for (size_t n = 0; n < i->objects.count; n++) {
        const struct wire_object *o = &i->objects.object[n];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x != NULL && X509_cmp(x, i->found.leaf) != 0 && !cert_is_placeholder(x) &&
            EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(i->found.leaf)) == 1)
            json_array_append_new(i->older, brief(x));
        X509_free(x);
    }
}

static json_t *chain_record(const struct importing *i)
{
    static const char *const words[] = {
        [LINK_IN_FILE] = "in-file", [LINK_STORED] = "stored", [LINK_THERE] = "already-there"};
    json_t *list = json_array();

    for (int n = 0; n < sk_X509_num(i->found.issuers); n++) {
        json_t *one = brief(sk_X509_value(i->found.issuers, n));

        json_object_set_new(one, "state", json_string(words[i->link[n]]));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || *text == '\0' ? json_null() : json_string(text);
}

static json_t *document(const struct importing *i)
{
    const char *state = !i->already ? "stored" : i->named ? "named" : "already-there";
    json_t *record = json_object(), *key = json_object();

    json_object_set_new(record, "token", json_string(i->token->label));
    json_object_set_new(record, "state", json_string(state));
    json_object_set_new(record, "certificate", record_certificate(i->found.leaf));
    json_object_set_new(key, "label", record_take(text_printable(i->label, strlen(i->label))));
    json_object_set_new(key, "id",
                        i->piv != NULL ? json_null() : record_take(text_hex(i->id, i->id_length)));
    json_object_set_new(key, "slot",
                        i->piv == NULL ? json_null() : record_take(text_format("%02X", i->slot)));
    json_object_set_new(key, "given", text_or_null(i->renamed));
    json_object_set_new(record, "key", key);
    json_object_set(record, "older", i->older);
    json_object_set_new(record, "chain", chain_record(i));
    json_object_set_new(record, "chain-file", text_or_null(i->chain_file));
    json_object_set_new(record, "chain-refused", text_or_null(i->refused));
    json_object_set_new(record, "missing-issuer", text_or_null(i->found.missing));
    json_object_set_new(record, "missing-issuer-url", text_or_null(i->found.missing_url));
    json_object_set_new(record, "private-key-left-out", json_boolean(i->private_key));
    return record;
}

static bool deliver(struct importing *i, struct imported *out, struct error *e)
{
    out->record = document(i);
    out->leaf = i->found.leaf;
    X509_up_ref(out->leaf);
    out->token_uri = token_uri_of_slot(&i->token->slot);
    out->module = strdup(i->inventory.module[i->token->module].entry.path);
    out->chain_file = i->chain_file;
    i->chain_file = NULL;
    return (out->record != NULL && out->token_uri != NULL && out->module != NULL) ||
           error_set_memory(e);
}

static bool store(struct importing *i, struct error *e)
{
    bool stored = i->piv != NULL ? import_to_card(i, e) : import_to_token(i, e);

    if (!stored)
        return false;
    if (!i->to_file || sk_X509_num(i->found.issuers) == 0) {
        free(i->chain_file);
        i->chain_file = NULL;
        return true;
    }
    return import_write_chain(i, e) ||
           error_prefix(e, "the certificate is on the token, its chain is not written; the same "
                           "command writes it");
}

static bool import(struct importing *i, struct imported *out, struct error *e)
{
    X509 *leaf;

    if (!import_read(i, e))
        return false;
    if (!op_inventory(i->args, i->ctx, &i->inventory, e))
        return false;
    i->token = op_token(i->args, "TOKEN", &i->inventory, e);
    if (i->token == NULL || !import_objects(i, e) || !import_find_card(i, e) ||
        !match(i, &leaf, e) || !judge(i, leaf, e) || !see_private_half(i, e) || !choose_id(i, e) ||
        !choose_label(i, e))
        return false;
    find_older(i);
    return store(i, e) && deliver(i, out, e);
}

bool op_import(const struct op_args *a, struct op_ctx *ctx, struct imported *out, struct error *e)
{
    struct importing i = {.args = a, .ctx = ctx, .person = op_person(ctx)};
    bool done;

    *out = (struct imported){0};
    done = import(&i, out, e);
    gate_close(&i.session);
    wire_objects_free(&i.objects);
    wire_card_free(&i.card);
    inventory_free(&i.inventory);
    delivery_free(&i.found);
    sk_X509_pop_free(i.sent, X509_free);
    EVP_PKEY_free(i.key);
    json_decref(i.older);
    free(i.id);
    free(i.label);
    free(i.chain_file);
    return done;
}

void op_imported_free(struct imported *i)
{
    X509_free(i->leaf);
    json_decref(i->record);
    free(i->token_uri);
    free(i->module);
    free(i->chain_file);
    *i = (struct imported){0};
}

static void text_chain(const json_t *r, struct buffer *out)
{
    const json_t *chain = json_object_get(r, "chain");
    const char *missing = op_string(r, "missing-issuer"), *url = op_string(r, "missing-issuer-url");
    size_t index;
    json_t *one;

    json_array_foreach(chain, index, one)
    {
        struct buffer line = BUFFER_INIT;

        buffer_printf(&line, "%s (%s)", op_string(one, "subject"), op_string(one, "state"));
        op_line(out, index == 0 ? "chain" : "", buffer_text(&line));
        buffer_free(&line);
    }
    op_line(out, "chain file", op_string(r, "chain-file"));
    op_line(out, "not on the token", op_string(r, "chain-refused"));
    /* CAs seldom send their roots, which verifiers have of their own. */
    if (*missing != '\0' && json_array_size(chain) > 0)
        buffer_printf(out,
                      "The chain ends at '%s', which was not sent: right where that is a "
                      "root.\n",
                      missing);
    else if (*missing != '\0')
        buffer_printf(out,
                      "The certificate of its issuer '%s' was not sent%s%s. Without it, programs "
                      "that do not know it trust no signed file: import it, too.\n",
                      missing, *url == '\0' ? "" : "; the CA has it at ", url);
}

static void text_older(const json_t *r, struct buffer *out)
{
    size_t index;
    json_t *one;

    json_array_foreach(json_object_get(r, "older"), index, one)
    {
        struct buffer line = BUFFER_INIT;

        buffer_printf(&line, "%s, until %.10s", op_string(one, "sha256"),
                      op_string(one, "not-after"));
        op_line(out, index == 0 ? "others of this key" : "", buffer_text(&line));
        buffer_free(&line);
    }
}

void op_text_imported(const json_t *r, struct buffer *out)
{
    const json_t *x = json_object_get(r, "certificate"), *key = json_object_get(r, "key");
    const char *state = op_string(r, "state");
    struct buffer days = BUFFER_INIT;

    if (strcmp(state, "already-there") == 0)
        buffer_printf(out, "'%s' has this certificate already; it stays as it is.\n",
                      op_string(r, "token"));
    else if (strcmp(state, "named") == 0)
        buffer_printf(out, "'%s' had this certificate; now it has the id of its key.\n",
                      op_string(r, "token"));
    else
        buffer_printf(out, "Stored on '%s', and read back.\n", op_string(r, "token"));
    op_field(out, x, "subject", "subject");
    op_field(out, x, "issuer", "issuer");
    op_field(out, x, "sha256", "sha256");
    op_days(&days, op_number(x, "days-left", 0));
    op_line(out, "valid", buffer_text(&days));
    buffer_free(&days);
    op_field(out, key, "key", "label");
    op_field(out, key, "id", "id");
    op_field(out, key, "slot", "slot");
    op_field(out, key, "the key got its", "given");
    text_older(r, out);
    text_chain(r, out);
}
