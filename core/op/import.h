/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that a CA returned, put beside their key. The verb stands with the profiles, which
 * it can make (profiles/ops/import.c); what it does to a token is here.
 */
#ifndef SIGNET_OP_IMPORT_H
#define SIGNET_OP_IMPORT_H

#include <openssl/x509.h>

#include "cert/delivery.h"
#include "op/op.h"
#include "op/session.h"

/* The arguments of the verb that are read here: TOKEN, FILE, password, management-key, slot,
 * chain-to, output. */

struct imported {
    X509 *leaf;
    json_t *record;   /* what was done, as the verb tells it */
    char *token_uri;  /* of the token alone */
    char *module;     /* its path */
    char *chain_file; /* NULL: none was written */
};

/* ERROR_MISSING: for no key here. ERROR_UNFIT: not for code signing, expired, not yet valid.
 * ERROR_SIGNATURE: the chain is not signed by whom it says. ERROR_TOKEN, ERROR_HOST: the text says
 * what is on the token now. Freed with op_imported_free in any case. */
bool op_import(const struct op_args *a, struct op_ctx *ctx, struct imported *out, struct error *e);
void op_imported_free(struct imported *i);

/* The record in words. */
void op_text_imported(const json_t *record, struct buffer *out);

#endif
