/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch check: every reason why sign would fail, without a try. */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/plan.h"
#include "profiles/engine/stamping.h"
#include "profiles/ops.h"

static const struct op_arg args[] = {
    {.name = "PROFILE",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "the profile to look at"},
    {.name = "trial",
     .type = OP_FLAG,
     .help =
         "log in too, have a random digest signed, and ask for a timestamp on that: proves PIN, "
         "key, certificate and timestamp servers"},
};

enum { TEXT_COLUMN = 22 };

static json_t *finding(enum ready_level level, const char *subject, const char *text)
{
    static const char *const levels[] = {
        [READY_OK] = "ok", [READY_WARNING] = "warning", [READY_ERROR] = "error"};

    return json_pack("{s:s, s:s, s:s}", "level", levels[level], "subject", subject, "text", text);
}

/* The first error decides how the run ends. */
static void add_error(json_t *list, const char *subject, const struct error *found,
                      struct error *first)
{
    json_t *record = finding(READY_ERROR, subject, found->text);

    json_object_set_new(record, "code", json_string(error_code_name(found->code)));
    json_array_append_new(list, record);
    if (first->code == ERROR_NONE)
        *first = *found;
}

static void check_files(const struct profile *p, json_t *list, struct error *first)
{
    struct error e = ERROR_INIT;
    struct plan plan;

    if (p->files.count == 0)
        return;
    if (plan_make(&plan, NULL, 0, &p->files, p->output_directory, &e)) {
        char text[64];

        snprintf(text, sizeof text, "%zu here match the patterns", plan.count);
        json_array_append_new(list, finding(READY_OK, "files", text));
        plan_free(&plan);
    } else {
        add_error(list, "files", &e, first);
    }
}

/* The signature of a random digest is appended to `signature`. */
static bool sign_something(struct ready *r, const struct profile *p, struct op_ctx *ctx,
                           struct buffer *signature, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct gate_session *session = NULL;
    uint8_t digest[64];
    size_t length = (size_t)EVP_MD_get_size(signer_hash_md(r->spec.hash));
    const struct signer *signer;
    unsigned lanes;
    bool good = false;

    signer = batch_open(r, p, ctx, &person, &session, &lanes, e);
    if (signer != NULL && r->touch != READY_TOUCH_NONE)
        op_tell(ctx, "touch the device now");
    if (signer != NULL && RAND_bytes(digest, (int)length) == 1)
        good = signer->sign(signer->data, 0, r->spec.hash, digest, length, signature, e) &&
               signer_verify(X509_get0_pubkey(r->leaf), r->spec.hash, digest, length,
                             signature->data, signature->length, e);
    gate_close(&session);
    return good;
}

/* A real one, over the signature that the trial made. */
static void try_servers(const struct profile *p, const struct buffer *signature,
                        struct cancel *cancel, json_t *list, struct error *first)
{
    struct error e = ERROR_INIT;
    struct tsa *tsa = stamping_open(p, &e);
    struct buffer token = BUFFER_INIT;
    struct tsa_result result;
    char when[CLOCK_TEXT_SIZE], text[512];

    if (tsa != NULL &&
        tsa_stamp(tsa, signature->data, signature->length, &token, &result, cancel, &e)) {
        snprintf(text, sizeof text, "%s gave one, of %s", result.server,
                 clock_text(result.time, when));
        json_array_append_new(list, finding(READY_OK, "timestamp", text));
    } else if (stamping_required(p) || e.code != ERROR_TIMESTAMP) {
        add_error(list, "timestamp", &e, first);
    } else {
        json_array_append_new(list, finding(READY_WARNING, "timestamp", e.text));
    }
    buffer_free(&token);
    tsa_free(&tsa);
}

static void try_it(struct ready *r, const struct profile *p, struct op_ctx *ctx, json_t *list,
                   struct error *first)
{
    struct buffer signature = BUFFER_INIT;
    struct error e = ERROR_INIT;

    if (first->code != ERROR_NONE) {
        json_array_append_new(
            list, finding(READY_WARNING, "trial", "not made, because of the errors before"));
    } else if (sign_something(r, p, ctx, &signature, &e)) {
        json_array_append_new(
            list, finding(READY_OK, "trial", "logged in, and the key signed for its certificate"));
        if (stamping_wanted(p))
            try_servers(p, &signature, ctx->cancel, list, first);
    } else {
        add_error(list, "trial", &e, first);
    }
    buffer_free(&signature);
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = batch_profile(a, op_text(a, "PROFILE"), e);
    struct error first = ERROR_INIT;
    struct ready ready;
    json_t *list;

    if (p == NULL)
        return false;
    list = json_array();
    /* A host that rests keeps its hand on the card. */
    if (ctx->pool != NULL)
        op_hosts_drop(ctx->pool, NULL);
    ready_prepare(&ready, p, op_text(a, "pin"), ctx->terminal, ctx->cancel, NULL);
    for (size_t i = 0; i < ready.count; i++) {
        const struct ready_finding *f = &ready.finding[i];

        if (f->level == READY_ERROR)
            add_error(list, f->subject, &f->error, &first);
        else
            json_array_append_new(list, finding(f->level, f->subject, f->error.text));
    }
    check_files(p, list, &first);
    if (op_flag(a, "trial"))
        try_it(&ready, p, ctx, list, &first);
    op_emit(ctx, "check",
            json_pack("{s:s, s:b, s:i, s:o}", "profile", p->name, "ready", first.code == ERROR_NONE,
                      "exit", error_exit_status(first.code), "findings", list));
    ready_free(&ready);
    profile_free(&p);
    if (first.code == ERROR_NONE)
        return true;
    if (e != NULL)
        *e = first;
    return false;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    size_t index;
    json_t *f;

    (void)kind, (void)colour;
    json_array_foreach(json_object_get(r, "findings"), index, f)
    {
        buffer_printf(out, "%-8s %-12s ", op_string(f, "level"), op_string(f, "subject"));
        op_wrap(out, op_string(f, "text"), TEXT_COLUMN, width - 1);
    }
    buffer_printf(out,
                  op_true(r, "ready") ? "Profile '%s' is ready to sign.\n"
                                      : "Profile '%s' cannot sign yet.\n",
                  op_string(r, "profile"));
}

const struct op op_batch_check = {
    .verb = "check",
    .group = "Sign",
    .summary = "find every reason why signing would fail, without using a try",
    .description =
        "Before the modules are asked, the token's card is, where PC/SC runs: for the exact "
        "tries left, and for keys that want a touch or the PIN for each signature. A touch "
        "for each signature is an error where no terminal is, for nobody can give it in a "
        "build.",
    .example = "signet-batch check release\nsignet-batch check release --trial",
    .program = OP_BATCH,
    .effects = OP_READS | OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
