/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an order: what is told of token and key, and what the person at the CA needs. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/csr.h"
#include "cert/order.h"
#include "cert/view.h"
#include "op/csr_job.h"
#include "op/record.h"
#include "op/text.h"

/* The texts that make up the folder. */
struct parts {
    struct buffer csr, public_key, attestation, report, report_text, readme;
};

static void free_parts(struct parts *p)
{
    buffer_free(&p->csr);
    buffer_free(&p->public_key);
    buffer_free(&p->attestation);
    buffer_free(&p->report);
    buffer_free(&p->report_text);
    buffer_free(&p->readme);
}

/* A fact without a value is left out: what nobody tells is not told here either. */
static void tell(json_t *facts, const char *by, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(json_t *facts, const char *by, const char *name, const char *format, ...)
{
    char value[192];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    text_make_printable(value);
    if (value[0] != '\0')
        json_array_append_new(facts,
                              json_pack("{s:s, s:s, s:s}", "name", name, "value", value, "by", by));
}

static void tell_flag(json_t *facts, const char *name, int value)
{
    if (value != LINT_UNKNOWN)
        tell(facts, "module", name, "%s", value ? "yes" : "no");
}

static void tell_padded(json_t *facts, const char *name, const void *field, size_t size)
{
    char *text = text_padded(field, size);

    tell(facts, "module", name, "%s", text == NULL ? "" : text);
    free(text);
}

static void module_facts(const struct csr_job *job, json_t *facts)
{
    const CK_TOKEN_INFO *t = &job->token->slot.token;
    const CK_INFO *maker = &job->seen.token[0].maker;

    tell(facts, "module", "manufacturer", "%s", job->token->manufacturer);
    tell(facts, "module", "model", "%s", job->token->model);
    tell(facts, "module", "serial", "%s", job->token->serial);
    tell(facts, "module", "firmware", "%d.%d", t->firmwareVersion.major, t->firmwareVersion.minor);
    tell(facts, "module", "hardware", "%d.%d", t->hardwareVersion.major, t->hardwareVersion.minor);
    tell_padded(facts, "module's maker", maker->manufacturerID, sizeof maker->manufacturerID);
    tell(facts, "module", "module's version", "%d.%d", maker->libraryVersion.major,
         maker->libraryVersion.minor);
    tell_flag(facts, "key may leave the token", job->facts.extractable);
    tell_flag(facts, "key could never leave it", job->facts.never_extractable);
    tell_flag(facts, "key is sensitive", job->facts.sensitive);
    tell_flag(facts, "key was made on the token", job->facts.local);
}

static void card_facts(const struct csr_job *job, json_t *facts)
{
    const struct seen_token *t = &job->seen.token[0];

    if (job->attested.piv != NULL) {
        tell(facts, "card", "title", "%s", job->attested.piv->title);
        tell(facts, "card", "serial", "%s", job->attested.piv->serial);
    } else if (t->card != SEEN_NO_CARD) {
        tell(facts, "card", "title", "%s", op_seen_title(&job->seen, t));
    }
    tell(facts, "card", "origin of the key", "%s", job->card.origin);
    tell(facts, "card", "PIN policy", "%s", job->card.pin_policy);
    tell(facts, "card", "touch policy", "%s", job->card.touch_policy);
}

static void attested_facts(const struct attestation *a, json_t *facts)
{
    if (a->statement == NULL) {
        tell(facts, "module", "FIPS mode", "not told (PKCS#11 has no word for it)");
        return;
    }
    tell(facts, "attestation", "key was made on the device", "yes");
    if (a->version[0] != ATTESTATION_UNTOLD)
        tell(facts, "attestation", "firmware", "%d.%d.%d", a->version[0], a->version[1],
             a->version[2]);
    if (a->serial != ATTESTATION_UNTOLD)
        tell(facts, "attestation", "serial", "%lld", (long long)a->serial);
    tell(facts, "attestation", "form", "%s", a->form_factor);
    tell(facts, "attestation", "PIN policy", "%s", a->pin_policy);
    tell(facts, "attestation", "touch policy", "%s", a->touch_policy);
    tell(facts, "attestation", "FIPS series", "%s", a->fips ? "yes" : "no");
    tell(facts, "attestation", "CSPN series", "%s", a->cspn ? "yes" : "no");
}

static json_t *all_facts(const struct csr_job *job)
{
    json_t *facts = json_array();

    module_facts(job, facts);
    card_facts(job, facts);
    attested_facts(&job->attested.said, facts);
    return facts;
}

json_t *csr_key_record(const struct csr_job *job)
{
    char hash[ORDER_SHA256_SIZE];

    return json_pack("{s:s, s:o, s:s}", "uri", job->uri == NULL ? "" : job->uri, "type",
                     record_take(cert_key_text(job->public_key)), "sha256",
                     order_sha256(job->key->spki, job->key->spki_length, hash));
}

char *csr_fingerprint(const struct csr_job *job)
{
    struct buffer der = BUFFER_INIT;
    char hash[ORDER_SHA256_SIZE], *text = NULL;

    if (csr_encode(job->request, false, &der, NULL))
        text = strdup(order_sha256(der.data, der.length, hash));
    buffer_free(&der);
    return text;
}

static json_t *token_record(const struct csr_job *job)
{
    const struct token *t = job->token;

    return json_pack("{s:s, s:s, s:s, s:s}", "label", t->label, "serial", t->serial, "model",
                     t->model, "manufacturer", t->manufacturer);
}

static bool take_bio(BIO *bio, bool good, struct buffer *out, struct error *e)
{
    char *data = NULL;
    long length = good ? BIO_get_mem_data(bio, &data) : 0;

    if (good)
        buffer_append(out, data, (size_t)length);
    BIO_free(bio);
    return good ? buffer_ok(out, e)
                : error_set_openssl(e, ERROR_SYSTEM, "cannot encode what the order holds");
}

static bool encode_public_key(const struct csr_job *job, struct buffer *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return take_bio(bio, bio != NULL && PEM_write_bio_PUBKEY(bio, job->public_key) > 0, out, e);
}

/* The key's certificate, then the device's: the order in which CAs take them. */
static bool encode_attestation(const struct attestation *a, struct buffer *out, struct error *e)
{
    BIO *bio;

    if (a->statement == NULL)
        return true;
    bio = BIO_new(BIO_s_mem());
    return take_bio(bio,
                    bio != NULL && PEM_write_bio_X509(bio, a->statement) > 0 &&
                        (a->device == NULL || PEM_write_bio_X509(bio, a->device) > 0),
                    out, e);
}

static bool write_report(const struct csr_job *job, const json_t *facts, const char *made,
                         struct parts *p, struct error *e)
{
    json_t *key = csr_key_record(job), *token = token_record(job);
    json_t *report =
        json_pack("{s:s, s:o, s:o, s:O}", "made", made, "token", token, "key", key, "facts", facts);
    char *text = json_dumps(report, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    struct buffer *out = &p->report_text;
    size_t index;
    json_t *f;

    buffer_append_text(&p->report, text == NULL ? "" : text);
    buffer_printf(out, "Token report of %s\n\n", made);
    buffer_printf(out, "  %-28s %s\n", "token", job->token->label);
    buffer_printf(out, "  %-28s %s\n", "key", op_string(key, "type"));
    buffer_printf(out, "  %-28s %s\n\n", "key's SHA-256", op_string(key, "sha256"));
    json_array_foreach(facts, index, f)
        buffer_printf(out, "  %-28s %-32s [%s]\n", op_string(f, "name"), op_string(f, "value"),
                      op_string(f, "by"));
    buffer_append_text(
        out, "\n[module] the token's PKCS#11 module says so, and [card] the card itself does:\n"
             "nothing proves either. [attestation] stands in attestation.pem, signed by the\n"
             "device; who knows its maker's root can prove it (signet order verify --root\n"
             "FILE).\n");
    json_decref(report);
    free(text);
    return text == NULL ? error_set_memory(e) : buffer_ok(&p->report, e) && buffer_ok(out, e);
}

static void readme_files(const struct csr_job *job, struct buffer *out)
{
    buffer_append_text(out, "What is in this folder\n"
                            "  csr.pem            the request: upload it, or paste all of it\n"
                            "  public-key.pem     the public key alone\n");
    if (job->attested.said.statement != NULL)
        buffer_append_text(
            out, "  attestation.pem    the device's proof that it made the key: the key's\n"
                 "                     certificate, then the device's (slot F9), in the order in\n"
                 "                     which CAs want them\n");
    buffer_append_text(out,
                       "  token-report.txt   what is known of the token, and by whom (.json too)\n"
                       "  order.json         how far this order is; programs read it\n\n");
}

static void readme_other_proof(const struct csr_job *job, struct buffer *out)
{
    char *none = text_format("There is no attestation: %s.", job->unattested.text);

    buffer_append_text(out, "  ");
    op_wrap(out, none == NULL ? "" : none, 2, 79);
    buffer_append_text(out,
                       "  Ask the CA which other proof it takes (a confirmation by the HSM's "
                       "own tool,\n  an audit, its own software), and add what you get: signet "
                       "order attach\n  DIR FILE.\n\n");
    free(none);
}

static void readme_proof(const struct csr_job *job, struct buffer *out)
{
    buffer_append_text(out, "Proof of the hardware\n");
    if (job->attested.said.statement != NULL)
        buffer_append_text(out, "  Where the CA asks for a key attestation, give it "
                                "attestation.pem.\n\n");
    else
        readme_other_proof(job, out);
}

static bool write_readme(const struct csr_job *job, const char *made, struct buffer *out,
                         struct error *e)
{
    char *subject = cert_name_text(job->subject), *der = csr_fingerprint(job);
    json_t *key = csr_key_record(job);

    buffer_printf(out, "Order of a code-signing certificate, made %s\n\n", made);
    buffer_printf(out, "  subject    %s\n", subject == NULL ? "" : subject);
    if (job->email != NULL)
        buffer_printf(out, "  e-mail     %s\n", job->email);
    buffer_printf(out, "  key        %s\n  token      %s (%s, serial %s)\n\n",
                  op_string(key, "type"), job->token->label, job->token->model, job->token->serial);
    buffer_append_text(out, "Compare, when the CA shows them (SHA-256)\n");
    buffer_printf(out, "  request    %s\n  public key %s\n\n", der == NULL ? "" : der,
                  op_string(key, "sha256"));
    readme_files(job, out);
    buffer_append_text(
        out, "At the CA's web page\n"
             "  1. Choose your own token or HSM as the place of the key, not a token that\n"
             "     the CA sends, and not a key made in the browser.\n"
             "  2. Give it csr.pem. The CA takes the public key from it, and writes the names\n"
             "     that it has verified into the certificate, whatever the request says.\n"
             "  3. Then say here that it is ordered:   signet order status DIR --ordered\n"
             "  4. When the certificate comes:         signet order attach DIR FILE\n"
             "     and put it on the token:            signet import TOKEN FILE\n"
             "  Certificates live 460 days at most; signet order list says how long is left.\n\n");
    readme_proof(job, out);
    buffer_append_text(out, "Nothing in this folder is secret.\n");
    json_decref(key);
    free(subject);
    free(der);
    return buffer_ok(out, e);
}

static json_t *order_document(const struct csr_job *job, const struct parts *p, json_t *facts,
                              const char *made)
{
    json_t *attestation =
        p->attestation.length == 0
            ? json_null()
            : order_entry(ORDER_ATTESTATION, p->attestation.data, p->attestation.length);

    return json_pack(
        "{s:i, s:s, s:s, s:n, s:n, s:o, s:s?, s:s, s:o, s:o, s:O, s:o, s:o, s:o, s:[], s:n}",
        "signet-order", ORDER_VERSION, "state", "made", "made", made, "ordered", "issued",
        "subject", record_take(cert_name_text(job->subject)), "email", job->email, "digest",
        signer_hash_name(job->hash), "key", csr_key_record(job), "token", token_record(job),
        "facts", facts, "csr", order_entry(ORDER_CSR, p->csr.data, p->csr.length), "public-key",
        order_entry(ORDER_PUBLIC_KEY, p->public_key.data, p->public_key.length), "attestation",
        attestation, "proofs", "certificate");
}

static bool write_folder(const struct parts *p, const char *folder, const json_t *order,
                         struct error *e)
{
    struct order_file files[] = {
        {ORDER_CSR, p->csr.data, p->csr.length},
        {ORDER_PUBLIC_KEY, p->public_key.data, p->public_key.length},
        {"token-report.json", p->report.data, p->report.length},
        {"token-report.txt", p->report_text.data, p->report_text.length},
        {"README.txt", p->readme.data, p->readme.length},
        {ORDER_ATTESTATION, p->attestation.data, p->attestation.length},
    };
    size_t count = sizeof files / sizeof *files - (p->attestation.length == 0 ? 1 : 0);

    return order_create(folder, files, count, order, e);
}

bool csr_make_order(struct csr_job *job, const char *folder, struct error *e)
{
    char made[CLOCK_TEXT_SIZE];
    struct parts p = {0};
    json_t *facts = all_facts(job), *order = NULL;
    bool done;

    clock_text(time(NULL), made);
    done = csr_encode(job->request, true, &p.csr, e) && encode_public_key(job, &p.public_key, e) &&
           encode_attestation(&job->attested.said, &p.attestation, e) &&
           write_report(job, facts, made, &p, e) && write_readme(job, made, &p.readme, e);
    if (done) {
        order = order_document(job, &p, facts, made);
        done = order != NULL ? write_folder(&p, folder, order, e) : error_set_memory(e);
    }
    json_decref(order);
    json_decref(facts);
    free_parts(&p);
    return done;
}
