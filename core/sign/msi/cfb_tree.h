/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the tree of names of a storage, in memory. */
#ifndef SIGNET_SIGN_CFB_TREE_H
#define SIGNET_SIGN_CFB_TREE_H

#include "sign/msi/cfb.h"

/* Adds entry `id`, which has its name, to the tree of `storage`. ERROR_FORMAT: there is one that
 * Windows takes for the same. */
bool cfb_tree_insert(struct cfb *c, uint32_t storage, uint32_t id, struct error *e);

/* Makes a tree of these entries alone, which are in order. */
void cfb_tree_lay_out(struct cfb *c, uint32_t storage, const uint32_t *id, uint32_t count);

#endif
