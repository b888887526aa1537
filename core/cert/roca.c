/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/roca.h"

/* The product of the first primes, up to 167 at least, is M. Both primes of such a key have the
 * form k * M + (65537^a mod M), so their product is a power of 65537 modulo M, and modulo each
 * prime that divides M. */
enum { LAST_PRIME = 167, GENERATOR = 65537 };

static bool is_prime(unsigned n)
{
    for (unsigned d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return true;
}

static bool is_power(unsigned value, unsigned prime)
{
    unsigned power = 1;

    do {
        if (power == value)
            return true;
        power = power * (GENERATOR % prime) % prime;
    } while (power != 1);
    return false;
}

bool roca_has_fingerprint(const BIGNUM *modulus)
{
    for (unsigned prime = 3; prime <= LAST_PRIME; prime++)
        if (is_prime(prime) && !is_power((unsigned)BN_mod_word(modulus, prime), prime))
            return false;
    return true;
}
