/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the compound file reader and writer need of each other. */
#ifndef SIGNET_SIGN_CFB_PARTS_H
#define SIGNET_SIGN_CFB_PARTS_H

#include "sign/msi/cfb.h"

static inline bool cfb_bit(const uint8_t *bits, uint32_t at)
{
    return (bits[at / 8] >> (at % 8) & 1) != 0;
}

static inline void cfb_set_bit(uint8_t *bits, uint32_t at)
{
    bits[at / 8] = (uint8_t)(bits[at / 8] | 1 << (at % 8));
}

/* Entries of the FAT, the mini FAT or the DIFAT in a sector. */
static inline uint32_t cfb_per_sector(const struct cfb *c)
{
    return c->sector_size / 4;
}

/* cfb_fat.c: takes `sector` for the chain `what`, of which it must hold `bytes`. ERROR_FORMAT: it
 * is not in the file, or taken already. */
bool cfb_claim(struct cfb *c, uint32_t sector, uint64_t bytes, const char *what, struct error *e);
/* Finds the sectors of the FAT. */
bool cfb_fat_load(struct cfb *c, struct error *e);
/* Every entry of the FAT that is not free has a sector in the file; finds c->end. */
bool cfb_fat_check(struct cfb *c, struct error *e);
bool cfb_fat_set(struct cfb *c, uint32_t sector, uint32_t value, struct error *e);
/* Writes the pages that were changed. */
bool cfb_fat_flush(struct cfb *c, struct error *e);
/* A page for a sector that was added to the FAT: all of it free. */
bool cfb_fat_fresh(struct cfb *c, uint32_t index, struct error *e);

/* cfb_chain.c: walks and claims a chain that holds at least `bytes` in at most `most` sectors;
 * CFB_WHOLE: every sector of it, however many. */
#define CFB_WHOLE UINT64_MAX
bool cfb_chain_load(struct cfb *c, struct cfb_chain *chain, uint32_t start, uint64_t bytes,
                    uint32_t most, const char *what, struct error *e);
void cfb_chain_free(struct cfb_chain *chain);
/* Counts and marks one more, which the caller has linked. */
bool cfb_chain_extend(struct cfb_chain *chain, uint32_t sector, struct error *e);

/* cfb_header.c */
bool cfb_header_read(struct cfb *c, struct error *e);

/* cfb_directory.c: reads it, and checks its trees. */
bool cfb_directory_load(struct cfb *c, struct error *e);

/* cfb_check.c: the sectors of every stream, and what stands behind the last of them. */
bool cfb_streams_check(struct cfb *c, struct error *e);
bool cfb_tail_check(const struct cfb *c, struct error *e);

/* cfb_tree.c: < 0, 0, > 0 as the trees order two names ([MS-CFB] 2.6.4): the shorter first, then by
 * letter without case. `sure`: false where the letters differ in a way that needs the tables of
 * Unicode. */
int cfb_compare(const uint8_t *a, const uint8_t *b, bool *sure);

bool cfb_read_at(const struct cfb *c, void *out, size_t size, uint64_t at, struct error *e);
bool cfb_write_at(const struct cfb *c, const void *bytes, size_t size, uint64_t at,
                  struct error *e);

#endif
