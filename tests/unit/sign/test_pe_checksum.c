/* SPDX-License-Identifier: Apache-2.0 */
/* The CheckSum, against a plain one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sign/pe/pe_checksum.h"

enum { SIZE = 1021 };

/* Word by word, with its carry at once. */
static uint32_t plain(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 0 : 8);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)length;
}

static void known_values(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        uint32_t checksum;
    } cases[] = {
        {"", 0, 0},
        {"\x01", 1, 2},
        {"\x01\x02", 2, 0x203},
        {"\xff\xff", 2, 0xffff + 2},
        {"\xff\xff\x01", 3, 1 + 3},
        {"\xff\xff\xff\xff", 4, 0xffff + 4},
        {"\x00\x00\x00\x00", 4, 4},
        {"\x34\x12\x78\x56\x01", 5, 0x68ad + 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            pe_checksum_finish(pe_checksum_of((const uint8_t *)cases[i].bytes, cases[i].length, 0),
                               cases[i].length),
            cases[i].checksum);
}

/* Whatever the cut, and whatever the order, the sum of the parts is that of the whole. */
static void parts_add_up(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 167 + 251);
    for (size_t one = 0; one <= SIZE; one += 13)
        for (size_t two = one; two <= SIZE; two += 17) {
            uint64_t sum = pe_checksum_of(bytes + two, SIZE - two, two) +
                           pe_checksum_of(bytes, one, 0) +
                           pe_checksum_of(bytes + one, two - one, one);

            assert_int_equal(pe_checksum_finish(sum, SIZE), plain(bytes, SIZE));
        }
}

/* As many ones as there can be: nothing overflows, and the carries come in. */
static void all_ones(void **state)
{
    static uint8_t bytes[1 << 20];

    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(pe_checksum_finish(pe_checksum_of(bytes, sizeof bytes, 0), sizeof bytes),
                     plain(bytes, sizeof bytes));
    assert_int_equal(pe_checksum_finish(4096 * pe_checksum_of(bytes, sizeof bytes, 0), UINT32_MAX),
                     (uint32_t)(0xffff + UINT64_C(0xffffffff)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(all_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
