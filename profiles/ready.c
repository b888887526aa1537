/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ready.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/chain.h"
#include "cert/expiry.h"
#include "cert/load.h"
#include "cert/view.h"
#include "net/http.h"
#include "op/record.h"
#include "profiles/engine/stamping.h"
#include "profiles/intermediates.h"
#include "profiles/ready_card.h"
#include "token/objects.h"
#include "token/settle.h"
#include "token/uri.h"

static struct ready_finding *add(struct ready *r, enum ready_level level, const char *subject)
{
    struct ready_finding *grown = realloc(r->finding, (r->count + 1) * sizeof *grown);

    if (grown == NULL)
        return NULL;
    r->finding = grown;
    grown[r->count] = (struct ready_finding){.level = level, .subject = subject};
    return &grown[r->count++];
}

static void note(struct ready *r, enum ready_level level, const char *subject, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static void note(struct ready *r, enum ready_level level, const char *subject, const char *format,
                 ...)
{
    struct ready_finding *f = add(r, level, subject);
    va_list args;

    if (f == NULL)
        return;
    va_start(args, format);
    vsnprintf(f->error.text, sizeof f->error.text, format, args);
    va_end(args);
}

/* Always false. */
static bool fail(struct ready *r, const char *subject, const struct error *e)
{
    struct ready_finding *f = add(r, READY_ERROR, subject);

    if (f != NULL)
        f->error = *e;
    return false;
}

static void take(struct ready *r, const struct ready_finding *found)
{
    struct ready_finding *f = add(r, found->level, found->subject);

    if (f != NULL)
        *f = *found;
}

static bool find_modules(struct ready *r, const struct profile *p, struct cancel *cancel)
{
    const char *modules[1] = {p->module};
    struct inventory_options options = {.modules = p->module == NULL ? NULL : modules,
                                        .module_count = 1};
    struct error e = ERROR_INIT;
    bool usable = false;

    if (!inventory_read(&r->inventory, &options, cancel, &e))
        return fail(r, "module", &e);
    for (size_t i = 0; i < r->inventory.module_count; i++) {
        const struct inventory_module *m = &r->inventory.module[i];

        if (m->error.code == ERROR_NONE) {
            usable = true;
            if (p->module != NULL)
                note(r, READY_OK, "module", "%s", m->entry.path);
        } else if (p->module != NULL) {
            return fail(r, "module", &m->error);
        } else {
            note(r, READY_WARNING, "module", "%s", m->error.text);
        }
    }
    if (usable)
        return true;
    error_set(&e, ERROR_MISSING, "no PKCS#11 module can be used here; install the token's driver");
    return fail(r, "module", &e);
}

static bool find_token(struct ready *r, const struct profile *p)
{
    struct error e = ERROR_INIT;

    if (p->key == NULL) {
        error_set(&e, ERROR_PROFILE,
                  "the profile names no key; add key: with a pkcs11: URI (signet objects "
                  "prints them)");
        return fail(r, "key", &e);
    }
    r->token = inventory_find(&r->inventory, p->key, &e);
    if (r->token == NULL)
        return fail(r, "token", &e);
    note(r, READY_OK, "token", "'%s' (serial %s)", r->token->label, r->token->serial);
    return true;
}

/* The token says no; not telling is no answer. */
static bool told_not(const struct wire_object *o, enum wire_flag flag)
{
    return (o->flags_known & 1u << flag) && !(o->flags_set & 1u << flag);
}

static void look_at_sessions(struct ready *r, const struct profile *p)
{
    CK_ULONG most = r->token->slot.token.ulMaxSessionCount;

    if (most != CK_EFFECTIVELY_INFINITE && most != CK_UNAVAILABLE_INFORMATION &&
        p->sessions > (int64_t)most)
        note(r, READY_WARNING, "sessions",
             "the token allows %lu, limits.sessions asks for %lld; it signs with what it gets",
             most, (long long)p->sessions);
}

static bool find_key(struct ready *r, const struct profile *p, struct cancel *cancel)
{
    struct error e = ERROR_INIT;
    struct token_uri *uri;

    if (!objects_read(inventory_host(&r->inventory, r->token), r->token->slot.id, NULL, cancel,
                      &r->objects, &e))
        return fail(r, "token", &e);
    uri = token_uri_parse(p->key, &e);
    if (uri == NULL)
        return fail(r, "key", &e);
    r->key = objects_find(&r->objects, &r->token->slot, uri, CKO_PRIVATE_KEY, &e);
    token_uri_free(&uri);
    if (r->key == NULL)
        return fail(r, "key", &e);
    if (r->key->class == CKO_PRIVATE_KEY && told_not(r->key, WIRE_CAN_SIGN)) {
        error_set(
            &e, ERROR_UNFIT,
            "the token does not let this key sign (CKA_SIGN is false); a key made for signing "
            "is needed");
        return fail(r, "key", &e);
    }
    ready_card_match_key(r);
    note(r, READY_OK, "key", "%s, %u bits", r->key->curve[0] != '\0' ? r->key->curve : "RSA",
         r->key->bits);
    look_at_sessions(r, p);
    return true;
}

static void collect_token_certificates(const struct ready *r, STACK_OF(X509) * pool)
{
    for (size_t i = 0; i < r->objects.count; i++) {
        X509 *x = r->objects.object[i].class == CKO_CERTIFICATE ? record_x509(&r->objects.object[i])
                                                                : NULL;

        if (x != NULL && sk_X509_push(pool, x) <= 0)
            X509_free(x);
    }
}

static bool is_pin(const char *certificate)
{
    return certificate != NULL && strncasecmp(certificate, "sha256:", 7) == 0;
}

static EVP_PKEY *public_key(const struct wire_object *o)
{
    const unsigned char *at = o == NULL ? NULL : o->spki;

    return at == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)o->spki_length);
}

/* Of several for one key, the one that expires last. */
static X509 *newest_for_key(STACK_OF(X509) * pool, EVP_PKEY *key)
{
    X509 *best = NULL;

    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *x = sk_X509_value(pool, i);

        if (key != NULL && EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 &&
            (best == NULL || cert_not_after(x) > cert_not_after(best)))
            best = x;
    }
    return best;
}

static X509 *choose_leaf(const struct profile *p, STACK_OF(X509) * pool, EVP_PKEY *key,
                         struct error *e)
{
    X509 *leaf;

    if (!is_pin(p->certificate)) {
        leaf = newest_for_key(pool, key);
        if (leaf == NULL)
            error_set(e, ERROR_MISSING,
                      "no certificate for the key, on the token or in a file; name its file with "
                      "certificate: in the "
                      "profile");
        return leaf;
    }
    for (int i = 0; i < sk_X509_num(pool); i++)
        if (cert_pin_matches(sk_X509_value(pool, i), p->certificate))
            return sk_X509_value(pool, i);
    error_set(e, ERROR_MISSING,
              "the profile's certificate (%s) is neither on the token nor in the chain files; "
              "after a renewal: signet "
              "profile renew %s",
              p->certificate, p->name == NULL ? "NAME" : p->name);
    return NULL;
}

static bool load_files(struct ready *r, const struct profile *p, STACK_OF(X509) * pool)
{
    struct error e = ERROR_INIT;

    for (size_t i = 0; i < p->chain.count; i++)
        if (!cert_load_file(p->chain.item[i], pool, &e)) {
            e.code = ERROR_PROFILE;
            return fail(r, "chain", &e);
        }
    if (p->certificate != NULL && !is_pin(p->certificate) &&
        !cert_load_file(p->certificate, pool, &e)) {
        e.code = ERROR_PROFILE;
        return fail(r, "certificate", &e);
    }
    return true;
}

static void judge_expiry(struct ready *r)
{
    long days = cert_days_left(r->leaf, time(NULL));
    char *name = cert_common_name(r->leaf);

    note(r, days < CERT_WARN_DAYS ? READY_WARNING : READY_OK, "certificate",
         "'%s', %ld day%s left%s", name == NULL ? "?" : name, days, days == 1 ? "" : "s",
         days < CERT_WARN_DAYS ? "; order the next one now" : "");
    free(name);
}

/* Puts certificates into the pool that the profile allows to fetch, where they are missing. */
static void fetch_missing(struct ready *r, const struct profile *p, STACK_OF(X509) * pool,
                          struct cancel *cancel)
{
    struct error e = ERROR_INIT;
    size_t count;

    if (p->fetch_intermediates != 1)
        return;
    if (!intermediates_fetch(p, r->leaf, pool, &count, cancel, &e))
        note(r, READY_WARNING, "chain", "%s", e.text);
    else if (count > 0)
        note(r, READY_OK, "chain", "%zu certificate%s fetched; chain: with %s needs no network",
             count, count == 1 ? "" : "s", count == 1 ? "its file" : "their files");
}

static bool find_certificate(struct ready *r, const struct profile *p, struct cancel *cancel)
{
    STACK_OF(X509) *pool = sk_X509_new_null();
    EVP_PKEY *key = public_key(r->key);
    struct error e = ERROR_INIT;
    char *missing = NULL;
    bool found = false;

    collect_token_certificates(r, pool);
    if (!load_files(r, p, pool))
        goto out;
    r->leaf = choose_leaf(p, pool, key, &e);
    if (r->leaf == NULL || !X509_up_ref(r->leaf)) {
        r->leaf = NULL;
        fail(r, "certificate", &e);
        goto out;
    }
    found = cert_fit_to_sign(r->leaf, key, time(NULL), &e) || fail(r, "certificate", &e);
    if (found)
        judge_expiry(r);
    fetch_missing(r, p, pool, cancel);
    r->chain = cert_chain_build(r->leaf, pool, &missing, &e);
    if (r->chain == NULL)
        found = fail(r, "chain", &e);
    else if (missing != NULL)
        note(r, READY_WARNING, "chain",
             "it ends at '%s', whose certificate is not here; Windows may not find it: add "
             "its file to chain:",
             missing);
    else
        note(r, READY_OK, "chain", "complete: %d below the root", sk_X509_num(r->chain));
out:
    free(missing);
    EVP_PKEY_free(key);
    sk_X509_pop_free(pool, X509_free);
    return found;
}

static bool make_spec(struct ready *r, const struct profile *p)
{
    struct error e = ERROR_INIT;

    r->spec = (struct sign_spec){
        .hash = (enum signer_hash)p->digest,
        .leaf = r->leaf,
        .chain = r->chain,
        .description = p->description,
        .url = p->url,
        .purpose = (enum sign_purpose)p->purpose,
        .existing = (enum sign_existing)p->existing,
        .timestamp = stamping_wanted(p),
        .page_hashes = p->page_hashes == 1,
        .signature_ex = p->msi_signature_ex == 1,
    };
    if (!signer_mechanism_for(X509_get0_pubkey(r->leaf), &r->spec.mechanism, &e) ||
        !sign_spec_check(&r->spec, &e))
        return fail(r, "profile", &e);
    return true;
}

/* What the profile asks for and this version cannot do is refused, not left out. */
static bool check_abilities(struct ready *r, const struct profile *p)
{
    struct error e = ERROR_INIT;

    if (p->signatures_per_month > 0)
        error_set(&e, ERROR_PROFILE,
                  "limits.signatures-per-month: this version does not count; set it to 0");
    return e.code == ERROR_NONE || fail(r, "profile", &e);
}

/* Whether the servers give timestamps is asked with --trial. */
static bool look_at_servers(struct ready *r, const struct profile *p)
{
    struct error e = ERROR_INIT;
    struct tsa *tsa;

    if (!stamping_wanted(p) && stamping_required(p))
        error_set(&e, ERROR_PROFILE,
                  "timestamp.required is true, and no server is named; add timestamp: {servers: "
                  "[URL]}, or set it to false");
    if (e.code != ERROR_NONE || !stamping_wanted(p))
        return e.code == ERROR_NONE || fail(r, "timestamp", &e);
    tsa = stamping_open(p, &e);
    if (tsa == NULL)
        return fail(r, "timestamp", &e);
    tsa_free(&tsa);
    for (size_t i = 0; i < p->timestamp_servers.count; i++) {
        char *shown = http_shown(p->timestamp_servers.item[i]);

        note(r, READY_OK, "timestamp", "%s%s", shown == NULL ? "?" : shown,
             i > 0                  ? ", when those before it fail"
             : stamping_required(p) ? ""
                                    : "; a file that gets no timestamp is signed without one");
        free(shown);
    }
    return true;
}

/* By the card, else by the flags of PKCS#11. */
static void note_tries(struct ready *r)
{
    CK_FLAGS flags = r->token->slot.token.flags;
    struct ready_finding f;

    if (ready_card_tries(r, &f))
        take(r, &f);
    else
        note(r,
             flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY) ? READY_WARNING : READY_OK,
             "tries", "%s", gate_counter_text(flags, false));
}

static bool make_request(struct ready *r, const struct profile *p, const char *pin, bool terminal)
{
    const char *text = pin != NULL      ? pin
                       : p->pin != NULL ? p->pin
                                        : gate_default_source(&r->token->slot.token);
    struct error e = ERROR_INIT;
    bool allowed;

    r->source = pin_source_parse(text, &e);
    if (r->source == NULL)
        return fail(r, "pin", &e);
    r->request = (struct gate_request){
        .module = r->inventory.module[r->token->module].entry.path,
        .device = r->token->device,
        .slot = &r->token->slot,
        .role = WIRE_PIN_USER,
        .actor = terminal ? gate_actor_of(r->source) : GATE_HEADLESS,
        .source = r->source,
        .tries_left = p->tries_left > 0 ? (long)p->tries_left : 0,
        .counter = ready_card_counter(r),
        .wait_ms = p->wait_for_token,
    };
    allowed = gate_would_try(&r->request, inventory_host(&r->inventory, r->token), &e);
    /* What the card tells is worth knowing too where it forbids a try. */
    if (allowed || ready_card_counter(r) != NULL)
        note_tries(r);
    if (allowed && !terminal && pin_source_kind(r->source) == PIN_PROMPT)
        allowed = error_set(&e, ERROR_PIN_SOURCE,
                            "prompt: nobody is here to be asked; use another source, such as "
                            "env:NAME, file:PATH or credential:NAME");
    if (!allowed)
        return fail(r, e.code == ERROR_PIN_SOURCE ? "pin" : "tries", &e);
    note(r, READY_OK, "pin", "%s", pin_source_text(r->source));
    return true;
}

static void look_at_state(struct ready *r)
{
    struct error e = ERROR_INIT;
    bool shared = false;
    char *folder = path_state_dir(&shared, &e);

    if (folder == NULL)
        fail(r, "state", &e);
    else if (!shared)
        note(r, READY_WARNING, "state",
             "lock, guard and audit log stand in '%s', for this user alone; install Signet's "
             "sysusers.d and tmpfiles.d to share them on this machine",
             folder);
    else
        note(r, READY_OK, "state", "%s", folder);
    free(folder);
}

/* The nearest folder of `path` that is there. */
static char *existing_folder(const char *path)
{
    char *folder = strdup(path);

    while (folder != NULL && access(folder, F_OK) != 0 && strcmp(folder, ".") != 0 &&
           strcmp(folder, "/") != 0) {
        char *parent = path_parent(folder, NULL);

        free(folder);
        folder = parent;
    }
    return folder;
}

static void look_at_output(struct ready *r, const struct profile *p)
{
    struct error e = ERROR_INIT;
    struct stat status;
    char *folder;

    if (p->output_directory == NULL)
        return;
    folder = existing_folder(p->output_directory);
    if (folder == NULL)
        error_set_memory(&e);
    else if (access(folder, W_OK | X_OK) != 0)
        error_set_errno(&e, "output.directory: cannot write in '%s'", folder);
    else if (stat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
        error_set(&e, ERROR_PROFILE, "output.directory: '%s' is no folder", folder);
    if (e.code == ERROR_NONE)
        note(r, READY_OK, "output", "%s", p->output_directory);
    else
        fail(r, "output", &e);
    free(folder);
}

/* What each signature asks of a person, and what the card would not tell. */
static void look_at_use(struct ready *r, bool terminal)
{
    struct ready_finding f;

    if (ready_card_unread(r, &f))
        take(r, &f);
    if (ready_card_login(r, &f))
        take(r, &f);
    if (ready_card_touch(r, terminal, &f))
        take(r, &f);
}

static void look_at_token(struct ready *r, const struct profile *p, const char *pin, bool terminal,
                          struct cancel *cancel)
{
    check_abilities(r, p);
    look_at_servers(r, p);
    if (!find_modules(r, p, cancel) || !find_token(r, p))
        return;
    ready_card_match(r);
    if (find_key(r, p, cancel) && find_certificate(r, p, cancel))
        make_spec(r, p);
    make_request(r, p, pin, terminal);
    if (r->key != NULL)
        look_at_use(r, terminal);
}

/* The token is not there, or cannot be read: that may pass (token/settle.h). */
static bool may_settle(const struct ready *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->finding[i].level == READY_ERROR && strcmp(r->finding[i].subject, "token") == 0 &&
            r->finding[i].error.code != ERROR_USAGE)
            return true;
    return false;
}

bool ready_prepare(struct ready *out, const struct profile *profile, const char *pin, bool terminal,
                   struct cancel *cancel, struct error *e)
{
    struct ready_cards cards = {0};
    int64_t end = 0;

    if (profile->key != NULL)
        ready_cards_read(&cards, cancel);
    *out = (struct ready){.cards = cards};
    look_at_token(out, profile, pin, terminal, cancel);
    while (may_settle(out) && settle_again(&end, cancel)) {
        /* The cards stay: what was read of them is the same. */
        out->cards = (struct ready_cards){0};
        ready_free(out);
        out->cards = cards;
        look_at_token(out, profile, pin, terminal, cancel);
    }
    look_at_output(out, profile);
    look_at_state(out);
    for (size_t i = 0; i < out->count; i++)
        if (out->finding[i].level == READY_ERROR) {
            if (e != NULL)
                *e = out->finding[i].error;
            return false;
        }
    return true;
}

void ready_free(struct ready *r)
{
    X509_free(r->leaf);
    sk_X509_pop_free(r->chain, X509_free);
    wire_objects_free(&r->objects);
    pin_source_free(&r->source);
    inventory_free(&r->inventory);
    ready_cards_free(&r->cards);
    free(r->finding);
    *r = (struct ready){0};
}
