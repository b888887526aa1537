/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of a cabinet say ([MS-CAB] section 2), checked: the file is exactly one cabinet
 * and, where there is one, its signature; nothing in here points outside of it.
 */
#ifndef SIGNET_SIGN_CAB_HEADERS_H
#define SIGNET_SIGN_CAB_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    CAB_FIXED = 36,           /* CFHEADER up to iCabinet, which every cabinet has */
    CAB_SIZES = 4,            /* cbCFHeader, cbCFFolder, cbCFData, where there are reserves */
    CAB_FOLDER = 8,           /* CFFOLDER without its reserve */
    CAB_BLOCK = 8,            /* CFDATA without its reserve and its data */
    CAB_LARGEST = 0x7fffffff, /* cbCabinet */
    CAB_RESERVE_MAX = 60000,  /* cbCFHeader */
};

/* Fields of the fixed part. */
enum { CAB_AT_SIZE = 8, CAB_AT_FILES = 16, CAB_AT_FLAGS = 30, CAB_AT_SET = 32, CAB_AT_NUMBER = 34 };

/* cfhdr flags */
enum { CAB_PREVIOUS = 1, CAB_NEXT = 2, CAB_RESERVE = 4 };

/*
 * The header's reserve as signing programs use it: the lengths of two structures (16 bits each),
 * then these. The first is somebody's own and is signed; the second is the place of the signature:
 * its offset, its length (32 bits each), and eight zeros.
 */
enum { CAB_LENGTHS = 4, CAB_PLACE = 16 };

struct cab_folder {
    uint32_t start;  /* coffCabStart */
    uint16_t blocks; /* CFDATA in this cabinet */
    uint64_t needs;  /* bytes that its files take, where all of it is in this cabinet; else 0 */
};

struct cab_headers {
    uint64_t file_size;
    uint64_t size; /* of the cabinet, without its signature */
    uint8_t fixed[CAB_FIXED];
    unsigned flags, set, number; /* setID, iCabinet */
    uint8_t sizes[CAB_SIZES];    /* zero without CAB_RESERVE */
    uint8_t *reserve;            /* of the header; NULL when there is none */
    size_t reserve_size;
    unsigned block_reserve;          /* of each CFDATA */
    uint64_t names_at;               /* what follows the header's reserve */
    char *previous, *next;           /* cabinets of the set; NULL: there is none */
    uint64_t folders_at, folder_gap; /* the first CFFOLDER; from one to the next */
    struct cab_folder *folder;
    size_t folder_count;
    bool structured;           /* the reserve has the two lengths, and they fit it */
    size_t first, second;      /* these lengths */
    uint64_t signature;        /* where it begins */
    uint64_t signature_length; /* 0: it is not signed */
    bool old_signature;        /* in the reserve itself, as old programs did it */
};

/* Reads them from `input`, a file of `size` bytes. ERROR_FORMAT: it is cut short, something
 * follows it, or its headers lie; ERROR_UNSUPPORTED: of another version. `name` is for messages.
 * Freed by cab_headers_free, after a failure too. */
bool cab_headers_read(int input, const char *name, uint64_t size, struct cab_headers *out,
                      struct error *e);
void cab_headers_free(struct cab_headers *h);

#endif
