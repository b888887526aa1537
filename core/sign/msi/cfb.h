/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compound files ([MS-CFB], versions 3 and 4), read: a file system in a file. Sectors are chained
 * in a table (FAT) whose own sectors are listed in another (DIFAT); streams below 4096 bytes share
 * one stream of small sectors (mini stream, mini FAT); names stand in a tree for each storage.
 *
 * cfb_open checks all of it: every chain is walked to its end, no sector belongs to two, each name
 * is reached once and in order. What passes can be read without surprises. Memory: the directory,
 * at most 8 MiB; one bit for each sector; the FAT in pages.
 */
#ifndef SIGNET_SIGN_CFB_H
#define SIGNET_SIGN_CFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "sign/le.h"

enum {
    CFB_HEADER_SIZE = 512,
    CFB_ENTRY_SIZE = 128,
    CFB_MINI_SIZE = 64,          /* a sector of the mini stream */
    CFB_CUTOFF = 4096,           /* shorter streams are in the mini stream */
    CFB_IN_HEADER = 109,         /* FAT sectors that the header lists */
    CFB_SECTOR_MOST = 4096,      /* bytes of one */
    CFB_ENTRIES_MOST = 65536,    /* of a directory */
    CFB_DEEPEST = 32,            /* storages within storages */
    CFB_SECTORS_MOST = 64 << 20, /* 256 GiB of version 4 */
    CFB_NAME_SIZE = 192,         /* of a name in messages */
};

/* Bytes of a file of version 3 ([MS-CFB] 2.9); Windows opens none that is larger. */
#define CFB_MOST_OF_3 (2ULL << 30)

/* Values in the FAT and the mini FAT that are no sector ([MS-CFB] 2.1). */
#define CFB_REGULAR_MOST 0xfffffff9U
#define CFB_DIFAT 0xfffffffcU
#define CFB_FAT 0xfffffffdU
#define CFB_END 0xfffffffeU
#define CFB_FREE 0xffffffffU
/* In the directory: nobody. */
#define CFB_NOBODY 0xffffffffU

/* The sector of version 4 that Windows locks ([MS-CFB] 2.8): it covers byte 0x7fffff00. */
#define CFB_LOCK_SECTOR (0x7fffff00U / 4096 - 1)

/* Of the header ([MS-CFB] 2.2). */
enum {
    CFB_AT_VERSION = 0x1a,
    CFB_AT_BYTE_ORDER = 0x1c,
    CFB_AT_SHIFT = 0x1e,
    CFB_AT_MINI_SHIFT = 0x20,
    CFB_AT_COUNTS = 0x28, /* from here to the list of FAT sectors: nine numbers */
    CFB_AT_DIRECTORY_COUNT = 0x28,
    CFB_AT_FAT_COUNT = 0x2c,
    CFB_AT_DIRECTORY = 0x30,
    CFB_AT_CUTOFF = 0x38,
    CFB_AT_MINI_FAT = 0x3c,
    CFB_AT_MINI_FAT_COUNT = 0x40,
    CFB_AT_DIFAT = 0x44,
    CFB_AT_DIFAT_COUNT = 0x48,
    CFB_AT_FAT_LIST = 0x4c,
};

/* Of a directory entry ([MS-CFB] 2.6.1). */
enum {
    CFB_ENTRY_NAME_LENGTH = 64,
    CFB_ENTRY_TYPE = 66,
    CFB_ENTRY_COLOUR = 67,
    CFB_ENTRY_LEFT = 68,
    CFB_ENTRY_RIGHT = 72,
    CFB_ENTRY_CHILD = 76,
    CFB_ENTRY_CLSID = 80,
    CFB_ENTRY_STATE = 96,
    CFB_ENTRY_TIMES = 100, /* creation and modification, 8 bytes each */
    CFB_ENTRY_START = 116,
    CFB_ENTRY_LENGTH = 120, /* 8 bytes; version 3: 4, the rest is ignored */
};

enum cfb_type { CFB_UNUSED = 0, CFB_STORAGE = 1, CFB_STREAM = 2, CFB_ROOT = 5 };
enum cfb_colour { CFB_RED = 0, CFB_BLACK = 1 };

/* A chain of sectors that is read at any place: every 64th of them is known. */
struct cfb_chain {
    uint32_t start, count;
    uint32_t *mark;
    uint32_t near_index, near_sector; /* the last one asked for */
};

/* One sector of the FAT. */
struct cfb_page {
    uint32_t index; /* in the FAT */
    bool loaded, dirty;
    uint8_t bytes[CFB_SECTOR_MOST];
};

/* What the check found out about a directory entry. */
struct cfb_node {
    bool reached;
    uint8_t depth;         /* storages above it */
    uint32_t first, count; /* a storage's children in `order` */
};

struct cfb {
    int fd; /* the caller's */
    char *name;
    uint64_t size;        /* of the file, when it was opened */
    uint32_t sector_size; /* 512 or 4096 */
    uint32_t sectors;     /* in the file, the last one perhaps cut short */
    uint32_t end;         /* sectors up to the last one in use */
    uint8_t header[CFB_HEADER_SIZE];
    uint32_t *fat, *difat; /* where their sectors are */
    uint32_t fat_count, difat_count;
    uint32_t difat_stop; /* what the last DIFAT sector, or the header, has for the next */
    struct cfb_page *page;
    struct cfb_page mini_page; /* of the mini FAT; `index`: in its chain */
    struct cfb_chain directory, mini_fat, mini_stream;
    uint8_t *entry; /* the whole directory */
    uint32_t entries;
    struct cfb_node *node; /* one for each entry */
    uint32_t *order;       /* the children of each storage, as their tree has them */
    uint8_t *used;         /* a bit for each sector: it belongs to a chain */
    uint8_t *mini_used;
};

/* Reads and checks `fd`, which stays the caller's and open as long as the cfb. NULL: ERROR_FORMAT
 * (what is wrong and where), ERROR_UNSUPPORTED, ERROR_SYSTEM. */
struct cfb *cfb_open(int fd, const char *name, struct error *e);
void cfb_close(struct cfb **c);

static inline uint8_t *cfb_entry(const struct cfb *c, uint32_t id)
{
    return c->entry + (size_t)id * CFB_ENTRY_SIZE;
}

static inline enum cfb_type cfb_type(const struct cfb *c, uint32_t id)
{
    return (enum cfb_type)cfb_entry(c, id)[CFB_ENTRY_TYPE];
}

static inline bool cfb_is_large(const struct cfb *c)
{
    return c->sector_size == 4096;
}

/* The byte of the file where a sector begins. */
static inline uint64_t cfb_place(const struct cfb *c, uint32_t sector)
{
    return ((uint64_t)sector + 1) * c->sector_size;
}

/* The bytes of a stream, or, of the root, of the mini stream. */
uint64_t cfb_length(const struct cfb *c, uint32_t id);

/* Small sectors of the mini stream. */
uint32_t cfb_mini_count(const struct cfb *c);

/* The child of the root with this name (UTF-16LE without its NUL, `length` bytes), letter for
 * letter; CFB_NOBODY: there is none. */
uint32_t cfb_find(const struct cfb *c, const void *name, size_t length);

/* The name of an entry for messages, as msiinfo would show it; `text` has CFB_NAME_SIZE. */
const char *cfb_name(const struct cfb *c, uint32_t id, char *text);

/* The value of a sector in the FAT: the next one of its chain, CFB_END, … */
bool cfb_fat_get(struct cfb *c, uint32_t sector, uint32_t *value, struct error *e);

/* Sectors that follow each other in the chain and in the file, from `*sector` on and at most
 * `most`: how many; then the next of the chain is in `*sector`. 0: an error. */
uint32_t cfb_run(struct cfb *c, uint32_t *sector, uint32_t most, struct error *e);

/* Sector number `index` of a chain. */
bool cfb_chain_at(struct cfb *c, struct cfb_chain *chain, uint32_t index, uint32_t *sector,
                  struct error *e);

/* The byte of the file where small sector number `mini` begins. */
bool cfb_mini_place(struct cfb *c, uint32_t mini, uint64_t *place, struct error *e);
/* Its value in the mini FAT. */
bool cfb_mini_get(struct cfb *c, uint32_t mini, uint32_t *value, struct error *e);

/* Appends the first `length` bytes of a stream, at most its own length, read from `fd`, which is
 * the cfb's or a copy of it. For streams that fit into memory. */
bool cfb_read(struct cfb *c, int fd, uint32_t id, size_t length, struct buffer *out,
              struct error *e);

#endif
