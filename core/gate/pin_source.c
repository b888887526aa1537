/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/pin_source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/process.h"
#include "base/text.h"

enum { COMMAND_MS = 60000, MOST_WORDS = 64 };

struct pin_source {
    enum pin_source_kind kind;
    char *text;        /* as written */
    const char *value; /* in text, after the colon; "" where there is none */
};

static const struct {
    const char *word;
    enum pin_source_kind kind;
} words[] = {
    {"prompt", PIN_PROMPT},    {"pinpad", PIN_PINPAD}, {"env:", PIN_ENV},
    {"file:", PIN_FILE},       {"fd:", PIN_FD},        {"credential:", PIN_CREDENTIAL},
    {"command:", PIN_COMMAND},
};

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

static bool is_descriptor(const char *text)
{
    char *end;
    long number;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    number = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 && number <= INT_MAX;
}

static bool check_value(const struct pin_source *s, struct error *e)
{
    const char *v = s->value;

    switch (s->kind) {
    case PIN_ENV:
        return is_name(v) ||
               error_set(e, ERROR_USAGE, "env: takes the name of a variable, as in env:SIGNET_PIN");
    case PIN_FILE:
        return *v != '\0' ||
               error_set(e, ERROR_USAGE, "file: takes a path, as in file:/etc/signet/pin");
    case PIN_FD:
        return is_descriptor(v) ||
               error_set(e, ERROR_USAGE, "fd: takes the number of an open descriptor, as in fd:3");
    case PIN_CREDENTIAL:
        return (*v != '\0' && strchr(v, '/') == NULL) ||
               error_set(e, ERROR_USAGE, "credential: takes the name of a systemd credential");
    case PIN_COMMAND:
        return v[strspn(v, " \t")] != '\0' ||
               error_set(
                   e, ERROR_USAGE,
                   "command: takes a program and its arguments, as in command:pass show token");
    case PIN_PROMPT:
    case PIN_PINPAD:
        break;
    }
    return true;
}

struct pin_source *pin_source_parse(const char *text, struct error *e)
{
    struct pin_source *s = NULL;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        bool takes_value = words[i].word[length - 1] == ':';

        if (strncmp(text, words[i].word, length) != 0 || (!takes_value && text[length] != '\0'))
            continue;
        s = calloc(1, sizeof *s);
        if (s == NULL || (s->text = strdup(text)) == NULL) {
            pin_source_free(&s);
            error_set_memory(e);
            return NULL;
        }
        s->kind = words[i].kind;
        s->value = s->text + length;
        if (!check_value(s, e))
            pin_source_free(&s);
        return s;
    }
    /* What was given may well be a PIN: it is not repeated. */
    error_set(e, ERROR_USAGE,
              "a source of the PIN is meant, not the PIN: prompt, env:NAME, file:PATH, fd:N, "
              "credential:NAME, command:…, "
              "pinpad; if that was a PIN, it is now in your shell's history");
    return NULL;
}

struct pin_source *pin_source_dup(const struct pin_source *s, struct error *e)
{
    return pin_source_parse(s->text, e);
}

void pin_source_free(struct pin_source **s)
{
    if (*s == NULL)
        return;
    free((*s)->text);
    free(*s);
    *s = NULL;
}

enum pin_source_kind pin_source_kind(const struct pin_source *s)
{
    return s->kind;
}

const char *pin_source_text(const struct pin_source *s)
{
    return s->text;
}

/* The path of a file or credential; new, freed by the caller. */
static char *file_path(const struct pin_source *s, struct error *e)
{
    const char *folder;

    if (s->kind == PIN_FILE)
        return path_join(".", s->value, e);
    folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL || folder[0] != '/') {
        error_set(e, ERROR_PIN_SOURCE,
                  "%s: CREDENTIALS_DIRECTORY is not set; run it as a systemd service with "
                  "LoadCredential=%s:…",
                  s->text, s->value);
        return NULL;
    }
    return path_join(folder, s->value, e);
}

static bool check_file(const struct pin_source *s, struct error *e)
{
    char *path = file_path(s, e);
    bool good = path != NULL && path_others_cannot_read(path, ERROR_PIN_SOURCE, e);

    if (path != NULL && !good)
        error_prefix(e, "%s", s->text);
    free(path);
    return good;
}

static void free_words(char **argv)
{
    for (size_t i = 0; argv[i] != NULL; i++)
        free(argv[i]);
    free(argv);
}

/* One word: blanks end it, quotes and backslash keep what they always keep. NULL at the end of the
 * text, or unfinished. */
static char *next_word(const char **at, bool *open)
{
    struct buffer word = BUFFER_INIT;
    char quote = '\0';
    bool any = false;

    *at += strspn(*at, " \t");
    for (; **at != '\0' && (quote != '\0' || (**at != ' ' && **at != '\t')); (*at)++) {
        char c = **at;

        any = true;
        if (quote == '\0' && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote && quote != '\0')
            quote = '\0';
        else if (c == '\\' && quote != '\'' && (*at)[1] != '\0')
            buffer_append_byte(&word, (uint8_t) * ++*at);
        else
            buffer_append_byte(&word, (uint8_t)c);
    }
    *open = quote != '\0';
    if (any && !*open)
        return buffer_take(&word);
    buffer_free(&word);
    return NULL;
}

/* The words of a command, without a shell. */
static char **split(const struct pin_source *s, struct error *e)
{
    char **argv = calloc(MOST_WORDS + 1, sizeof *argv);
    const char *at = s->value;
    bool open = false;
    size_t count = 0;

    if (argv == NULL) {
        error_set_memory(e);
        return NULL;
    }
    while (count < MOST_WORDS && (argv[count] = next_word(&at, &open)) != NULL)
        count++;
    if (!open && at[strspn(at, " \t")] == '\0' && count > 0)
        return argv;
    error_set(e, ERROR_USAGE, "%s: %s", s->text,
              open ? "a quote is not closed" : "it has too many words");
    free_words(argv);
    return NULL;
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");

    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char *candidate = text_format("%.*s/%s", (int)length, path, program);
        bool found = candidate != NULL && access(candidate, X_OK) == 0;

        free(candidate);
        if (found)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

static bool check_command(const struct pin_source *s, struct error *e)
{
    char **argv = split(s, e);
    bool good;

    if (argv == NULL)
        return false;
    good = strchr(argv[0], '/') != NULL ? access(argv[0], X_OK) == 0 : in_path(argv[0]);
    if (!good)
        error_set(e, ERROR_PIN_SOURCE, "%s: there is no program '%s'", s->text, argv[0]);
    free_words(argv);
    return good;
}

/* What a PIN must not be (design section 2, rule 3). */
static const char *flaw(const uint8_t *pin, size_t length)
{
    if (length == 0)
        return "it is empty";
    if (memchr(pin, '\0', length) != NULL)
        return "it has a NUL in it";
    if (isspace(pin[0]) || isspace(pin[length - 1]))
        return "it has white space or a line end at its beginning or end";
    if (pin[0] == '$' && length > 1 && (isalpha(pin[1]) || pin[1] == '_' || pin[1] == '{'))
        return "it looks like the name of a variable that nobody replaced by its value";
    if (length > 2 && pin[0] == '%' && pin[length - 1] == '%')
        return "it looks like the name of a variable that nobody replaced by its value";
    return NULL;
}

/* What came out of variables that are no more, for a program that logs in more than once. */
struct kept {
    char *name;
    struct secret *pin;
    struct kept *next;
};

static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct kept *kept;
static bool keeps;

void pin_source_keep_env(bool keep)
{
    pthread_mutex_lock(&kept_mutex);
    keeps = keep;
    while (!keep && kept != NULL) {
        struct kept *gone = kept;

        kept = gone->next;
        free(gone->name);
        secret_free(&gone->pin);
        free(gone);
    }
    pthread_mutex_unlock(&kept_mutex);
}

/* The mutex is held. */
static const struct kept *find_kept(const char *name)
{
    const struct kept *k = kept;

    while (k != NULL && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

/* Where there is no room to keep it, it is asked for the next time. The mutex is held. */
static void keep(const char *name, const struct secret *pin)
{
    struct kept *k = calloc(1, sizeof *k);

    if (k == NULL)
        return;
    *k = (struct kept){strdup(name), secret_dup(pin, NULL), kept};
    if (k->name != NULL && k->pin != NULL) {
        kept = k;
        return;
    }
    free(k->name);
    secret_free(&k->pin);
    free(k);
}

static struct secret *copy_of(const char *value, const struct pin_source *s, struct error *e)
{
    size_t length = strlen(value);

    if (length <= SECRET_MAX)
        return secret_new(value, length, e);
    error_set(e, ERROR_PIN_SOURCE, "%s: more than %d bytes; that is no PIN", s->text, SECRET_MAX);
    return NULL;
}

/* What the variable has, or what is kept of it. The mutex is held: another thread may be taking it.
 */
static struct secret *copy_env(const struct pin_source *s, struct error *e)
{
    const char *value = getenv(s->value);
    const struct kept *k = find_kept(s->value);

    if (value != NULL)
        return copy_of(value, s, e);
    if (k != NULL)
        return secret_dup(k->pin, e);
    error_set(e, ERROR_PIN_SOURCE, "%s: the variable is not set", s->text);
    return NULL;
}

static struct secret *peek_env(const struct pin_source *s, struct error *e)
{
    struct secret *pin;

    pthread_mutex_lock(&kept_mutex);
    pin = copy_env(s, e);
    pthread_mutex_unlock(&kept_mutex);
    return pin;
}

static bool check_env(const struct pin_source *s, struct error *e)
{
    struct secret *pin = peek_env(s, e);
    const char *wrong = pin == NULL ? NULL : flaw(secret_bytes(pin), secret_length(pin));
    bool good = pin != NULL && wrong == NULL;

    if (wrong != NULL)
        error_set(e, ERROR_PIN_SOURCE, "%s: %s", s->text, wrong);
    secret_free(&pin);
    return good;
}

bool pin_source_check(const struct pin_source *s, struct error *e)
{
    switch (s->kind) {
    case PIN_ENV:
        return check_env(s, e);
    case PIN_FILE:
    case PIN_CREDENTIAL:
        return check_file(s, e);
    case PIN_FD:
        return fcntl(atoi(s->value), F_GETFD) >= 0 ||
               error_set(e, ERROR_PIN_SOURCE, "%s: the descriptor is not open", s->text);
    case PIN_COMMAND:
        return check_command(s, e);
    case PIN_PROMPT:
    case PIN_PINPAD:
        break;
    }
    return true;
}

/* The variable is overwritten where it stands, so that /proc/PID/environ forgets it too. */
static struct secret *take_env(const struct pin_source *s, struct error *e)
{
    char *value = getenv(s->value);
    struct secret *pin = copy_env(s, e);

    if (value == NULL)
        return pin;
    secret_wipe(value, strlen(value));
    unsetenv(s->value);
    if (pin != NULL && keeps)
        keep(s->value, pin);
    return pin;
}

static struct secret *read_env(const struct pin_source *s, struct error *e)
{
    struct secret *pin;

    pthread_mutex_lock(&kept_mutex);
    pin = take_env(s, e);
    pthread_mutex_unlock(&kept_mutex);
    return pin;
}

/* All of it, less one line end. Read into memory of a secret's size: a PIN file is small. */
static struct secret *read_fd(int fd, const struct pin_source *s, struct error *e)
{
    uint8_t bytes[SECRET_MAX + 3];
    size_t length = 0;
    ssize_t got = 1;
    struct secret *pin = NULL;

    while (length < sizeof bytes && got != 0) {
        got = read(fd, bytes + length, sizeof bytes - length);
        if (got < 0 && errno != EINTR) {
            error_set_errno(e, "%s", s->text);
            goto out;
        }
        length += got > 0 ? (size_t)got : 0;
    }
    if (length > 0 && bytes[length - 1] == '\n')
        length--;
    if (length > SECRET_MAX)
        error_set(e, ERROR_PIN_SOURCE, "%s: more than %d bytes; that is no PIN", s->text,
                  SECRET_MAX);
    else
        pin = secret_new(bytes, length, e);
out:
    secret_wipe(bytes, sizeof bytes);
    if (pin == NULL && e != NULL && e->code == ERROR_SYSTEM)
        e->code = ERROR_PIN_SOURCE;
    return pin;
}

static struct secret *read_file(const struct pin_source *s, struct error *e)
{
    struct secret *pin = NULL;
    char *path;
    int fd;

    if (!check_file(s, e))
        return NULL;
    path = file_path(s, e);
    if (path == NULL)
        return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        error_set(e, ERROR_PIN_SOURCE, "%s: %s", s->text, strerror(errno));
    else {
        pin = read_fd(fd, s, e);
        close(fd);
    }
    free(path);
    return pin;
}

static struct secret *read_descriptor(const struct pin_source *s, struct error *e)
{
    int fd = atoi(s->value);
    struct secret *pin = read_fd(fd, s, e);

    close(fd);
    return pin;
}

static struct secret *read_command(const struct pin_source *s, struct cancel *cancel,
                                   struct error *e)
{
    char **argv = split(s, e);
    struct secret *pin;

    if (argv == NULL)
        return NULL;
    pin = process_first_line((const char *const *)argv, COMMAND_MS, cancel, e);
    free_words(argv);
    return pin;
}

static struct secret *read_prompt(const char *what, const struct gate_person *person,
                                  struct error *e)
{
    char *text;
    struct secret *pin;

    if (person == NULL || person->secret == NULL) {
        error_set(e, ERROR_PIN_SOURCE,
                  "%s: nobody is here to be asked for it; use another source, such as env:NAME, "
                  "file:PATH or credential:NAME",
                  what);
        return NULL;
    }
    text = text_format("%s: ", what);
    pin = person->secret(person->data, text == NULL ? what : text, e);
    free(text);
    return pin;
}

static struct secret *read_raw(const struct pin_source *s, const char *what,
                               const struct gate_person *person, struct cancel *cancel,
                               struct error *e)
{
    switch (s->kind) {
    case PIN_ENV:
        return read_env(s, e);
    case PIN_FILE:
    case PIN_CREDENTIAL:
        return read_file(s, e);
    case PIN_FD:
        return read_descriptor(s, e);
    case PIN_COMMAND:
        return read_command(s, cancel, e);
    case PIN_PROMPT:
        return read_prompt(what, person, e);
    case PIN_PINPAD:
        break;
    }
    error_set(e, ERROR_USAGE, "a PIN that is typed at the reader cannot be read");
    return NULL;
}

struct secret *pin_source_read(const struct pin_source *s, const char *what,
                               const struct gate_person *person, struct cancel *cancel,
                               struct error *e)
{
    struct secret *pin = read_raw(s, what, person, cancel, e);
    const char *wrong;

    if (pin == NULL)
        return NULL;
    wrong = flaw(secret_bytes(pin), secret_length(pin));
    if (wrong == NULL)
        return pin;
    error_set(e, ERROR_PIN_SOURCE, "the PIN from %s is not tried: %s", s->text, wrong);
    secret_free(&pin);
    return NULL;
}

/* A pipe gives its PIN once. */
static bool is_regular(const struct pin_source *s)
{
    bool file = s->kind == PIN_FILE || s->kind == PIN_CREDENTIAL;
    char *path = file ? file_path(s, NULL) : NULL;
    struct stat status;
    bool regular = path != NULL && stat(path, &status) == 0 && S_ISREG(status.st_mode);

    free(path);
    return regular;
}

bool pin_source_peek(const struct pin_source *s, struct secret **pin, struct error *e)
{
    *pin = NULL;
    if (s->kind == PIN_ENV)
        *pin = peek_env(s, e);
    else if (is_regular(s))
        *pin = pin_source_read(s, s->text, NULL, NULL, e);
    else
        return true;
    return *pin != NULL;
}
