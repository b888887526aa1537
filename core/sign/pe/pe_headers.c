/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_headers.h"

#include <string.h>

#include "sign/file_io.h"
#include "sign/le.h"

enum {
    DOS_HEADER = 64,
    DOS_NEW_HEADER = 60, /* e_lfanew: where the PE header is */
    COFF_HEADER = 24,    /* "PE\0\0" before it counted in */
    COFF_MACHINE = 4,    /* fields, from "PE\0\0" on */
    COFF_SECTIONS = 6,
    COFF_OPTIONAL_SIZE = 20,
    OPTIONAL_HEADERS_SIZE = 60, /* the same in PE32 and PE32+ */
    OPTIONAL_CHECKSUM = 64,
    OPTIONAL_SUBSYSTEM = 68,
    MAGIC_PE32 = 0x10b,
    MAGIC_PE32_PLUS = 0x20b,
    DIRECTORIES_PE32 = 96, /* offset of the data directories in the optional header */
    DIRECTORIES_PE32_PLUS = 112,
    SECURITY_DIRECTORY = 4, /* number of the certificate table's */
    SECTION_HEADER = 40,
    SECTION_RAW_SIZE = 16,
    SECTION_RAW = 20,
};

/* The file while its headers are read. */
struct reading {
    int input;
    const char *name;
    struct pe_headers *out;
    struct error *e;
};

static bool wrong(const struct reading *r, const char *what)
{
    return error_set(r->e, ERROR_FORMAT, "'%s': %s", r->name, what);
}

/* `size` bytes at `offset`, or the message that the file is cut short there. */
static bool get(const struct reading *r, void *out, size_t size, uint64_t offset, const char *where)
{
    return file_io_read(r->input, out, size, offset) || file_io_error(r->e, r->name, where);
}

/* What stands at e_lfanew when it is not PE. */
static bool not_pe(const struct reading *r, const uint8_t *signature)
{
    const char *what = "a DOS program without a PE header";

    if (memcmp(signature, "NE", 2) == 0)
        what = "a 16-bit Windows program (NE)";
    else if (memcmp(signature, "LE", 2) == 0 || memcmp(signature, "LX", 2) == 0)
        what = "a linear executable (LE or LX)";
    return error_set(r->e, ERROR_UNSUPPORTED, "'%s' is %s, which cannot carry a signature", r->name,
                     what);
}

/* The offset of "PE\0\0", and the COFF header that it begins. */
static bool find_pe(const struct reading *r, uint64_t *pe, uint8_t coff[COFF_HEADER])
{
    uint8_t dos[DOS_HEADER];

    if (!get(r, dos, sizeof dos, 0, "it is cut short: it ends inside its DOS header"))
        return false;
    *pe = le_32(dos + DOS_NEW_HEADER);
    /* Old DOS programs have anything there. */
    if (*pe + COFF_HEADER > r->out->size)
        return error_set(r->e, ERROR_UNSUPPORTED,
                         "'%s' is a DOS program without a PE header, which cannot carry a "
                         "signature, or was cut short before it",
                         r->name);
    if (!get(r, coff, COFF_HEADER, *pe, "it is cut short: it ends inside its PE header"))
        return false;
    return memcmp(coff, "PE\0\0", 4) == 0 || not_pe(r, coff);
}

/* `directories`: offset of the data directories, from the optional header on. */
static bool check_optional(const struct reading *r, const uint8_t *header, size_t length,
                           size_t directories)
{
    uint32_t count;

    if (length < directories)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its optional header is too small (SizeOfOptionalHeader is %zu)",
                         r->name, length);
    count = le_32(header + directories - 4);
    if (count <= SECURITY_DIRECTORY)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its header has no place for a signature (NumberOfRvaAndSizes is "
                         "%u, 5 are needed); link it anew with all data directories",
                         r->name, count);
    if (length < directories + (SECURITY_DIRECTORY + 1) * PE_ENTRY_SIZE)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its optional header is too small for the data directories that it "
                         "claims (SizeOfOptionalHeader is %zu)",
                         r->name, length);
    return true;
}

static bool read_optional(const struct reading *r, uint64_t at, size_t length)
{
    static const char short_text[] = "it is cut short: it ends inside its optional header";
    uint8_t header[DIRECTORIES_PE32_PLUS + (SECURITY_DIRECTORY + 1) * PE_ENTRY_SIZE] = {0};
    size_t directories, entry;
    uint16_t magic;

    if (length < 2)
        return wrong(r, "it has no optional header: an object file, not a program");
    if (!get(r, header, length < sizeof header ? length : sizeof header, at, short_text))
        return false;
    magic = le_16(header);
    if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': its optional header is neither PE32 nor PE32+ (its magic is %#x)",
                         r->name, magic);
    directories = magic == MAGIC_PE32 ? DIRECTORIES_PE32 : DIRECTORIES_PE32_PLUS;
    if (!check_optional(r, header, length, directories))
        return false;
    entry = directories + SECURITY_DIRECTORY * PE_ENTRY_SIZE;
    r->out->checksum_at = at + OPTIONAL_CHECKSUM;
    r->out->entry_at = at + entry;
    memcpy(r->out->checksum, header + OPTIONAL_CHECKSUM, PE_CHECKSUM_SIZE);
    memcpy(r->out->entry, header + entry, PE_ENTRY_SIZE);
    r->out->headers_size = le_32(header + OPTIONAL_HEADERS_SIZE);
    r->out->subsystem = le_16(header + OPTIONAL_SUBSYSTEM);
    return true;
}

static bool place_table(const struct reading *r, uint64_t headers_end)
{
    uint64_t at = le_32(r->out->entry), size = le_32(r->out->entry + 4), end = at + size;

    if (at == 0 && size == 0)
        return true;
    if (at == 0 || size < PE_CERTIFICATE_HEADER)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': the entry of its certificate table makes no sense (offset %llu, "
                         "size %llu)",
                         r->name, (unsigned long long)at, (unsigned long long)size);
    if (end > r->out->size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s' is cut short: its certificate table reaches to byte %llu, the file "
                         "ends at %llu",
                         r->name, (unsigned long long)end, (unsigned long long)r->out->size);
    if (at < headers_end)
        return wrong(r, "its certificate table overlaps the headers");
    if (at % PE_ALIGNMENT != 0)
        return wrong(r, "its certificate table does not begin at a multiple of eight");
    if (end != r->out->size)
        return error_set(r->e, ERROR_FORMAT,
                         "'%s': %llu bytes follow its certificate table, which must be last; "
                         "something was appended after it was signed",
                         r->name, (unsigned long long)(r->out->size - end));
    r->out->table = at;
    r->out->table_size = size;
    return true;
}

static void take_entry(struct pe_headers *h, const uint8_t *header, uint64_t at)
{
    if (le_16(header + 6) != PE_CERTIFICATE_PKCS7) {
        h->other_entries = true;
        return;
    }
    h->other_revision |= le_16(header + 4) != PE_CERTIFICATE_REVISION;
    h->certificate[h->certificate_count++] =
        (struct pe_certificate){at + PE_CERTIFICATE_HEADER, le_32(header) - PE_CERTIFICATE_HEADER};
    h->certificates_size += le_32(header) - PE_CERTIFICATE_HEADER;
}

/* What stands between an entry and the next, which begins at a multiple of eight. */
static bool read_gap(const struct reading *r, uint64_t at, uint64_t end)
{
    uint8_t gap[PE_ALIGNMENT] = {0}, zeros[PE_ALIGNMENT] = {0};
    uint64_t next = pe_align(at) < end ? pe_align(at) : end;

    if (!get(r, gap, (size_t)(next - at), at, "it became shorter while it was read"))
        return false;
    r->out->stuffed_gap |= memcmp(gap, zeros, sizeof gap) != 0;
    return true;
}

/* Entries are padded to eight; the last one need not be. */
static bool read_table(const struct reading *r)
{
    uint64_t at = r->out->table, end = r->out->table + r->out->table_size;
    uint8_t header[PE_CERTIFICATE_HEADER];

    for (size_t entries = 0; at < end; entries++) {
        uint32_t length;

        if (entries == FORMAT_SIGNATURES)
            return error_set(r->e, ERROR_FORMAT,
                             "'%s': its certificate table has more than %d entries", r->name,
                             FORMAT_SIGNATURES);
        if (end - at < sizeof header)
            return wrong(r, "its certificate table ends inside an entry");
        if (!get(r, header, sizeof header, at, "it became shorter while it was read"))
            return false;
        length = le_32(header);
        if (length < sizeof header || length > end - at)
            return error_set(r->e, ERROR_FORMAT,
                             "'%s': entry %zu of its certificate table claims %u bytes, %llu are "
                             "there",
                             r->name, entries + 1, length, (unsigned long long)(end - at));
        take_entry(r->out, header, at);
        if (!read_gap(r, at + length, end))
            return false;
        at += pe_align(length);
    }
    return true;
}

/* The data of a section must be there, and before the table, which no digest covers. */
static bool check_section(const struct reading *r, unsigned number, uint64_t raw, uint64_t size)
{
    if (raw == 0 || size == 0)
        return true;
    if (raw + size > r->out->size)
        return error_set(
            r->e, ERROR_FORMAT,
            "'%s' is cut short: section %u reaches to byte %llu, the file ends at %llu", r->name,
            number, (unsigned long long)(raw + size), (unsigned long long)r->out->size);
    if (r->out->table > 0 && raw + size > r->out->table)
        return error_set(
            r->e, ERROR_FORMAT,
            "'%s': section %u reaches into its certificate table, where no signature protects it",
            r->name, number);
    return true;
}

static const char short_sections[] = "it is cut short: it ends inside its section headers";

bool pe_headers_section(int input, const char *name, const struct pe_headers *h, unsigned index,
                        struct pe_section *out, struct error *e)
{
    uint8_t header[SECTION_HEADER];

    if (!file_io_read(input, header, sizeof header,
                      h->sections_at + (uint64_t)index * SECTION_HEADER))
        return file_io_error(e, name, short_sections);
    out->at = le_32(header + SECTION_RAW);
    out->size = le_32(header + SECTION_RAW_SIZE);
    return true;
}

uint64_t pe_headers_end(const struct pe_headers *h)
{
    return h->sections_at + (uint64_t)h->section_count * SECTION_HEADER;
}

bool pe_headers_data_end(int input, const char *name, const struct pe_headers *h, uint64_t *end,
                         struct error *e)
{
    struct pe_section section;

    *end = pe_headers_end(h);
    for (unsigned i = 0; i < h->section_count; i++) {
        if (!pe_headers_section(input, name, h, i, &section, e))
            return false;
        if (section.at > 0 && section.size > 0 && section.at + section.size > *end)
            *end = section.at + section.size;
    }
    return true;
}

static bool check_sections(const struct reading *r)
{
    struct pe_section section;

    if (pe_headers_end(r->out) > r->out->size)
        return wrong(r, short_sections);
    for (unsigned i = 0; i < r->out->section_count; i++)
        if (!pe_headers_section(r->input, r->name, r->out, i, &section, r->e) ||
            !check_section(r, i + 1, section.at, section.size))
            return false;
    return true;
}

bool pe_headers_read(int input, const char *name, uint64_t size, struct pe_headers *out,
                     struct error *e)
{
    const struct reading r = {input, name, out, e};
    uint8_t coff[COFF_HEADER];
    uint64_t pe, optional;
    size_t optional_size;

    *out = (struct pe_headers){.size = size};
    if (size > UINT32_MAX)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' has 4 GiB or more; the format's offsets end there", name);
    if (!find_pe(&r, &pe, coff))
        return false;
    optional = pe + COFF_HEADER;
    optional_size = le_16(coff + COFF_OPTIONAL_SIZE);
    out->machine = le_16(coff + COFF_MACHINE);
    out->sections_at = optional + optional_size;
    out->section_count = le_16(coff + COFF_SECTIONS);
    return read_optional(&r, optional, optional_size) && place_table(&r, pe_headers_end(out)) &&
           read_table(&r) && check_sections(&r);
}
