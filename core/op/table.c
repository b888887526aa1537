/* SPDX-License-Identifier: Apache-2.0 */
#include "op/ops.h"

const struct op *const op_core_table[] = {
    &op_tokens,       &op_objects,  &op_show,          &op_export,       &op_containers,
    &op_attest,       &op_csr,      &op_order_list,    &op_order_status, &op_order_attach,
    &op_order_verify, &op_counters, &op_reset_counter, &op_unblock,      &op_change_pin,
    &op_init,         &op_keygen,   &op_delete,
};
const size_t op_core_count = sizeof op_core_table / sizeof *op_core_table;
