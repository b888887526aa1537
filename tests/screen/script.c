/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <openssl/evp.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "terminal.h"

enum {
    MOST_WORDS = 64,
    WORD_SIZE = 2048,
    PASTE_SIZE = 128 << 10,
    LINE_SIZE = 4096,
    MOST_MASKS = 16,
    PATIENCE_MS = 30000, /* a busy machine, and sanitizers */
    STILL_MS = 300,
    SLICE_MS = 20,
    REST_MS = 15,
};

struct play {
    struct terminal terminal;
    const char *path;
    int line;
    bool refresh, failed;
    int rows, columns;
    struct {
        regex_t regex;
        char text[64];
    } mask[MOST_MASKS];
    size_t masks;
};

static void print_screen(const struct play *p)
{
    char row[ROW_BYTES];

    for (int i = 0; i < p->terminal.rows && p->terminal.vterm != NULL; i++) {
        terminal_row(&p->terminal, i, row);
        printf("# %s\n", row);
    }
}

static bool fail(struct play *p, const char *what, const char *detail)
{
    printf("# %s:%d: %s %s\n", p->path, p->line, what, detail == NULL ? "" : detail);
    print_screen(p);
    p->failed = true;
    return false;
}

static bool on_screen(const struct play *p, const char *text)
{
    char row[ROW_BYTES];

    for (int i = 0; i < p->terminal.rows; i++) {
        terminal_row(&p->terminal, i, row);
        if (strstr(row, text) != NULL)
            return true;
    }
    return false;
}

static bool text_is_there(const struct play *p, char **words)
{
    return on_screen(p, words[1]);
}

/* Looks again after each piece of output, until it holds or time is up. A text that comes is
 * believed at once. What is there, or is not, may be the rest of a screen of which we have read a
 * part: it is believed when the program has drawn all and waits. */
static bool until(struct play *p, bool (*holds)(const struct play *, char **), char **words, int ms)
{
    int64_t end = terminal_now() + ms;
    bool before = holds(p, words);

    for (;;) {
        bool more = terminal_wait(&p->terminal, SLICE_MS), now = holds(p, words);
        bool comes = holds == text_is_there && !before;

        if (now && (comes || (!more && terminal_is_still(&p->terminal))))
            return true;
        if (terminal_now() >= end || (!p->terminal.running && !more))
            return now;
        before = now;
    }
}

static bool text_is_gone(const struct play *p, char **words)
{
    return !on_screen(p, words[1]);
}

static bool has_ended(const struct play *p, char **words)
{
    (void)words;
    return !p->terminal.running;
}

static int status_of(const struct terminal *t)
{
    return WIFSIGNALED(t->status) ? 128 + WTERMSIG(t->status) : WEXITSTATUS(t->status);
}

static bool cursor_is(const struct play *p, char **words)
{
    return p->terminal.cursor == (strcmp(words[1], "shown") == 0);
}

static bool cell_is(const struct play *p, int row, int column, const char *what)
{
    VTermScreenCell c = terminal_cell(&p->terminal, row, column);
    bool colour = !VTERM_COLOR_IS_DEFAULT_FG(&c.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&c.bg);

    if (strcmp(what, "bold") == 0)
        return c.attrs.bold;
    if (strcmp(what, "reverse") == 0)
        return c.attrs.reverse;
    if (strcmp(what, "colour") == 0)
        return colour;
    return !colour && !c.attrs.bold && !c.attrs.reverse && !c.attrs.underline;
}

/* The column where a byte of a row stands. */
static int column_of(const char *row, size_t byte)
{
    int column = 0;

    for (size_t i = 0; i < byte; i++)
        column += ((unsigned char)row[i] & 0xc0) != 0x80;
    return column;
}

static bool style_holds(const struct play *p, char **words)
{
    char row[ROW_BYTES];
    int wanted = atoi(words[1]);

    for (int i = 0; i < p->terminal.rows; i++) {
        const char *at;

        terminal_row(&p->terminal, i, row);
        at = strstr(row, words[2]);
        if (at != NULL && (wanted == 0 || wanted == i + 1) &&
            cell_is(p, i, column_of(row, (size_t)(at - row)), words[3]))
            return true;
    }
    return false;
}

static bool no_colours(const struct play *p, char **words)
{
    (void)words;
    for (int i = 0; i < p->terminal.rows; i++)
        for (int j = 0; j < p->terminal.columns; j++)
            if (cell_is(p, i, j, "colour"))
                return false;
    return true;
}

static bool was_copied(const struct play *p, char **words)
{
    char base64[WORD_SIZE * 2], sequence[WORD_SIZE * 2 + 16];

    EVP_EncodeBlock((unsigned char *)base64, (unsigned char *)words[1], (int)strlen(words[1]));
    snprintf(sequence, sizeof sequence, "\033]52;c;%s\007", base64);
    return memmem(p->terminal.raw, p->terminal.raw_length, sequence, strlen(sequence)) != NULL;
}

static bool never_written(const struct play *p, char **words)
{
    return memmem(p->terminal.raw, p->terminal.raw_length, words[1], strlen(words[1])) == NULL;
}

static bool ends_after(const struct terminal *t, const char *on, const char *off)
{
    const char *last_on = NULL, *last_off = NULL;

    for (const char *at = t->raw; (at = strstr(at, on)) != NULL; at++)
        last_on = at;
    for (const char *at = t->raw; (at = strstr(at, off)) != NULL; at++)
        last_off = at;
    return last_on == NULL || (last_off != NULL && last_off > last_on);
}

static bool modes_are_back(const struct terminal *t)
{
    struct termios now;

    return tcgetattr(t->slave, &now) == 0 && now.c_lflag == t->before.c_lflag &&
           now.c_iflag == t->before.c_iflag && now.c_oflag == t->before.c_oflag;
}

/* What is not as it was before the program; NULL. */
static const char *not_restored(const struct terminal *t)
{
    return !modes_are_back(t)                             ? "modes of the terminal"
           : !t->cursor                                   ? "cursor"
           : !ends_after(t, "\033[?1049h", "\033[?1049l") ? "screen"
           : !ends_after(t, "\033[?1000h", "\033[?1000l") ? "mouse"
           : !ends_after(t, "\033[?2004h", "\033[?2004l") ? "pasting"
                                                          : NULL;
}

static bool is_restored(const struct play *p, char **words)
{
    (void)words;
    return not_restored(&p->terminal) == NULL;
}

/* The row with all masks laid over it. */
static void masked_row(const struct play *p, int index, char row[ROW_BYTES])
{
    terminal_row(&p->terminal, index, row);
    for (size_t i = 0; i < p->masks; i++) {
        regmatch_t m;
        size_t from = 0;

        while (regexec(&p->mask[i].regex, row + from, 1, &m, from > 0 ? REG_NOTBOL : 0) == 0 &&
               m.rm_eo > m.rm_so) {
            size_t length = strlen(p->mask[i].text);

            for (regoff_t j = m.rm_so; j < m.rm_eo; j++)
                row[from + (size_t)j] = p->mask[i].text[(size_t)(j - m.rm_so) % length];
            from += (size_t)m.rm_eo;
        }
    }
}

static void golden_path(const struct play *p, const char *name, char out[LINE_SIZE])
{
    const char *slash = strrchr(p->path, '/');

    snprintf(out, LINE_SIZE, "%.*s/golden/%s.txt", slash == NULL ? 1 : (int)(slash - p->path),
             slash == NULL ? "." : p->path, name);
}

static bool golden_holds(const struct play *p, char **words)
{
    char path[LINE_SIZE], row[ROW_BYTES], wanted[ROW_BYTES];
    FILE *file;
    bool same = true;

    golden_path(p, words[1], path);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    for (int i = 0; i < p->terminal.rows; i++) {
        masked_row(p, i, row);
        if (fgets(wanted, sizeof wanted, file) == NULL)
            wanted[0] = '\0';
        wanted[strcspn(wanted, "\n")] = '\0';
        same = same && strcmp(row, wanted) == 0;
    }
    fclose(file);
    return same;
}

static void write_screen(const struct play *p, const char *path)
{
    FILE *file = fopen(path, "w");
    char row[ROW_BYTES];

    for (int i = 0; file != NULL && i < p->terminal.rows; i++) {
        masked_row(p, i, row);
        fprintf(file, "%s\n", row);
    }
    if (file != NULL)
        fclose(file);
}

static void wait_until_still(struct play *p)
{
    while (terminal_wait(&p->terminal, STILL_MS))
        continue;
}

static void print_difference(const struct play *p, const char *path)
{
    char now[] = "/tmp/signet-screen-XXXXXX", command[LINE_SIZE * 2];
    int fd = mkstemp(now);

    if (fd < 0)
        return;
    close(fd);
    write_screen(p, now);
    snprintf(command, sizeof command, "diff -u '%s' '%s' | sed 's/^/# /'", path, now);
    fflush(stdout);
    if (system(command) != 0)
        printf("# diff failed\n");
    unlink(now);
}

static bool golden(struct play *p, char **words)
{
    char path[LINE_SIZE];

    golden_path(p, words[1], path);
    if (p->refresh) {
        wait_until_still(p);
        write_screen(p, path);
        return true;
    }
    if (until(p, golden_holds, words, PATIENCE_MS / 2))
        return true;
    print_difference(p, path);
    return fail(p, "the screen is not", words[1]);
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* us for which a process was ready to run, and had no CPU: the second figure of schedstat, in ns
 * (Linux, Documentation/scheduler/sched-stats.rst). 0 where the kernel does not count it. */
static int64_t us_without_cpu(pid_t pid)
{
    char path[64];
    long long ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d %lld", &ns) != 1)
        ns = 0;
    fclose(file);
    return ns / 1000;
}

/* What the machine gives to others is no time of the console's, nor is what it keeps us waiting. */
static int64_t us_of_others(const struct play *p)
{
    return us_without_cpu(p->terminal.pid) + us_without_cpu(getpid());
}

static int64_t us_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* From the key to the first output after it. */
static bool latency(struct play *p, char **words)
{
    int count = atoi(words[2]), limit = atoi(words[3]), *took = calloc((size_t)count, sizeof *took);
    char text[96];
    bool good;

    for (int i = 0; i < count; i++) {
        unsigned long before;
        int64_t start, others;

        while (terminal_wait(&p->terminal, REST_MS))
            continue;
        before = p->terminal.changes;
        others = us_of_others(p);
        start = us_now();
        terminal_key(&p->terminal, words[1]);
        while (p->terminal.changes == before && terminal_wait(&p->terminal, PATIENCE_MS))
            continue;
        took[i] = (int)(us_now() - start - (us_of_others(p) - others));
    }
    qsort(took, (size_t)count, sizeof *took, by_value);
    snprintf(text, sizeof text, "p50 %.1f ms, p99 %.1f ms", took[count / 2] / 1000.0,
             took[count * 99 / 100] / 1000.0);
    printf("# %s: %s\n", words[1], text);
    good = took[count * 99 / 100] <= limit * 1000;
    free(took);
    return good || fail(p, "too slow:", text);
}

static bool add_mask(struct play *p, char **words)
{
    if (p->masks == MOST_MASKS || regcomp(&p->mask[p->masks].regex, words[1], REG_EXTENDED) != 0)
        return fail(p, "bad mask", words[1]);
    snprintf(p->mask[p->masks++].text, 64, "%s", words[2]);
    return true;
}

static bool set_env(char *text)
{
    char *equals = strchr(text, '=');

    if (text[0] == '-')
        return unsetenv(text + 1) == 0;
    if (equals == NULL)
        return false;
    *equals = '\0';
    return setenv(text, equals + 1, 1) == 0;
}

static bool run(struct play *p, char **words)
{
    if (p->terminal.running)
        return fail(p, "a program is running", NULL);
    terminal_close(&p->terminal);
    terminal_open(&p->terminal, p->rows, p->columns);
    return terminal_run(&p->terminal, words + 1) || fail(p, "cannot run", words[1]);
}

static bool send_signal(struct play *p, const char *name)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"TERM", SIGTERM}, {"HUP", SIGHUP},   {"INT", SIGINT},
                 {"SEGV", SIGSEGV}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0)
            return kill(p->terminal.pid, names[i].number) == 0;
    return false;
}

static void paste(struct play *p, const char *text)
{
    vterm_keyboard_start_paste(p->terminal.vterm);
    terminal_flush(&p->terminal);
    terminal_send(&p->terminal, text, strlen(text));
    vterm_keyboard_end_paste(p->terminal.vterm);
    terminal_flush(&p->terminal);
}

static bool paste_file(struct play *p, const char *path)
{
    char bytes[PASTE_SIZE + 1];
    FILE *file = fopen(path, "r");
    size_t length = file == NULL ? 0 : fread(bytes, 1, PASTE_SIZE, file);

    if (file != NULL)
        fclose(file);
    bytes[length] = '\0';
    if (length == 0)
        return fail(p, "nothing to paste in", path);
    paste(p, bytes);
    return true;
}

static void mouse(struct play *p, char **words)
{
    int button = strcmp(words[3], "up") == 0 ? 4 : strcmp(words[3], "down") == 0 ? 5 : 1;

    vterm_mouse_move(p->terminal.vterm, atoi(words[1]) - 1, atoi(words[2]) - 1, VTERM_MOD_NONE);
    vterm_mouse_button(p->terminal.vterm, button, true, VTERM_MOD_NONE);
    vterm_mouse_button(p->terminal.vterm, button, false, VTERM_MOD_NONE);
    terminal_flush(&p->terminal);
}

/* `wait` and `gone` may say how long. */
static int patience(char **words)
{
    bool said =
        (strcmp(words[0], "wait") == 0 || strcmp(words[0], "gone") == 0) && words[2] != NULL;

    return said ? atoi(words[2]) * 1000 : PATIENCE_MS;
}

static bool expect_exit(struct play *p, char **words)
{
    char text[64];

    if (!until(p, has_ended, words, PATIENCE_MS))
        return fail(p, "it has not ended", NULL);
    while (terminal_wait(&p->terminal, 0))
        continue;
    snprintf(text, sizeof text, "it ended with %d", status_of(&p->terminal));
    return status_of(&p->terminal) == atoi(words[1]) || fail(p, text, NULL);
}

static bool has_ended_or_asks(const struct play *p, char **words)
{
    return has_ended(p, words) || on_screen(p, "Something is at work");
}

static bool asks_no_more(const struct play *p, char **words)
{
    (void)words;
    return !on_screen(p, "Something is at work");
}

/* What was begun before may still be at work for a moment, though its result is shown. */
static bool leave(struct play *p, char **words)
{
    static char *good[] = {(char *)"exit", (char *)"0", NULL};

    for (int i = 0; i < 100; i++) {
        terminal_send(&p->terminal, "q", 1);
        if (!until(p, has_ended_or_asks, words, PATIENCE_MS) || has_ended(p, words))
            break;
        terminal_send(&p->terminal, "n", 1);
        if (!until(p, asks_no_more, words, PATIENCE_MS))
            break;
    }
    return expect_exit(p, good);
}

/* Commands that look at the screen, and how often words they need. */
static const struct {
    const char *name;
    int words;
    bool (*holds)(const struct play *, char **);
} looks[] = {
    {"wait", 2, text_is_there},   {"gone", 2, text_is_gone},        {"cursor", 2, cursor_is},
    {"style", 4, style_holds},    {"colours", 2, no_colours},       {"copied", 2, was_copied},
    {"restored", 1, is_restored}, {"nothing-of", 2, never_written},
};

static bool act(struct play *p, char **words, int count)
{
    const char *what = words[0];

    if (strcmp(what, "size") == 0)
        return sscanf(words[1], "%dx%d", &p->columns, &p->rows) == 2;
    if (strcmp(what, "env") == 0)
        return set_env(words[1]);
    if (strcmp(what, "run") == 0)
        return run(p, words);
    if (strcmp(what, "exit") == 0)
        return expect_exit(p, words);
    if (strcmp(what, "leave") == 0)
        return leave(p, words);
    if (strcmp(what, "golden") == 0)
        return golden(p, words);
    if (strcmp(what, "mask") == 0 && count == 3)
        return add_mask(p, words);
    if (strcmp(what, "latency") == 0 && count == 4)
        return latency(p, words);
    if (strcmp(what, "signal") == 0)
        return send_signal(p, words[1]);
    if (strcmp(what, "shell") == 0)
        return system(words[1]) == 0 || fail(p, "failed:", words[1]);
    if (strcmp(what, "paste-file") == 0)
        return paste_file(p, words[1]);
    if (strcmp(what, "svg") == 0)
        return terminal_svg(&p->terminal, words[1]);
    if (strcmp(what, "text") == 0)
        write_screen(p, words[1]);
    else if (strcmp(what, "print") == 0)
        print_screen(p);
    else if (strcmp(what, "type") == 0)
        terminal_send(&p->terminal, words[1], strlen(words[1]));
    else if (strcmp(what, "paste") == 0)
        paste(p, words[1]);
    else if (strcmp(what, "mouse") == 0 && count == 4)
        mouse(p, words);
    else if (strcmp(what, "resize") == 0 && sscanf(words[1], "%dx%d", &p->columns, &p->rows) == 2)
        terminal_resize(&p->terminal, p->rows, p->columns);
    else if (strcmp(what, "key") == 0) {
        for (int i = 1; i < count; i++)
            if (!terminal_key(&p->terminal, words[i]))
                return fail(p, "no such key:", words[i]);
    } else
        return fail(p, "no such command:", what);
    return true;
}

static bool obey(struct play *p, char **words, int count)
{
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (strcmp(words[0], looks[i].name) == 0) {
            if (count < looks[i].words)
                return fail(p, "too few words:", words[0]);
            return until(p, looks[i].holds, words, patience(words)) ||
                   fail(p, words[0],
                        looks[i].holds == is_restored ? not_restored(&p->terminal) : words[1]);
        }
    if (count < 2 && strcmp(words[0], "print") != 0 && strcmp(words[0], "leave") != 0)
        return fail(p, "too few words:", words[0]);
    return act(p, words, count) || (p->failed ? false : fail(p, "failed:", words[0]));
}

/* The next word: quotes, \" \\ \xHH inside them, $NAME. */
static const char *next_word(const char *at, char out[WORD_SIZE])
{
    size_t length = 0;
    bool quoted;

    at += strspn(at, " \t\n");
    if (*at == '\0' || *at == '#')
        return NULL;
    quoted = *at == '"';
    at += quoted;
    while (*at != '\0' && length + 1 < WORD_SIZE &&
           (quoted ? *at != '"' : strchr(" \t\n", *at) == NULL)) {
        unsigned hex;

        if (quoted && *at == '\\' && at[1] == 'x' && sscanf(at + 2, "%2x", &hex) == 1) {
            out[length++] = (char)hex;
            at += 4;
        } else if (quoted && *at == '\\' && at[1] != '\0') {
            out[length++] = at[1];
            at += 2;
        } else if (*at == '$' && (at[1] == '_' || (at[1] >= 'A' && at[1] <= 'Z'))) {
            size_t size = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
            char name[64];
            const char *value;

            snprintf(name, sizeof name, "%.*s", (int)size, at + 1);
            value = getenv(name);
            length += (size_t)snprintf(out + length, WORD_SIZE - length, "%s",
                                       value == NULL ? "" : value);
            at += 1 + size;
        } else {
            out[length++] = *at++;
        }
    }
    out[length < WORD_SIZE ? length : WORD_SIZE - 1] = '\0';
    return at + (quoted && *at == '"');
}

static bool play_line(struct play *p, const char *line)
{
    static char store[MOST_WORDS][WORD_SIZE];
    char *words[MOST_WORDS + 1] = {NULL};
    int count = 0;

    while (count < MOST_WORDS && (line = next_word(line, store[count])) != NULL) {
        words[count] = store[count];
        count++;
    }
    words[count] = NULL;
    return count == 0 || obey(p, words, count);
}

bool script_play(const char *path, bool refresh)
{
    struct play p = {.path = path, .refresh = refresh, .rows = 24, .columns = 80};
    FILE *file = fopen(path, "r");
    char line[LINE_SIZE];

    p.terminal.master = p.terminal.slave = -1;
    if (file == NULL)
        return fail(&p, "cannot open", path);
    setenv("TERM", "screen-256color", 1);
    setenv("LANG", "C.UTF-8", 1);
    while (!p.failed && fgets(line, sizeof line, file) != NULL) {
        p.line++;
        play_line(&p, line);
    }
    if (!p.failed && p.terminal.running)
        fail(&p, "the program still runs", NULL);
    for (size_t i = 0; i < p.masks; i++)
        regfree(&p.mask[i].regex);
    terminal_close(&p.terminal);
    fclose(file);
    return !p.failed;
}
