/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note, all numbers little-endian: version 1 (1 byte); bytes of the file (8); sectors up to the
 * last in use (4); nine counts of the header (36); start and length of the mini stream (12); what
 * ends the DIFAT (4); entries that change (2) and for each its number (4), kind (1) and content;
 * bytes after the mini stream in its last sector (2 and so many; none: zeros).
 */
#ifndef SIGNET_SIGN_CFB_NOTE_H
#define SIGNET_SIGN_CFB_NOTE_H

#include "sign/msi/cfb.h"

enum {
    CFB_NOTE_VERSION = 1,
    CFB_NOTE_COUNTS = CFB_AT_FAT_LIST - CFB_AT_COUNTS,
    CFB_NOTE_ROOT = 12,
    CFB_NOTE_LINKS = 13,      /* colour, left, right, child */
    CFB_NOTE_ZEROS = 1 << 20, /* behind the last sector */
};

enum cfb_note_kind {
    CFB_NOTE_KIND_LINKS,  /* an entry in use, whose links change */
    CFB_NOTE_KIND_UNUSED, /* one that nothing used, as Windows leaves it */
    CFB_NOTE_KIND_ZERO,   /* the same, all zero */
    CFB_NOTE_KIND_WHOLE,  /* the same, with something in it */
};

#endif
