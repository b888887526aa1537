/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing streams of the root of a compound file, in place: nothing else moves. What is new goes
 * into sectors that the edit itself set free, then to the end of the file. The file is complete
 * only after cfb_edit_finish; after an error there may be anything in it.
 */
#ifndef SIGNET_SIGN_CFB_EDIT_H
#define SIGNET_SIGN_CFB_EDIT_H

#include "sign/msi/cfb.h"

struct cfb_edit;

/* The cfb, whose `fd` is open for writing, stays the caller's, and is of no use but to be closed
 * after the edit. */
struct cfb_edit *cfb_edit_new(struct cfb *c, struct error *e);
void cfb_edit_free(struct cfb_edit **edit);

/* Empties a stream. Its sectors are zeroed. */
bool cfb_edit_clear(struct cfb_edit *edit, uint32_t id, struct error *e);

/* Takes a stream of the root out of it. Before any is added. */
bool cfb_edit_remove(struct cfb_edit *edit, uint32_t id, struct error *e);

/* Adds an empty stream to the root (name: UTF-16LE without its NUL, `length` bytes); no times, no
 * state, no class. ERROR_FORMAT: there is one of this name, case not counted. */
bool cfb_edit_add(struct cfb_edit *edit, const void *name, size_t length, uint32_t *id,
                  struct error *e);

/* Fills a stream that is empty. */
bool cfb_edit_write(struct cfb_edit *edit, uint32_t id, const uint8_t *bytes, size_t length,
                    struct error *e);

/* Writes directory, FAT and header, and cuts the file after its last sector. */
bool cfb_edit_finish(struct cfb_edit *edit, struct error *e);

/* The entry alone, in memory; `c->entries` grows where there is no unused one. */
bool cfb_edit_add_entry(struct cfb *c, const void *name, size_t length, uint32_t *id,
                        struct error *e);

#endif
