/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of sectors. */
#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/msi/cfb_parts.h"

enum { MARK_EVERY = 64 };

uint32_t cfb_run(struct cfb *c, uint32_t *sector, uint32_t most, struct error *e)
{
    uint32_t count = 0, at = *sector, next = at;

    while (count < most && next == at) {
        if (!cfb_fat_get(c, at, &next, e))
            return 0;
        count++;
        at++;
    }
    *sector = next;
    return count;
}

bool cfb_chain_extend(struct cfb_chain *chain, uint32_t sector, struct error *e)
{
    uint32_t marks = chain->count / MARK_EVERY;

    if (chain->count % MARK_EVERY == 0) {
        /* Doubled whenever it is a power of two. */
        if ((marks & (marks - 1)) == 0) {
            uint32_t *grown =
                realloc(chain->mark, sizeof *grown * (marks == 0 ? 1 : 2 * (size_t)marks));

            if (grown == NULL)
                return error_set_memory(e);
            chain->mark = grown;
        }
        chain->mark[marks] = sector;
    }
    if (chain->count == 0)
        chain->start = sector;
    chain->count++;
    return true;
}

void cfb_chain_free(struct cfb_chain *chain)
{
    free(chain->mark);
    *chain = (struct cfb_chain){.start = CFB_END};
}

bool cfb_chain_load(struct cfb *c, struct cfb_chain *chain, uint32_t start, uint64_t bytes,
                    uint32_t most, const char *what, struct error *e)
{
    uint32_t sector = start;
    uint64_t held = 0;

    *chain = (struct cfb_chain){.start = CFB_END};
    while (sector <= CFB_REGULAR_MOST) {
        uint64_t needed = bytes == CFB_WHOLE ? c->sector_size : bytes - held;

        if (chain->count == most)
            return error_set(e, ERROR_UNSUPPORTED, "'%s': %s is too long to be handled", c->name,
                             what);
        if (needed > c->sector_size)
            needed = c->sector_size;
        if (!cfb_claim(c, sector, needed, what, e) || !cfb_chain_extend(chain, sector, e) ||
            !cfb_fat_get(c, sector, &sector, e))
            return false;
        if (bytes != CFB_WHOLE)
            held += needed;
    }
    if (chain->count > 0 && sector != CFB_END)
        return error_set(e, ERROR_FORMAT, "'%s': %s does not end, but breaks off with %08x",
                         c->name, what, sector);
    return bytes == CFB_WHOLE || held == bytes ||
           error_set(e, ERROR_FORMAT, "'%s': %s ends after %llu of its %llu bytes", c->name, what,
                     (unsigned long long)held, (unsigned long long)bytes);
}

bool cfb_chain_at(struct cfb *c, struct cfb_chain *chain, uint32_t index, uint32_t *sector,
                  struct error *e)
{
    uint32_t at = index / MARK_EVERY * MARK_EVERY;

    if (index >= chain->count)
        return error_set(e, ERROR_FORMAT, "'%s': a chain ends before its sector %u", c->name,
                         index);
    *sector = chain->mark[index / MARK_EVERY];
    if (chain->near_index >= at && chain->near_index <= index && chain->near_index > 0) {
        at = chain->near_index;
        *sector = chain->near_sector;
    }
    for (; at < index; at++)
        if (!cfb_fat_get(c, *sector, sector, e))
            return false;
    chain->near_index = index;
    chain->near_sector = *sector;
    return true;
}

bool cfb_mini_place(struct cfb *c, uint32_t mini, uint64_t *place, struct error *e)
{
    uint32_t per = c->sector_size / CFB_MINI_SIZE, sector;

    if (!cfb_chain_at(c, &c->mini_stream, mini / per, &sector, e))
        return false;
    *place = cfb_place(c, sector) + (uint64_t)(mini % per) * CFB_MINI_SIZE;
    return true;
}

bool cfb_mini_get(struct cfb *c, uint32_t mini, uint32_t *value, struct error *e)
{
    struct cfb_page *page = &c->mini_page;
    uint32_t per = cfb_per_sector(c), sector;

    if (!page->loaded || page->index != mini / per) {
        page->loaded = false;
        if (!cfb_chain_at(c, &c->mini_fat, mini / per, &sector, e) ||
            !cfb_read_at(c, page->bytes, c->sector_size, cfb_place(c, sector), e))
            return false;
        page->index = mini / per;
        page->loaded = true;
    }
    *value = le_32(page->bytes + 4 * (size_t)(mini % per));
    return true;
}

static bool read_piece(const struct cfb *c, int fd, uint8_t *to, size_t size, uint64_t at,
                       struct error *e)
{
    return file_io_read(fd, to, size, at) ||
           file_io_error(e, c->name, "it became shorter while it was read");
}

/* Small sectors that follow each other in their chain and in one sector of the file, from `*mini`
 * on: their bytes, at most `length` rounded up; then the next of the chain is in `*mini`. 0: an
 * error. */
static size_t mini_run(struct cfb *c, uint32_t *mini, size_t length, struct error *e)
{
    uint32_t per = c->sector_size / CFB_MINI_SIZE, at = *mini, next = at;
    size_t run = 0;

    do {
        if (!cfb_mini_get(c, at, &next, e))
            return 0;
        run += CFB_MINI_SIZE;
        at++;
    } while (run < length && next == at && at % per != 0);
    *mini = next;
    return run;
}

static bool read_mini(struct cfb *c, int fd, uint32_t mini, uint8_t *to, size_t length,
                      struct error *e)
{
    while (length > 0) {
        uint64_t place;
        size_t piece;

        if (!cfb_mini_place(c, mini, &place, e))
            return false;
        piece = mini_run(c, &mini, length, e);
        if (piece > length)
            piece = length;
        if (piece == 0 || !read_piece(c, fd, to, piece, place, e))
            return false;
        to += piece;
        length -= piece;
    }
    return true;
}

static bool read_large(struct cfb *c, int fd, uint32_t sector, uint8_t *to, size_t length,
                       struct error *e)
{
    while (length > 0) {
        uint64_t place = cfb_place(c, sector);
        size_t piece = (size_t)cfb_run(c, &sector, 64, e) * c->sector_size;

        if (piece > length)
            piece = length;
        if (piece == 0 || !read_piece(c, fd, to, piece, place, e))
            return false;
        to += piece;
        length -= piece;
    }
    return true;
}

bool cfb_read(struct cfb *c, int fd, uint32_t id, size_t length, struct buffer *out,
              struct error *e)
{
    uint64_t whole = cfb_length(c, id);
    uint32_t start = le_32(cfb_entry(c, id) + CFB_ENTRY_START);
    uint8_t *to;

    if (length > whole)
        length = (size_t)whole;
    if (length == 0)
        return true;
    to = buffer_extend(out, length);
    if (to == NULL)
        return error_set_memory(e);
    return whole < CFB_CUTOFF ? read_mini(c, fd, start, to, length, e)
                              : read_large(c, fd, start, to, length, e);
}
