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

bool path_make_folders(const char *path, mode_t mode, struct error *e)
{
    char *copy = strdup(path);
    bool made = true;

    if (copy == NULL)
        return error_set_memory(e);
    for (char *at = copy + 1; made; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        made = mkdir(copy, mode) == 0 || errno == EEXIST || errno == EISDIR;
        if (!made)
            error_set_errno(e, "cannot make the folder '%s'", copy);
        *at = end;
        if (end == '\0')
            break;
    }
    free(copy);
    return made;
}

/* Calls `judge` for the file and each folder above it, real names; stops at the first that it
 * refuses. */
static bool upwards(const char *path, bool (*judge)(const char *, const struct stat *, void *),
                    void *data, enum error_code code, struct error *e)
{
    char real[PATH_MAX];
    struct stat status;

    if (realpath(path, real) == NULL) {
        error_set_errno(e, "cannot open '%s'", path);
        if (e != NULL)
            e->code = code;
        return false;
    }
    for (;;) {
        char *slash = strrchr(real, '/');

        if (stat(real, &status) != 0 || !judge(real, &status, data))
            return false;
        if (strcmp(real, "/") == 0)
            return true;
        slash[slash == real ? 1 : 0] = '\0';
    }
}

struct verdict {
    bool first; /* the file itself comes first, then its folders */
    enum error_code code;
    struct error *e;
};

static bool quote_chmod(const char *path, const char *change, const char *why,
                        const struct verdict *v)
{
    char *quoted = text_shell_quote(path);

    error_set(v->e, v->code, "%s: chmod %s %s", why, change, quoted == NULL ? path : quoted);
    free(quoted);
    return false;
}

static bool trusted_owner(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

/* The group of root cannot be joined by chance; a group of the user alone cannot be told from
 * others. */
static bool judge_writers(const char *path, const struct stat *status, void *data)
{
    struct verdict *v = data;
    bool file = v->first;
    bool sticky = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX);
    mode_t others = status->st_mode & (S_IWGRP | S_IWOTH);

    v->first = false;
    if (!trusted_owner(status))
        return error_set(v->e, v->code,
                         "'%s' belongs to user %lu, who may change it; take it over with chown",
                         path, (unsigned long)status->st_uid);
    if (others == 0 || sticky)
        return true;
    return quote_chmod(path, "go-w", file ? "others may write it" : "others may write its folder",
                       v);
}

bool path_others_cannot_write(const char *path, enum error_code code, struct error *e)
{
    struct verdict v = {.first = true, .code = code, .e = e};

    return upwards(path, judge_writers, &v, code, e);
}

struct reach {
    bool first;
    mode_t readable; /* of S_IRGRP, S_IROTH: what the file grants */
    bool foreign;    /* the file belongs to someone else than us or root */
};

/* A folder that group or others cannot enter hides what is in it. */
static bool judge_readers(const char *path, const struct stat *status, void *data)
{
    struct reach *r = data;

    (void)path;
    if (r->first) {
        r->readable = status->st_mode & (S_IRGRP | S_IROTH);
        r->foreign = !trusted_owner(status);
    } else {
        if (!(status->st_mode & S_IXGRP))
            r->readable &= ~(mode_t)S_IRGRP;
        if (!(status->st_mode & S_IXOTH))
            r->readable &= ~(mode_t)S_IROTH;
    }
    r->first = false;
    return true;
}

bool path_others_cannot_read(const char *path, enum error_code code, struct error *e)
{
    struct reach r = {.first = true};
    struct verdict v = {.code = code, .e = e};

    if (!upwards(path, judge_readers, &r, code, e))
        return false;
    if (r.foreign)
        return error_set(e, code,
                         "'%s' belongs to another user, who can read it; take it over with chown",
                         path);
    if (r.readable == 0)
        return true;
    return quote_chmod(path, "go-rwx", "other users can read it", &v);
}

bool path_read_file(const char *path, size_t limit, struct buffer *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    size_t start = out->length;
    bool done = false;

    if (fd < 0)
        return error_set_errno(e, "cannot open '%s'", path);
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        error_set(e, ERROR_FORMAT, "'%s' is a folder, not a file", path);
        goto out;
    }
    for (;;) {
        uint8_t piece[4096];
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
        secret_wipe(piece, sizeof piece);
    }
    done = done && buffer_ok(out, e);
out:
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
