/* SPDX-License-Identifier: Apache-2.0 */
/* What of an installer's compound file is digested, and in which order. */
#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/msi/cfb_parts.h"
#include "sign/msi/msi.h"

const uint8_t msi_signature_name[MSI_SIGNATURE_NAME_SIZE] =
    "\5\0D\0i\0g\0i\0t\0a\0l\0S\0i\0g\0n\0a\0t\0u\0r\0e";
const uint8_t msi_ex_name[MSI_EX_NAME_SIZE] =
    "\5\0M\0s\0i\0D\0i\0g\0i\0t\0a\0l\0S\0i\0g\0n\0a\0t\0u\0r\0e\0E\0x";

static bool cannot(const struct msi_hash *h, struct error *e)
{
    return error_set_openssl(e, ERROR_SYSTEM, "cannot digest '%s'", h->c->name);
}

bool msi_hash_open(struct msi_hash *h, struct cfb *c, const EVP_MD *const *md, size_t count,
                   struct error *e)
{
    *h = (struct msi_hash){.c = c, .output = -1, .piece = malloc(MSI_PIECE)};
    return h->piece == NULL ? error_set_memory(e) : hashing_start(&h->hashing, md, count, e);
}

void msi_hash_close(struct msi_hash *h)
{
    hashing_free(&h->hashing);
    free(h->piece);
    *h = (struct msi_hash){0};
}

bool msi_hash_again(struct msi_hash *h, struct error *e)
{
    return hashing_again(&h->hashing) || cannot(h, e);
}

static bool update(struct msi_hash *h, const void *bytes, size_t length, struct error *e)
{
    return hashing_add(&h->hashing, bytes, length) || cannot(h, e);
}

bool msi_hash_finish(struct msi_hash *h, uint8_t (*digest)[EVP_MAX_MD_SIZE], struct error *e)
{
    return hashing_finish(&h->hashing, digest) || cannot(h, e);
}

static bool is_named(const uint8_t *entry, const uint8_t *name, size_t length)
{
    return le_16(entry + CFB_ENTRY_NAME_LENGTH) == length + 2 && memcmp(entry, name, length) == 0;
}

/* In the root only: elsewhere, a stream of that name is one like others. */
static bool is_signature(const struct cfb *c, uint32_t storage, uint32_t id)
{
    const uint8_t *entry = cfb_entry(c, id);

    return storage == 0 && (is_named(entry, msi_signature_name, sizeof msi_signature_name) ||
                            is_named(entry, msi_ex_name, sizeof msi_ex_name));
}

/* By the bytes of the names (UTF-16LE) with the NUL at their end, so that a name comes before
 * longer ones that begin with it. */
static int compare_names(const void *a, const void *b, void *context)
{
    const struct cfb *c = context;
    const uint8_t *x = cfb_entry(c, *(const uint32_t *)a);
    const uint8_t *y = cfb_entry(c, *(const uint32_t *)b);
    unsigned m = le_16(x + CFB_ENTRY_NAME_LENGTH), n = le_16(y + CFB_ENTRY_NAME_LENGTH);

    return memcmp(x, y, m < n ? m : n);
}

/* The children of a storage in the order of the digest, without the signature's; freed by the
 * caller. */
static uint32_t *sorted(struct cfb *c, uint32_t storage, uint32_t *count, struct error *e)
{
    const struct cfb_node *node = &c->node[storage];
    uint32_t *id = malloc((node->count + 1ULL) * sizeof *id);

    *count = 0;
    if (id == NULL) {
        error_set_memory(e);
        return NULL;
    }
    for (uint32_t i = 0; i < node->count; i++)
        if (!is_signature(c, storage, c->order[node->first + i]))
            id[(*count)++] = c->order[node->first + i];
    qsort_r(id, *count, sizeof *id, compare_names, c);
    return id;
}

/* Each child of a storage, in order; storages are for `visit` to go into. */
static bool each_child(struct msi_hash *h, uint32_t storage,
                       bool (*visit)(struct msi_hash *h, uint32_t id, struct error *e),
                       struct error *e)
{
    uint32_t count, *id = sorted(h->c, storage, &count, e);
    bool good = id != NULL;

    for (uint32_t i = 0; i < count && good; i++)
        good = visit(h, id[i], e);
    free(id);
    return good;
}

static bool hash_entry(struct msi_hash *h, uint32_t id, struct error *e)
{
    const uint8_t *entry = cfb_entry(h->c, id);
    enum cfb_type type = cfb_type(h->c, id);
    size_t name = id == 0 ? 0 : le_16(entry + CFB_ENTRY_NAME_LENGTH) - 2U;

    /* Of the size, the lower half, whatever the version. */
    if (!update(h, entry, name, e) ||
        !(type == CFB_STREAM ? update(h, entry + CFB_ENTRY_LENGTH, 4, e)
                             : update(h, entry + CFB_ENTRY_CLSID, 16, e)) ||
        !update(h, entry + CFB_ENTRY_STATE, 4, e))
        return false;
    if (id != 0 && !update(h, entry + CFB_ENTRY_TIMES, 16, e))
        return false;
    return type == CFB_STREAM || each_child(h, id, hash_entry, e);
}

bool msi_hash_metadata(struct msi_hash *h, struct error *e)
{
    return hash_entry(h, 0, e);
}

/* Sectors that stand one after the other. The last one is written whole, and digested as far as the
 * stream goes. */
static bool hash_run(struct msi_hash *h, uint64_t at, size_t length, size_t digested,
                     struct error *e)
{
    struct cfb *c = h->c;

    if (cancel_requested(h->cancel))
        return error_set(e, ERROR_CANCELLED, "cancelled while reading '%s'", c->name);
    if (c->size - at < length)
        length = (size_t)(c->size - at);
    return cfb_read_at(c, h->piece, length, at, e) && update(h, h->piece, digested, e) &&
           (h->output < 0 || file_io_write(h->output, h->piece, length, at) ||
            error_set_errno(e, "cannot write the signed '%s'", c->name));
}

static bool hash_large(struct msi_hash *h, uint32_t id, struct error *e)
{
    struct cfb *c = h->c;
    uint32_t sector = le_32(cfb_entry(c, id) + CFB_ENTRY_START);
    uint32_t most = MSI_PIECE / c->sector_size;

    for (uint64_t left = cfb_length(c, id); left > 0;) {
        uint64_t at = cfb_place(c, sector);
        size_t run = (size_t)cfb_run(c, &sector, most, e) * c->sector_size;
        size_t digested = left < run ? (size_t)left : run;

        if (run == 0 || !hash_run(h, at, run, digested, e))
            return false;
        left -= digested;
    }
    return true;
}

static bool hash_small(struct msi_hash *h, uint32_t id, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    bool good = cfb_read(h->c, h->output < 0 ? h->c->fd : h->output, id, CFB_CUTOFF, &bytes, e) &&
                update(h, bytes.data, bytes.length, e);

    buffer_free(&bytes);
    return good;
}

static bool hash_child(struct msi_hash *h, uint32_t id, struct error *e)
{
    if (cfb_type(h->c, id) == CFB_STORAGE)
        return each_child(h, id, hash_child, e) &&
               update(h, cfb_entry(h->c, id) + CFB_ENTRY_CLSID, 16, e);
    if (cfb_length(h->c, id) == 0)
        return true;
    return cfb_length(h->c, id) < CFB_CUTOFF ? hash_small(h, id, e) : hash_large(h, id, e);
}

bool msi_hash_content(struct msi_hash *h, struct error *e)
{
    return each_child(h, 0, hash_child, e) &&
           update(h, cfb_entry(h->c, 0) + CFB_ENTRY_CLSID, 16, e);
}

/* Sets a bit for each sector that msi_hash_content will write. */
static bool mark_large(struct cfb *c, uint32_t id, uint8_t *bits, struct error *e)
{
    uint32_t sector = le_32(cfb_entry(c, id) + CFB_ENTRY_START);

    for (uint64_t left = cfb_length(c, id); left > 0;) {
        cfb_set_bit(bits, sector);
        if (!cfb_fat_get(c, sector, &sector, e))
            return false;
        left -= left < c->sector_size ? left : c->sector_size;
    }
    return true;
}

static bool mark_hashed(struct cfb *c, uint8_t *bits, struct error *e)
{
    uint32_t signature = cfb_find(c, msi_signature_name, sizeof msi_signature_name);
    uint32_t ex = cfb_find(c, msi_ex_name, sizeof msi_ex_name);

    for (uint32_t i = 1; i < c->entries; i++)
        if (c->node[i].reached && cfb_type(c, i) == CFB_STREAM && i != signature && i != ex &&
            cfb_length(c, i) >= CFB_CUTOFF && !mark_large(c, i, bits, e))
            return false;
    return true;
}

static bool copy_range(struct msi_hash *h, uint64_t at, uint64_t end, struct error *e)
{
    while (at < end) {
        size_t length = end - at < MSI_PIECE ? (size_t)(end - at) : MSI_PIECE;

        if (!hash_run(h, at, length, 0, e))
            return false;
        at += length;
    }
    return true;
}

bool msi_copy_rest(struct msi_hash *h, struct error *e)
{
    struct cfb *c = h->c;
    uint8_t *bits = calloc((size_t)c->sectors / 8 + 1, 1);
    bool good = bits == NULL ? error_set_memory(e) : mark_hashed(c, bits, e);
    uint64_t from = 0; /* of what is to be copied next: the header is the first */

    for (uint32_t i = 0; i < c->sectors && good; i++) {
        if (!cfb_bit(bits, i))
            continue;
        good = copy_range(h, from, cfb_place(c, i), e);
        from = cfb_place(c, i) + c->sector_size;
    }
    if (good && from < c->size)
        good = copy_range(h, from, c->size, e);
    free(bits);
    return good;
}

/* `count` sectors of the file from one on, or a small one by its place. */
static bool print_run(struct msi_hash *h, uint64_t place, uint32_t count, struct error *e)
{
    return update(h, &place, sizeof place, e) && update(h, &count, sizeof count, e);
}

static bool print_large(struct msi_hash *h, uint32_t id, struct error *e)
{
    uint32_t sector = le_32(cfb_entry(h->c, id) + CFB_ENTRY_START), run;
    uint64_t size = h->c->sector_size;

    for (uint64_t left = (cfb_length(h->c, id) + size - 1) / size; left > 0; left -= run) {
        uint64_t place = cfb_place(h->c, sector);

        run = cfb_run(h->c, &sector, (uint32_t)left, e);
        if (run == 0 || !print_run(h, place, run, e))
            return false;
    }
    return true;
}

static bool print_small(struct msi_hash *h, uint32_t id, struct error *e)
{
    uint32_t mini = le_32(cfb_entry(h->c, id) + CFB_ENTRY_START);

    for (uint64_t at = 0; at < cfb_length(h->c, id); at += CFB_MINI_SIZE) {
        uint64_t place;

        if (!cfb_mini_place(h->c, mini, &place, e) || !print_run(h, place, 1, e) ||
            !cfb_mini_get(h->c, mini, &mini, e))
            return false;
    }
    return true;
}

/* Not its links, nor where the mini stream is: all of its small sectors are told by their place. */
static bool print_entry(struct msi_hash *h, uint32_t id, struct error *e)
{
    const uint8_t *entry = cfb_entry(h->c, id);
    size_t end = id == 0 ? CFB_ENTRY_START : CFB_ENTRY_SIZE;

    if (!update(h, entry, CFB_ENTRY_COLOUR, e) ||
        !update(h, entry + CFB_ENTRY_CLSID, end - CFB_ENTRY_CLSID, e))
        return false;
    if (cfb_type(h->c, id) != CFB_STREAM)
        return each_child(h, id, print_entry, e);
    return cfb_length(h->c, id) < CFB_CUTOFF ? print_small(h, id, e) : print_large(h, id, e);
}

bool msi_fingerprint(struct cfb *c, uint8_t *digest, struct error *e)
{
    const EVP_MD *md = EVP_sha256();
    uint8_t all[1][EVP_MAX_MD_SIZE];
    struct msi_hash h;
    bool good =
        msi_hash_open(&h, c, &md, 1, e) && print_entry(&h, 0, e) && msi_hash_finish(&h, all, e);

    if (good)
        memcpy(digest, all[0], (size_t)EVP_MD_get_size(md));
    msi_hash_close(&h);
    return good;
}
