/* SPDX-License-Identifier: Apache-2.0 */
/* What an order proves, and what is only said in it. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "cert/attestation.h"
#include "cert/chain.h"
#include "cert/csr.h"
#include "cert/load.h"
#include "cert/order.h"
#include "cert/view.h"

struct look {
    const char *folder;
    const json_t *order;
    STACK_OF(X509) * roots;
    time_t now;
    X509_REQ *request;
    uint8_t *spki; /* of the request */
    size_t spki_length;
    bool proved; /* an attestation of the request's key holds up to a root */
    struct order_facts *out;
};

const char *order_word_name(enum order_word word)
{
    static const char *const names[] = {[ORDER_PROVED] = "proved",
                                        [ORDER_CLAIMED] = "claimed",
                                        [ORDER_OPEN] = "open",
                                        [ORDER_FALSE] = "false"};

    return names[word];
}

static void tell(struct look *l, enum order_word word, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct look *l, enum order_word word, const char *what, const char *format, ...)
{
    struct order_fact *f;
    va_list args;

    if (word == ORDER_FALSE)
        l->out->holds = false;
    if (l->out->count == ORDER_FACTS_MAX)
        return;
    f = &l->out->fact[l->out->count++];
    f->word = word;
    snprintf(f->what, sizeof f->what, "%s", what);
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    text_make_printable(f->what);
    text_make_printable(f->text);
}

static const char *string(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text == NULL ? "" : text;
}

static bool is_named(const struct buffer *bytes, const json_t *entry)
{
    char hash[ORDER_SHA256_SIZE];

    return strcmp(order_sha256(bytes->data, bytes->length, hash), string(entry, "sha256")) == 0;
}

/* Reads a file that the order names, and compares it with its SHA-256. */
static bool read_entry(struct look *l, const json_t *entry, const char *what, size_t limit,
                       struct buffer *out, struct error *e)
{
    char *path = path_join(l->folder, string(entry, "file"), e);
    bool read = path != NULL && path_read_file(path, limit, out, e);

    if (read && !is_named(out, entry))
        tell(l, ORDER_FALSE, what, "%s is not the file that order.json names by its SHA-256",
             string(entry, "file"));
    free(path);
    return read;
}

static bool take_spki(struct look *l, struct error *e)
{
    int length = i2d_PUBKEY(X509_REQ_get0_pubkey(l->request), &l->spki);

    l->spki_length = length > 0 ? (size_t)length : 0;
    return length > 0 || error_set_openssl(e, ERROR_FORMAT, "the request's key cannot be encoded");
}

static bool look_at_request(struct look *l, struct error *e)
{
    const json_t *entry = json_object_get(l->order, "csr");
    struct buffer bytes = BUFFER_INIT;
    struct error why = ERROR_INIT;
    char hash[ORDER_SHA256_SIZE];

    if (read_entry(l, entry, "request", CSR_FILE_MAX, &bytes, e))
        l->request = csr_load(string(entry, "file"), bytes.data, bytes.length, e);
    buffer_free(&bytes);
    if (l->request == NULL || !take_spki(l, e))
        return false;
    if (csr_verify(l->request, &why))
        tell(l, ORDER_PROVED, "request",
             "its signature holds: who made it has the private key of it");
    else
        tell(l, ORDER_FALSE, "request", "%s", why.text);
    if (strcmp(order_sha256(l->spki, l->spki_length, hash),
               string(json_object_get(l->order, "key"), "sha256")) != 0)
        tell(l, ORDER_FALSE, "key", "the request is for another key than order.json names");
    return true;
}

static bool look_at_public_key(struct look *l, struct error *e)
{
    const json_t *entry = json_object_get(l->order, "public-key");
    struct buffer bytes = BUFFER_INIT;
    EVP_PKEY *key = NULL;
    BIO *in = NULL;
    bool read = read_entry(l, entry, "public key", CSR_FILE_MAX, &bytes, e);

    if (read && bytes.length > 0)
        in = BIO_new_mem_buf(bytes.data, (int)bytes.length);
    if (in != NULL)
        key = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    if (read && key == NULL)
        tell(l, ORDER_FALSE, "public key", "%s holds no public key", string(entry, "file"));
    else if (read && EVP_PKEY_eq(key, X509_REQ_get0_pubkey(l->request)) != 1)
        tell(l, ORDER_FALSE, "public key", "it is not the request's key");
    else if (read)
        tell(l, ORDER_PROVED, "public key", "it is the request's key");
    EVP_PKEY_free(key);
    BIO_free(in);
    buffer_free(&bytes);
    ERR_clear_error();
    return read;
}

static void tell_attested(struct look *l, const struct attestation *a)
{
    enum order_word word = l->proved ? ORDER_PROVED : ORDER_CLAIMED;

    tell(l, word, "made on the device", "the device attests that it made the key itself");
    if (a->version[0] != ATTESTATION_UNTOLD)
        tell(l, word, "firmware", "%d.%d.%d", a->version[0], a->version[1], a->version[2]);
    if (a->serial != ATTESTATION_UNTOLD)
        tell(l, word, "serial", "%lld", (long long)a->serial);
    if (a->form_factor[0] != '\0')
        tell(l, word, "form", "%s", a->form_factor);
    if (a->pin_policy[0] != '\0')
        tell(l, word, "PIN policy", "%s", a->pin_policy);
    if (a->touch_policy[0] != '\0')
        tell(l, word, "touch policy", "%s", a->touch_policy);
    tell(l, word, "FIPS series", "%s", a->fips ? "yes" : "no");
}

static void judge_attestation(struct look *l, const struct attestation *a)
{
    struct error why = ERROR_INIT;
    char *root = NULL;

    if (!attestation_is_of(a, l->spki, l->spki_length)) {
        tell(l, ORDER_FALSE, "attestation", "it is of another key than the request's");
        return;
    }
    tell(l, ORDER_PROVED, "attestation", "it is of the request's key");
    if (l->roots == NULL || sk_X509_num(l->roots) == 0) {
        tell(l, ORDER_OPEN, "attestation's chain", "not checked: no root given (--root FILE)");
    } else if (attestation_prove(a, l->roots, &root, &why)) {
        l->proved = true;
        tell(l, ORDER_PROVED, "attestation's chain", "holds, up to the root '%s'",
             root == NULL ? "?" : root);
    } else {
        tell(l, ORDER_FALSE, "attestation's chain", "%s", why.text);
    }
    free(root);
    tell_attested(l, a);
}

/* The certificates of a PEM file in DER: the statement, and the device's. */
static bool read_attestation(STACK_OF(X509) * found, struct attestation *a, struct error *e)
{
    uint8_t *der[2] = {NULL, NULL};
    int length[2] = {0, 0};
    bool read;

    for (int i = 0; i < 2 && i < sk_X509_num(found); i++)
        length[i] = i2d_X509(sk_X509_value(found, i), &der[i]);
    read = length[0] > 0 && length[1] >= 0
               ? attestation_read(der[0], (size_t)length[0], der[1], (size_t)length[1], a, e)
               : error_set_openssl(e, ERROR_FORMAT, "the attestation cannot be encoded");
    OPENSSL_free(der[0]);
    OPENSSL_free(der[1]);
    return read;
}

static bool look_at_attestation(struct look *l, struct error *e)
{
    const json_t *entry = json_object_get(l->order, "attestation");
    STACK_OF(X509) * found;
    struct attestation a = {0};
    struct buffer bytes = BUFFER_INIT;
    struct error why = ERROR_INIT;
    bool read;

    if (json_is_null(entry)) {
        tell(l, ORDER_OPEN, "attestation",
             "there is none: that the key is in hardware, the module alone says");
        return true;
    }
    found = sk_X509_new_null();
    read = (found != NULL || error_set_memory(e)) &&
           read_entry(l, entry, "attestation", CERT_FILE_MAX, &bytes, e);
    if (read && cert_load(string(entry, "file"), bytes.data, bytes.length, found, &why) &&
        read_attestation(found, &a, &why))
        judge_attestation(l, &a);
    else if (read)
        tell(l, ORDER_FALSE, "attestation", "%s", why.text);
    attestation_free(&a);
    sk_X509_pop_free(found, X509_free);
    buffer_free(&bytes);
    return read;
}

/* What the token's report says; what an attestation said stands with it. */
static void look_at_facts(struct look *l)
{
    const json_t *facts = json_object_get(l->order, "facts");

    for (size_t i = 0; i < json_array_size(facts); i++) {
        const json_t *f = json_array_get(facts, i);
        const char *by = string(f, "by");

        if (strncmp(string(f, "value"), "not told", 8) == 0)
            tell(l, ORDER_OPEN, string(f, "name"), "%s", string(f, "value"));
        else if (strcmp(by, "attestation") != 0)
            tell(l, ORDER_CLAIMED, string(f, "name"), "%s [as the %s says]", string(f, "value"),
                 by);
    }
}

static void compare_subjects(struct look *l, const X509 *leaf)
{
    char *wanted, *got;

    if (X509_NAME_cmp(X509_get_subject_name(leaf), X509_REQ_get_subject_name(l->request)) == 0) {
        tell(l, ORDER_PROVED, "certificate's subject", "as it was asked for");
        return;
    }
    wanted = cert_name_text(X509_REQ_get_subject_name(l->request));
    got = cert_subject(leaf);
    tell(l, ORDER_OPEN, "certificate's subject", "the CA made it '%s'; asked for was '%s'",
         got == NULL ? "?" : got, wanted == NULL ? "?" : wanted);
    free(wanted);
    free(got);
}

/* Each certificate beside the leaf is tried as its issuer: what a chain ends in says nothing of who
 * signed the leaf. */
static void look_at_issuer(struct look *l, STACK_OF(X509) * all)
{
    X509 *leaf = sk_X509_value(all, 0);
    char *issuer = cert_issuer(leaf);

    if (cert_chain_issuer(leaf, all) != NULL)
        tell(l, ORDER_PROVED, "certificate's issuer",
             "the key of '%s', whose certificate lies beside it, signed it",
             issuer == NULL ? "?" : issuer);
    else if (X509_self_signed(leaf, 1) == 1)
        tell(l, ORDER_OPEN, "certificate's issuer", "it is signed by its own key: no CA issued it");
    else
        tell(l, ORDER_OPEN, "certificate's issuer",
             "'%s'; no certificate that signed it lies beside it, so who issued it is not proved",
             issuer == NULL ? "?" : issuer);
    free(issuer);
    ERR_clear_error();
}

static void judge_certificate(struct look *l, STACK_OF(X509) * all)
{
    X509 *leaf = sk_X509_value(all, 0);
    struct error why = ERROR_INIT;
    char to[CLOCK_TEXT_SIZE];

    if (EVP_PKEY_eq(X509_get0_pubkey(leaf), X509_REQ_get0_pubkey(l->request)) != 1) {
        tell(l, ORDER_FALSE, "certificate", "it is for another key than the request's");
        return;
    }
    tell(l, ORDER_PROVED, "certificate", "it is for the request's key");
    look_at_issuer(l, all);
    compare_subjects(l, leaf);
    if (!cert_for_code_signing(leaf))
        tell(l, ORDER_FALSE, "certificate's use", "it is not for code signing");
    else if (cert_fit_to_sign(leaf, NULL, l->now, &why))
        tell(l, ORDER_PROVED, "certificate's use", "it may sign code, until %s (%ld days)",
             clock_text(cert_not_after(leaf), to), cert_days_left(leaf, l->now));
    else
        tell(l, ORDER_FALSE, "certificate's use", "%s", why.text);
}

static bool look_at_certificate(struct look *l, struct error *e)
{
    const json_t *entry = json_object_get(l->order, "certificate");
    STACK_OF(X509) * all;
    struct buffer bytes = BUFFER_INIT;
    struct error why = ERROR_INIT;
    bool read;

    if (json_is_null(entry)) {
        tell(l, ORDER_OPEN, "certificate", "none is there yet (signet order attach)");
        return true;
    }
    all = sk_X509_new_null();
    read = (all != NULL || error_set_memory(e)) &&
           read_entry(l, entry, "certificate", CERT_FILE_MAX, &bytes, e);
    if (read && cert_load(string(entry, "file"), bytes.data, bytes.length, all, &why))
        judge_certificate(l, all);
    else if (read)
        tell(l, ORDER_FALSE, "certificate", "%s", why.text);
    sk_X509_pop_free(all, X509_free);
    buffer_free(&bytes);
    return read;
}

/* Some vendors' confirmations are PKCS#7 with a certificate over the key (Luna's). */
static bool has_key(const struct look *l, const struct buffer *bytes)
{
    STACK_OF(X509) *found = sk_X509_new_null();
    bool has = false;

    if (found != NULL && bytes->length <= CERT_FILE_MAX)
        cert_load("proof", bytes->data, bytes->length, found, NULL);
    for (int i = 0; i < sk_X509_num(found) && !has; i++)
        has = EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(found, i)),
                          X509_REQ_get0_pubkey(l->request)) == 1;
    sk_X509_pop_free(found, X509_free);
    ERR_clear_error();
    return has;
}

/* What a vendor says in its own format is for the CA to read. */
static bool look_at_proofs(struct look *l, struct error *e)
{
    const json_t *proofs = json_object_get(l->order, "proofs");

    for (size_t i = 0; i < json_array_size(proofs); i++) {
        const json_t *entry = json_array_get(proofs, i);
        struct buffer bytes = BUFFER_INIT;
        bool read = read_entry(l, entry, "proof", ORDER_PROOF_MAX, &bytes, e);
        bool same = read && is_named(&bytes, entry); /* as it was attached */

        if (same && has_key(l, &bytes))
            tell(l, ORDER_PROVED, "proof's key",
                 "%s holds a certificate of the request's key; who signed it was not checked",
                 string(entry, "file"));
        buffer_free(&bytes);
        if (!read)
            return false;
        if (same)
            tell(l, ORDER_CLAIMED, "proof",
                 "%s is the file that was attached on %s; what it says is for the CA to check",
                 string(entry, "file"), string(entry, "added"));
    }
    return true;
}

bool order_verify(const char *folder, const json_t *order, STACK_OF(X509) * roots, time_t now,
                  struct order_facts *out, struct error *e)
{
    struct look l = {.folder = folder, .order = order, .roots = roots, .now = now, .out = out};
    bool looked;

    out->count = 0;
    out->holds = true;
    looked = look_at_request(&l, e) && look_at_public_key(&l, e) && look_at_attestation(&l, e);
    if (looked)
        look_at_facts(&l);
    looked = looked && look_at_certificate(&l, e) && look_at_proofs(&l, e);
    OPENSSL_free(l.spki);
    X509_REQ_free(l.request);
    ERR_clear_error();
    return looked;
}
