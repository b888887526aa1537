/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of Signet, small files, and who else may touch them. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/tempfile.h"
#include "base/text.h"

char *path_join(const char *a, const char *b, struct error *e)
{
    char *path = b[0] == '/' ? strdup(b) : text_format("%s/%s", a, b);

    if (path == NULL)
        error_set_memory(e);
    return path;
}

char *path_parent(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    char *parent =
        slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));

    if (parent == NULL)
        error_set_memory(e);
    return parent;
}

/* "$variable/signet", or "$HOME/fallback/signet". */
static char *user_folder(const char *variable, const char *fallback, struct error *e)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    char *path;

    if (folder != NULL && folder[0] == '/')
        path = text_format("%s/signet", folder);
    else if (home != NULL && home[0] == '/')
        path = text_format("%s/%s/signet", home, fallback);
    else {
        error_set(e, ERROR_USAGE, "neither %s nor HOME is an absolute path; set one of them",
                  variable);
        return NULL;
    }
    if (path == NULL)
        error_set_memory(e);
    return path;
}

char *path_config_dir(struct error *e)
{
    return user_folder("XDG_CONFIG_HOME", ".config", e);
}

static char *machine_or_user(const char *machine, bool *shared, struct error *e)
{
    char *path;

    *shared = access(machine, W_OK | X_OK) == 0;
    if (!*shared)
        return user_folder("XDG_STATE_HOME", ".local/state", e);
    path = strdup(machine);
    if (path == NULL)
        error_set_memory(e);
    return path;
}

char *path_state_dir(bool *shared, struct error *e)
{
    return machine_or_user("/var/lib/signet", shared, e);
}

char *path_lock_dir(bool *shared, struct error *e)
{
    return machine_or_user("/run/signet", shared, e);
}

static bool make_folder(const char *path, mode_t mode, struct error *e)
{
    struct stat status;

    if (mkdir(path, mode) == 0)
        return true;
    if (errno != EEXIST)
        return error_set_errno(e, "cannot make the folder '%s'", path);
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return error_set_errno(e, "cannot make the folder '%s'", path);
    }
    return true;
}

bool path_make_folders(const char *path, mode_t mode, struct error *e)
{
    char *copy = strdup(path);
    bool made = true;

    if (copy == NULL)
        return error_set_memory(e);
    for (char *slash = strchr(copy, '/'); made && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = *copy == '\0' || make_folder(copy, mode, e);
        *slash = '/';
    }
    made = made && make_folder(copy, mode, e);
    free(copy);
    return made;
}

/* Who is asked about a file and then each folder above it; false stops. */
struct judge {
    bool (*judge)(struct judge *j, const char *path, const struct stat *status);
    bool folder; /* past the file itself */
    enum error_code code;
    struct error *e;
    mode_t readable; /* judge_reader: what of S_IRGRP, S_IROTH still counts */
};

/* Shows `path`, absolute and PATH_MAX bytes large, and what is above it to the judge. */
static bool ascend(struct judge *j, char *path)
{
    struct stat status;

    for (j->folder = false;; j->folder = true) {
        char *slash = strrchr(path, '/');

        if (stat(path, &status) != 0)
            return error_set(j->e, j->code, "cannot look at '%s': %s", path, strerror(errno));
        if (!j->judge(j, path, &status))
            return false;
        if (strcmp(path, "/") == 0)
            return true;
        slash[slash == path ? 1 : 0] = '\0';
    }
}

static bool real_path(const struct judge *j, const char *path, char real[PATH_MAX])
{
    if (realpath(path, real) != NULL)
        return true;
    return error_set(j->e, j->code, "cannot open '%s': %s", path, strerror(errno));
}

/* The path as it was given, made absolute, links and all. */
static bool given_path(const struct judge *j, const char *path, char given[PATH_MAX])
{
    size_t used = 0;

    if (path[0] != '/') {
        if (getcwd(given, PATH_MAX - 1) == NULL)
            return error_set(j->e, j->code, "cannot find the folder of '%s': %s", path,
                             strerror(errno));
        used = strlen(given);
        given[used++] = '/';
    }
    if (strlen(path) >= PATH_MAX - used)
        return error_set(j->e, j->code, "'%s' is too long a path", path);
    strcpy(given + used, path);
    return true;
}

static bool quote_chmod(const struct judge *j, const char *path, const char *change,
                        const char *why)
{
    char *quoted = text_shell_quote(path);

    error_set(j->e, j->code, "'%s' %s: chmod %s %s", path, why, change,
              quoted == NULL ? path : quoted);
    free(quoted);
    return false;
}

static bool trusted_owner(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

/* A group counts as others, since who is in it may change behind our back. */
static bool judge_writers(struct judge *j, const char *path, const struct stat *status)
{
    bool sticky = j->folder && (status->st_mode & S_ISVTX);

    if (!trusted_owner(status))
        return error_set(j->e, j->code,
                         "'%s' belongs to user %lu, who may change it; take it over with chown",
                         path, (unsigned long)status->st_uid);
    if (sticky || !(status->st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    return quote_chmod(j, path, "go-w",
                       j->folder ? "is a folder in which others may put another file in its place"
                                 : "may be written by others");
}

bool path_others_cannot_write(const char *path, enum error_code code, struct error *e)
{
    struct judge j = {.judge = judge_writers, .code = code, .e = e};
    char real[PATH_MAX], given[PATH_MAX];

    /* Both: whoever may exchange a link on the way may exchange the file. */
    return real_path(&j, path, real) && ascend(&j, real) && given_path(&j, path, given) &&
           ascend(&j, given);
}

static bool judge_readers(struct judge *j, const char *path, const struct stat *status)
{
    if (!j->folder) {
        j->readable = status->st_mode & (S_IRGRP | S_IROTH);
        if (!trusted_owner(status))
            return error_set(j->e, j->code,
                             "'%s' belongs to user %lu, who can read it; take it over with chown",
                             path, (unsigned long)status->st_uid);
    } else if (!(status->st_mode & (S_IXGRP | S_IXOTH)) && trusted_owner(status)) {
        /* Nobody else can enter this folder, so nobody else can reach what is in it. */
        j->readable = 0;
    }
    return true;
}

bool path_others_cannot_read(const char *path, enum error_code code, struct error *e)
{
    struct judge j = {.judge = judge_readers, .code = code, .e = e};
    char real[PATH_MAX], file[PATH_MAX];

    if (!real_path(&j, path, real))
        return false;
    strcpy(file, real);
    if (!ascend(&j, real))
        return false;
    if (j.readable == 0)
        return true;
    return quote_chmod(&j, file, "go-rwx", "can be read by other users");
}

bool path_read_file(const char *path, size_t limit, struct buffer *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    uint8_t piece[4096];
    size_t start = out->length;
    bool done = false;

    if (fd < 0)
        return error_set_errno(e, "cannot open '%s'", path);
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        error_set(e, ERROR_FORMAT, "'%s' is a folder, not a file", path);
        goto out;
    }
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            error_set_errno(e, "cannot read '%s'", path);
        if (got <= 0) {
            done = got == 0;
            break;
        }
        if ((size_t)got > limit - (out->length - start)) {
            error_set(e, ERROR_FORMAT, "'%s' is larger than %zu bytes", path, limit);
            break;
        }
        buffer_append(out, piece, (size_t)got);
        if (out->failed)
            break;
    }
    done = buffer_ok(out, e) && done;
out:
    secret_wipe(piece, sizeof piece);
    close(fd);
    return done;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, bytes, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

bool path_write_file(const char *path, const void *bytes, size_t length, mode_t mode,
                     struct error *e)
{
    struct tempfile *t = tempfile_open(path, e);
    bool done = false;

    if (t == NULL)
        return false;
    if (!write_all(tempfile_fd(t), bytes, length) || fchmod(tempfile_fd(t), mode) != 0)
        error_set_errno(e, "cannot write '%s'", path);
    else
        done = tempfile_commit(t, true, e);
    tempfile_free(&t);
    return done;
}

void path_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}
