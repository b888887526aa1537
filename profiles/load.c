/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles on disk: where they are, reading one, and what it uses of another. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

enum { PROFILE_MAX = 1 << 20, DEEPEST_USE = 8 };

static const char suffix[] = ".yaml";

static bool is_path(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '/') != NULL ||
           (length > sizeof suffix - 1 && strcmp(name + length - (sizeof suffix - 1), suffix) == 0);
}

/* The user's folder, then the system's. New strings; the first may be NULL. */
static void folders(char *out[2])
{
    char *config = path_config_dir(NULL);

    out[0] = config == NULL ? NULL : text_format("%s/profiles", config);
    out[1] = strdup("/etc/signet/profiles");
    free(config);
}

static void not_found(const char *name, struct error *e)
{
    struct profile_list names = {0}, paths = {0};
    const char *nearest = NULL;

    if (profile_all(&names, &paths, NULL))
        nearest = text_nearest(name, (const char *const *)names.item, names.count);
    error_set(e, ERROR_PROFILE,
              "there is no profile '%s' in ~/.config/signet/profiles or /etc/signet/profiles%s%s%s",
              name, nearest == NULL ? "; signet profile new makes one" : "; did you mean '",
              nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    profile_list_free(&names);
    profile_list_free(&paths);
}

/* By name alone, in the user's folder and the system's. */
static char *find_named(const char *name, struct error *e)
{
    char *folder[2], *found = NULL;

    folders(folder);
    for (int i = 0; i < 2 && found == NULL; i++) {
        char *path = folder[i] == NULL ? NULL : text_format("%s/%s%s", folder[i], name, suffix);

        if (path != NULL && access(path, F_OK) == 0)
            found = path;
        else
            free(path);
    }
    free(folder[0]);
    free(folder[1]);
    if (found == NULL)
        not_found(name, e);
    return found;
}

char *profile_find(const char *name, struct error *e)
{
    char *path;

    if (!is_path(name))
        return find_named(name, e);
    path = strdup(name);
    if (path == NULL)
        error_set_memory(e);
    return path;
}

/* Relative paths are meant from the profile's folder. */
static bool make_absolute(char **path, const char *folder, struct error *e)
{
    char *whole;

    if (*path == NULL || (*path)[0] == '/')
        return true;
    whole = path_join(folder, *path, e);
    if (whole == NULL)
        return false;
    free(*path);
    *path = whole;
    return true;
}

static bool resolve_paths(struct profile *p, struct error *e)
{
    char *folder = path_parent(p->path, e);
    bool good = folder != NULL;

    for (size_t i = 0; i < p->chain.count && good; i++)
        good = make_absolute(&p->chain.item[i], folder, e);
    if (good && p->certificate != NULL && strncasecmp(p->certificate, "sha256:", 7) != 0)
        good = make_absolute(&p->certificate, folder, e);
    free(folder);
    return good;
}

static void add_problem(struct profile_problems *problems, const char *path, const struct error *e)
{
    char **grown;

    if (problems == NULL)
        return;
    grown = realloc(problems->line, (problems->count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    problems->line = grown;
    grown[problems->count] = text_format("%s: %s", path, e->text);
    if (grown[problems->count] != NULL)
        problems->count++;
}

/* One file, without what it uses. */
static struct profile *load_file(const char *path, struct profile_problems *problems,
                                 struct error *e)
{
    struct buffer text = BUFFER_INIT;
    struct error local = ERROR_INIT;
    struct profile *p = NULL;

    if (!path_others_cannot_write(path, ERROR_PROFILE, &local) ||
        !path_read_file(path, PROFILE_MAX, &text, &local)) {
        local.code = ERROR_PROFILE;
        add_problem(problems, path, &local);
        if (e != NULL)
            *e = local;
    } else {
        p = profile_parse(path, text.data, text.length, problems, e);
    }
    buffer_free(&text);
    if (p == NULL)
        return NULL;
    p->path = strdup(path);
    if (p->path == NULL || !resolve_paths(p, e)) {
        profile_free(&p);
        error_set_memory(e);
    }
    return p;
}

/* What `from` has and `p` has not, of the keys that may be shared. */
static bool merge(struct profile *p, struct profile *from, struct error *e)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        char why[128], *value;

        if (!k->shared || !schema_is_default(k, p))
            continue;
        for (size_t j = 0; (value = schema_value(k, from, j)) != NULL; j++) {
            bool set = schema_set(k, p, value, why, sizeof why);

            free(value);
            if (!set)
                return error_set_memory(e);
        }
    }
    return true;
}

static bool follow_use(struct profile *p, unsigned depth, struct profile_problems *problems,
                       struct error *e)
{
    struct profile *from = NULL;
    char *path;
    bool merged;

    if (p->use == NULL)
        return true;
    if (depth == DEEPEST_USE) {
        error_set(e, ERROR_PROFILE, "%s: use: %s: profiles use each other in a loop", p->path,
                  p->use);
        goto failed;
    }
    /* Never a path: a repository does not choose what the machine's token and PIN are. */
    path = find_named(p->use, e);
    if (path == NULL) {
        error_prefix(e, "%s: use", p->path);
        goto failed;
    }
    from = load_file(path, problems, e);
    free(path);
    if (from == NULL)
        return false;
    merged = follow_use(from, depth + 1, problems, e) && merge(p, from, e);
    profile_free(&from);
    return merged;
failed:
    add_problem(problems, p->path, e);
    return false;
}

static bool set_name(struct profile *p, struct error *e)
{
    const char *slash = strrchr(p->path, '/'), *file = slash == NULL ? p->path : slash + 1;
    size_t length = strlen(file);

    if (p->name != NULL)
        return true;
    if (length > sizeof suffix - 1)
        length -= sizeof suffix - 1;
    p->name = strndup(file, length);
    return p->name != NULL || error_set_memory(e);
}

struct profile *profile_load(const char *name, struct profile_problems *problems, struct error *e)
{
    char *path = profile_find(name, e);
    struct profile *p;

    if (path == NULL)
        return NULL;
    p = load_file(path, problems, e);
    free(path);
    if (p != NULL && (!follow_use(p, 0, problems, e) || !set_name(p, e)))
        profile_free(&p);
    return p;
}

static bool append(struct profile_list *list, char *item)
{
    char **grown = item == NULL ? NULL : realloc(list->item, (list->count + 1) * sizeof *grown);

    if (grown == NULL) {
        free(item);
        return false;
    }
    list->item = grown;
    grown[list->count++] = item;
    return true;
}

static bool add_folder(const char *folder, struct profile_list *names, struct profile_list *paths)
{
    struct dirent **items = NULL;
    int count = scandir(folder, &items, NULL, alphasort);
    bool good = true;

    for (int i = 0; i < count; i++) {
        const char *file = items[i]->d_name;
        size_t length = strlen(file);

        if (good && length > sizeof suffix - 1 && file[0] != '.' &&
            strcmp(file + length - (sizeof suffix - 1), suffix) == 0)
            good = append(names, strndup(file, length - (sizeof suffix - 1))) &&
                   append(paths, text_format("%s/%s", folder, file));
        free(items[i]);
    }
    free(items);
    return good;
}

bool profile_all(struct profile_list *names, struct profile_list *paths, struct error *e)
{
    char *folder[2];
    bool good = true;

    *names = *paths = (struct profile_list){0};
    folders(folder);
    for (int i = 0; i < 2 && good; i++)
        good = folder[i] == NULL || add_folder(folder[i], names, paths);
    free(folder[0]);
    free(folder[1]);
    if (good)
        return true;
    profile_list_free(names);
    profile_list_free(paths);
    return error_set_memory(e);
}
