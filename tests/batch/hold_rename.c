/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and holds it before it renames something while FILE is there: the call waits for
 * an answer that never comes (seccomp_unotify(2)). Prints "held PID" then; whoever started this
 * kills PID. The exit status is the command's; 128 and the signal where one ended it.
 * usage: hold_rename FILE COMMAND…
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the renames of this process and its children are told; -1: errno. */
static int listen_for_renames(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_renameat
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat, 1, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void judge(int listener, const char *file, pid_t command)
{
    /* The kernel's structs may be longer than ours. */
    union {
        struct seccomp_notif told;
        char room[4096];
    } call;
    union {
        struct seccomp_notif_resp given;
        char room[4096];
    } answer;

    memset(&call, 0, sizeof call);
    memset(&answer, 0, sizeof answer);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        return;
    if (access(file, F_OK) == 0) {
        printf("held %d\n", (int)command);
        fflush(stdout);
        return;
    }
    answer.given.id = call.told.id;
    answer.given.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static int wait_for(pid_t command, int listener, const char *file)
{
    struct pollfd calls = {.fd = listener, .events = POLLIN};
    int status;

    while (waitpid(command, &status, WNOHANG) == 0)
        if (poll(&calls, 1, 20) == 1 && (calls.revents & POLLIN))
            judge(listener, file, command);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    /* Nothing is held any longer than there is who wanted it. */
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && argc >= 3;
    int listener = good ? listen_for_renames() : -1;
    pid_t command = listener < 0 ? -1 : fork();

    if (command == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (command < 0) {
        perror("hold_rename");
        return 125;
    }
    return wait_for(command, listener, argv[1]);
}
