/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a request, and what token and card tell of it. */
#include <stdlib.h>
#include <string.h>

#include "op/csr_job.h"
#include "token/uri.h"

static bool decode_key(struct csr_job *job, struct error *e)
{
    const unsigned char *at = job->key->spki;

    if (at == NULL)
        return error_set(e, ERROR_MISSING,
                         "the token tells the private key alone, not its public half: there is "
                         "neither a public key object nor a certificate for it");
    job->public_key = d2i_PUBKEY(NULL, &at, (long)job->key->spki_length);
    job->uri = token_uri_of_object(&job->token->slot, job->key);
    return job->public_key != NULL && job->uri != NULL
               ? true
               : error_set_openssl(e, ERROR_UNFIT, "the key's public half cannot be read");
}

/* A public key or certificate stands for its private key, which a token may hide until the login.
 */
static const struct wire_object *key_object(struct csr_job *job, struct error *e)
{
    struct token_uri *uri =
        token_uri_is(job->key_name) ? token_uri_parse(job->key_name, NULL) : NULL;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    const struct wire_object *o, *private_key;

    if (uri != NULL)
        token_uri_class(uri, &class);
    token_uri_free(&uri);
    o = objects_find_named(&job->objects, &job->token->slot, job->key_name, class, e);
    if (o == NULL || class == CKO_PRIVATE_KEY)
        return o;
    private_key = objects_private_key_of(&job->objects, o, NULL);
    return private_key != NULL && private_key->spki != NULL ? private_key : o;
}

bool csr_find_key(struct csr_job *job, struct error *e)
{
    struct host *h;

    job->token = inventory_find(&job->inventory, job->key_name, e);
    if (job->token == NULL)
        return false;
    h = inventory_host(&job->inventory, job->token);
    if (!objects_read(h, job->token->slot.id, NULL, job->ctx->cancel, &job->objects, e))
        return false;
    job->key = key_object(job, e);
    return job->key != NULL && decode_key(job, e);
}

static int fact(const struct wire_object *o, enum wire_flag flag)
{
    uint32_t bit = (uint32_t)1 << flag;

    return o->flags_known & bit ? (o->flags_set & bit) != 0 : LINT_UNKNOWN;
}

void csr_take_facts(struct csr_job *job, const struct wire_object *key)
{
    job->facts = (struct lint_key){
        .extractable = fact(key, WIRE_EXTRACTABLE),
        .never_extractable = fact(key, WIRE_NEVER_EXTRACTABLE),
        .sensitive = fact(key, WIRE_SENSITIVE),
        .local = fact(key, WIRE_LOCAL),
        .attested = job->attested.said.statement != NULL ||
                    strcmp(job->card.origin, "made on the card") == 0,
        .not_looked = key->class != CKO_PRIVATE_KEY,
    };
}

static void take_card_key(struct csr_job *job)
{
    const struct seen_token *t = &job->seen.token[0];
    const struct wire_card *card = t->card == SEEN_NO_CARD ? NULL : &job->seen.card[t->card];
    const struct wire_application *a = card == NULL ? NULL : card_application_of(card, &t->info);

    for (size_t i = 0; a != NULL && i < a->key_count; i++)
        if (a->key[i].spki_length == job->key->spki_length &&
            memcmp(a->key[i].spki, job->key->spki, job->key->spki_length) == 0)
            job->card = a->key[i];
    job->card.spki = NULL;
    job->card.spki_length = 0;
}

/* Most HSMs are none. That PC/SC does not run matters for a token in a reader alone. */
static bool no_card(struct csr_job *job)
{
    bool in_reader = (job->token->slot.info.flags & CKF_REMOVABLE_DEVICE) != 0 &&
                     job->seen.pcsc.code != ERROR_NONE;

    error_set(&job->unattested, ERROR_UNFIT,
              "it is not seen as a card, and Signet knows the attestation of YubiKeys alone%s%s",
              in_reader ? "; " : "", in_reader ? job->seen.pcsc.text : "");
    return true;
}

bool csr_look_at_card(struct csr_job *job, struct error *e)
{
    if (!op_seen_token(job->ctx, &job->inventory, job->token, &job->seen, e))
        return false;
    take_card_key(job);
    if (!op_given(job->args, "order"))
        return true;
    if (job->seen.token[0].card == SEEN_NO_CARD)
        return no_card(job);
    if (!op_attested_seen(job->ctx, &job->seen, job->key->spki, job->key->spki_length,
                          &job->attested, &job->unattested)) {
        if (job->unattested.code == ERROR_CANCELLED)
            return error_set(e, ERROR_CANCELLED, "%s", job->unattested.text);
    } else if (!attestation_is_of(&job->attested.said, job->key->spki, job->key->spki_length)) {
        return error_set(e, ERROR_UNFIT, "the card attests another key than PKCS#11 shows");
    }
    return true;
}

bool csr_look_again(struct csr_job *job, struct gate_session *session, struct error *e)
{
    struct wire_objects now = {0};
    const struct wire_object *key = NULL;

    if (job->key->class == CKO_PRIVATE_KEY && job->key->flags_known != 0)
        return true;
    if (!objects_read(gate_host(session), gate_slot(session), NULL, job->ctx->cancel, &now, e))
        return false;
    for (size_t i = 0; i < now.count && key == NULL; i++)
        if (now.object[i].class == CKO_PRIVATE_KEY && objects_same_key(&now.object[i], job->key))
            key = &now.object[i];
    if (key != NULL) {
        csr_take_facts(job, key);
        free(job->uri);
        job->uri = token_uri_of_object(&job->token->slot, key);
    }
    wire_objects_free(&now);
    if (key == NULL)
        return error_set(e, ERROR_MISSING,
                         "after the login there is no private key for this public key on '%s'",
                         job->token->label);
    return job->uri != NULL || error_set_memory(e);
}
