/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/card.h"

#include <string.h>

#include "base/secret.h"
#include "host/status.h"

enum { SHORT_MAX = 255, INS_SELECT = 0xa4, INS_GET_RESPONSE = 0xc0, CLA_CHAINED = 0x10 };

static bool exchange(struct card *c, const uint8_t *command, size_t length, struct buffer *answer,
                     uint16_t *sw, struct wire_status *s)
{
    struct buffer got = BUFFER_INIT;
    bool done = c->exchange(c->link, command, length, &got, s);

    if (done && got.length < 2)
        done = status_fail(s, CKR_DEVICE_ERROR, "SCardTransmit",
                           "the card's answer is too short to be one");
    if (done) {
        *sw = (uint16_t)(got.data[got.length - 2] << 8 | got.data[got.length - 1]);
        buffer_append(answer, got.data, got.length - 2);
        if (got.failed || answer->failed)
            done = status_fail(s, CKR_HOST_MEMORY, "", "no memory");
        else if (answer->length > CARD_ANSWER_MAX)
            done =
                status_fail(s, CKR_DEVICE_ERROR, "SCardTransmit", "the card's answer has no end");
    }
    buffer_free(&got);
    return done;
}

/* One link of a chain: header, Lc and data, Le. In T=0 a command has five bytes at least, and says
 * no Le where it has data: the card answers 61xx. The PINs that may be in it do not stay. */
static bool send_part(struct card *c, const struct apdu *a, size_t from, size_t length, bool last,
                      struct buffer *answer, uint16_t *sw, struct wire_status *s)
{
    uint8_t command[4 + 1 + SHORT_MAX + 1] = {a->cla | (last ? 0 : CLA_CHAINED), a->ins, a->p1,
                                              a->p2};
    bool expects = last && a->answers && !(c->t0 && length > 0), done;
    size_t size = 4;

    if (length > 0) {
        command[size++] = (uint8_t)length;
        memcpy(command + size, (const uint8_t *)a->data + from, length);
        size += length;
    }
    if (expects)
        command[size++] = a->expected;
    else if (c->t0 && size == 4)
        command[size++] = 0;
    done = exchange(c, command, size, answer, sw, s);
    /* 6Cxx: the right length is xx; asked once. */
    if (done && *sw >> 8 == 0x6c && expects && !a->once) {
        command[size - 1] = (uint8_t)*sw;
        done = exchange(c, command, size, answer, sw, s);
    }
    secret_wipe(command, sizeof command);
    return done;
}

static bool send_all(struct card *c, const struct apdu *a, struct buffer *answer, uint16_t *sw,
                     struct wire_status *s)
{
    size_t from = 0;

    while (a->length - from > SHORT_MAX) {
        if (!send_part(c, a, from, SHORT_MAX, false, answer, sw, s))
            return false;
        if (*sw != SW_OK)
            return true;
        from += SHORT_MAX;
    }
    return send_part(c, a, from, a->length - from, true, answer, sw, s);
}

bool card_send(struct card *c, const struct apdu *a, struct buffer *answer, uint16_t *sw,
               struct wire_status *s)
{
    struct buffer unwanted = BUFFER_INIT, *out = answer == NULL ? &unwanted : answer;
    bool done;

    buffer_reset(out);
    done = send_all(c, a, out, sw, s);
    while (done && *sw >> 8 == 0x61) {
        const uint8_t more[] = {a->cla, INS_GET_RESPONSE, 0, 0, (uint8_t)*sw};
        size_t before = out->length;

        done = exchange(c, more, sizeof more, out, sw, s);
        if (done && *sw >> 8 == 0x61 && out->length == before)
            done = status_fail(s, CKR_DEVICE_ERROR, "SCardTransmit",
                               "the card promises more and more, and gives nothing");
    }
    buffer_free(&unwanted);
    return done;
}

bool card_select(struct card *c, const void *aid, size_t length, struct buffer *answer,
                 struct wire_status *s)
{
    const struct apdu select = {
        .ins = INS_SELECT, .p1 = 0x04, .data = aid, .length = length, .answers = true};
    uint16_t sw;

    return card_send(c, &select, answer, &sw, s) && sw == SW_OK;
}

bool card_tries(uint16_t sw, uint8_t *left)
{
    if (sw == SW_BLOCKED)
        *left = 0;
    else if ((sw & 0xfff0) == 0x63c0)
        *left = sw & 0x0f;
    else
        return false;
    return true;
}

static const char *meaning(uint16_t sw)
{
    switch (sw) {
    case SW_BLOCKED:
        return "blocked";
    case SW_NOT_ALLOWED:
        return "not allowed before a login";
    case SW_NOT_SATISFIED:
        return "conditions of use not satisfied";
    case SW_NOT_FOUND:
    case SW_DATA_NOT_FOUND:
        return "not there";
    case 0x6a80:
        return "wrong data";
    case 0x6a81:
    case 0x6d00:
    case 0x6e00:
        return "this card cannot do that";
    case 0x6a84:
        return "no room on the card";
    case 0x6700:
        return "wrong length";
    }
    return sw >> 4 == 0x63c ? "wrong, and a try is lost" : "no";
}

bool card_refused(const char *what, uint16_t sw, struct wire_status *s)
{
    CK_RV rv = sw == SW_BLOCKED       ? CKR_PIN_LOCKED
               : sw >> 8 == 0x63      ? CKR_PIN_INCORRECT
               : sw == SW_NOT_ALLOWED ? CKR_USER_NOT_LOGGED_IN
                                      : CKR_DEVICE_ERROR;

    return status_fail(s, rv, "", "%s: the card answers %04X (%s)", what, sw, meaning(sw));
}
