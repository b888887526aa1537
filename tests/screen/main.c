/* SPDX-License-Identifier: Apache-2.0 */
/* usage: terminal [--refresh] SCRIPT…    one line of TAP for each */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

int main(int argc, char **argv)
{
    bool refresh = argc > 1 && strcmp(argv[1], "--refresh") == 0;
    int failures = 0, count = 0;

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = refresh ? 2 : 1; i < argc; i++) {
        const char *name = strrchr(argv[i], '/');
        bool good = script_play(argv[i], refresh);

        failures += !good;
        printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, name == NULL ? argv[i] : name + 1);
    }
    printf("1..%d\n", count);
    return failures > 0;
}
