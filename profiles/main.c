/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch: the headless signer. */
#include "profiles/program.h"

int main(int argc, char **argv)
{
    return program_main("signet-batch", argc, argv);
}
