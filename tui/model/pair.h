/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a token that can sign, and its certificate: the newest that is for code signing. */
#ifndef SIGNET_TUI_MODEL_PAIR_H
#define SIGNET_TUI_MODEL_PAIR_H

#include <jansson.h>

struct pair {
    const json_t *key, *certificate; /* of the document; NULL for none */
};

/* Finds it once, and notes it in a document of `objects`: there may be thousands. */
void pair_note(json_t *document);

/* The key that an object of the document belongs to, or is: the private half where it shows; NULL.
 */
const json_t *pair_key_beside(const json_t *document, const json_t *object);

/* What was noted; empty for NULL. */
struct pair pair_of(const json_t *document);

#endif
