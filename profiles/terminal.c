/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

enum { BAR_WIDTH = 24, LOOK_EVERY = 100 /* ms */ };

static atomic_bool bar_shown; /* log lines come from any thread */

/* While a secret is typed: what the terminal was before. */
static struct termios normal;
static volatile sig_atomic_t silent_fd = -1;

bool terminal_present(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void say(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t put = write(fd, text, length);

        if (put < 0 && errno != EINTR)
            return;
        text += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
}

/* True when there is something to read; false when cancelled. */
static bool wait_for_key(int fd, struct cancel *cancel)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (!cancel_requested(cancel))
        if (poll(&p, 1, LOOK_EVERY) > 0)
            return true;
    return false;
}

/* A line less its end; -1 at the end of input, or when cancelled. */
static ssize_t read_line(int fd, char *out, size_t size, struct cancel *cancel)
{
    size_t length = 0;

    for (;;) {
        char c;

        if (!wait_for_key(fd, cancel) || read(fd, &c, 1) <= 0)
            return -1;
        if (c == '\n')
            break;
        if (length < size - 1)
            out[length++] = c;
    }
    out[length] = '\0';
    return (ssize_t)length;
}

void terminal_restore(void)
{
    int fd = silent_fd;

    silent_fd = -1;
    if (fd >= 0)
        tcsetattr(fd, TCSAFLUSH, &normal);
}

static bool go_silent(int fd)
{
    struct termios silent;

    if (tcgetattr(fd, &normal) != 0)
        return false;
    silent = normal;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent_fd = fd;
    return tcsetattr(fd, TCSAFLUSH, &silent) == 0;
}

struct secret *terminal_secret(const char *text, struct cancel *cancel, struct error *e)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    char line[SECRET_MAX + 1];
    struct secret *secret = NULL;
    size_t end = strlen(text);
    ssize_t length = -1;
    bool silent;

    if (fd < 0) {
        error_set(e, ERROR_PIN_SOURCE,
                  "%.*s: there is no terminal to ask for it; name another source with the option "
                  "for it, such as env:NAME, file:PATH or credential:NAME",
                  (int)(end > 2 && strcmp(text + end - 2, ": ") == 0 ? end - 2 : end), text);
        return NULL;
    }
    terminal_progress_clear();
    silent = go_silent(fd);
    say(fd, text);
    if (silent)
        length = read_line(fd, line, sizeof line, cancel);
    terminal_restore();
    say(fd, "\n");
    if (length >= 0)
        secret = secret_new(line, (size_t)length, e);
    else
        error_set(e, ERROR_CANCELLED, "nothing was typed");
    secret_wipe(line, sizeof line);
    close(fd);
    return secret;
}

bool terminal_line(const char *text, char *answer, size_t size, struct cancel *cancel)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool answered;

    if (fd < 0)
        return false;
    terminal_progress_clear();
    say(fd, text);
    answered = read_line(fd, answer, size, cancel) >= 0;
    close(fd);
    return answered;
}

unsigned terminal_width(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool terminal_colour(int fd)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fd) && (none == NULL || *none == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

static bool can_draw(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void terminal_progress(uint64_t done, uint64_t total, const char *what)
{
    char bar[BAR_WIDTH + 1], *shown;
    unsigned filled = total == 0 ? 0 : (unsigned)(done * BAR_WIDTH / total);
    int room = (int)terminal_width(STDERR_FILENO) - BAR_WIDTH - 26;

    if (!can_draw())
        return;
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    shown = what == NULL ? NULL : text_printable(what, strlen(what));
    fprintf(stderr, "\r\033[K[%s] %llu/%llu %.*s", bar, (unsigned long long)done,
            (unsigned long long)total, room > 0 ? room : 0, shown == NULL ? "" : shown);
    free(shown);
    fflush(stderr);
    bar_shown = true;
}

bool terminal_now(const char *text)
{
    bool colour = terminal_colour(STDERR_FILENO);
    unsigned width = terminal_width(STDERR_FILENO);
    char *shown = can_draw() ? text_printable(text, strlen(text)) : NULL;

    if (shown == NULL)
        return false;
    fprintf(stderr, "\r\033[K%s %.*s %s", colour ? "\033[7m" : "", (int)(width > 3 ? width - 3 : 0),
            shown, colour ? "\033[0m" : "");
    fflush(stderr);
    free(shown);
    bar_shown = true;
    return true;
}

void terminal_progress_clear(void)
{
    if (bar_shown)
        fputs("\r\033[K", stderr);
    bar_shown = false;
}
