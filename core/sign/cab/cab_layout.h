/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a cabinet (its fixed part and the reserve behind it) as it is to be: as it is, with a
 * place for a signature, or without. What follows it moves by `shift` bytes, and so do the offsets
 * in it.
 */
#ifndef SIGNET_SIGN_CAB_LAYOUT_H
#define SIGNET_SIGN_CAB_LAYOUT_H

#include "base/buffer.h"
#include "sign/cab/cab_headers.h"

struct cab_layout {
    struct buffer head;
    int64_t shift;
    uint64_t size;     /* of the cabinet then */
    size_t reserve_at; /* of the reserve's contents in the head, where it has any; else 0 */
    size_t first;      /* bytes of structure 1 */
    size_t place_at;   /* of the place of the signature in the head */
};

/* As it is. */
bool cab_layout_same(const struct cab_headers *h, struct cab_layout *out, struct error *e);

/* With a place for a signature: in a reserve that is large enough, which stays as large, else in
 * one that grows or is made. ERROR_UNSUPPORTED: the reserve holds something that would be lost, or
 * that no signature would protect; the cabinet has no room to grow. */
bool cab_layout_signed(const struct cab_headers *h, const char *name, struct cab_layout *out,
                       struct error *e);

/* What cab_layout_signed will change, for cab_layout_unsigned; appended to `note`. Nothing when
 * there is no reserve at all, which is most common. */
bool cab_layout_note(const struct cab_headers *h, struct buffer *note, struct error *e);

/* Without the signature. An empty note: a reserve that has room for the signature and nothing else
 * is taken out, any other is kept, with zeros in that place. ERROR_FORMAT: the note is not of this
 * file. */
bool cab_layout_unsigned(const struct cab_headers *h, const char *name, const struct buffer *note,
                         struct cab_layout *out, struct error *e);

void cab_layout_free(struct cab_layout *l);

#endif
