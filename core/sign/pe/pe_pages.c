/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_pages.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/le.h"

enum {
    PAGE = 4096,
    LARGE_PAGE = 8192,
    MACHINE_ALPHA = 0x184,
    MACHINE_IA64 = 0x200,
    MACHINE_ALPHA64 = 0x284,
    OFFSET_SIZE = 4,
};

/* The headers, or the raw data of a section. */
struct part {
    uint64_t at, end;
    uint64_t next;  /* the first byte of the first page that is not hashed yet */
    uint64_t entry; /* the number of that page's entry */
    uint64_t first;
};

struct pe_pages {
    uint64_t page;
    uint64_t entries;    /* the last one, of zeros, too */
    uint64_t end;        /* the offset in that one */
    uint64_t data_end;   /* of the file without its certificate table */
    uint64_t tables_end; /* of the section headers */
    uint64_t skip[2][2]; /* from, to: what no page hash of the headers covers */
    struct part *part;
    size_t part_count;
    bool misplaced; /* a section claims data and does not say where */
    bool wanted[PE_PAGES_KINDS];
    uint8_t *list[PE_PAGES_KINDS];
    EVP_MD_CTX *ctx;
    uint8_t before[LARGE_PAGE]; /* the bytes before those that are being added */
};

static const EVP_MD *md_of(enum pe_pages_kind kind)
{
    return kind == PE_PAGES_SHA1 ? EVP_sha1() : EVP_sha256();
}

static size_t entry_size(enum pe_pages_kind kind)
{
    return OFFSET_SIZE + (size_t)EVP_MD_get_size(md_of(kind));
}

static void add_part(struct pe_pages *p, uint64_t at, uint64_t size)
{
    p->part[p->part_count++] = (struct part){.at = at, .end = at + size, .first = p->entries};
    p->entries += (size + p->page - 1) / p->page;
    p->end = at + size;
}

static bool read_parts(struct pe_pages *p, int input, const char *name, const struct pe_headers *h,
                       struct error *e)
{
    struct pe_section section;

    p->part = calloc((size_t)h->section_count + 1, sizeof *p->part);
    if (p->part == NULL)
        return error_set_memory(e);
    add_part(p, 0, h->headers_size);
    for (unsigned i = 0; i < h->section_count; i++) {
        if (!pe_headers_section(input, name, h, i, &section, e))
            return false;
        if (section.size > 0 && section.at == 0)
            p->misplaced = true;
        else if (section.size > 0)
            add_part(p, section.at, section.size);
    }
    p->entries++;
    return true;
}

struct pe_pages *pe_pages_new(int input, const char *name, const struct pe_headers *h,
                              struct error *e)
{
    struct pe_pages *p = calloc(1, sizeof *p);

    if (p == NULL || (p->ctx = EVP_MD_CTX_new()) == NULL) {
        error_set_memory(e);
        pe_pages_free(&p);
        return NULL;
    }
    p->page =
        h->machine == MACHINE_IA64 || h->machine == MACHINE_ALPHA || h->machine == MACHINE_ALPHA64
            ? LARGE_PAGE
            : PAGE;
    p->data_end = h->table > 0 ? h->table : h->size;
    p->tables_end = pe_headers_end(h);
    p->skip[0][0] = h->checksum_at;
    p->skip[0][1] = h->checksum_at + PE_CHECKSUM_SIZE;
    p->skip[1][0] = h->entry_at;
    p->skip[1][1] = h->entry_at + PE_ENTRY_SIZE;
    if (!read_parts(p, input, name, h, e))
        pe_pages_free(&p);
    return p;
}

void pe_pages_free(struct pe_pages **p)
{
    if (*p == NULL)
        return;
    for (int kind = 0; kind < PE_PAGES_KINDS; kind++)
        free((*p)->list[kind]);
    EVP_MD_CTX_free((*p)->ctx);
    free((*p)->part);
    free(*p);
    *p = NULL;
}

static bool odd(const char *name, const char *what, struct error *e)
{
    return error_set(e, ERROR_UNSUPPORTED,
                     "'%s': no page hashes can be made for it, since %s; sign it without them",
                     name, what);
}

bool pe_pages_can_be_made(const struct pe_pages *p, const char *name, struct error *e)
{
    uint64_t headers = p->part[0].end;

    if (pe_pages_size(p, PE_PAGES_SHA256) > PE_PAGES_MOST)
        return odd(name, "it is too large (about 238 MB of sections is the most)", e);
    if (headers < p->tables_end || headers > p->data_end)
        return odd(name, "its SizeOfHeaders is wrong", e);
    if (headers > p->page)
        return odd(name, "its headers are larger than a page", e);
    if (p->misplaced)
        return odd(name, "a section of it claims data that is nowhere", e);
    if (p->part_count < 2)
        return odd(name, "no section of it has data", e);
    for (size_t i = 1; i < p->part_count; i++)
        if (p->part[i].at < p->skip[1][1])
            return odd(name, "the data of a section begins in its headers", e);
    return true;
}

uint64_t pe_pages_size(const struct pe_pages *p, enum pe_pages_kind kind)
{
    return p->entries * entry_size(kind);
}

void pe_pages_want(struct pe_pages *p, enum pe_pages_kind kind)
{
    p->wanted[kind] = true;
}

bool pe_pages_begin(struct pe_pages *p, struct error *e)
{
    for (int kind = 0; kind < PE_PAGES_KINDS; kind++) {
        size_t size = entry_size(kind);

        free(p->list[kind]);
        p->list[kind] = NULL;
        if (!p->wanted[kind])
            continue;
        p->list[kind] = calloc(p->entries, size);
        if (p->list[kind] == NULL)
            return error_set_memory(e);
        le_put_32(p->list[kind] + (p->entries - 1) * size, (uint32_t)p->end);
    }
    for (size_t i = 0; i < p->part_count; i++) {
        p->part[i].next = p->part[i].at;
        p->part[i].entry = p->part[i].first;
    }
    return true;
}

/* The bytes that are being added, and where they stand. */
struct piece {
    const uint8_t *bytes;
    uint64_t at;
};

/* From the bytes before the piece, and from the piece. */
static bool update(struct pe_pages *p, const struct piece *piece, uint64_t from, uint64_t to)
{
    uint64_t middle = from > piece->at ? from : to < piece->at ? to : piece->at;

    return (from == middle || EVP_DigestUpdate(p->ctx, p->before + LARGE_PAGE - (piece->at - from),
                                               middle - from) > 0) &&
           (middle == to ||
            EVP_DigestUpdate(p->ctx, piece->bytes + (middle - piece->at), to - middle) > 0);
}

static bool update_headers(struct pe_pages *p, const struct piece *piece, uint64_t from,
                           uint64_t to)
{
    for (size_t i = 0; i < 2; i++) {
        if (p->skip[i][0] >= to || p->skip[i][1] <= from)
            continue;
        if (from < p->skip[i][0] && !update(p, piece, from, p->skip[i][0]))
            return false;
        from = p->skip[i][1] < to ? p->skip[i][1] : to;
    }
    return from == to || update(p, piece, from, to);
}

static bool hash_page(struct pe_pages *p, const struct piece *piece, const struct part *part,
                      uint64_t to, enum pe_pages_kind kind)
{
    static const uint8_t zeros[LARGE_PAGE];
    uint8_t *entry = p->list[kind] + part->entry * entry_size(kind);

    le_put_32(entry, (uint32_t)part->next);
    return EVP_DigestInit_ex(p->ctx, md_of(kind), NULL) > 0 &&
           (part == p->part ? update_headers(p, piece, part->next, to)
                            : update(p, piece, part->next, to)) &&
           EVP_DigestUpdate(p->ctx, zeros, p->page - (to - part->next)) > 0 &&
           EVP_DigestFinal_ex(p->ctx, entry + OFFSET_SIZE, NULL) > 0;
}

/* The pages of a part that end in the piece. */
static bool hash_part(struct pe_pages *p, const struct piece *piece, uint64_t end,
                      struct part *part)
{
    while (part->next < part->end) {
        uint64_t left = part->end - part->next;
        uint64_t to = part->next + (left < p->page ? left : p->page);

        if (to > end)
            break;
        for (int kind = 0; kind < PE_PAGES_KINDS; kind++)
            if (p->list[kind] != NULL && !hash_page(p, piece, part, to, kind))
                return false;
        part->next = to;
        part->entry++;
    }
    return true;
}

bool pe_pages_add(struct pe_pages *p, const uint8_t *bytes, size_t length, uint64_t offset)
{
    const struct piece piece = {bytes, offset};

    for (size_t i = 0; i < p->part_count; i++)
        if (!hash_part(p, &piece, offset + length, &p->part[i]))
            return false;
    if (length >= LARGE_PAGE)
        memcpy(p->before, bytes + length - LARGE_PAGE, LARGE_PAGE);
    return true;
}

const uint8_t *pe_pages_list(const struct pe_pages *p, enum pe_pages_kind kind)
{
    return p->list[kind];
}
