/* SPDX-License-Identifier: Apache-2.0 */
#include "token/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "token/host.h"

enum { LIST_MS = 30000, LIST_BYTES = 1 << 20, SLICE_MS = 100 };

/* Where vendors put their modules (facts collected in the design's list of module paths). A name
 * without a slash is looked for in the library folders. `vendor`: made by the maker of the token.
 */
static const struct {
    const char *file;
    bool vendor;
} known[] = {
    {"libeToken.so", true},
    {"libIDPrimePKCS11.so", true},
    {"libykcs11.so", true},
    {"libCryptoki2_64.so", true},
    {"/usr/safenet/lunaclient/lib/libCryptoki2_64.so", true},
    {"/opt/nfast/toolkits/pkcs11/libcknfast.so", true},
    {"libcs_pkcs11_R3.so", true},
    {"/opt/cloudhsm/lib/libcloudhsm_pkcs11.so", true},
    {"libkmsp11.so", true},
    {"smpkcs11.so", true},
    {"libcrypto3PKCS.so", true},
    {"libcryptoCertum3PKCS.so", true},
    {"libtpm2_pkcs11.so", true},
    {"libsofthsm2.so", true},
    {"opensc-pkcs11.so", false},
};

static const char *const folders[] = {
    "/usr/lib/" SIGNET_MULTIARCH,
    "/usr/lib/" SIGNET_MULTIARCH "/pkcs11",
    "/usr/lib/" SIGNET_MULTIARCH "/softhsm",
    "/usr/lib",
    "/usr/lib/pkcs11",
    "/usr/lib/softhsm",
    "/usr/lib64",
    "/usr/lib64/pkcs11",
    "/usr/local/lib",
    "/usr/local/lib/pkcs11",
    "/usr/local/lib/softhsm",
};

void modules_free(struct module_list *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->entry[i].name);
        free(m->entry[i].path);
    }
    free(m->entry);
    *m = (struct module_list){0};
}

static bool same_file(const char *a, const char *b)
{
    struct stat first, second;

    return strcmp(a, b) == 0 || (stat(a, &first) == 0 && stat(b, &second) == 0 &&
                                 first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

static bool has(const struct module_list *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (same_file(m->entry[i].path, path))
            return true;
    return false;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Anything that is not OpenSC's general module counts as the vendor's. */
static bool is_vendor(const char *path)
{
    return strstr(file_of(path), "opensc") == NULL && strstr(file_of(path), "onepin") == NULL;
}

static bool add(struct module_list *m, const char *name, const char *path, bool trust,
                struct error *e)
{
    struct module_entry *grown = realloc(m->entry, (m->count + 1) * sizeof *grown);
    struct module_entry *entry;

    if (grown == NULL)
        return error_set_memory(e);
    m->entry = grown;
    entry = &grown[m->count];
    *entry = (struct module_entry){
        .name = strdup(name), .path = strdup(path), .vendor = is_vendor(path), .trust = trust};
    if (entry->name == NULL || entry->path == NULL) {
        free(entry->name);
        free(entry->path);
        return error_set_memory(e);
    }
    m->count++;
    return true;
}

/* p11-kit's proxy shows all other modules once more. */
static bool worth_listing(const char *path)
{
    return strstr(file_of(path), "p11-kit-proxy") == NULL && access(path, R_OK) == 0;
}

static bool add_line(struct module_list *m, char *line, struct error *e)
{
    char *path = strchr(line, '\t'), *kind = path == NULL ? NULL : strchr(path + 1, '\t');

    if (kind == NULL)
        return true;
    *path++ = '\0';
    *kind++ = '\0';
    if (!worth_listing(path) || has(m, path))
        return true;
    return add(m, line, path, strcmp(kind, "trust") == 0, e);
}

/* Reads all that the child prints until it ends. */
static bool read_output(int fd, int64_t end, struct cancel *cancel, struct buffer *out)
{
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        char piece[4096];
        ssize_t got;

        if (cancel_requested(cancel) || clock_ms() >= end || out->length > LIST_BYTES)
            return false;
        if (poll(&ready, 1, SLICE_MS) <= 0)
            continue;
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        buffer_append(out, piece, (size_t)got);
    }
}

/* The names registered with p11-kit, as a child tells them: mapping all modules may crash it. */
static bool run_list(struct cancel *cancel, struct buffer *out, struct error *e)
{
    char *program = host_program(e);
    const char *argv[] = {program, "--list", NULL};
    int pipes[2], status = 0;
    pid_t pid = -1;
    bool whole = false;

    if (program == NULL || pipe2(pipes, O_CLOEXEC) != 0) {
        free(program);
        return false;
    }
    struct process_fd fds[] = {{-1, 0}, {pipes[1], 1}, {-1, 2}};

    pid = process_start(argv, fds, 3, e);
    close(pipes[1]);
    if (pid > 0) {
        whole = read_output(pipes[0], clock_ms() + LIST_MS, cancel, out);
        if (!whole)
            kill(pid, SIGKILL);
        process_wait(pid, &status, -1, NULL);
        whole = whole && status == 0;
    }
    close(pipes[0]);
    free(program);
    return whole && !out->failed;
}

/* The value of "module:" in a .module file of p11-kit, resolved as p11-kit does it. */
static char *module_of(const char *path)
{
    struct buffer text = BUFFER_INIT;
    char *line = NULL, *value = NULL, *rest = NULL;

    if (path_read_file(path, 65536, &text, NULL) && buffer_text(&text) != NULL)
        for (line = strtok_r((char *)text.data, "\n", &rest); line != NULL && value == NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            char file[512];

            if (sscanf(line, " module: %511s", file) == 1)
                value = file[0] == '/'
                            ? strdup(file)
                            : text_format("/usr/lib/%s/pkcs11/%s", SIGNET_MULTIARCH, file);
        }
    buffer_free(&text);
    return value;
}

/* When listing by p11-kit died: what its configuration says. */
static bool add_configured(struct module_list *m, const char *folder, struct error *e)
{
    DIR *dir = opendir(folder);
    struct dirent *item;
    bool added = true;

    while (dir != NULL && added && (item = readdir(dir)) != NULL) {
        const char *dot = strrchr(item->d_name, '.');
        char *path, *module;

        if (dot == NULL || strcmp(dot, ".module") != 0)
            continue;
        path = path_join(folder, item->d_name, NULL);
        module = path == NULL ? NULL : module_of(path);
        if (module != NULL && worth_listing(module) && !has(m, module)) {
            char *name = strndup(item->d_name, (size_t)(dot - item->d_name));

            added = name != NULL && add(m, name, module, strstr(name, "trust") != NULL, e);
            free(name);
        }
        free(module);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    return added;
}

static bool add_registered(struct module_list *m, struct cancel *cancel, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    char *rest = NULL;
    bool added = true;

    if (run_list(cancel, &text, e) && buffer_text(&text) != NULL) {
        for (char *line = strtok_r((char *)text.data, "\n", &rest); line != NULL && added;
             line = strtok_r(NULL, "\n", &rest))
            added = add_line(m, line, e);
    } else if (!cancel_requested(cancel)) {
        log_line("listing the registered modules failed; reading p11-kit's files instead");
        added = add_configured(m, "/etc/pkcs11/modules", e) &&
                add_configured(m, "/usr/share/p11-kit/modules", e);
    }
    buffer_free(&text);
    return added;
}

static bool add_known(struct module_list *m, struct error *e)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool absolute = known[i].file[0] == '/';

        for (size_t j = 0; j < (absolute ? 1 : sizeof folders / sizeof *folders); j++) {
            char *path = path_join(folders[j], known[i].file, e);
            bool added = path != NULL;

            if (added && access(path, R_OK) == 0 && !has(m, path))
                added = add(m, file_of(path), path, false, e);
            free(path);
            if (!added)
                return false;
        }
    }
    return true;
}

bool modules_list(struct module_list *out, struct cancel *cancel, struct error *e)
{
    *out = (struct module_list){0};
    if (add_registered(out, cancel, e) && add_known(out, e)) {
        if (!cancel_requested(cancel))
            return true;
        error_set(e, ERROR_CANCELLED, "cancelled while listing the modules");
    }
    modules_free(out);
    return false;
}

static bool unknown(const char *name, const struct module_list *all, struct error *e)
{
    struct buffer there = BUFFER_INIT;
    const char *list;

    for (size_t i = 0; i < all->count; i++)
        buffer_printf(&there, "%s%s", i > 0 ? ", " : "", all->entry[i].name);
    list = buffer_text(&there);
    error_set(e, ERROR_MISSING,
              "no module '%s' is registered with p11-kit or in a known place; there is: %s; or "
              "give its path",
              name, list == NULL || list[0] == '\0' ? "none" : list);
    buffer_free(&there);
    return false;
}

static const struct module_entry *named(const struct module_list *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->entry[i].name, name) == 0)
            return &all->entry[i];
    return NULL;
}

static bool add_path(struct module_list *m, const char *path, struct error *e)
{
    char *real = realpath(path, NULL);
    bool added;

    if (real == NULL)
        return error_set(e, ERROR_MISSING, "there is no module '%s'", path);
    added = has(m, real) || add(m, file_of(path), real, false, e);
    free(real);
    return added;
}

bool modules_named(const char *const *wanted, size_t count, struct module_list *out,
                   struct cancel *cancel, struct error *e)
{
    struct module_list all = {0};
    bool listed = false, added = true;

    *out = (struct module_list){0};
    for (size_t i = 0; i < count && added; i++) {
        const struct module_entry *entry;

        if (strchr(wanted[i], '/') != NULL) {
            added = add_path(out, wanted[i], e);
            continue;
        }
        if (!listed)
            added = listed = modules_list(&all, cancel, e);
        entry = added ? named(&all, wanted[i]) : NULL;
        if (added && entry == NULL)
            added = unknown(wanted[i], &all, e);
        else if (added && !has(out, entry->path))
            added = add(out, entry->name, entry->path, entry->trust, e);
    }
    modules_free(&all);
    if (!added)
        modules_free(out);
    return added;
}
