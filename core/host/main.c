/* SPDX-License-Identifier: Apache-2.0 */
/* signet-token: one PKCS#11 module in a process of its own (design section 1a). Started by signet
 * and signet-batch. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/secret.h"
#include "host/list.h"
#include "host/serve.h"

enum { PROGRAM_FD = 3 };

/* The terminal's signals go to a whole group of processes; what happens then is the program's
 * decision. */
static void leave_signals_to_the_program(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        signal(numbers[i], SIG_IGN);
}

static int is_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_modules();
    if (argc != 1 || !is_socket(PROGRAM_FD)) {
        fputs("signet-token is started by signet and signet-batch, with a socket as descriptor 3.\n"
              "By hand it can only list the registered PKCS#11 modules: signet-token --list\n",
              stderr);
        return 2;
    }
    leave_signals_to_the_program();
    secret_harden_process();
    serve(PROGRAM_FD);
}
