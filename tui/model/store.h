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
    bool complete;    /* every module has answered once */
    unsigned version; /* counts changes of what the tree shows */
};

bool store_init(struct store *s);
void store_free(struct store *s);

/* Each takes a reference of its own. */
void store_set_tokens(struct store *s, json_t *document, bool complete);
void store_set_complete(struct store *s);
void store_set_profiles(struct store *s, json_t *document);
void store_set_objects(struct store *s, const char *token_uri, json_t *document);
void store_set_detail(struct store *s, const char *uri, json_t *record);
void store_set_check(struct store *s, const char *path, json_t *document, bool trial);

/* All that was read of tokens and profiles is to be read again. */
void store_forget(struct store *s);

/* After a change on the token: what was read of it is shown until it was read again. */
void store_touch_token(struct store *s, const char *token_uri);
bool store_is_stale(const struct store *s, const char *token_uri);

/* Borrowed; NULL for none. */
const json_t *store_objects(const struct store *s, const json_t *token);
const json_t *store_detail(const struct store *s, const char *uri);
const json_t *store_check(const struct store *s, const json_t *profile);

/* The record of a token in `tokens` by its URI; NULL. */
json_t *store_token(const struct store *s, const char *uri);

/* The path of the module of a token. "" when it is not known. */
const char *store_module_path(const struct store *s, const json_t *token);

/* Whether a profile's key is on this token, by serial, else label, of its URI. */
bool store_profile_is_for(const json_t *profile, const json_t *token);

/* The first valid profile for this token; NULL. */
const json_t *store_profile_of(const struct store *s, const json_t *token);

#endif
