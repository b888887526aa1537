/* SPDX-License-Identifier: Apache-2.0 */
/* Sectors for a compound file that is being changed, and the tables that list them. */
#ifndef SIGNET_SIGN_CFB_ALLOCATE_H
#define SIGNET_SIGN_CFB_ALLOCATE_H

#include "sign/msi/cfb.h"

/* Sectors that were set free, to be taken again, the lowest first. */
struct cfb_freed {
    uint32_t *sector; /* the lowest is the last */
    size_t count, capacity;
};

bool cfb_freed_add(struct cfb_freed *freed, uint32_t sector, struct error *e);
void cfb_freed_sort(struct cfb_freed *freed);

/* A sector that was free or is new, at the end of the file; the FAT grows, and has CFB_END for it.
 * ERROR_UNSUPPORTED: a file of version 3 would have more than 2 GiB. */
bool cfb_allocate(struct cfb *c, struct cfb_freed *freed, uint32_t *sector, struct error *e);

/* One more sector, filled with `fill`, at the end of a chain. */
bool cfb_allocate_for(struct cfb *c, struct cfb_freed *freed, struct cfb_chain *chain, uint8_t fill,
                      struct error *e);

/* Writes a whole sector of `length` bytes and zeros. */
bool cfb_write_sector(const struct cfb *c, uint32_t sector, const uint8_t *bytes, size_t length,
                      struct error *e);

#endif
