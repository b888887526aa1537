/* SPDX-License-Identifier: Apache-2.0 */
#include "token/key.h"

#include <string.h>

bool key_open(struct host *h, const struct wire_open_key *want, struct cancel *cancel,
              struct wire_opened *out, struct error *e)
{
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    bool done;

    wire_open_key_put(&body, want);
    done = buffer_ok(&body, e) && host_call(h, WIRE_OPEN_KEY, 0, &body, cancel, &answer, e);
    if (done) {
        struct wire_reader r = wire_reader_of(answer.data, answer.length);

        wire_opened_get(&r, out);
        done = wire_reader_done(&r, e);
    }
    buffer_free(&body);
    buffer_free(&answer);
    return done;
}

bool key_sign(struct host *h, uint32_t key, unsigned lane, enum signer_hash hash,
              const uint8_t *digest, size_t length, bool touch, struct cancel *cancel,
              struct buffer *signature, struct error *e)
{
    struct wire_sign what = {.key = key, .hash = hash, .digest_length = length};
    int64_t deadline = touch ? WIRE_PINPAD_DEADLINE : wire_type_deadline(WIRE_SIGN);
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    bool done;

    if (length > sizeof what.digest)
        return error_set(e, ERROR_UNSUPPORTED, "a digest of %zu bytes is too long", length);
    memcpy(what.digest, digest, length);
    wire_sign_put(&body, &what);
    done = buffer_ok(&body, e) &&
           host_call_within(h, WIRE_SIGN, lane, &body, deadline, cancel, &answer, e);
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
    return done && buffer_ok(signature, e);
}
