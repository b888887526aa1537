/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/content.h"

#include <string.h>

#include "sign/le.h"

enum {
    INTEGER = 0x02,
    BIT_STRING = 0x03,
    OCTETS = 0x04,
    NOTHING = 0x05,
    OID = 0x06,
    SEQUENCE = 0x30,
    SET = 0x31,
    FLAGS_0 = 0x80, /* [0] IMPLICIT, primitive */
    WRAPPED_0 = 0xa0,
    WRAPPED_1 = 0xa1,
    WRAPPED_2 = 0xa2,
};

enum { LINK_NAME_MAX = 128, PAGE_ENTRY = 4 + 32 };

struct span {
    const uint8_t *at;
    size_t left;
};

/* Takes the element at the front, which must have this tag and a length in its shortest form (ITU-T
 * X.690 section 10.1). */
static bool take(struct span *in, uint8_t tag, struct span *value)
{
    size_t length, octets, header = 2;

    if (in->left < 2 || in->at[0] != tag)
        return false;
    length = in->at[1];
    if (length >= 0x80) {
        octets = length & 0x7f;
        if (octets < 1 || octets > 4 || in->left < 2 + octets || in->at[2] == 0)
            return false;
        length = 0;
        for (size_t i = 0; i < octets; i++)
            length = length << 8 | in->at[2 + i];
        if (length < 0x80)
            return false;
        header += octets;
    }
    if (length > in->left - header)
        return false;
    *value = (struct span){in->at + header, length};
    in->at += header + length;
    in->left -= header + length;
    return true;
}

static bool is(const struct span *s, const void *bytes, size_t length)
{
    return s->left == length && memcmp(s->at, bytes, length) == 0;
}

/* The element is there, and is just these bytes. */
static bool take_bytes(struct span *in, uint8_t tag, const void *bytes, size_t length)
{
    struct span value;

    return take(in, tag, &value) && is(&value, bytes, length);
}

/* SpcLink, file: [2] EXPLICIT { [0] IMPLICIT BMPString }, which names nothing that matters. */
static bool is_file_link(struct span *in)
{
    struct span link, name;

    return take(in, WRAPPED_2, &link) && in->left == 0 && take(&link, FLAGS_0, &name) &&
           link.left == 0 && name.left <= LINK_NAME_MAX && name.left % 2 == 0;
}

/* Entries of an offset and a SHA-256: the first at zero, each behind the one before, the last with
 * zeros for a hash. */
static bool are_pages(const struct span *pages)
{
    static const uint8_t zeros[32];
    const uint8_t *last;

    if (pages->left < 2 * PAGE_ENTRY || pages->left % PAGE_ENTRY != 0 || le_32(pages->at) != 0)
        return false;
    last = pages->at + pages->left - PAGE_ENTRY;
    for (const uint8_t *at = pages->at; at < last; at += PAGE_ENTRY)
        if (le_32(at) >= le_32(at + PAGE_ENTRY))
            return false;
    return memcmp(last + 4, zeros, sizeof zeros) == 0;
}

/* SpcLink, moniker: [1] IMPLICIT SpcSerializedObject { classId, serializedData }, the data being
 * SET { SEQUENCE { SPC_PE_IMAGE_PAGE_HASHES_V2 1.3.6.1.4.1.311.2.3.2, SET { OCTET STRING } } }. */
static bool take_moniker(struct span *in, struct span *pages)
{
    static const uint8_t class_id[] = {0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66,
                                       0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};
    static const uint8_t pages_v2[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x03, 0x02};
    struct span moniker, data, set, sequence, values;

    return take(in, WRAPPED_1, &moniker) && in->left == 0 &&
           take_bytes(&moniker, OCTETS, class_id, sizeof class_id) &&
           take(&moniker, OCTETS, &data) && moniker.left == 0 && take(&data, SET, &set) &&
           data.left == 0 && take(&set, SEQUENCE, &sequence) && set.left == 0 &&
           take_bytes(&sequence, OID, pages_v2, sizeof pages_v2) && take(&sequence, SET, &values) &&
           sequence.left == 0 && take(&values, OCTETS, pages) && values.left == 0;
}

/* SpcPeImageData { flags BIT STRING, file [0] EXPLICIT SpcLink }. */
static bool is_pe(struct span *value, struct content *out)
{
    static const uint8_t no_flags[] = {0};
    struct span data, file, pages, link;

    if (!take(value, SEQUENCE, &data) || value->left != 0 ||
        !take_bytes(&data, BIT_STRING, no_flags, sizeof no_flags) ||
        !take(&data, WRAPPED_0, &file) || data.left != 0)
        return false;
    link = file;
    if (is_file_link(&link))
        return true;
    out->page_hashes = true;
    return take_moniker(&file, &pages) && are_pages(&pages);
}

static bool is_cab(struct span *value, struct content *out)
{
    (void)out;
    return is_file_link(value);
}

/* {000C10F1-0000-0000-C000-000000000046}, the SIP of MSI. */
static const uint8_t msi_sip[] = {0xf1, 0x10, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46};

/* SpcSipInfo { 1 or, with MsiDigitalSignatureEx, 2; the GUID of the MSI's SIP; five zeros }. */
static bool is_msi(struct span *value, struct content *out)
{
    static const uint8_t one[] = {1}, two[] = {2}, zero[] = {0};
    struct span info, version;

    (void)out;
    if (!take(value, SEQUENCE, &info) || value->left != 0 || !take(&info, INTEGER, &version) ||
        !(is(&version, one, 1) || is(&version, two, 1)) ||
        !take_bytes(&info, OCTETS, msi_sip, sizeof msi_sip))
        return false;
    for (int i = 0; i < 5; i++)
        if (!take_bytes(&info, INTEGER, zero, sizeof zero))
            return false;
    return info.left == 0;
}

#define MICROSOFT 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01
enum { TYPE_SIZE = 10 };

/* SPC_PE_IMAGE_DATAOBJ, SPC_CAB_DATA_OBJID, SPC_SIPINFO_OBJID. `other`: a type that stands in
 * signatures of this format too, made by other programs; NULL: none does. */
static const uint8_t image_data[TYPE_SIZE] = {MICROSOFT, 0x0f};
/* SPC_INDIVIDUAL_SP_KEY_PURPOSE_OBJID, by pesign; UEFI and Windows take it. */
static const uint8_t individual[TYPE_SIZE] = {MICROSOFT, 0x15};
static const struct kind {
    const char *format;
    uint8_t type[TYPE_SIZE];
    const uint8_t *other;
    bool (*value)(struct span *value, struct content *out);
} kinds[] = {
    {"pe", {MICROSOFT, 0x0f}, individual, is_pe},
    {"cab", {MICROSOFT, 0x19}, image_data, is_cab},
    {"msi", {MICROSOFT, 0x1e}, NULL, is_msi},
};

/* NULL: there is no such format. */
static const struct kind *kind_of(const char *format)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].format, format) == 0)
            return &kinds[i];
    return NULL;
}

/* DigestInfo { AlgorithmIdentifier with NULL, OCTET STRING }, of SHA-2. */
static bool take_digest(struct span *in, struct content *out)
{
    static const uint8_t sha2[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
    struct span info, algorithm, oid, digest;

    if (!take(in, SEQUENCE, &info) || !take(&info, SEQUENCE, &algorithm) ||
        !take(&algorithm, OID, &oid) || !take_bytes(&algorithm, NOTHING, "", 0) ||
        algorithm.left != 0 || !take(&info, OCTETS, &digest) || info.left != 0 ||
        oid.left != sizeof sha2 + 1 || memcmp(oid.at, sha2, sizeof sha2) != 0)
        return false;
    switch (oid.at[sizeof sha2]) {
    case 1:
        out->md = EVP_sha256();
        break;
    case 2:
        out->md = EVP_sha384();
        break;
    case 3:
        out->md = EVP_sha512();
        break;
    default:
        return false;
    }
    out->digest = digest.at;
    out->digest_length = digest.left;
    return digest.left == (size_t)EVP_MD_get_size(out->md);
}

bool content_read(const char *format, const uint8_t *der, size_t length, struct content *out,
                  struct error *e)
{
    struct span in = {der, length}, whole, data;
    const struct kind *kind = kind_of(format);

    *out = (struct content){0};
    if (kind == NULL)
        return error_set(e, ERROR_UNSUPPORTED, "no format '%s' is known here", format);
    if (!take(&in, SEQUENCE, &whole) || in.left != 0 || !take(&whole, SEQUENCE, &data))
        return error_set(e, ERROR_FORMAT, "the content is no SpcIndirectDataContent in DER");
    if (!take_bytes(&data, OID, kind->type, TYPE_SIZE) || !kind->value(&data, out))
        return error_set(e, ERROR_FORMAT, "the content is not one of the format '%s'", format);
    return (take_digest(&whole, out) && whole.left == 0) ||
           error_set(e, ERROR_FORMAT, "the content holds no digest by SHA-2, or more than one");
}

/* The SIP that SpcSipInfo names: scripts have SPC_SIPINFO_OBJID too. */
static bool names_msi(struct span *value)
{
    struct span info, version;

    return take(value, SEQUENCE, &info) && take(&info, INTEGER, &version) &&
           take_bytes(&info, OCTETS, msi_sip, sizeof msi_sip);
}

bool content_is_of(const char *format, const uint8_t *data, size_t length)
{
    const struct kind *kind = kind_of(format);
    struct span in = {data, length}, value, type;

    if (kind == NULL || !take(&in, SEQUENCE, &value) || !take(&value, OID, &type))
        return false;
    if (!is(&type, kind->type, TYPE_SIZE) &&
        (kind->other == NULL || !is(&type, kind->other, TYPE_SIZE)))
        return false;
    return kind->value != is_msi || names_msi(&value);
}
