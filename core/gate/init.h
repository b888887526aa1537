/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token made new. C_InitToken takes the SO PIN: of a token that has one, the present one, and a
 * wrong one costs a try; so the gate's order holds here, too.
 */
#ifndef SIGNET_GATE_INIT_H
#define SIGNET_GATE_INIT_H

#include "gate/gate.h"

struct gate_new_token {
    const char *label; /* UTF-8, 1 to 32 bytes */
    bool first_so_pin; /* the token has no SO PIN: the request's source gives its first, which a
                          prompt asks for twice */
    const struct pin_source *new_so_pin; /* in place of the present one; NULL: that one stays */
    const struct pin_source *new_pin;    /* the user's; NULL: none is set */
};

/* C_InitToken, then C_SetPIN as SO where there is a new SO PIN, then C_InitPIN: each once, under
 * one lock, by the order of the gate. request->role is WIRE_PIN_SO. All PINs are read, and their
 * lengths checked, before anything is lost. `host` is taken over. `out` is the token as it is once
 * it is initialised; out->has_token is false where it is as it was. Freed with wire_slot_free.
 * False: as gate_open; also after C_InitToken succeeded and a PIN could not be set, which the text
 * says. */
bool gate_init_token(const struct gate_request *request, const struct gate_new_token *what,
                     struct host **host, struct wire_slot *out, struct error *e);

#endif
