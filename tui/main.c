/* SPDX-License-Identifier: Apache-2.0 */
/* signet: the console, and the verbs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/secret.h"
#include "profiles/program.h"
#include "tui/action.h"
#include "tui/console.h"

/* For the manual's list of keys, when it is built: a key with two meanings ends the build. */
static int print_keys(void)
{
    char *collision = action_collision();
    struct buffer text = BUFFER_INIT;

    if (collision != NULL) {
        fprintf(stderr, "signet: two actions have one key: %s\n", collision);
        free(collision);
        return 1;
    }
    action_manual(&text);
    fwrite(text.data, 1, text.length, stdout);
    buffer_free(&text);
    return 0;
}

enum { MOST_MODULES = 30 };

/* No verb: nothing, or modules alone. Their count, or -1. */
static int module_options(int argc, char **argv, const char **modules)
{
    int count = 0;

    for (int i = 1; i < argc; i++) {
        if (count == MOST_MODULES)
            return -1;
        if (strncmp(argv[i], "--module=", 9) == 0)
            modules[count++] = argv[i] + 9;
        else if (strcmp(argv[i], "--module") == 0 && i + 1 < argc)
            modules[count++] = argv[++i];
        else
            return -1;
    }
    return count;
}

int main(int argc, char **argv)
{
    const char *modules[MOST_MODULES];
    int count = module_options(argc, argv, modules);

    if (argc == 3 && strcmp(argv[1], "--manual") == 0 && strcmp(argv[2], "keys") == 0)
        return print_keys();
    if (count < 0 || (argc == 1 && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))))
        return program_main("signet", argc, argv);
    if (!process_fill_standard())
        return 1;
    secret_harden_process();
    return console_run(modules, (size_t)count);
}
