/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/record.h"
#include "op/text.h"
#include "profiles/schema.h"

const char *const batch_digests[] = {"sha256", "sha384", "sha512", NULL};
const char *const batch_existings[] = {"keep", "replace", "append", NULL};

/* Options that stand for a key of the profile. */
static const struct {
    const char *option, *key;
} overrides[] = {
    {"key", "key"},
    {"certificate", "certificate"},
    {"chain", "chain"},
    {"digest", "digest"},
    {"description", "description"},
    {"url", "url"},
    {"existing", "existing"},
    {"page-hashes", "page-hashes"},
    {"msi-signature-ex", "msi-signature-ex"},
    {"output", "output.directory"},
    {"sessions", "limits.sessions"},
    {"wait", "limits.wait-for-token"},
    {"module", "module"},
    {"timestamp", "timestamp.servers"},
    {"server", "timestamp.servers"},
    {"tsa-ca", "timestamp.ca"},
    {"parallel", "timestamp.parallel"},
};

static bool wrong(const struct schema_key *k, const char *option, const char *text, const char *why,
                  struct error *e)
{
    if (schema_may_show(k, text))
        return error_set(e, ERROR_USAGE, "--%s: '%s' should be %s", option, text, why);
    return error_set(e, ERROR_USAGE, "--%s should be %s", option, why);
}

static bool override(struct profile *p, const struct op_args *args, const char *option,
                     const char *key, struct error *e)
{
    const struct schema_key *k = schema_find(key);
    char why[256] = "";

    if (!op_given(args, option))
        return true;
    if (schema_is_list(k))
        profile_list_free(schema_list(k, p));
    for (size_t i = 0; i < op_count(args, option); i++) {
        /* What is true or false is a flag here. */
        const char *text = k->type == SCHEMA_BOOLEAN ? "true" : op_text_at(args, option, i);

        if (!schema_set(k, p, text, why, sizeof why))
            return wrong(k, option, text, why, e);
    }
    return true;
}

struct profile *batch_profile(const struct op_args *args, const char *name, struct error *e)
{
    struct profile *p = name == NULL ? profile_new(e) : profile_load(name, NULL, e);

    for (size_t i = 0; p != NULL && i < sizeof overrides / sizeof *overrides; i++)
        if (!override(p, args, overrides[i].option, overrides[i].key, e))
            profile_free(&p);
    if (p != NULL && op_flag(args, "no-timestamp")) {
        profile_list_free(&p->timestamp_servers);
        p->timestamp_required = 0;
    }
    return p;
}

struct profile *batch_digest_profile(const struct op_args *args, const char *name, struct error *e)
{
    static const char *const keys[] = {"digest", "existing", "page-hashes", "msi-signature-ex"};
    struct profile *p = name == NULL ? profile_new(e) : profile_load(name, NULL, e);

    for (size_t i = 0; p != NULL && i < sizeof keys / sizeof *keys; i++)
        if (!override(p, args, keys[i], keys[i], e))
            profile_free(&p);
    return p;
}

bool batch_plan(struct plan *out, const struct op_args *args, const struct profile_list *patterns,
                const char *directory, struct error *e)
{
    size_t count = op_count(args, "FILE");
    const char **names = calloc(count + 1, sizeof *names);
    bool made;

    *out = (struct plan){0};
    if (names == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < count; i++)
        names[i] = op_text_at(args, "FILE", i);
    made = plan_make(out, names, count, patterns, directory, e);
    free(names);
    return made;
}

bool batch_is_same(const struct plan *plan, size_t index)
{
    const struct plan_item *item = &plan->item[index];

    return item->same_as != index && strcmp(item->output, plan->item[item->same_as].output) == 0;
}

json_t *batch_name(const char *file)
{
    size_t length = strlen(file);

    return text_is_utf8(file, length) ? json_stringn(file, length)
                                      : record_take(text_printable(file, length));
}

void batch_show(struct buffer *out, const char *text)
{
    text_append_printable(out, text, strlen(text));
}

void batch_show_error(struct buffer *out, const json_t *record)
{
    const char *text = op_string(json_object_get(record, "error"), "text");
    char *name = text_format("'%s'", op_string(record, "file"));
    size_t length = name == NULL ? 0 : strlen(name);

    buffer_append_text(out, ": ");
    if (length > 0 && strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0)
        text += length + 2;
    else if (length > 0 && strncmp(text, name, length) == 0 && text[length] == ' ') {
        text += length;
        buffer_append_text(out, "it");
    }
    batch_show(out, text);
    free(name);
}

const struct signer *batch_open(struct ready *r, const struct profile *p, struct op_ctx *ctx,
                                const struct gate_person *person, struct gate_session **session,
                                unsigned *lanes, struct error *e)
{
    struct gate_request request = r->request;
    struct host *host = r->inventory.module[r->token->module].host;
    char *program =
        text_format("%s %s %s", ctx->program, ctx->op->verb, p->name == NULL ? "" : p->name);
    const struct signer *signer = NULL;
    const char *path = NULL;
    struct wire_open_key want = {
        .id = r->key->id,
        .id_length = r->key->id_length,
        .label = r->key->label,
        .spki = r->key->spki,
        .spki_length = r->key->spki_length,
        .lanes = (uint32_t)p->sessions,
    };
    unsigned char *spki = NULL;

    /* The gate owns the host from here on. */
    r->inventory.module[r->token->module].host = NULL;
    request.person = person;
    request.program = program == NULL ? ctx->program : program;
    request.cancel = ctx->cancel;
    if (want.spki == NULL) {
        int length = i2d_PUBKEY(X509_get0_pubkey(r->leaf), &spki);

        want.spki = spki;
        want.spki_length = length > 0 ? (size_t)length : 0;
    }
    *session = gate_open(&request, &host, e);
    if (*session != NULL && r->touch != READY_TOUCH_NONE)
        gate_expect_touch(*session);
    if (*session != NULL)
        signer = gate_signer(*session, &want, lanes, &path, e);
    OPENSSL_free(spki);
    free(program);
    return signer;
}
