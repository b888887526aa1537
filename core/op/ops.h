/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of core, one file each, and what their renderers share. */
#ifndef SIGNET_OP_OPS_H
#define SIGNET_OP_OPS_H

#include "op/op.h"

extern const struct op op_tokens;
extern const struct op op_objects;
extern const struct op op_show;
extern const struct op op_export;
extern const struct op op_readers;
extern const struct op op_counters;
extern const struct op op_reset_counter;
extern const struct op op_change_pin;

void op_text_token(const json_t *token, struct buffer *out);
void op_text_mechanisms(const json_t *token, struct buffer *out);
void op_text_object(const json_t *object, struct buffer *out);
void op_text_certificate(const json_t *certificate, struct buffer *out);

#endif
