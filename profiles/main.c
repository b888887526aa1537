/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch: the headless signer. */
#include <malloc.h>

#include "profiles/program.h"

enum { LARGE = 128 << 10 };

int main(int argc, char **argv)
{
    /* Large blocks, as of signatures with page hashes, go back to the system when they are freed.
     * By default glibc keeps them for the thread that had one before. */
    mallopt(M_MMAP_THRESHOLD, LARGE);
    return program_main("signet-batch", argc, argv);
}
