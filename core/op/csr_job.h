/* SPDX-License-Identifier: Apache-2.0 */
/* A request while it is made: what `signet csr` and the order's folder share. */
#ifndef SIGNET_OP_CSR_JOB_H
#define SIGNET_OP_CSR_JOB_H

#include "base/signer.h"
#include "cert/lint.h"
#include "op/attested.h"
#include "op/seen.h"
#include "op/session.h"

struct csr_job {
    const struct op_args *args;
    struct op_ctx *ctx;

    char *key_name; /* KEY, or the key of the old order */
    X509_NAME *subject;
    char *email; /* NULL: none */
    enum signer_hash hash;

    struct inventory inventory;
    struct token *token; /* in `inventory` */
    struct wire_objects objects;
    const struct wire_object *key; /* in `objects`; its public half at least */
    EVP_PKEY *public_key;
    char *uri;                 /* of the key */
    struct seen seen;          /* the token and its card */
    struct wire_card_key card; /* what the card tells of the key; `spki` stays NULL */
    struct attested attested;  /* `said.statement` is NULL where the device attests nothing */
    struct error unattested;   /* ... and why; ERROR_NONE: it was not asked */

    struct lint_key facts;
    struct lint lint;
    X509_REQ *request;
};

/* The subject as --subject, --from or --from-order say, and with the last what else the old order
 * has. Where --from names an object of a token, job->subject stays NULL, for
 * csr_subject_of_object, once the inventory is read. */
bool csr_take_subject(struct csr_job *job, struct error *e);
X509_NAME *csr_subject_of_object(struct csr_job *job, const char *uri, struct error *e);

/* The token and key that job->key_name means: a public key or certificate stands for its private
 * key, which may be hidden until the login. */
bool csr_find_key(struct csr_job *job, struct error *e);

/* What the card tells of the key, and for an order its attestation: that there is none is no error.
 */
bool csr_look_at_card(struct csr_job *job, struct error *e);

/* What `key` tells of itself, into job->facts. */
void csr_take_facts(struct csr_job *job, const struct wire_object *key);

/* The same, and the key's URI, after a login, where the private key was hidden before. */
bool csr_look_again(struct csr_job *job, struct gate_session *session, struct error *e);

/* Makes the folder of --order for the request. */
bool csr_make_order(struct csr_job *job, const char *folder, struct error *e);

/* {uri, type, sha256} of the key. */
json_t *csr_key_record(const struct csr_job *job);

/* Lower-case hex of the SHA-256 of the request's DER; new string. */
char *csr_fingerprint(const struct csr_job *job);

#endif
