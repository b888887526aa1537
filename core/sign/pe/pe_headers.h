/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of a PE image say about signing it (Microsoft PE format), checked: nothing in
 * here points outside the file, and the certificate table, where there is one, comes last, holds
 * whole entries and is no part of a section.
 */
#ifndef SIGNET_SIGN_PE_HEADERS_H
#define SIGNET_SIGN_PE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sign/format.h"

enum {
    PE_ALIGNMENT = 8, /* of the certificate table and of the entries in it */
    PE_CHECKSUM_SIZE = 4,
    PE_ENTRY_SIZE = 8,        /* a data directory: offset, size */
    PE_CERTIFICATE_HEADER = 8 /* WIN_CERTIFICATE: dwLength, wRevision, wCertificateType */
};

/* PKCS#7 in a WIN_CERTIFICATE: WIN_CERT_REVISION_2_0, WIN_CERT_TYPE_PKCS_SIGNED_DATA. */
enum { PE_CERTIFICATE_REVISION = 0x0200, PE_CERTIFICATE_PKCS7 = 0x0002 };

/* One entry of the certificate table that holds a PKCS#7 signature. */
struct pe_certificate {
    uint64_t at;     /* of what follows its header */
    uint32_t length; /* of that, padding included */
};

struct pe_headers {
    uint64_t size;                      /* of the file */
    uint64_t checksum_at;               /* offset of the CheckSum */
    uint64_t entry_at;                  /* offset of the certificate table's data directory */
    uint8_t checksum[PE_CHECKSUM_SIZE]; /* what stands there */
    uint8_t entry[PE_ENTRY_SIZE];
    uint16_t machine, subsystem;
    uint32_t headers_size; /* SizeOfHeaders, as it is stated */
    uint64_t sections_at;  /* the section headers, which were checked */
    unsigned section_count;
    uint64_t table, table_size; /* the certificate table; 0, 0: none */
    struct pe_certificate certificate[FORMAT_SIGNATURES];
    size_t certificate_count;   /* 0 with a table: entries of other kinds only */
    uint64_t certificates_size; /* of all of them */
    bool other_entries;         /* of another kind */
    bool other_revision;        /* than 2.0, of an entry with a PKCS#7 signature */
    bool stuffed_gap;           /* not only zeros between two entries */
};

/* Raw data of a section, as its header states it. */
struct pe_section {
    uint64_t at, size;
};

/* Reads them from `input`, a file of `size` bytes. ERROR_UNSUPPORTED: it is no PE image, or one of
 * 4 GiB and more; ERROR_FORMAT: it is cut short, or its headers lie. `name` is for messages. */
bool pe_headers_read(int input, const char *name, uint64_t size, struct pe_headers *out,
                     struct error *e);

/* The raw data of section number `index`, below section_count; within the file unless `at` is 0. */
bool pe_headers_section(int input, const char *name, const struct pe_headers *headers,
                        unsigned index, struct pe_section *out, struct error *e);

/* Where the section headers end. */
uint64_t pe_headers_end(const struct pe_headers *headers);

/* Where the raw data of the last section ends, or the section headers. */
bool pe_headers_data_end(int input, const char *name, const struct pe_headers *headers,
                         uint64_t *end, struct error *e);

/* A multiple of PE_ALIGNMENT, `value` or the next above it. */
static inline uint64_t pe_align(uint64_t value)
{
    return (value + PE_ALIGNMENT - 1) / PE_ALIGNMENT * PE_ALIGNMENT;
}

#endif
