/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/msi/cfb.h"

#include <stdlib.h>
#include <string.h>

#include "sign/file_io.h"
#include "sign/msi/cfb_parts.h"

bool cfb_read_at(const struct cfb *c, void *out, size_t size, uint64_t at, struct error *e)
{
    return file_io_read(c->fd, out, size, at) ||
           file_io_error(e, c->name, "it became shorter while it was read");
}

bool cfb_write_at(const struct cfb *c, const void *bytes, size_t size, uint64_t at, struct error *e)
{
    return file_io_write(c->fd, bytes, size, at) ||
           error_set_errno(e, "cannot write the signed '%s'", c->name);
}

void cfb_close(struct cfb **c)
{
    struct cfb *old = *c;

    if (old == NULL)
        return;
    cfb_chain_free(&old->directory);
    cfb_chain_free(&old->mini_fat);
    cfb_chain_free(&old->mini_stream);
    free(old->name);
    free(old->fat);
    free(old->difat);
    free(old->page);
    free(old->entry);
    free(old->node);
    free(old->order);
    free(old->used);
    free(old->mini_used);
    free(old);
    *c = NULL;
}

static bool load(struct cfb *c, struct error *e)
{
    if (!cfb_header_read(c, e))
        return false;
    c->used = calloc((size_t)c->sectors / 8 + 1, 1);
    if (c->used == NULL)
        return error_set_memory(e);
    return cfb_fat_load(c, e) && cfb_fat_check(c, e) && cfb_directory_load(c, e) &&
           cfb_streams_check(c, e) && cfb_tail_check(c, e);
}

struct cfb *cfb_open(int fd, const char *name, struct error *e)
{
    struct cfb *c = calloc(1, sizeof *c);

    if (c == NULL || (c->name = strdup(name)) == NULL) {
        cfb_close(&c);
        error_set_memory(e);
        return NULL;
    }
    c->fd = fd;
    if (!load(c, e))
        cfb_close(&c);
    return c;
}
