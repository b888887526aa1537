/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a profile, one table: loader, saver, `show`, the manual page and the console's form
 * come from it. */
#ifndef SIGNET_PROFILES_SCHEMA_H
#define SIGNET_PROFILES_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "profiles/profile.h"

enum schema_type {
    SCHEMA_TEXT,
    SCHEMA_NAME,        /* of a profile: letters, digits, '-', '_', '.' */
    SCHEMA_MODULE,      /* p11-kit's name, or a path */
    SCHEMA_URI,         /* a pkcs11: URI, without a PIN */
    SCHEMA_CERTIFICATE, /* sha256:… or a path */
    SCHEMA_PATH,
    SCHEMA_PIN,    /* a PIN source */
    SCHEMA_HTTP,   /* http:// or https:// */
    SCHEMA_CHOICE, /* one of `choices`; stored as its index */
    SCHEMA_BOOLEAN,
    SCHEMA_INTEGER,  /* minimum … maximum */
    SCHEMA_DURATION, /* "10s", "10m", "1h"; stored in ms; minimum … maximum in ms */
    SCHEMA_LIST_OF_TEXT,
    SCHEMA_LIST_OF_PATHS,
    SCHEMA_LIST_OF_HTTP,
};

struct schema_key {
    const char *name; /* "limits.sessions": a key of a map */
    enum schema_type type;
    size_t offset;              /* into struct profile: char *, struct profile_list or int64_t */
    const char *const *choices; /* NULL-terminated */
    int64_t minimum, maximum;
    int64_t otherwise; /* default of numbers, booleans, choices, durations; -1: none */
    bool shared;       /* taken from the profile that `use` names, where this one has none */
    const char *help;  /* sentences for the manual */
    const char *example;
};

extern const struct schema_key schema_keys[];
extern const size_t schema_key_count;

/* The key of a full dotted name; NULL. */
const struct schema_key *schema_find(const char *name);

/* The first key of the map `name`; NULL when dotted keys do not begin so. */
const struct schema_key *schema_map(const char *name);

/* What may be meant by an unknown name, as in "did you mean key?"; "" when there is no telling. */
void schema_hint(const char *name, char *out, size_t size);

bool schema_is_list(const struct schema_key *k);
bool schema_is_number(const struct schema_key *k); /* stored as int64_t */

/* The value's place in a profile. */
char **schema_text(const struct schema_key *k, struct profile *p);
struct profile_list *schema_list(const struct schema_key *k, struct profile *p);
int64_t *schema_number(const struct schema_key *k, struct profile *p);

/* Whether a text can be the value, or an item, of a key that holds texts; false: `why` as below. */
bool schema_fits(const struct schema_key *k, const char *value, char *why, size_t why_size);

/* Checks and stores one scalar, or appends one item of a list. False: `why` says what it should be;
 * the value itself is not repeated there. No text has control characters or line breaks in it
 * afterwards: all can be shown as they are. */
bool schema_set(const struct schema_key *k, struct profile *p, const char *value, char *why,
                size_t why_size);

/* False for what is or may hold a PIN or a password, which a message would keep. */
bool schema_may_show(const struct schema_key *k, const char *value);

/* The value as text: a scalar, or item `index` of a list; NULL when there is none. New, freed by
 * the caller. */
char *schema_value(const struct schema_key *k, const struct profile *p, size_t index);

/* True when the profile's value is what the schema gives anyway. */
bool schema_is_default(const struct schema_key *k, const struct profile *p);

/* True when both have the same value. */
bool schema_same(const struct schema_key *k, const struct profile *a, const struct profile *b);

/* Appends the manual's description of every key, in scdoc. */
void schema_manual(struct buffer *out);

#endif
