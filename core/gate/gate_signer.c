/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of a session, and its recovery: a host that crashed, hung or lost its session is
 * replaced by a fresh one with one login, while the rules allow it. Lanes sign under a read lock, a
 * recovery holds the write lock; whoever comes second finds a new generation and just tries again.
 */
#include <openssl/x509.h>
#include <string.h>

#include "base/log.h"
#include "gate/session.h"
#include "token/key.h"
#include "wire/rv.h"

void gate_expect_touch(struct gate_session *s)
{
    s->touch = true;
}

static bool open_key(struct gate_session *s, struct error *e)
{
    s->want.slot = s->slot;
    if (!key_open(s->host, &s->want, s->cancel, &s->key, e))
        return false;
    log_line("signing with %u sessions by %s", s->key.lanes, s->key.path);
    return true;
}

static void end_logins(struct gate_session *s, const struct error *why)
{
    s->refused = true;
    s->refusal = *why;
}

/* A key that wants a login per signature gets the same PIN each time; the first refusal ends the
 * session. The counter was reset by the login before, so the flags are not read again. */
static bool sign_with_login(struct gate_session *s, unsigned lane, const struct wire_sign *base,
                            struct buffer *signature, struct error *e)
{
    struct wire_sign what = *base;
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct attempt result = {0};
    bool done = false;

    what.pin = s->pin;
    what.pinpad = s->pin == NULL;
    wire_sign_put(&body, &what);
    pthread_mutex_lock(&s->attempting);
    if (s->refused) {
        error_set(e, s->refusal.code, "%s", s->refusal.text);
    } else if (session_permit(s, "sign-login", NULL, e)) {
        done = attempt_send(s->host, WIRE_SIGN_LOGIN, lane, &body, gate_lock_fd(s->lock),
                            what.pinpad || s->touch, NULL, &result, &answer, e);
        done = session_settle(s, "sign-login", &result, e) && done;
        /* A PIN that was sent and not accepted, or got no answer, is not sent again: not even by
         * a fresh host. */
        if (!done && (!result.answered || (result.status.attempted && !result.status.accepted)))
            end_logins(s, e);
    }
    pthread_mutex_unlock(&s->attempting);
    if (done) {
        struct wire_reader r = wire_reader_of(answer.data, answer.length);
        size_t size;
        const uint8_t *bytes = wire_get_bytes(&r, &size);

        done = wire_reader_done(&r, e);
        if (done)
            buffer_append(signature, bytes, size);
    }
    buffer_free(&body);
    buffer_free(&answer);
    return done;
}

/* Not cancellable: a signature under way is finished, so that the file in hand is. */
static bool sign_once(struct gate_session *s, unsigned lane, enum signer_hash hash,
                      const uint8_t *digest, size_t length, struct buffer *signature,
                      struct error *e)
{
    struct wire_sign what = {.key = s->key.key, .hash = hash, .digest_length = length};

    if (length > sizeof what.digest)
        return error_set(e, ERROR_UNSUPPORTED, "a digest of %zu bytes is too long", length);
    memcpy(what.digest, digest, length);
    if (s->key.always_authenticate)
        return sign_with_login(s, lane, &what, signature, e);
    return key_sign(s->host, s->key.key, lane, hash, digest, length, s->touch, NULL, signature, e);
}

/* Worth a fresh host: the host is dead, the session is, the module says no more than that something
 * failed, or a call that failed left its operation open under the next one. */
static bool may_recover(const struct error *e)
{
    return e->code == ERROR_HOST ||
           (e->code == ERROR_TOKEN &&
            (rv_is_dead_session(e->detail) || e->detail == CKR_GENERAL_ERROR ||
             e->detail == CKR_DEVICE_ERROR || e->detail == CKR_FUNCTION_FAILED ||
             e->detail == CKR_OPERATION_ACTIVE || e->detail == CKR_OPERATION_NOT_INITIALIZED));
}

static bool start_again(struct gate_session *s, struct error *e)
{
    uint32_t lanes = s->key.lanes;

    host_stop(&s->host);
    if (!session_connect(s, e) || !session_login(s, e) || !open_key(s, e))
        return false;
    if (s->key.lanes < lanes)
        return error_set(e, ERROR_TOKEN, "the token gives fewer sessions than before");
    return true;
}

/* After a failure in `generation`, which `e` tells. True: try again. */
static bool recover(struct gate_session *s, unsigned generation, struct error *e)
{
    struct error cause = *e;
    bool recovered = true;

    pthread_rwlock_wrlock(&s->current);
    if (s->ended) {
        error_set(e, s->why.code, "%s", s->why.text);
        recovered = false;
    } else if (s->generation == generation) {
        /* A fresh host that did not sign even once is not replaced again. */
        if (cancel_requested(s->cancel) || atomic_load(&s->unproved) ||
            ++s->recoveries > GATE_RECOVERIES) {
            recovered = false;
        } else {
            log_line("%s; starting again", cause.text);
            if (s->person.tell != NULL)
                s->person.tell(s->person.data, "the token's host failed; starting again");
            recovered = start_again(s, e);
            if (!recovered && e->code != ERROR_HOST)
                error_prefix(e, "%s; then", cause.text);
        }
        s->generation++;
        atomic_store(&s->unproved, true);
        s->ended = !recovered;
        if (!recovered)
            s->why = *e;
    }
    pthread_rwlock_unlock(&s->current);
    return recovered;
}

static bool sign(void *data, unsigned lane, enum signer_hash hash, const uint8_t *digest,
                 size_t length, struct buffer *signature, struct error *e)
{
    struct gate_session *s = data;
    struct error local = ERROR_INIT;

    for (;;) {
        unsigned generation;
        bool done;

        pthread_rwlock_rdlock(&s->current);
        generation = s->generation;
        if (s->ended) {
            local = s->why;
            done = false;
        } else {
            done = sign_once(s, lane, hash, digest, length, signature, &local);
        }
        pthread_rwlock_unlock(&s->current);
        if (done) {
            atomic_store(&s->unproved, false);
            return true;
        }
        if (s->refused || !may_recover(&local) || !recover(s, generation, &local)) {
            if (e != NULL)
                *e = local;
            return false;
        }
    }
}

static bool copy_want(struct gate_session *s, const struct wire_open_key *want, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    struct wire_reader r;

    /* Through the codec, which checks it too. */
    wire_open_key_free(&s->want);
    wire_open_key_put(&body, want);
    r = wire_reader_of(body.data, body.length);
    wire_open_key_get(&r, &s->want);
    buffer_free(&body);
    return !r.failed || error_set(e, ERROR_USAGE, "%u sessions are not possible", want->lanes);
}

const struct signer *gate_signer(struct gate_session *s, const struct wire_open_key *want,
                                 unsigned *lanes, const char **path, struct error *e)
{
    const unsigned char *at = want->spki;

    if (!copy_want(s, want, e))
        return NULL;
    EVP_PKEY_free(s->signer.public_key);
    s->signer.public_key = d2i_PUBKEY(NULL, &at, (long)want->spki_length);
    if (s->signer.public_key == NULL) {
        error_set_openssl(e, ERROR_UNFIT, "the public key cannot be read");
        return NULL;
    }
    if (!signer_mechanism_for(s->signer.public_key, &s->signer.mechanism, e) || !open_key(s, e))
        return NULL;
    s->signer.sign = sign;
    s->signer.data = s;
    *lanes = s->key.lanes;
    if (path != NULL)
        *path = s->key.path;
    return &s->signer;
}
