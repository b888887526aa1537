/* SPDX-License-Identifier: Apache-2.0 */
/* `pkcs11:` URIs (RFC 7512), read and written by p11-kit's parser. */
#ifndef SIGNET_TOKEN_URI_H
#define SIGNET_TOKEN_URI_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "wire/message.h"

struct token_uri;

/* Parses `text`. NULL: ERROR_USAGE says what is wrong: not a URI, an unknown attribute, `pin-value`
 * or `pin-source` (refused: a PIN has no place in a URI; the text is not repeated), or one that a
 * shell seems to have cut at ';'. */
struct token_uri *token_uri_parse(const char *text, struct error *e);
void token_uri_free(struct token_uri **u);

/* True when text begins with "pkcs11:" in any case. */
bool token_uri_is(const char *text);

bool token_uri_matches_slot(const struct token_uri *u, const struct wire_slot *slot);
bool token_uri_matches_object(const struct token_uri *u, const struct wire_object *object);

/* True when the URI has object attributes (object, id, type) beyond those of token and module. */
bool token_uri_names_object(const struct token_uri *u);

/* The attribute `type`: CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE; false when the URI has
 * none. */
bool token_uri_class(const struct token_uri *u, CK_OBJECT_CLASS *class);

/* New strings, freed by the caller with free(); NULL when memory ran out. Token: model,
 * manufacturer, serial, token. Object: the same and id, object, type. */
char *token_uri_of_slot(const struct wire_slot *slot);
char *token_uri_of_object(const struct wire_slot *slot, const struct wire_object *object);

#endif
