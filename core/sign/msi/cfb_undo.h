/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to the compound file as it was before streams were added, every bit of it. New sectors go to
 * the end only, so a note of a few hundred bytes is enough: counts of the header, links of the
 * entries that changed, where the file ended.
 */
#ifndef SIGNET_SIGN_CFB_UNDO_H
#define SIGNET_SIGN_CFB_UNDO_H

#include "sign/msi/cfb.h"

/* A name that will be added to the root: UTF-16LE without its NUL. */
struct cfb_new_name {
    const void *name;
    size_t length;
};

/* Appends a note of the file as it is, before some of these names are added, from the first on in
 * this order. Nothing is
 * appended where a note could not tell all: tables with something in their unused part. */
bool cfb_undo_note(struct cfb *c, const struct cfb_new_name *added, size_t count,
                   struct buffer *note, struct error *e);

/* Puts it back in `c->fd`, which is open for writing. `c` is of no use but to be closed afterwards.
 * False without an error in `e`: the note does not fit. After any failure there may be anything in
 * the file; after success it is still to be checked, since nobody signed the note. */
bool cfb_undo(struct cfb *c, const struct buffer *note, struct error *e);

#endif
