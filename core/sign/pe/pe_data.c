/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_data.h"

#include <openssl/asn1.h>
#include <string.h>

/* With no flags and an empty file name, which is what stands there without page hashes. */
static const uint8_t plain[] = {
    0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
    0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,
};

/* SPC_PE_IMAGE_DATAOBJ 1.3.6.1.4.1.311.2.1.15, and the last bytes of the same with .2.3.1 and .2:
 * page hashes with SHA-1, and with SHA-256; DER, with tag and length. */
static const uint8_t image_data[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
                                     0x01, 0x82, 0x37, 0x02, 0x01, 0x0f};
static const uint8_t page_hashes[][12] = {
    [PE_PAGES_SHA1] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x03, 0x01},
    [PE_PAGES_SHA256] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x03, 0x02},
};
/* OCTET STRING with the class that says that an SpcSerializedObject holds page hashes. */
static const uint8_t class_id[] = {0x04, 0x10, 0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24,
                                   0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};
static const uint8_t no_flags[] = {0x03, 0x01, 0x00};

/* The elements around the page hashes, from the outermost on, and what stands in each before the
 * next. */
static const struct layer {
    int tag, class;
    const uint8_t *first;
    size_t first_length;
} layers[] = {
    {V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, image_data, sizeof image_data},
    {V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, no_flags, sizeof no_flags}, /* SpcPeImageData */
    {0, V_ASN1_CONTEXT_SPECIFIC, NULL, 0},                          /* file */
    {1, V_ASN1_CONTEXT_SPECIFIC, class_id, sizeof class_id},        /* moniker */
    {V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, NULL, 0},               /* serializedData */
    {V_ASN1_SET, V_ASN1_UNIVERSAL, NULL, 0},
    {V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, page_hashes[PE_PAGES_SHA256], sizeof page_hashes[0]},
    {V_ASN1_SET, V_ASN1_UNIVERSAL, NULL, 0},
    {V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, NULL, 0},
};

enum { LAYERS = sizeof layers / sizeof *layers, IMAGE = 1, MONIKER = 3, KIND = 6 };

bool pe_data_put(const uint8_t *list, size_t length, struct buffer *der, struct error *e)
{
    int content[LAYERS + 1] = {[LAYERS] = (int)length};
    unsigned char *at;

    if (length == 0) {
        buffer_append(der, plain, sizeof plain);
        return buffer_ok(der, e);
    }
    for (int i = LAYERS - 1, inner = (int)length; i >= 0; i--) {
        content[i] = (int)layers[i].first_length + inner;
        inner = ASN1_object_size(1, content[i], layers[i].tag);
    }
    at = buffer_extend(der, (size_t)ASN1_object_size(1, content[0], layers[0].tag));
    for (int i = 0; i < LAYERS && at != NULL; i++) {
        ASN1_put_object(&at, layers[i].tag != V_ASN1_OCTET_STRING, content[i], layers[i].tag,
                        layers[i].class);
        if (layers[i].first_length > 0)
            memcpy(at, layers[i].first, layers[i].first_length);
        at += layers[i].first_length;
    }
    if (at != NULL)
        memcpy(at, list, length);
    return buffer_ok(der, e);
}

/* Bytes that are read on. */
struct span {
    const uint8_t *at;
    size_t length;
};

/* Into the element at the start, which must be this one. */
static bool enter(struct span *s, int tag, int class)
{
    const unsigned char *at = s->at;
    long length;
    int found_tag, found_class, form;

    if (s->length == 0)
        return false;
    form = ASN1_get_object(&at, &length, &found_tag, &found_class, (long)s->length);
    /* 0x80: an error; 1: of indefinite length, which DER does not have. */
    if ((form & 0x81) != 0 || found_tag != tag || found_class != class)
        return false;
    *s = (struct span){at, (size_t)length};
    return true;
}

/* Over these bytes, which must stand at the start. */
static bool pass_over(struct span *s, const uint8_t *bytes, size_t length)
{
    if (s->length < length || memcmp(s->at, bytes, length) != 0)
        return false;
    *s = (struct span){s->at + length, s->length - length};
    return true;
}

static void skip_flags(struct span *s)
{
    struct span flags = *s;

    if (enter(&flags, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL)) {
        size_t size = (size_t)(flags.at - s->at) + flags.length;

        *s = (struct span){s->at + size, s->length - size};
    }
}

static bool enter_layer(struct span *s, int i)
{
    if (!enter(s, layers[i].tag, layers[i].class))
        return false;
    if (i == IMAGE) /* catalogs have other flags, and they may be left out */
        skip_flags(s);
    return i == IMAGE || i == KIND || layers[i].first_length == 0 ||
           pass_over(s, layers[i].first, layers[i].first_length);
}

enum pe_data_pages pe_data_get(const uint8_t *data, size_t length, enum pe_pages_kind *kind,
                               const uint8_t **list, size_t *list_length)
{
    struct span s = {data, length};

    for (int i = 0; i < LAYERS; i++) {
        if (!enter_layer(&s, i))
            return i <= MONIKER ? PE_DATA_NONE : PE_DATA_BROKEN;
        if (i != KIND)
            continue;
        if (pass_over(&s, page_hashes[PE_PAGES_SHA1], sizeof page_hashes[0]))
            *kind = PE_PAGES_SHA1;
        else if (pass_over(&s, page_hashes[PE_PAGES_SHA256], sizeof page_hashes[0]))
            *kind = PE_PAGES_SHA256;
        else
            return PE_DATA_BROKEN;
    }
    *list = s.at;
    *list_length = s.length;
    return PE_DATA_PAGES;
}
