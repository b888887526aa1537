/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of core, one file each, and what their renderers share. */
#ifndef SIGNET_OP_OPS_H
#define SIGNET_OP_OPS_H

#include "op/op.h"
#include "wire/card.h"

extern const struct op op_tokens;
extern const struct op op_objects;
extern const struct op op_show;
extern const struct op op_export;
extern const struct op op_containers;
extern const struct op op_attest;
extern const struct op op_counters;
extern const struct op op_reset_counter;
extern const struct op op_unblock;
extern const struct op op_change_pin;
extern const struct op op_init;
extern const struct op op_keygen;
extern const struct op op_delete;
extern const struct op op_csr;
extern const struct op op_order_list;
extern const struct op op_order_status;
extern const struct op op_order_attach;
extern const struct op op_order_verify;

void op_text_token(const json_t *token, struct buffer *out);
void op_text_mechanisms(const json_t *token, struct buffer *out);
void op_text_object(const json_t *object, struct buffer *out);
/* A counter as the verb `counters` tells it, and its text: "2 of 3 tries left", or why there is no
 * figure. */
json_t *op_counter_record(const struct wire_counter *c);
void op_text_counter(const json_t *counter, struct buffer *out);
void op_text_certificate(const json_t *certificate, struct buffer *out);

#endif
