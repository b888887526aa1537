/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Installer's files as a format, read: sign/msi.h says what is digested. */
#include "sign/msi/msi_file.h"

#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/msi/cfb_parts.h"
#include "sign/signature_io.h"
#include "sign/spc.h"

static const uint8_t magic[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

static bool msi_detect(const uint8_t *head, size_t length)
{
    return length >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static void msi_close(struct format_file **f)
{
    if (*f == NULL)
        return;
    cfb_close(&(*f)->c);
    buffer_free(&(*f)->stored_ex);
    free((*f)->name);
    free(*f);
    *f = NULL;
}

/* {000C10xx-0000-0000-C000-000000000046}: packages and merge modules, patches, transforms. */
static bool check_class(const struct cfb *c, struct error *e)
{
    static const uint8_t rest[] = {0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
    const uint8_t *class = cfb_entry(c, 0) + CFB_ENTRY_CLSID;

    if (memcmp(class + 1, rest, sizeof rest) == 0 &&
        (class[0] == 0x84 || class[0] == 0x86 || class[0] == 0x82))
        return true;
    return error_set(
        e, ERROR_UNSUPPORTED,
        "'%s' is a compound file, but none of Windows Installer: the class of its root "
        "is {%08x-%04x-…}; what can be signed of these is MSI, MSP, MSM and MST",
        c->name, le_32(class), le_16(class + 4));
}

/* Finds a stream of the root. Another one whose name Windows takes for the same is an error. */
static bool find_stream(const struct cfb *c, const uint8_t *name, size_t length, uint32_t *found,
                        struct error *e)
{
    const struct cfb_node *root = &c->node[0];
    uint8_t like[CFB_ENTRY_SIZE] = {0};
    char text[CFB_NAME_SIZE];
    bool sure;

    memcpy(like, name, length);
    le_put_16(like + CFB_ENTRY_NAME_LENGTH, (uint16_t)(length + 2));
    *found = cfb_find(c, name, length);
    for (uint32_t i = 0; i < root->count; i++) {
        uint32_t id = c->order[root->first + i];

        if (id != *found && cfb_compare(cfb_entry(c, id), like, &sure) == 0)
            return error_set(e, ERROR_FORMAT,
                             "'%s' has a stream '%s', whose name differs from the signature's only "
                             "in case",
                             c->name, cfb_name(c, id, text));
    }
    return true;
}

static bool check_signature(struct format_file *f, struct error *e)
{
    const struct cfb *c = f->c;

    if (!find_stream(c, msi_signature_name, sizeof msi_signature_name, &f->signature, e) ||
        !find_stream(c, msi_ex_name, sizeof msi_ex_name, &f->ex, e))
        return false;
    if ((f->signature != CFB_NOBODY && cfb_type(c, f->signature) != CFB_STREAM) ||
        (f->ex != CFB_NOBODY && cfb_type(c, f->ex) != CFB_STREAM))
        return error_set(e, ERROR_FORMAT, "'%s': where its signature belongs there is a storage",
                         f->name);
    if (f->signature != CFB_NOBODY && cfb_length(c, f->signature) > FORMAT_SIGNATURE_MAX)
        return error_set(e, ERROR_FORMAT, "'%s': its signature is larger than 16 MiB", f->name);
    if (f->ex == CFB_NOBODY)
        return true;
    if (cfb_length(c, f->ex) > EVP_MAX_MD_SIZE)
        return error_set(
            e, ERROR_FORMAT,
            "'%s': its stream MsiDigitalSignatureEx has %llu bytes; it holds a digest, "
            "of at most 64",
            f->name, (unsigned long long)cfb_length(c, f->ex));
    return cfb_read(f->c, f->input, f->ex, EVP_MAX_MD_SIZE, &f->stored_ex, e);
}

static bool parse(struct format_file *f, struct error *e)
{
    if (fstat(f->input, &f->status) != 0)
        return error_set_errno(e, "cannot read '%s'", f->name);
    f->c = cfb_open(f->input, f->name, e);
    return f->c != NULL && check_class(f->c, e) && check_signature(f, e);
}

static struct format_file *msi_open(int input, const char *name, struct error *e)
{
    struct format_file *f = calloc(1, sizeof *f);

    if (f == NULL || (f->name = strdup(name)) == NULL) {
        msi_close(&f);
        error_set_memory(e);
        return NULL;
    }
    f->input = input;
    if (!parse(f, e))
        msi_close(&f);
    return f;
}

bool msi_extract(struct format_file *f, unsigned index, struct buffer *signature, struct error *e)
{
    buffer_reset(signature);
    if (index > 0 || f->signature == CFB_NOBODY || cfb_length(f->c, f->signature) == 0)
        return true;
    return cfb_read(f->c, f->input, f->signature, FORMAT_SIGNATURE_MAX, signature, e) &&
           signature_io_trim(signature, "its stream DigitalSignature", &f->stuffed, e);
}

static bool metadata(struct format_file *f, struct msi_hash *h, struct error *e)
{
    return msi_hash_metadata(h, e) && msi_hash_finish(h, f->prehash, e) && msi_hash_again(h, e);
}

/* What goes into the main digest first: what the stream holds or will hold, as it must be. Where it
 * is another, or as long as the digest of another signature, no signature holds. */
static bool begin_with_ex(struct format_file *f, struct msi_hash *h, struct error *e)
{
    bool present = f->keeps_ex ? f->ex != CFB_NOBODY : f->wants_ex;

    for (size_t i = 0; present && i < h->hashing.count; i++)
        if (EVP_DigestUpdate(h->hashing.ctx[i], f->prehash[i], (size_t)EVP_MD_get_size(f->md[i])) <=
            0)
            return error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", f->name);
    return true;
}

/* Whether MsiDigitalSignatureEx is the digest of the metadata; `sized`: whether it is as long as
 * that by each of the hashes. */
static bool ex_holds(const struct format_file *f, bool *sized)
{
    bool same = false;

    *sized = true;
    for (size_t i = 0; i < f->md_count; i++)
        if ((size_t)EVP_MD_get_size(f->md[i]) != f->stored_ex.length)
            *sized = false;
        else
            same |= memcmp(f->prehash[i], f->stored_ex.data, f->stored_ex.length) == 0;
    return same && *sized;
}

/* A signature that is added shares the stream with those that are there. */
static bool fits_stored_ex(const struct format_file *f, const struct format_options *options,
                           struct error *e)
{
    if (options == NULL || !options->append || f->ex == CFB_NOBODY)
        return true;
    for (size_t i = 0; i < f->md_count; i++)
        if ((size_t)EVP_MD_get_size(f->md[i]) != f->stored_ex.length)
            return error_set(
                e, ERROR_UNSUPPORTED,
                "'%s' has a stream MsiDigitalSignatureEx of %zu bytes, which all of its signatures "
                "share; one with a digest of %d bytes cannot be added to them (a profile's digest "
                "is what to change, or --existing replace)",
                f->name, f->stored_ex.length, EVP_MD_get_size(f->md[i]));
    return true;
}

/* What does not hold is not added to. */
static bool check_stored_ex(const struct format_file *f, const struct format_options *options,
                            struct error *e)
{
    bool sized;

    if (options == NULL || !options->append || f->ex == CFB_NOBODY || ex_holds(f, &sized))
        return true;
    return error_set(
        e, ERROR_SIGNATURE,
        "'%s' carries a signature that does not hold (names, sizes, times or classes in "
        "it were changed: MsiDigitalSignatureEx is another); to sign it anew: "
        "--existing replace",
        f->name);
}

static bool pass(struct format_file *f, struct msi_hash *h, const struct format_pass *p,
                 struct error *e)
{
    h->output = p->output;
    h->cancel = p->cancel;
    if (!metadata(f, h, e) || !check_stored_ex(f, p->options, e) || !begin_with_ex(f, h, e) ||
        (p->output >= 0 && !msi_copy_rest(h, e)) || !msi_hash_content(h, e) ||
        !msi_hash_finish(h, f->digest, e))
        return false;
    for (size_t i = 0; i < f->md_count; i++)
        memcpy(p->digest[i], f->digest[i], sizeof f->digest[i]);
    return file_io_unchanged(f->input, &f->status, f->name, e);
}

bool msi_digest(struct format_file *f, const struct format_pass *p, struct error *e)
{
    struct msi_hash h;
    bool good;

    f->makes_signature = p->options != NULL;
    f->keeps_ex = p->options == NULL || p->options->append;
    f->wants_ex = p->options != NULL && p->options->signature_ex;
    f->md_count = p->count < FORMAT_DIGESTS ? p->count : FORMAT_DIGESTS;
    for (size_t i = 0; i < f->md_count; i++)
        f->md[i] = p->md[i];
    if (!fits_stored_ex(f, p->options, e) ||
        (p->options != NULL && p->options->append && !signature_io_may_add(f->stuffed, f->name, e)))
        return false;
    good = msi_hash_open(&h, f->c, f->md, f->md_count, e) && pass(f, &h, p, e);
    msi_hash_close(&h);
    return good;
}

bool msi_has_ex(const struct format_file *f)
{
    return f->makes_signature && !f->keeps_ex ? f->wants_ex : f->ex != CFB_NOBODY;
}

/* SpcAttributeTypeAndOptionalValue as signtool writes it: type SPC_SIPINFO_OBJID
 * (1.3.6.1.4.1.311.2.1.30), value SpcSipInfo with a version, the class of the SIP
 * {000C10F1-0000-0000-C000-000000000046} and five zeros. The version is 2 where the file has
 * MsiDigitalSignatureEx. */
static const uint8_t sip_info[] = {
    0x30, 0x32, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
    0x1e, 0x30, 0x24, 0x02, 0x01, 0x01, 0x04, 0x10, 0xf1, 0x10, 0x0c, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46, 0x02, 0x01,
    0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00,
};
enum { SIP_INFO_VERSION = 18 };

static bool msi_content(struct format_file *f, const EVP_MD *md, const uint8_t *digest,
                        struct buffer *der, struct error *e)
{
    uint8_t data[sizeof sip_info];

    memcpy(data, sip_info, sizeof data);
    data[SIP_INFO_VERSION] = msi_has_ex(f) ? 2 : 1;
    return spc_indirect_data(data, sizeof data, md, digest, der, e);
}

static const char *msi_flaw(struct format_file *f, unsigned index)
{
    const char *flaw[2];
    unsigned count = 0;
    bool sized;

    if (f->ex != CFB_NOBODY && f->md_count > 0 && !ex_holds(f, &sized))
        flaw[count++] = sized
                            ? "names, sizes, times or classes in it are not those that were signed "
                              "(MsiDigitalSignatureEx is another)"
                            : "its MsiDigitalSignatureEx has another size than the digest of a "
                              "signature";
    if (f->stuffed)
        flaw[count++] = "bytes stand behind the signature in its stream DigitalSignature, where no "
                        "signature protects them";
    return index < count ? flaw[index] : NULL;
}

const struct format format_msi = {
    .name = "msi",
    .title = "Windows Installer packages, patches and merge modules (MSI, MSP, MSM)",
    .detect = msi_detect,
    .open = msi_open,
    .close = msi_close,
    .extract = msi_extract,
    .digest = msi_digest,
    .content = msi_content,
    .embed = msi_embed,
    .note = msi_note,
    .remove = msi_remove,
    .flaw = msi_flaw,
};
