/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page hashes of a PE image: a digest of each page as Windows maps it, so that a driver can be
 * checked while it is paged in. Microsoft describes them nowhere; what stands here follows what
 * its tools make: entries of {offset in the file (little endian, 32 bits), digest}, first the
 * headers (SizeOfHeaders, without the CheckSum and the entry of the certificate table), then the
 * raw data of each section in the order of the section table, each page filled up with zeros, and
 * last {where the last section ends, zeros}. A page is the architecture's, whatever the alignment
 * of sections is.
 */
#ifndef SIGNET_SIGN_PE_PAGES_H
#define SIGNET_SIGN_PE_PAGES_H

#include "sign/pe/pe_headers.h"

enum pe_pages_kind { PE_PAGES_SHA1, PE_PAGES_SHA256, PE_PAGES_KINDS };

/* Bytes of a list that is made, for an image of 238 MB. A signature is in memory several times over
 * while another is added to it, and all of that must stay below 32 MiB. */
enum { PE_PAGES_MOST = 2 << 20 };

struct pe_pages;

/* Where the pages of `input` are. NULL: ERROR_FORMAT, ERROR_SYSTEM, ERROR_MEMORY. */
struct pe_pages *pe_pages_new(int input, const char *name, const struct pe_headers *headers,
                              struct error *e);
void pe_pages_free(struct pe_pages **p);

/* Whether a list can be made of which it is sure what Windows expects. ERROR_UNSUPPORTED says what
 * is odd about the image, or that it is too large. */
bool pe_pages_can_be_made(const struct pe_pages *p, const char *name, struct error *e);

/* How long a list is, in bytes. */
uint64_t pe_pages_size(const struct pe_pages *p, enum pe_pages_kind kind);

/* A list of this kind is to be computed; a list must not have 16 MiB or more. */
void pe_pages_want(struct pe_pages *p, enum pe_pages_kind kind);

/* Before the first byte of a pass. */
bool pe_pages_begin(struct pe_pages *p, struct error *e);

/* The next bytes of the file, which stand at `offset`; all but the last time a multiple of 64 KiB.
 */
bool pe_pages_add(struct pe_pages *p, const uint8_t *bytes, size_t length, uint64_t offset);

/* After the pass: the list, pe_pages_size long; NULL: it was not wanted. */
const uint8_t *pe_pages_list(const struct pe_pages *p, enum pe_pages_kind kind);

#endif
