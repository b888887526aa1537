/* SPDX-License-Identifier: Apache-2.0 */
/* signet: the verbs. */
#include "profiles/program.h"

int main(int argc, char **argv)
{
    return program_main("signet", argc, argv);
}
