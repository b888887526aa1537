/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting children. Between fork and exec only async-signal-safe calls are made, since the caller
 * may have threads; a failed exec comes back as its errno through a pipe that a good one closes.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { MOST_FDS = 8, SLICE_MS = 100 };

bool process_fill_standard(void)
{
    /* A folder is always there, and can be neither read nor written. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_RDONLY | O_DIRECTORY) != fd)
            return false;
    return true;
}

static void close_from(int first)
{
#ifdef CLOSE_RANGE_UNSHARE
    if (close_range((unsigned)first, ~0u, 0) == 0)
        return;
#endif
    long limit = sysconf(_SC_OPEN_MAX);

    for (int fd = first; fd < (limit > 0 && limit < 65536 ? limit : 65536); fd++)
        close(fd);
}

/* Puts each descriptor in its place: first all above the numbers that are wanted, then down to
 * them. */
static bool place(const struct process_fd *fds, size_t count, int *report)
{
    int high[MOST_FDS], above = 3;

    for (size_t i = 0; i < count; i++)
        above = fds[i].theirs >= above ? fds[i].theirs + 1 : above;
    for (size_t i = 0; i < count; i++) {
        int fd = fds[i].ours >= 0 ? fds[i].ours : open("/dev/null", O_RDWR | O_CLOEXEC);

        high[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, above);
        if (high[i] < 0)
            return false;
    }
    *report = fcntl(*report, F_DUPFD_CLOEXEC, above);
    for (int fd = 0; fd < above; fd++)
        close(fd);
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], fds[i].theirs) < 0)
            return false;
    /* The report's descriptor is the one that may stay open until exec. */
    if (*report < 0 || dup2(*report, above) < 0 || fcntl(above, F_SETFD, FD_CLOEXEC) < 0)
        return false;
    *report = above;
    close_from(above + 1);
    return true;
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child(const char *const *argv, const struct process_fd *fds, size_t count, int report)
{
    int number;

    reset_signals();
    if (place(fds, count, &report)) {
        /* exec does not change its arguments; the cast drops const as its prototype asks. That
         * of glibc takes no lock and no memory from the heap. */
        execvp(argv[0], (char *const *)argv);
    }
    number = errno;
    while (write(report, &number, sizeof number) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

static ssize_t read_report(int fd, int *number)
{
    ssize_t got;

    do
        got = read(fd, number, sizeof *number);
    while (got < 0 && errno == EINTR);
    return got;
}

pid_t process_start(const char *const *argv, const struct process_fd *fds, size_t count,
                    struct error *e)
{
    int report[2], number = 0;
    sigset_t all, ours;
    pid_t pid;

    if (count > MOST_FDS) {
        error_set(e, ERROR_SYSTEM, "too many descriptors for '%s'", argv[0]);
        return -1;
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        error_set_errno(e, "cannot start '%s'", argv[0]);
        return -1;
    }
    /* Our handlers must not run in the child, where they would speak for us. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &ours);
    pid = fork();
    if (pid == 0)
        child(argv, fds, count, report[1]);
    pthread_sigmask(SIG_SETMASK, &ours, NULL);
    close(report[1]);
    if (pid < 0) {
        error_set_errno(e, "cannot start '%s'", argv[0]);
    } else if (read_report(report[0], &number) > 0) {
        process_wait(pid, &(int){0}, -1, NULL);
        errno = number;
        error_set_errno(e, "cannot start '%s'", argv[0]);
        pid = -1;
    }
    close(report[0]);
    return pid;
}

int process_wait(pid_t pid, int *status, int ms, struct error *e)
{
    int64_t end = clock_ms() + ms;
    int64_t pause = 1;

    for (;;) {
        pid_t ended = waitpid(pid, status, ms < 0 ? 0 : WNOHANG);

        if (ended == pid)
            return 1;
        if (ended < 0 && errno != EINTR) {
            error_set_errno(e, "cannot wait for process %d", (int)pid);
            return -1;
        }
        if (ms >= 0 && clock_ms() >= end)
            return 0;
        if (ms >= 0)
            clock_sleep_ms(pause);
        pause = pause < 20 ? pause * 2 : 20;
    }
}

const char *process_status_text(int status, char *out, size_t size)
{
    if (WIFEXITED(status))
        snprintf(out, size, "exit status %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, size, "status %d", status);
    return out;
}

/* What has been read of a child's output until its first line is whole. */
struct line {
    char bytes[SECRET_MAX + 2]; /* one more than a secret may have, and a CR */
    size_t length;
    bool whole;
};

/* 1: more came; 0: end of the output; -1: failed. */
static int read_more(int fd, struct line *line)
{
    char rest[256];
    bool full = line->whole || line->length == sizeof line->bytes;
    ssize_t got = full ? read(fd, rest, sizeof rest)
                       : read(fd, line->bytes + line->length, sizeof line->bytes - line->length);
    char *end;

    if (full)
        secret_wipe(rest, sizeof rest);
    if (got < 0)
        return errno == EINTR ? 1 : -1;
    if (!full) {
        end = memchr(line->bytes + line->length, '\n', (size_t)got);
        line->whole = end != NULL;
        line->length = end != NULL ? (size_t)(end - line->bytes) : line->length + (size_t)got;
    }
    return got > 0;
}

/* A child whose first line is wanted. */
struct teller {
    pid_t pid;
    const char *name;
    int out;     /* where we read what it prints */
    int64_t end; /* of its time, by clock_ms */
    bool ended;
    int status; /* as of waitpid, once it has ended */
};

/* Reads until the child's output ends. A child that has ended may have left another one, such as
 * an agent, that keeps the output open: then a whole line is enough. */
static bool read_first_line(struct teller *t, struct cancel *cancel, struct line *line,
                            struct error *e)
{
    for (;;) {
        struct pollfd ready = {.fd = t->out, .events = POLLIN};
        int more;

        if (cancel_requested(cancel))
            return error_set(e, ERROR_CANCELLED, "stopped while '%s' was running", t->name);
        if (clock_ms() >= t->end)
            return error_set(e, ERROR_PIN_SOURCE, "'%s' did not print the PIN in time", t->name);
        if (poll(&ready, 1, SLICE_MS) <= 0) {
            t->ended = t->ended || process_wait(t->pid, &t->status, 0, NULL) == 1;
            if (t->ended && line->whole)
                return true;
            continue;
        }
        more = read_more(t->out, line);
        if (more < 0)
            return error_set_errno(e, "cannot read what '%s' prints", t->name);
        if (more == 0)
            return true;
    }
}

/* The child closed its output; it is given what is left of the time to end by itself. */
static bool ended_well(struct teller *t, struct error *e)
{
    int64_t left = t->end - clock_ms();
    char text[64];

    if (!t->ended)
        t->ended = process_wait(t->pid, &t->status, left > 0 ? (int)left : 0, NULL) == 1;
    if (!t->ended)
        return error_set(e, ERROR_PIN_SOURCE, "'%s' printed a PIN, but did not end in time",
                         t->name);
    if (t->status != 0)
        return error_set(e, ERROR_PIN_SOURCE, "'%s' failed (%s); run it by hand to see why",
                         t->name, process_status_text(t->status, text, sizeof text));
    return true;
}

static struct secret *line_secret(struct line *line, const char *name, struct error *e)
{
    if (line->length > 0 && line->bytes[line->length - 1] == '\r')
        line->length--;
    if (line->length > SECRET_MAX) {
        error_set(e, ERROR_PIN_SOURCE, "'%s' printed a first line of more than %d bytes", name,
                  SECRET_MAX);
        return NULL;
    }
    if (line->length == 0) {
        error_set(e, ERROR_PIN_SOURCE, "'%s' printed nothing in its first line", name);
        return NULL;
    }
    return secret_new(line->bytes, line->length, e);
}

struct secret *process_first_line(const char *const *argv, int ms, struct cancel *cancel,
                                  struct error *e)
{
    struct line line = {.length = 0};
    struct secret *secret = NULL;
    struct teller t = {.name = argv[0], .end = clock_ms() + ms};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_set_errno(e, "cannot start '%s'", argv[0]);
        return NULL;
    }
    t.out = ends[0];
    t.pid =
        process_start(argv, (struct process_fd[]){{-1, 0}, {ends[1], 1}, {STDERR_FILENO, 2}}, 3, e);
    close(ends[1]);
    if (t.pid < 0) {
        if (e != NULL)
            e->code = ERROR_PIN_SOURCE;
    } else {
        if (read_first_line(&t, cancel, &line, e) && ended_well(&t, e))
            secret = line_secret(&line, t.name, e);
        if (!t.ended) {
            kill(t.pid, SIGKILL);
            process_wait(t.pid, &t.status, -1, NULL);
        }
    }
    close(t.out);
    secret_wipe(&line, sizeof line);
    return secret;
}
