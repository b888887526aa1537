/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portable Executable images (Microsoft PE format; Windows Authenticode Portable Executable
 * Signature Format 1.0). The digest covers all of the file but the CheckSum, the entry of the
 * certificate table, and the table itself, which comes last; the file is padded with zeros to a
 * multiple of eight before it.
 */
#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign/format.h"
#include "sign/pe_checksum.h"

enum {
    DOS_HEADER = 64,
    PE_SIGNATURE_AND_COFF = 24,
    SECTION_HEADER = 40,
    MAGIC_PE32 = 0x10b,
    MAGIC_PE32_PLUS = 0x20b,
    DIRECTORY_PE32 = 96, /* offset of the data directories in the optional header */
    DIRECTORY_PE32_PLUS = 112,
    SECURITY_DIRECTORY = 4, /* number of the certificate table's entry */
    CHECKSUM_IN_OPTIONAL = 64,
    ENTRY_SIZE = 8,
    CERTIFICATE_HEADER = 8, /* WIN_CERTIFICATE: dwLength, wRevision, wCertificateType */
    CERTIFICATE_REVISION = 0x0200,
    CERTIFICATE_PKCS7 = 0x0002,
    ALIGNMENT = 8,
    PIECE = 64 << 10,
    SIGNATURE_MAX = 16 << 20,
    MOST_SIGNATURES = 64,
};

struct format_file {
    int input;
    char *name;
    struct stat status; /* as it was when the headers were read */
    uint64_t size;
    uint64_t checksum_at; /* offset of the field, 4 bytes */
    uint64_t entry_at;    /* offset of the certificate table's directory entry, 8 bytes */
    uint8_t checksum[4], entry[8];
    uint64_t table, table_size; /* 0, 0: unsigned */
    uint64_t sum;     /* of the checksum, of all that was passed over, both fields as zero */
    uint64_t written; /* bytes before the table, padded */
};

static uint16_t le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static bool detect(const uint8_t *head, size_t length)
{
    return length >= 2 && head[0] == 'M' && head[1] == 'Z';
}

static bool wrong(const struct format_file *f, struct error *e, const char *what)
{
    return error_set(e, ERROR_FORMAT, "'%s': %s", f->name, what);
}

static bool read_at(int fd, void *out, size_t size, uint64_t offset)
{
    uint8_t *at = out;

    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t put = pwrite(fd, at, size, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return true;
}

/* What stands at e_lfanew when it is not PE. */
static bool not_pe(const struct format_file *f, const uint8_t *signature, struct error *e)
{
    if (memcmp(signature, "NE", 2) == 0)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' is a 16-bit Windows program (NE), which cannot carry a signature",
                         f->name);
    if (memcmp(signature, "LE", 2) == 0 || memcmp(signature, "LX", 2) == 0)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' is a linear executable (LE), which cannot carry a signature",
                         f->name);
    return error_set(e, ERROR_UNSUPPORTED,
                     "'%s' is a DOS program without a PE header, which cannot carry a signature",
                     f->name);
}

/* Section data beyond the end of the file: it was cut short. */
static bool check_sections(const struct format_file *f, uint64_t table, unsigned count,
                           struct error *e)
{
    uint8_t header[SECTION_HEADER];

    for (unsigned i = 0; i < count; i++) {
        uint64_t raw_size, raw;

        if (!read_at(f->input, header, sizeof header, table + (uint64_t)i * SECTION_HEADER))
            return wrong(f, e, "it ends inside its section headers");
        raw_size = le32(header + 16);
        raw = le32(header + 20);
        if (raw_size > 0 && raw > 0 && raw + raw_size > f->size)
            return error_set(
                e, ERROR_FORMAT,
                "'%s' is cut short: section %u reaches to byte %llu, the file ends at %llu",
                f->name, i + 1, (unsigned long long)(raw + raw_size), (unsigned long long)f->size);
    }
    return true;
}

static bool check_table(struct format_file *f, uint64_t headers_end, struct error *e)
{
    uint64_t offset = le32(f->entry), size = le32(f->entry + 4);

    if (offset == 0 && size == 0)
        return true;
    if (offset == 0 || size < CERTIFICATE_HEADER)
        return wrong(f, e, "the entry of its certificate table makes no sense");
    if (offset + size > f->size)
        return wrong(f, e, "its certificate table reaches beyond the end of the file");
    if (offset < headers_end)
        return wrong(f, e, "its certificate table overlaps the headers");
    if (offset % ALIGNMENT != 0)
        return wrong(f, e, "its certificate table does not begin at a multiple of eight");
    if (offset + size != f->size)
        return error_set(
            e, ERROR_FORMAT,
            "'%s': %llu bytes follow its certificate table, which must be last; something was "
            "appended after it was signed",
            f->name, (unsigned long long)(f->size - offset - size));
    f->table = offset;
    f->table_size = size;
    return true;
}

static bool parse_optional(struct format_file *f, uint64_t at, size_t length, struct error *e)
{
    uint8_t header[DIRECTORY_PE32_PLUS + (SECURITY_DIRECTORY + 1) * ENTRY_SIZE];
    size_t directory, need;
    uint16_t magic;

    if (length < 2 || !read_at(f->input, header, 2, at))
        return wrong(f, e, "it has no optional header: an object file, not a program");
    magic = le16(header);
    if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
        return error_set(e, ERROR_FORMAT,
                         "'%s': its optional header is neither PE32 nor PE32+ (%#x)", f->name,
                         magic);
    directory = magic == MAGIC_PE32 ? DIRECTORY_PE32 : DIRECTORY_PE32_PLUS;
    need = directory + (SECURITY_DIRECTORY + 1) * ENTRY_SIZE;
    if (length < directory || !read_at(f->input, header, directory, at))
        return wrong(f, e, "its optional header is cut short");
    if (le32(header + directory - 4) <= SECURITY_DIRECTORY || length < need)
        return wrong(
            f, e,
            "it has no room for the entry of a certificate table (NumberOfRvaAndSizes below 5)");
    if (!read_at(f->input, header, need, at))
        return wrong(f, e, "its optional header is cut short");
    f->checksum_at = at + CHECKSUM_IN_OPTIONAL;
    f->entry_at = at + directory + SECURITY_DIRECTORY * ENTRY_SIZE;
    memcpy(f->checksum, header + CHECKSUM_IN_OPTIONAL, sizeof f->checksum);
    memcpy(f->entry, header + need - ENTRY_SIZE, sizeof f->entry);
    return true;
}

static bool parse(struct format_file *f, struct error *e)
{
    uint8_t dos[DOS_HEADER], coff[PE_SIGNATURE_AND_COFF];
    uint64_t pe, optional, sections;
    size_t optional_size;

    if (f->size > UINT32_MAX)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' has 4 GiB or more; the format's offsets end there", f->name);
    if (f->size < DOS_HEADER || !read_at(f->input, dos, sizeof dos, 0))
        return wrong(f, e, "it is cut short: not even a DOS header");
    pe = le32(dos + 60);
    /* Old DOS programs have anything there. */
    if (pe + PE_SIGNATURE_AND_COFF > f->size || pe < 4)
        return not_pe(f, (const uint8_t *)"\0\0\0\0", e);
    if (!read_at(f->input, coff, sizeof coff, pe))
        return wrong(f, e, "it is cut short: no PE header");
    if (memcmp(coff, "PE\0\0", 4) != 0)
        return not_pe(f, coff, e);
    optional = pe + PE_SIGNATURE_AND_COFF;
    optional_size = le16(coff + 20);
    sections = optional + optional_size;
    return parse_optional(f, optional, optional_size, e) &&
           check_sections(f, sections, le16(coff + 6), e) &&
           check_table(f, sections + (uint64_t)le16(coff + 6) * SECTION_HEADER, e);
}

static void pe_close(struct format_file **f)
{
    if (*f == NULL)
        return;
    free((*f)->name);
    free(*f);
    *f = NULL;
}

static struct format_file *pe_open(int input, const char *name, struct error *e)
{
    struct format_file *f = calloc(1, sizeof *f);

    if (f == NULL || (f->name = strdup(name)) == NULL) {
        pe_close(&f);
        error_set_memory(e);
        return NULL;
    }
    f->input = input;
    if (fstat(input, &f->status) != 0) {
        error_set_errno(e, "cannot read '%s'", name);
        pe_close(&f);
        return NULL;
    }
    f->size = (uint64_t)f->status.st_size;
    if (!parse(f, e))
        pe_close(&f);
    return f;
}

/* The DER element at the start of `length` bytes, its header included; 0 when it does not fit. */
static size_t der_length(const uint8_t *bytes, size_t length)
{
    const unsigned char *at = bytes;
    long content;
    int tag, class;
    int form = ASN1_get_object(&at, &content, &tag, &class, (long)length);

    if ((form & 0x80) != 0 || form == 0x21)
        return 0;
    return (size_t)(at - bytes) + (size_t)content;
}

static bool read_entry(struct format_file *f, uint64_t at, uint64_t length,
                       struct buffer *signature, struct error *e)
{
    uint8_t *room;
    size_t used;

    if (length > SIGNATURE_MAX)
        return wrong(f, e, "its signature is larger than 16 MiB");
    room = buffer_extend(signature, (size_t)length);
    if (room == NULL)
        return error_set_memory(e);
    if (!read_at(f->input, room, (size_t)length, at))
        return wrong(f, e, "its certificate table cannot be read");
    used = der_length(room, (size_t)length);
    if (used == 0)
        return wrong(f, e, "its certificate table holds no PKCS#7 signature");
    signature->length = used;
    return true;
}

static bool pe_extract(struct format_file *f, unsigned index, struct buffer *signature,
                       struct error *e)
{
    uint64_t at = f->table, end = f->table + f->table_size;
    uint8_t header[CERTIFICATE_HEADER];
    unsigned found = 0;

    buffer_reset(signature);
    for (unsigned i = 0; i < MOST_SIGNATURES && at + CERTIFICATE_HEADER <= end; i++) {
        uint64_t length;

        if (!read_at(f->input, header, sizeof header, at))
            return wrong(f, e, "its certificate table cannot be read");
        length = le32(header);
        if (length < CERTIFICATE_HEADER || length > end - at)
            return wrong(f, e, "an entry of its certificate table has a length that cannot be");
        if (le16(header + 6) == CERTIFICATE_PKCS7 && found++ == index)
            return read_entry(f, at + CERTIFICATE_HEADER, length - CERTIFICATE_HEADER, signature,
                              e);
        at += (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return true;
}

static bool digest_range(EVP_MD_CTX *const *ctx, size_t count, const uint8_t *bytes,
                         uint64_t length)
{
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestUpdate(ctx[i], bytes, (size_t)length) <= 0)
            return false;
    return true;
}

/* Digests a piece that stands at `offset`, less the two fields. */
static bool digest_piece(const struct format_file *f, EVP_MD_CTX *const *ctx, size_t count,
                         const uint8_t *bytes, size_t length, uint64_t offset)
{
    const uint64_t fields[][2] = {
        {f->checksum_at, f->checksum_at + sizeof f->checksum},
        {f->entry_at, f->entry_at + sizeof f->entry},
    };
    uint64_t at = offset, end = offset + length;

    for (size_t i = 0; i < 2; i++) {
        uint64_t from = fields[i][0], to = fields[i][1];

        if (from >= end || to <= at)
            continue;
        if (from > at && !digest_range(ctx, count, bytes + (at - offset), from - at))
            return false;
        at = to < end ? to : end;
    }
    return digest_range(ctx, count, bytes + (at - offset), end - at);
}

static bool still_the_same(const struct format_file *f)
{
    struct stat now;

    return fstat(f->input, &now) == 0 && now.st_size == f->status.st_size &&
           now.st_mtim.tv_sec == f->status.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == f->status.st_mtim.tv_nsec;
}

/* From zero to the table, or to the end and on to a multiple of eight. */
static bool pass(struct format_file *f, int output, EVP_MD_CTX *const *ctx, size_t count,
                 uint8_t *piece, struct cancel *cancel, struct error *e)
{
    uint64_t data = f->table > 0 ? f->table : f->size;
    uint64_t end = (data + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    f->sum = 0;
    for (uint64_t at = 0; at < end;) {
        size_t length = end - at < PIECE ? (size_t)(end - at) : PIECE;
        size_t have = data > at ? (size_t)(data - at < length ? data - at : length) : 0;

        if (cancel_requested(cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while reading '%s'", f->name);
        memset(piece + have, 0, length - have);
        if (!read_at(f->input, piece, have, at))
            return wrong(f, e, "it became shorter while it was read");
        if (!digest_piece(f, ctx, count, piece, length, at))
            return error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name);
        f->sum += pe_checksum_of(piece, length, at);
        if (output >= 0 && !write_at(output, piece, length, at))
            return error_set_errno(e, "cannot write the signed '%s'", f->name);
        at += length;
    }
    f->sum -= pe_checksum_of(f->checksum, sizeof f->checksum, f->checksum_at);
    f->sum -= pe_checksum_of(f->entry, sizeof f->entry, f->entry_at);
    f->written = end;
    return still_the_same(f) || wrong(f, e, "it was changed while it was read; nothing was signed");
}

static bool pe_digest(struct format_file *f, int output, const EVP_MD *const *md, size_t count,
                      uint8_t (*out)[EVP_MAX_MD_SIZE], struct cancel *cancel, struct error *e)
{
    EVP_MD_CTX *ctx[FORMAT_DIGESTS] = {NULL};
    uint8_t *piece = malloc(PIECE);
    bool good = piece != NULL && count <= FORMAT_DIGESTS;

    for (size_t i = 0; i < count && good; i++) {
        ctx[i] = EVP_MD_CTX_new();
        good = ctx[i] != NULL && EVP_DigestInit_ex(ctx[i], md[i], NULL) > 0;
    }
    if (!good)
        error_set_memory(e);
    else
        good = pass(f, output, ctx, count, piece, cancel, e);
    for (size_t i = 0; i < count && i < FORMAT_DIGESTS; i++) {
        if (good)
            good = EVP_DigestFinal_ex(ctx[i], out[i], NULL) > 0;
        EVP_MD_CTX_free(ctx[i]);
    }
    free(piece);
    return good;
}

/* SpcAttributeTypeAndOptionalValue of a PE image, as signtool writes it: type SPC_PE_IMAGE_DATAOBJ
 * (1.3.6.1.4.1.311.2.1.15), value SpcPeImageData with no flags and an empty file name. */
static const uint8_t image_data[] = {
    0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
    0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,
};

static bool pe_content(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                       struct buffer *der, struct error *e)
{
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *octets;
    unsigned char *encoded = NULL, *at;
    int length = -1, total;

    (void)f;
    if (info != NULL) {
        X509_SIG_getm(info, &algorithm, &octets);
        if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) &&
            ASN1_OCTET_STRING_set(octets, digest, EVP_MD_get_size(md)))
            length = i2d_X509_SIG(info, &encoded);
    }
    X509_SIG_free(info);
    if (length < 0)
        return error_set_memory(e);
    total = ASN1_object_size(1, (int)sizeof image_data + length, V_ASN1_SEQUENCE);
    at = buffer_extend(der, (size_t)total);
    if (at != NULL) {
        ASN1_put_object(&at, 1, (int)sizeof image_data + length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        memcpy(at, image_data, sizeof image_data);
        memcpy(at + sizeof image_data, encoded, (size_t)length);
    }
    OPENSSL_free(encoded);
    return buffer_ok(der, e);
}

static bool pe_embed(struct format_file *f, int output, const uint8_t *signature, size_t length,
                     struct error *e)
{
    size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t table_size = CERTIFICATE_HEADER + padded;
    uint8_t *table, entry[ENTRY_SIZE], checksum[4];
    uint64_t sum;
    bool done;

    if (f->written + table_size > UINT32_MAX)
        return error_set(e, ERROR_UNSUPPORTED, "'%s' would have 4 GiB or more with its signature",
                         f->name);
    table = calloc(1, table_size);
    if (table == NULL)
        return error_set_memory(e);
    put_le32(table, (uint32_t)table_size);
    put_le32(table + 4, CERTIFICATE_REVISION | CERTIFICATE_PKCS7 << 16);
    memcpy(table + CERTIFICATE_HEADER, signature, length);
    put_le32(entry, (uint32_t)f->written);
    put_le32(entry + 4, (uint32_t)table_size);
    sum = f->sum + pe_checksum_of(table, table_size, f->written) +
          pe_checksum_of(entry, sizeof entry, f->entry_at);
    put_le32(checksum, pe_checksum_finish(sum, f->written + table_size));
    done = write_at(output, table, table_size, f->written) &&
           write_at(output, entry, sizeof entry, f->entry_at) &&
           write_at(output, checksum, sizeof checksum, f->checksum_at);
    free(table);
    return done || error_set_errno(e, "cannot write the signed '%s'", f->name);
}

/* A zero CheckSum is common and allowed; a wrong one means that the file was changed by something
 * that does not care. */
static const char *pe_flaw(struct format_file *f)
{
    uint64_t sum = f->sum + pe_checksum_of(f->entry, sizeof f->entry, f->entry_at);
    uint8_t piece[4096];

    for (uint64_t at = f->table; f->table > 0 && at < f->size;) {
        size_t length = f->size - at < sizeof piece ? (size_t)(f->size - at) : sizeof piece;

        if (!read_at(f->input, piece, length, at))
            return "the certificate table cannot be read";
        sum += pe_checksum_of(piece, length, at);
        at += length;
    }
    if (le32(f->checksum) == 0 || le32(f->checksum) == pe_checksum_finish(sum, f->size))
        return NULL;
    return "the CheckSum in its header is wrong";
}

const struct format format_pe = {
    .name = "pe",
    .title = "Windows programs, libraries, drivers and EFI images (PE)",
    .detect = detect,
    .open = pe_open,
    .close = pe_close,
    .extract = pe_extract,
    .digest = pe_digest,
    .content = pe_content,
    .embed = pe_embed,
    .flaw = pe_flaw,
};
