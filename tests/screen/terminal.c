/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEND_MS = 10000, REST_MS = 10000, SLICE_MS = 20 };

int64_t terminal_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int on_property(VTermProp property, VTermValue *value, void *data)
{
    struct terminal *t = data;

    if (property == VTERM_PROP_CURSORVISIBLE)
        t->cursor = value->boolean;
    return 1;
}

static int on_cursor(VTermPos at, VTermPos before, int visible, void *data)
{
    struct terminal *t = data;

    (void)before, (void)visible;
    t->at = at;
    return 1;
}

void terminal_open(struct terminal *t, int rows, int columns)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property,
                                                   .movecursor = on_cursor};

    *t = (struct terminal){.rows = rows, .columns = columns, .master = -1, .slave = -1};
    t->cursor = true;
    t->vterm = vterm_new(rows, columns);
    vterm_set_utf8(t->vterm, 1);
    t->screen = vterm_obtain_screen(t->vterm);
    vterm_screen_set_callbacks(t->screen, &callbacks, t);
    vterm_screen_enable_altscreen(t->screen, 1);
    vterm_screen_reset(t->screen, 1);
    t->raw = calloc(1, RAW_SIZE + 1);
}

void terminal_close(struct terminal *t)
{
    int64_t end = terminal_now() + 2000;

    if (t->running)
        kill(t->pid, SIGHUP);
    while (t->running && terminal_now() < end)
        terminal_wait(t, 20);
    if (t->running) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, &t->status, 0);
    }
    if (t->master >= 0)
        close(t->master);
    if (t->slave >= 0)
        close(t->slave);
    if (t->vterm != NULL)
        vterm_free(t->vterm);
    free(t->raw);
    *t = (struct terminal){.master = -1, .slave = -1};
}

static void child(const struct terminal *t, char *const *argv)
{
    sigset_t none;

    setsid();
    ioctl(t->slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++)
        dup2(t->slave, fd);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
    _exit(127);
}

bool terminal_run(struct terminal *t, char *const *argv)
{
    struct winsize size = {.ws_row = (unsigned short)t->rows, .ws_col = (unsigned short)t->columns};

    if (openpty(&t->master, &t->slave, NULL, NULL, &size) != 0 ||
        tcgetattr(t->slave, &t->before) != 0)
        return false;
    fcntl(t->master, F_SETFL, O_NONBLOCK);
    t->pid = fork();
    if (t->pid == 0)
        child(t, argv);
    t->running = t->pid > 0;
    return t->running;
}

void terminal_resize(struct terminal *t, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    t->rows = rows;
    t->columns = columns;
    vterm_set_size(t->vterm, rows, columns);
    ioctl(t->master, TIOCSWINSZ, &size);
}

static void keep_raw(struct terminal *t, const char *bytes, size_t length)
{
    if (t->raw_length + length > RAW_SIZE) {
        size_t gone = t->raw_length + length - RAW_SIZE;

        memmove(t->raw, t->raw + gone, t->raw_length - gone);
        t->raw_length -= gone;
    }
    memcpy(t->raw + t->raw_length, bytes, length);
    t->raw_length += length;
    t->raw[t->raw_length] = '\0';
}

static bool take_output(struct terminal *t, int ms)
{
    struct pollfd fd = {t->master, POLLIN, 0};
    char bytes[65536];
    ssize_t got;

    if (poll(&fd, 1, ms) <= 0)
        return false;
    got = read(t->master, bytes, sizeof bytes);
    if (got <= 0)
        return false;
    keep_raw(t, bytes, (size_t)got);
    vterm_input_write(t->vterm, bytes, (size_t)got);
    vterm_screen_flush_damage(t->screen);
    t->changes++;
    terminal_flush(t);
    return true;
}

static bool ends_with(const struct terminal *t, const char *mark, size_t length)
{
    return t->raw_length >= length && memcmp(t->raw + t->raw_length - length, mark, length) == 0;
}

/* The kernel hands on what a program wrote some time after its end. A mark of ours comes behind all
 * of it: an empty APC string, that no terminal shows (ECMA-48 section 8.3.2). */
static void take_the_rest(struct terminal *t)
{
    static const char mark[] = "\033_\033\\";
    int64_t end = terminal_now() + REST_MS;
    ssize_t written;

    fcntl(t->slave, F_SETFL, O_NONBLOCK);
    written = write(t->slave, mark, sizeof mark - 1);
    while (written > 0 && !ends_with(t, mark, (size_t)written) && terminal_now() < end)
        take_output(t, SLICE_MS);
}

bool terminal_is_still(const struct terminal *t)
{
    char path[64], state = '?';
    FILE *file;

    if (!t->running)
        return true;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)t->pid);
    file = fopen(path, "r");
    if (file == NULL)
        return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    fclose(file);
    return state != 'R' && state != 'D';
}

static void look_for_the_end(struct terminal *t)
{
    if (!t->running || waitpid(t->pid, &t->status, WNOHANG) != t->pid)
        return;
    t->running = false;
    take_the_rest(t);
}

/* The slave is open here too: the end of the program shows by waitpid, not by the end of file. */
bool terminal_wait(struct terminal *t, int ms)
{
    if (take_output(t, ms))
        return true;
    look_for_the_end(t);
    return false;
}

/* A program that does not read while it writes would wait for us, and we for it: what it writes is
 * taken meanwhile, and keys are dropped once it has taken none for long. */
void terminal_send(struct terminal *t, const char *bytes, size_t length)
{
    int64_t end = terminal_now() + SEND_MS;

    while (length > 0 && terminal_now() < end) {
        ssize_t sent = write(t->master, bytes, length);

        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
            end = terminal_now() + SEND_MS;
        } else if (errno != EAGAIN || !t->running) {
            return;
        } else {
            terminal_wait(t, 10);
        }
    }
}

void terminal_flush(struct terminal *t)
{
    char bytes[4096];
    size_t length;

    while ((length = vterm_output_read(t->vterm, bytes, sizeof bytes)) > 0)
        terminal_send(t, bytes, length);
}

bool terminal_key(struct terminal *t, const char *name)
{
    static const struct {
        const char *name;
        VTermKey key;
    } keys[] = {
        {"Enter", VTERM_KEY_ENTER},   {"Esc", VTERM_KEY_ESCAPE},
        {"Tab", VTERM_KEY_TAB},       {"Up", VTERM_KEY_UP},
        {"Down", VTERM_KEY_DOWN},     {"Left", VTERM_KEY_LEFT},
        {"Right", VTERM_KEY_RIGHT},   {"Home", VTERM_KEY_HOME},
        {"End", VTERM_KEY_END},       {"PgUp", VTERM_KEY_PAGEUP},
        {"PgDn", VTERM_KEY_PAGEDOWN}, {"Backspace", VTERM_KEY_BACKSPACE},
        {"Delete", VTERM_KEY_DEL},    {"F1", VTERM_KEY_FUNCTION(1)},
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(name, keys[i].name) == 0) {
            vterm_keyboard_key(t->vterm, keys[i].key, VTERM_MOD_NONE);
            terminal_flush(t);
            return true;
        }
    if (strcmp(name, "S-Tab") == 0)
        vterm_keyboard_key(t->vterm, VTERM_KEY_TAB, VTERM_MOD_SHIFT);
    else if (strcmp(name, "Space") == 0)
        terminal_send(t, " ", 1);
    else if (strncmp(name, "C-", 2) == 0 && name[2] != '\0')
        terminal_send(t, &(char){(char)(name[2] & 0x1f)}, 1);
    else if (strlen(name) <= 4)
        terminal_send(t, name, strlen(name));
    else
        return false;
    terminal_flush(t);
    return true;
}

VTermScreenCell terminal_cell(const struct terminal *t, int row, int column)
{
    VTermScreenCell cell = {0};

    vterm_screen_get_cell(t->screen, (VTermPos){row, column}, &cell);
    return cell;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80)
        return (size_t)sprintf(out, "%c", (char)c);
    if (c < 0x800)
        return (size_t)sprintf(out, "%c%c", (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)));
    if (c < 0x10000)
        return (size_t)sprintf(out, "%c%c%c", (char)(0xe0 | c >> 12),
                               (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)));
    return (size_t)sprintf(out, "%c%c%c%c", (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
                           (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)));
}

void terminal_row(const struct terminal *t, int row, char out[ROW_BYTES])
{
    size_t length = 0;

    for (int column = 0; column < t->columns && length < ROW_BYTES - 32;) {
        VTermScreenCell cell = terminal_cell(t, row, column);

        if (cell.chars[0] == 0 || cell.chars[0] == (uint32_t)-1)
            out[length++] = ' ';
        for (int i = 0; i < 3 && cell.chars[i] != 0 && cell.chars[i] != (uint32_t)-1; i++)
            length += put_utf8(out + length, cell.chars[i]);
        column += cell.width > 1 ? cell.width : 1;
    }
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}
