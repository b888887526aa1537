/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on profiles, one file each in profiles/ops, and those of the batch signer, in
 * profiles/engine. */
#ifndef SIGNET_PROFILES_OPS_H
#define SIGNET_PROFILES_OPS_H

#include "op/op.h"

extern const struct op op_profile_new;
extern const struct op op_profile_list;
extern const struct op op_profile_show;
extern const struct op op_profile_check;
extern const struct op op_profile_edit;
extern const struct op op_profile_renew;
extern const struct op op_profile_signtool;
extern const struct op op_pin_store;
extern const struct op op_certificate_import;
extern const struct op op_doctor;
extern const struct op op_batch_sign;
extern const struct op op_batch_check;
extern const struct op op_batch_verify;
extern const struct op op_batch_digest;
extern const struct op op_batch_attach;
extern const struct op op_batch_extract;
extern const struct op op_batch_remove;
extern const struct op op_batch_timestamp;

#endif
