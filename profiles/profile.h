/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signing profile, version 1 (design section 3). The schema is one table (profiles/schema.h);
 * loader, saver, `show`, the manual page and the console's form all come from it.
 */
#ifndef SIGNET_PROFILES_PROFILE_H
#define SIGNET_PROFILES_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/signer.h"
#include "sign/sign.h"

struct profile_list {
    char **item;
    size_t count;
};

/* Where the value of a key stands in its file. */
struct profile_place {
    size_t line, column; /* from 1; 0 where the file does not have the key */
    size_t start, end;   /* of a single value, quotes and all, in bytes */
};

/* Texts are NULL, numbers -1, where the profile has no such key and the schema no default. */
struct profile {
    char *path;                  /* the file it came from; NULL for a new one */
    struct profile_place *place; /* of each key of the schema; NULL for a new one */
    int64_t version;             /* 1 */
    char *name;
    char *use;
    char *module; /* p11-kit's name, or a path */
    char *key;
    char *certificate;         /* "sha256:…", or a path */
    struct profile_list chain; /* paths; these and the two above are absolute after loading */
    char *pin;
    int64_t tries_left;
    char *container_name;
    char *container_provider;
    int64_t digest; /* enum signer_hash */
    char *description;
    char *url;
    struct profile_list timestamp_servers;
    int64_t timestamp_required; /* 0, 1; -1: 1 where there are servers */
    int64_t timestamp_timeout;  /* ms */
    int64_t timestamp_tries;
    int64_t timestamp_parallel;
    int64_t timestamp_rate; /* a minute and server; 0: no limit */
    struct profile_list timestamp_ca;
    char *timestamp_proxy;
    int64_t fetch_intermediates; /* 0, 1 */
    int64_t existing;            /* enum sign_existing */
    struct profile_list files;   /* globs, relative to the folder signet-batch runs in */
    char *output_directory;
    int64_t purpose;          /* enum sign_purpose */
    int64_t page_hashes;      /* 0, 1 */
    int64_t msi_signature_ex; /* 0, 1 */
    int64_t scripts_crlf;     /* 0 refuse, 1 convert */
    int64_t scripts_encoding; /* 0 refuse, 1 utf-8 … */
    int64_t sessions;
    int64_t wait_for_token;       /* ms */
    int64_t signatures_per_month; /* 0: no limit */
};

/* What is wrong with a file, all of it: "path:line:column: key: value: reason" each; at most 100.
 * What concerns the file as a whole stands at 1:1. A PIN, or what may be one, is never repeated. */
struct profile_problems {
    char **line;
    size_t count;
};
void profile_problems_free(struct profile_problems *p);

/* The file of a name: a path (with a slash or ending in .yaml), else NAME.yaml in the user's, then
 * the system's folder. New string, freed by the caller. NULL: ERROR_PROFILE, naming where it looked
 * and near misses. */
char *profile_find(const char *name, struct error *e);

/* Loads and validates; merges what `use:` names (the machine's profile gives module, key,
 * certificate, pin, chain where this one has none). A file that others may write is refused.
 * Relative paths are meant from the folder of the file that has them, but for `files` and
 * `output.directory`. NULL: ERROR_PROFILE with the first problem; all of them in `problems` (may be
 * NULL). */
struct profile *profile_load(const char *name, struct profile_problems *problems, struct error *e);

/* The same of a text that is to stand in the file `path`: for an editor. */
struct profile *profile_load_text(const char *path, const void *bytes, size_t length,
                                  struct profile_problems *problems, struct error *e);

/* One text alone; `path` is for messages. `use:` is not followed, paths stay as they are. */
struct profile *profile_parse(const char *path, const void *bytes, size_t length,
                              struct profile_problems *problems, struct error *e);

struct profile *profile_new(struct error *e); /* with the schema's defaults */
void profile_free(struct profile **p);

/* Appends the profile as YAML that profile_parse reads back to the same values; keys at their
 * default are left out. */
bool profile_write(const struct profile *p, struct buffer *out, struct error *e);

/* Writes it to `path` in one step; `replace` false: refused when the file exists. A new file gets
 * mode 0644 less the umask; an old one keeps its mode and owner. */
bool profile_save(const struct profile *p, const char *path, bool replace, struct error *e);

/* Puts a whole text in the place of the file at `path`, in one step; mode and owner stay. */
bool profile_replace_text(const char *path, const struct buffer *text, struct error *e);

struct profile_change {
    const char *key;   /* of a single value: "pin", "container.name" */
    const char *value; /* as it is, not quoted for YAML; NULL: neither the key nor, where it is in a
                          map, any of that map's shall be there */
};

/* Sets keys of the file at `path`, all or none, in one step, and leaves every other byte, comments
 * too, as it is: a value is exchanged in its place, a key that is not there comes last, or into its
 * map. The result must read as before but for the changes. ERROR_PROFILE when the file does not
 * allow that. */
bool profile_change_file(const char *path, const struct profile_change *changes, size_t count,
                         struct error *e);

/* The same without writing: would it work? */
bool profile_can_change(const char *path, const struct profile_change *changes, size_t count,
                        struct error *e);

/* Writes the file at `from` to `to`, which must not be there yet, with another `name`, and every
 * other byte as it was: what it has by `use` stays where it is. */
bool profile_copy(const char *from, const char *to, const char *name, struct error *e);

/* True when there are comments in the text of a profile, which profile_save would leave out; true
 * also for what is no YAML. */
bool profile_has_comments(const char *text, size_t length);

/* The largest file that is read, in bytes. */
enum { PROFILE_MAX = 1 << 20 };

/* Every profile of the user and of the system: names and paths, the user's first; two lists of
 * equal count. */
bool profile_all(struct profile_list *names, struct profile_list *paths, struct error *e);
void profile_list_free(struct profile_list *l);

#endif
