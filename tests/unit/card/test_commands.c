/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that no record can hold, since they are other ones each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "host/card/driver.h"

struct told {
    unsigned commands, proofs;
    uint16_t answer_to_proof;
};

/* A card with a 3DES key that is no YubiKey. */
static bool answer(void *link, const uint8_t *command, size_t length, struct buffer *out,
                   struct wire_status *s)
{
    static const uint8_t witness[] = {0x7c, 10, 0x80, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0};
    struct told *told = link;

    (void)s;
    told->commands++;
    if (command[1] != 0x87) {
        buffer_append(out, "\x6d\0", 2);
    } else if (length < 12) {
        buffer_append(out, witness, sizeof witness);
    } else {
        told->proofs++;
        buffer_append_byte(out, (uint8_t)(told->answer_to_proof >> 8));
        buffer_append_byte(out, (uint8_t)told->answer_to_proof);
    }
    return true;
}

static void test_a_proof_is_sent_once(void **state)
{
    const uint16_t answers[] = {0x6c10, 0x6982, 0x6300, 0x6f00};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct told told = {.answer_to_proof = answers[i]};
        struct card card = {.exchange = answer, .link = &told};
        struct secret *key = secret_new("0123456789abcdef01234567", 24, NULL);
        struct wire_status s = {.rv = CKR_OK};

        assert_false(driver_piv.authenticate(&card, key, &s));
        assert_int_equal(told.proofs, 1);
        assert_true(s.attempted && !s.accepted);
        assert_int_equal(s.rv, CKR_PIN_INCORRECT);
        secret_free(&key);
    }
}

/* A key whose public half could not be read would take the place of one that is there. */
static void test_no_key_is_made_that_cannot_be_read(void **state)
{
    const char *const types[] = {"Ed25519", "X25519", "RSA-512", ""};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct told told = {0};
        struct card card = {.exchange = answer, .link = &told};
        struct wire_generate what = {.slot = 0x9c};
        struct buffer spki = BUFFER_INIT;
        struct wire_status s = {.rv = CKR_OK};

        snprintf(what.algorithm, sizeof what.algorithm, "%s", types[i]);
        assert_false(driver_piv.generate(&card, &what, &spki, &s));
        assert_int_equal(told.commands, 0);
        buffer_free(&spki);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_proof_is_sent_once),
        cmocka_unit_test(test_no_key_is_made_that_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
