/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: queue, log in once, log out. */
#include "gate/gate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "gate/session.h"
#include "token/settle.h"
#include "wire/rv.h"

/* The grain of file times, and the time between a ticket and the file that tells of it. */
enum { WRITING_MS = 10 };

static bool copy_request(struct gate_session *s, const struct gate_request *r, struct error *e)
{
    s->token = r->slot->token;
    s->slot = r->slot->id;
    s->slot_info = r->slot->info;
    s->role = r->role;
    session_forget_figure(s);
    s->actor = r->actor;
    s->tries_left = r->tries_left;
    s->cancel = r->cancel;
    if (r->person != NULL)
        s->person = *r->person;
    s->module = strdup(r->module);
    s->device = strdup(r->device);
    s->program = strdup(r->program);
    s->name = strdup(r->name == NULL ? tries_role_name(r->role) : r->name);
    s->label = text_padded(s->token.label, sizeof s->token.label);
    s->source = pin_source_dup(r->source, e);
    if (r->reader != NULL) {
        s->reader = strdup(r->reader);
        s->family = strdup(r->family);
        s->serial = strdup(r->serial == NULL ? "" : r->serial);
        if (s->reader == NULL || s->family == NULL || s->serial == NULL)
            return error_set_memory(e);
    }
    if (s->module == NULL || s->device == NULL || s->program == NULL || s->name == NULL ||
        s->label == NULL)
        return error_set_memory(e);
    return s->source != NULL;
}

struct gate_session *session_new(const struct gate_request *request, struct host **host,
                                 struct error *e)
{
    struct gate_session *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set_memory(e);
        host_stop(host);
        return NULL;
    }
    pthread_rwlock_init(&s->current, NULL);
    pthread_mutex_init(&s->attempting, NULL);
    s->host = *host;
    *host = NULL;
    if (!copy_request(s, request, e))
        gate_close(&s);
    return s;
}

void gate_close(struct gate_session **session)
{
    struct gate_session *s = *session;

    if (s == NULL)
        return;
    gate_watch_stop(&s->watch);
    /* The host ends first: with it the login, and its hold on the lock. */
    host_stop(&s->host);
    secret_free(&s->pin);
    gate_lock_release(&s->lock);
    pin_source_free(&s->source);
    wire_open_key_free(&s->want);
    EVP_PKEY_free(s->signer.public_key);
    pthread_rwlock_destroy(&s->current);
    pthread_mutex_destroy(&s->attempting);
    free(s->module);
    free(s->device);
    free(s->program);
    free(s->label);
    free(s->name);
    free(s->card_reader);
    free(s->reader);
    free(s->family);
    free(s->serial);
    free(s);
    *session = NULL;
}

bool session_is_token(const struct gate_session *s, const struct wire_slot *slot)
{
    const CK_TOKEN_INFO *a = &slot->token, *b = &s->token;

    return slot->has_token &&
           memcmp(a->serialNumber, b->serialNumber, sizeof a->serialNumber) == 0 &&
           memcmp(a->label, b->label, sizeof a->label) == 0 &&
           memcmp(a->model, b->model, sizeof a->model) == 0;
}

/* A slot's number may change with a fresh host; the token's serial, label and model do not. Of
 * tokens that have all of them alike (HSMs' partitions that are not initialised yet), the one in
 * the slot that was named is meant, and none where that is not among them: a try, or the end of all
 * keys, would be another's. */
static bool search_slots(struct gate_session *s, bool *found, struct error *e)
{
    CK_SLOT_ID other = s->slot;
    struct wire_slots all;
    unsigned alike = 0;
    bool same = false;

    if (!host_slots(s->host, s->cancel, &all, e))
        return false;
    for (size_t i = 0; i < all.count; i++)
        if (session_is_token(s, &all.slot[i])) {
            other = all.slot[i].id;
            same = same || other == s->slot;
            alike++;
        }
    wire_slots_free(&all);
    if (alike > 1 && !same)
        return error_set(e, ERROR_UNFIT,
                         "no try: %u tokens here have the label '%s' and the same serial number, "
                         "and the one that was meant is not where it was; take the others out",
                         alike, s->label);
    if (!same)
        s->slot = other;
    *found = alike > 0;
    return true;
}

static bool find_slot(struct gate_session *s, struct error *e)
{
    int64_t end = 0;
    bool found;

    do {
        if (!search_slots(s, &found, e))
            return false;
    } while (!found && settle_again(&end, s->cancel));
    return found || error_set(e, ERROR_MISSING, "the token '%s' is gone", s->label);
}

bool session_connect(struct gate_session *s, struct error *e)
{
    if (!session_read_figure(s, e))
        return false;
    if (s->host == NULL)
        s->host = host_start(s->module, s->cancel, e);
    if (s->host == NULL || (s->reader == NULL && !find_slot(s, e)))
        return false;
    session_read_vendor_figure(s);
    if (s->watch == NULL)
        s->watch = gate_watch_start(s);
    return true;
}

static bool needs_login(const struct gate_session *s)
{
    return s->role == WIRE_PIN_SO || (s->token.flags & CKF_LOGIN_REQUIRED);
}

CK_USER_TYPE session_user(const struct gate_session *s)
{
    return s->role == WIRE_PIN_SO ? CKU_SO : CKU_USER;
}

/* A PIN that is under way is waited for: taken back, it would count as refused. At a reader's keys
 * a person may give up. */
bool session_login(struct gate_session *s, struct error *e)
{
    struct wire_login login = {.slot = s->slot, .user = session_user(s), .pin = s->pin};
    struct buffer body = BUFFER_INIT;
    struct attempt result = {0};
    bool done;

    if (!needs_login(s))
        return true;
    if (!session_permit(s, "login", NULL, e))
        return false;
    login.pinpad = s->pin == NULL;
    if (login.pinpad && s->person.tell != NULL)
        s->person.tell(s->person.data, "type the PIN at the reader");
    wire_login_put(&body, &login);
    done = buffer_ok(&body, e) &&
           attempt_send(s->host, WIRE_LOGIN, 0, &body, gate_lock_fd(s->lock), login.pinpad,
                        login.pinpad ? s->cancel : NULL, &result, NULL, e);
    buffer_free(&body);
    return session_settle(s, "login", &result, e) && done;
}

struct secret *session_read_secret(struct gate_session *s, const struct pin_source *source,
                                   const char *what, struct error *e)
{
    char *text = text_format("%s of '%s'", what, s->label);
    struct secret *pin;

    /* A person may take long, and a host keeps its hand on a card: others could not read it. */
    if (pin_source_kind(source) == PIN_PROMPT && (s->slot_info.flags & CKF_HW_SLOT))
        host_stop(&s->host);
    pin = pin_source_read(source, text == NULL ? what : text, &s->person, s->cancel, e);
    free(text);
    return pin;
}

/* Asked for before the queue, so that a person who is slow to type holds up nobody. */
static bool read_pin(struct gate_session *s, struct error *e)
{
    if (!needs_login(s) || pin_source_kind(s->source) == PIN_PINPAD)
        return true;
    s->pin = session_read_secret(s, s->source, s->name, e);
    return s->pin != NULL;
}

bool session_lock(struct gate_session *s, const struct gate_request *r, struct error *e)
{
    s->lock = gate_lock_join(s->device, s->program, e);
    if (s->lock == NULL)
        return false;
    /* Who waits loses its host in any case (below); until then that would keep its hand on the
     * card, and whoever has the token could not read its counter. */
    if (!gate_lock_is_ours(s->lock))
        host_stop(&s->host);
    if (!gate_lock_wait(s->lock, r->wait_ms, r->person, s->cancel, e))
        return false;
    /* A module keeps what it read when it started. Where another had the token since, that may be
     * outdated, or half of what that one was writing (SoftHSM's PIN is read then). */
    if (s->host != NULL && gate_lock_others_ago(s->lock) <= host_age(s->host) + WRITING_MS)
        host_stop(&s->host);
    return true;
}

const char *gate_default_source(const CK_TOKEN_INFO *token)
{
    return token->flags & CKF_PROTECTED_AUTHENTICATION_PATH ? "pinpad" : "prompt";
}

struct gate_session *gate_open(const struct gate_request *request, struct host **host,
                               struct error *e)
{
    struct gate_session *s = session_new(request, host, e);

    if (s != NULL && (!read_pin(s, e) || !session_lock(s, request, e) || !session_connect(s, e) ||
                      !session_login(s, e)))
        gate_close(&s);
    return s;
}

struct host *gate_host(struct gate_session *s)
{
    return s->host;
}

CK_SLOT_ID gate_slot(struct gate_session *s)
{
    return s->slot;
}

const char *gate_tries_before(const struct gate_session *s)
{
    return s->tries.text;
}

bool gate_store_pin(struct gate_session *s, const char *path, struct error *e)
{
    char *folder;
    bool stored;

    if (s->pin == NULL)
        return error_set(e, ERROR_USAGE, "a PIN that is typed at the reader cannot be stored");
    folder = path_parent(path, e);
    stored = folder != NULL && path_make_folders(folder, 0700, e) &&
             path_write_file(path, secret_bytes(s->pin), secret_length(s->pin), 0600, e);
    free(folder);
    return stored;
}
