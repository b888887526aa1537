/* SPDX-License-Identifier: Apache-2.0 */
/* What the console knows: the last record of each operation, as it was emitted. */
#ifndef SIGNET_TUI_MODEL_STORE_H
#define SIGNET_TUI_MODEL_STORE_H

#include <jansson.h>
#include <stdbool.h>

struct store {
    json_t *tokens;   /* of `tokens`; NULL until the first part came */
    json_t *profiles; /* of `profile list` */
    json_t *objects;  /* token URI -> of `objects` */
    json_t *details;  /* URI -> of `show` */
    json_t *checks;   /* profile path -> of `check` */
    json_t *trials;   /* profile path -> true after a trial that went well */
    json_t *stale;    /* token URI -> its objects are to be read again */
    json_t *readers;  /* of `readers`; NULL until PC/SC was asked */
    json_t *figures;  /* token URI, or reader -> figures, see store_set_figures */
    json_t *names;    /* token URI -> of `containers`, its part */
    json_t *doctor;   /* of `doctor`; NULL */
    json_t *orders;   /* of `order list --known`; NULL */
    bool complete;    /* every module has answered once */
    bool settled;     /* ... since a reader or card came or went */
    unsigned version; /* counts changes of what the tree shows */
};

bool store_init(struct store *s);
void store_free(struct store *s);

/* Each takes a reference of its own. */
void store_set_tokens(struct store *s, json_t *document, bool complete);
void store_set_complete(struct store *s);
void store_set_profiles(struct store *s, json_t *document);
void store_set_orders(struct store *s, json_t *document);
void store_set_objects(struct store *s, const char *token_uri, json_t *document);
void store_set_detail(struct store *s, const char *uri, json_t *record);
void store_set_check(struct store *s, const char *path, json_t *document, bool trial);

/* All that was read of tokens and profiles is to be read again. */
void store_forget(struct store *s);

/* After a change on the token: what was read of it is shown until it was read again. */
void store_touch_token(struct store *s, const char *token_uri);
bool store_is_stale(const struct store *s, const char *token_uri);

/* Takes a reference, as those above. True when a reader or card came or went: figures and names of
 * what is gone are to be read again. */
bool store_set_readers(struct store *s, json_t *document);
void store_set_doctor(struct store *s, json_t *document); /* NULL: forgets it */

/* What `counters` told of a device, by the token's URI or the reader's name, with the time it was
 * learnt ("14:02:11"). Where it could not be asked now, the last figures stay, with their time and
 * the problem: {"device", "time", "problem"}. */
void store_set_figures(struct store *s, const char *name, json_t *device, const char *time);
const json_t *store_figures(const struct store *s, const char *name); /* NULL: none yet */

/* What is known is shown until it was read again. */
void store_touch_figures(struct store *s, const char *name);
bool store_needs_figures(const struct store *s, const char *name);

/* The part of `containers` about this token; NULL: not read yet. Its "by" has each key by its URI,
 * and by its id. */
void store_set_names(struct store *s, const char *token_uri, json_t *part);
const json_t *store_names(const struct store *s, const char *token_uri);

/* The reader that this token is in; NULL for none, or PC/SC does not tell. Modules describe a slot
 * by its reader's name, cut to 64 bytes. */
const json_t *store_reader_of(const struct store *s, const json_t *token);
bool store_reader_is_slot(const json_t *reader, const json_t *token);

/* Its card was pulled out, or is another one, and its module has not noticed yet. */
bool store_token_is_gone(const struct store *s, const json_t *token);

/* The record of the user's PIN in the figures of a token, where a number is known; NULL. */
const json_t *store_user_pin(const struct store *s, const json_t *token);

/* True where a PIN that signs is blocked, as far as is known: by its number, else by the flags. */
bool store_is_blocked(const struct store *s, const json_t *token);

/* A token of the tree: it is not hidden, and not gone. */
bool store_shows(const struct store *s, const json_t *token);
bool store_shows_any(const struct store *s);

/* The card in this reader is a token of the tree. */
bool store_reader_is_token(const struct store *s, const json_t *reader);

/* Borrowed; NULL for none. */
const json_t *store_objects(const struct store *s, const json_t *token);
const json_t *store_detail(const struct store *s, const char *uri);
const json_t *store_check(const struct store *s, const json_t *profile);

/* The record of a token in `tokens` by its URI; NULL. */
json_t *store_token(const struct store *s, const char *uri);

/* The path of the module of a token. "" when it is not known. */
const char *store_module_path(const struct store *s, const json_t *token);

/* The slots with a token that is not initialised: how many, and the first of them (NULL). */
size_t store_blanks(const struct store *s, const json_t **first);
bool store_is_blank(const json_t *token);

/* The newest order for a key that is on this token; NULL for none. With a certificate (the record
 * of `show`; may be NULL) not the order that it came from, and none that is older. */
const json_t *store_order_of(const struct store *s, const json_t *token, const json_t *certificate);

/* Whether a profile's key is on this token, by serial, else label, of its URI. */
bool store_profile_is_for(const json_t *profile, const json_t *token);

/* The first valid profile for this token; NULL. */
const json_t *store_profile_of(const struct store *s, const json_t *token);

#endif
