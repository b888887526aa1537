/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a profile to everything a signature needs, without spending a try: module, token, key,
 * certificate, chain, PIN source. `sign` needs it all; `check` reports every gap at once.
 */
#ifndef SIGNET_PROFILES_READY_H
#define SIGNET_PROFILES_READY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"
#include "gate/gate.h"
#include "profiles/profile.h"
#include "sign/sign.h"
#include "token/inventory.h"
#include "wire/card.h"

enum ready_level { READY_OK, READY_WARNING, READY_ERROR };

/* One thing that was looked at. */
struct ready_finding {
    enum ready_level level;
    const char *subject; /* "module", "token", "key", "certificate", "chain", "pin", "tries",
                            "state", "files", "card", "touch", "login", "timestamp"; static */
    struct error error;  /* text: what was found, or what is wrong and what to do; code: what sign
                            would end with */
};

/* The cards in the readers, before a module was asked. */
struct ready_cards {
    struct wire_card *card;
    size_t count;
    struct wire_application vendor; /* what the token's module adds to PKCS#11; empty for most */
};

/* What the key wants of a person at each signature; NONE too where nothing tells. */
enum ready_touch { READY_TOUCH_NONE, READY_TOUCH_EACH, READY_TOUCH_CACHED };

/* How long a touch lasts with READY_TOUCH_CACHED (Yubico, PIV touch policy "cached"); ms. */
enum { READY_TOUCH_LASTS = 15000 };

struct ready {
    struct inventory inventory;
    struct token *token; /* in the inventory */
    struct wire_objects objects;
    const struct wire_object *key; /* in objects; has spki */
    struct ready_cards cards;
    const struct wire_card *card;         /* that the token is; NULL: none that is known of */
    const struct wire_card_key *card_key; /* the key, as the card tells of it; NULL */
    enum ready_touch touch;
    X509 *leaf;
    STACK_OF(X509) * chain; /* leaf first */
    struct sign_spec spec;  /* points into this and the profile */
    struct pin_source *source;
    struct gate_request request; /* all but person, program, cancel */
    struct ready_finding *finding;
    size_t count;
};

/* Fills in as much as can be. True when nothing stops signing; else `e` is the first error of the
 * findings. `pin` overrides the profile's source (NULL: the profile's, else gate_default_source);
 * `terminal`: a person is there who could type one, and touch the device. Freed by ready_free in
 * both cases. */
bool ready_prepare(struct ready *out, const struct profile *profile, const char *pin, bool terminal,
                   struct cancel *cancel, struct error *e);
void ready_free(struct ready *r);

#endif
