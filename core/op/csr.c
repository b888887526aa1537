/* SPDX-License-Identifier: Apache-2.0 */
/* signet csr: a request for a certificate, which a CA takes at the first try. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/csr.h"
#include "cert/view.h"
#include "op/csr_job.h"
#include "op/ops.h"
#include "op/order_known.h"
#include "op/record.h"
#include "op/text.h"

static const char *const formats[] = {"pem", "der", NULL};
static const char *const digests[] = {"sha256", "sha384", NULL};

static const struct op_arg args[] = {
    {.name = "KEY",
     .type = OP_OBJECT,
     .positional = true,
     .help = "pkcs11: URI of the key, in quotes; without it, the key of --from-order"},
    {.name = "subject",
     .type = OP_TEXT,
     .value = "DN",
     .help =
         "\"/C=DE/L=Bonn/O=Example AG/CN=Example AG\", or as RFC 4514 has it, the country last"},
    {.name = "from",
     .type = OP_TEXT,
     .value = "CERT",
     .help = "take the subject of this certificate: a file, or a pkcs11: URI"},
    {.name = "from-order",
     .type = OP_PATH,
     .value = "DIR",
     .help = "begin with an old order: its subject, e-mail address, digest and key"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "write here; without it and --order, PEM goes to standard output"},
    {.name = "format",
     .type = OP_CHOICE,
     .value = "FORMAT",
     .choices = formats,
     .default_text = "pem",
     .help = "how to write it"},
    {.name = "email",
     .type = OP_TEXT,
     .value = "ADDRESS",
     .help = "ask for this e-mail address as an alternative name"},
    {.name = "digest",
     .type = OP_CHOICE,
     .value = "DIGEST",
     .choices = digests,
     .help = "digest of the request's signature; without it sha256, or that of --from-order"},
    {.name = "accept",
     .type = OP_TEXT,
     .value = "RULE",
     .repeatable = true,
     .help = "go on in spite of a warning: its rule, or all"},
    {.name = "order",
     .type = OP_PATH,
     .value = "DIR",
     .help = "make this folder with all that is sent to the CA"},
};

static bool check_rule(const char *rule, struct error *e)
{
    const char *rules[64], *near, *name;
    size_t count = 0;

    if (strcmp(rule, "all") == 0 || lint_is_rule(rule))
        return true;
    while (count < sizeof rules / sizeof *rules && (name = lint_rule(count)) != NULL)
        rules[count++] = name;
    near = text_nearest(rule, rules, count);
    return near == NULL
               ? error_set(e, ERROR_USAGE, "--accept: there is no rule '%s'", rule)
               : error_set(e, ERROR_USAGE, "--accept: there is no rule '%s'; did you mean '%s'?",
                           rule, near);
}

/* What is written on the command line, before any token is asked. */
static bool read_settings(struct csr_job *job, struct error *e)
{
    const struct op_args *a = job->args;
    const char *digest = op_text(a, "digest"), *key = op_text(a, "KEY");
    const char *email = op_text(a, "email");

    for (size_t i = 0; i < op_count(a, "accept"); i++)
        if (!check_rule(op_text_at(a, "accept", i), e))
            return false;
    if (digest != NULL)
        signer_hash_parse(digest, &job->hash);
    job->email = email == NULL ? NULL : strdup(email);
    job->key_name = key == NULL ? NULL : strdup(key);
    if (!csr_take_subject(job, e) || (job->email != NULL && !csr_check_email(job->email, e)))
        return false;
    return job->key_name != NULL ||
           error_set(e, ERROR_USAGE, "which KEY? Its pkcs11: URI is missing");
}

/* Nothing is signed for a file that could not be written then. */
static bool check_targets(struct csr_job *job, struct error *e)
{
    const char *file = op_text(job->args, "output"), *order = op_text(job->args, "order");
    bool der = strcmp(op_text(job->args, "format"), "der") == 0;

    if (der && file == NULL)
        return error_set(e, ERROR_USAGE, "--format der needs --output FILE");
    if (order != NULL && access(order, F_OK) == 0)
        return error_set(e, ERROR_USAGE, "'%s' exists; an order gets a folder of its own", order);
    return file == NULL || op_may_replace(job->ctx, file, e);
}

static bool is_accepted(const struct csr_job *job, const char *rule)
{
    for (size_t i = 0; i < op_count(job->args, "accept"); i++)
        if (strcmp(op_text_at(job->args, "accept", i), "all") == 0 ||
            strcmp(op_text_at(job->args, "accept", i), rule) == 0)
            return true;
    return false;
}

static bool stops(const struct csr_job *job, const struct lint_finding *f)
{
    return f->level == LINT_ERROR || !is_accepted(job, f->rule);
}

static json_t *findings(const struct csr_job *job)
{
    json_t *list = json_array();

    for (size_t i = 0; i < job->lint.count; i++) {
        const struct lint_finding *f = &job->lint.finding[i];

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:b}", "level",
                                        lint_level_name(f->level), "rule", f->rule, "section",
                                        f->section, "text", f->text, "accepted", !stops(job, f)));
    }
    return list;
}

static json_t *record(const struct csr_job *job)
{
    return json_pack("{s:b, s:o, s:s?, s:s, s:o, s:s, s:o}", "made", job->request != NULL,
                     "subject", record_take(cert_name_text(job->subject)), "email", job->email,
                     "digest", signer_hash_name(job->hash), "key", csr_key_record(job), "token",
                     job->token->label, "findings", findings(job));
}

/* The findings are told where they stop the request; otherwise with it. */
static bool lint(struct csr_job *job, struct error *e)
{
    const struct lint_finding *first = NULL;

    lint_request(job->subject, job->public_key, EVP_MD_get_type(signer_hash_md(job->hash)),
                 &job->facts, &job->lint);
    for (size_t i = 0; i < job->lint.count && first == NULL; i++)
        if (stops(job, &job->lint.finding[i]))
            first = &job->lint.finding[i];
    if (first == NULL)
        return true;
    op_emit(job->ctx, "csr", record(job));
    if (first->level == LINT_ERROR)
        return error_set(e, ERROR_UNFIT, "no CA may accept this: %s [%s, %s]", first->text,
                         first->rule, first->section);
    return error_set(e, ERROR_UNFIT, "a CA may refuse this: %s [%s, %s]; --accept %s goes on",
                     first->text, first->rule, first->section, first->rule);
}

static bool wants_touch(const struct csr_job *job)
{
    return job->card.touch_policy[0] != '\0' && strcmp(job->card.touch_policy, "never") != 0 &&
           strncmp(job->card.touch_policy, "unknown", 7) != 0;
}

static bool sign_request(struct csr_job *job, struct gate_session *session, struct error *e)
{
    struct csr_spec spec = {.subject = job->subject, .email = job->email, .hash = job->hash};
    struct wire_open_key want = {
        .id = job->key->id,
        .id_length = job->key->id_length,
        .label = job->key->label,
        .spki = job->key->spki,
        .spki_length = job->key->spki_length,
        .lanes = 1,
    };
    const struct signer *signer;
    unsigned lanes;

    if (wants_touch(job))
        gate_expect_touch(session);
    signer = gate_signer(session, &want, &lanes, NULL, e);
    if (signer == NULL)
        return false;
    if (wants_touch(job))
        op_now(job->ctx, "touch the device now");
    job->request = csr_build(&spec, signer, e);
    if (wants_touch(job))
        op_now(job->ctx, "%s", "");
    return job->request != NULL;
}

static bool login_and_sign(struct csr_job *job, struct error *e)
{
    struct gate_person person = op_person(job->ctx);
    struct gate_request request;
    struct gate_session *session;
    struct pin_source *source;
    struct host *host;
    bool done;

    if (!op_gate_request(job->args, job->ctx, &job->inventory, job->token, &person, &source,
                         &request, e))
        return false;
    host = op_take_host(&job->inventory, job->token);
    session = gate_open(&request, &host, e);
    pin_source_free(&source);
    done = session != NULL && csr_look_again(job, session, e) && lint(job, e) &&
           sign_request(job, session, e);
    gate_close(&session);
    return done;
}

static bool write_request(const struct csr_job *job, json_t *out, struct error *e)
{
    const char *file = op_text(job->args, "output"), *format = op_text(job->args, "format");
    struct buffer bytes = BUFFER_INIT;
    bool done = csr_encode(job->request, strcmp(format, "pem") == 0, &bytes, e);

    if (done && file != NULL)
        done = path_write_file(file, bytes.data, bytes.length, 0644, e);
    else if (done && !op_given(job->args, "order"))
        json_object_set_new(out, "pem", json_stringn((const char *)bytes.data, bytes.length));
    if (file != NULL)
        json_object_set_new(out, "file", record_text(file));
    json_object_set_new(out, "format", json_string(format));
    buffer_free(&bytes);
    return done;
}

/* The order is made; that it can not be noted is no reason to fail. */
static void remember(const struct csr_job *job, const char *order)
{
    struct error why = ERROR_INIT;

    if (!order_remember(order, &why))
        op_tell(job->ctx, "the console will not find the order by itself: %s", why.text);
}

static bool deliver(struct csr_job *job, struct error *e)
{
    const char *order = op_text(job->args, "order");
    json_t *out = record(job);
    bool done = order == NULL || csr_make_order(job, order, e);

    if (done && !write_request(job, out, e))
        done = order == NULL ? false : error_prefix(e, "the order is in '%s', but", order);
    if (!done) {
        json_decref(out);
        return false;
    }
    json_object_set_new(out, "sha256", record_take(csr_fingerprint(job)));
    if (order != NULL) {
        remember(job, order);
        json_object_set_new(out, "order", record_text(order));
        json_object_set_new(out, "attested", json_boolean(job->unattested.code == ERROR_NONE));
        json_object_set_new(out, "not-attested-because",
                            job->unattested.code == ERROR_NONE ? json_null()
                                                               : json_string(job->unattested.text));
    }
    op_emit(job->ctx, "csr", out);
    return true;
}

static bool make(struct csr_job *job, struct error *e)
{
    if (!read_settings(job, e) || !check_targets(job, e) ||
        !op_inventory(job->args, job->ctx, &job->inventory, e))
        return false;
    if (job->subject == NULL)
        job->subject = csr_subject_of_object(job, op_text(job->args, "from"), e);
    if (job->subject == NULL || !csr_find_key(job, e) || !csr_look_at_card(job, e))
        return false;
    csr_take_facts(job, job->key);
    return lint(job, e) && login_and_sign(job, e) && deliver(job, e);
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct csr_job job = {.args = a, .ctx = ctx, .hash = SIGNER_SHA256};
    bool done = make(&job, e);

    X509_REQ_free(job.request);
    EVP_PKEY_free(job.public_key);
    X509_NAME_free(job.subject);
    op_attested_free(&job.attested);
    op_seen_free(&job.seen);
    wire_objects_free(&job.objects);
    inventory_free(&job.inventory);
    free(job.uri);
    free(job.email);
    free(job.key_name);
    return done;
}

enum { FINDING_COLUMN = 9 };

static void text_findings(const json_t *r, unsigned width, struct buffer *out)
{
    size_t index;
    json_t *f;

    json_array_foreach(json_object_get(r, "findings"), index, f)
    {
        char *text =
            text_format("%s [%s, %s]%s", op_string(f, "text"), op_string(f, "rule"),
                        op_string(f, "section"), op_true(f, "accepted") ? " accepted" : "");

        buffer_printf(out, "%-*s", FINDING_COLUMN, op_string(f, "level"));
        op_wrap(out, text == NULL ? "" : text, FINDING_COLUMN, width > 40 ? width - 1 : 79);
        free(text);
    }
}

/* Nothing but PEM, where that is what was asked for. */
static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const char *pem = op_string(r, "pem");

    (void)kind, (void)colour;
    if (*pem != '\0') {
        buffer_append_text(out, pem);
        return;
    }
    buffer_printf(out, "%s for %s on '%s'\n", op_true(r, "made") ? "Request" : "No request",
                  op_string(json_object_get(r, "key"), "type"), op_string(r, "token"));
    op_field(out, r, "subject", "subject");
    op_field(out, r, "e-mail", "email");
    op_field(out, r, "digest", "digest");
    op_line(out, "key's SHA-256", op_string(json_object_get(r, "key"), "sha256"));
    op_field(out, r, "request's SHA-256", "sha256");
    text_findings(r, width, out);
    if (*op_string(r, "file") != '\0')
        buffer_printf(out, "wrote the request to %s\n", op_string(r, "file"));
    if (*op_string(r, "order") != '\0')
        buffer_printf(out, "wrote the order to %s; its README.txt says what to do at the CA\n",
                      op_string(r, "order"));
    if (*op_string(r, "not-attested-because") != '\0')
        op_prose(out, "not attested", op_string(r, "not-attested-because"), width);
    if (op_true(r, "made") && *op_string(r, "order") == '\0')
        buffer_printf(out, "Next: send it to the CA; what it returns: signet import '%s' FILE\n",
                      op_string(r, "token"));
}

const struct op op_csr = {
    .verb = "csr",
    .group = "Order",
    .summary = "make a request for a certificate (CSR), signed by a key of the token",
    .description =
        "Before anything is signed, subject and key are compared with what CAs must and must not "
        "accept (CA/Browser Forum, requirements for code signing). Errors stop; a warning stops "
        "until its rule is named with --accept. The request asks for code signing (extended key "
        "usage) and digital signatures (key usage), and is checked before it is written. In a "
        "subject that begins with a slash, a slash or plus sign of a value is written \\/ and \\+; "
        "in the other notation, comma and others are written as RFC 4514 says, \\,.",
    .example = "signet csr 'pkcs11:token=release;id=%01' -o release.csr \\\n"
               "    --subject '/C=DE/L=Bonn/O=Example AG/CN=Example AG'\n"
               "signet csr 'pkcs11:token=release;id=%01' --from old.pem --order orders/2026\n"
               "signet csr --from-order orders/2026 --order orders/2027",
    .effects = OP_READS | OP_WRITES | OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
