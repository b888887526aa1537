/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles on disk: where they are, reading one, and what it uses of another. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "profiles/problems.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

enum { DEEPEST_USE = 8 };

static const char suffix[] = ".yaml";

/* The length of a file's name without ".yaml"; all of it where it does not end so. */
static size_t stem_length(const char *file)
{
    size_t length = strlen(file), end = sizeof suffix - 1;

    return length > end && strcmp(file + length - end, suffix) == 0 ? length - end : length;
}

static bool is_path(const char *name)
{
    return strchr(name, '/') != NULL || name[stem_length(name)] != '\0';
}

/* The user's folder, then the system's. New strings; the first may be NULL. */
static void folders(char *out[2])
{
    char *config = path_config_dir(NULL);

    out[0] = config == NULL ? NULL : text_format("%s/profiles", config);
    out[1] = strdup("/etc/signet/profiles");
    free(config);
}

static void not_found(const char *name, char *const folder[2], struct error *e)
{
    struct profile_list names = {0}, paths = {0};
    const char *nearest = NULL;

    if (profile_all(&names, &paths, NULL))
        nearest = text_nearest(name, (const char *const *)names.item, names.count);
    error_set(e, ERROR_PROFILE, "there is no profile '%s' in %s%s%s%s%s%s", name,
              folder[0] == NULL ? "" : folder[0], folder[0] == NULL ? "" : " or ",
              folder[1] == NULL ? "" : folder[1],
              nearest == NULL ? "; signet profile new makes one" : "; did you mean '",
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
    if (found == NULL)
        not_found(name, folder, e);
    free(folder[0]);
    free(folder[1]);
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

/* `lead` stays in front: "file:". */
static bool make_absolute(char **text, const char *lead, const char *folder, struct error *e)
{
    const char *path = *text + strlen(lead);
    char *whole;

    if (path[0] == '/')
        return true;
    whole = text_format("%s%s/%s", lead, folder, path);
    if (whole == NULL)
        return error_set_memory(e);
    free(*text);
    *text = whole;
    return true;
}

/* The profile's folder, absolute; a profile that is a link belongs where the link is. */
static char *folder_of(const char *path, struct error *e)
{
    char *parent = path_parent(path, e);
    char *folder = parent == NULL ? NULL : realpath(parent, NULL);

    if (parent != NULL && folder == NULL)
        error_set_errno(e, "cannot find the folder of '%s'", path);
    free(parent);
    return folder;
}

/* All lists of files that there are. */
static bool resolve_lists(struct profile *p, const char *folder, struct error *e)
{
    bool good = true;

    for (size_t i = 0; i < schema_key_count; i++) {
        struct profile_list *list =
            schema_keys[i].type == SCHEMA_LIST_OF_PATHS ? schema_list(&schema_keys[i], p) : NULL;

        for (size_t j = 0; good && list != NULL && j < list->count; j++)
            good = make_absolute(&list->item[j], "", folder, e);
    }
    return good;
}

/* Relative paths are meant from the profile's folder. */
static bool resolve_paths(struct profile *p, struct error *e)
{
    char *folder = folder_of(p->path, e);
    bool good = folder != NULL && resolve_lists(p, folder, e);

    if (good && p->certificate != NULL && strncasecmp(p->certificate, "sha256:", 7) != 0)
        good = make_absolute(&p->certificate, "", folder, e);
    if (good && p->module != NULL && strchr(p->module, '/') != NULL)
        good = make_absolute(&p->module, "", folder, e);
    if (good && p->pin != NULL && strncmp(p->pin, "file:", 5) == 0)
        good = make_absolute(&p->pin, "file:", folder, e);
    free(folder);
    return good;
}

static bool is_file(const char *path, struct error *e)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return error_set(e, ERROR_PROFILE, "cannot open '%s': %s", path, strerror(errno));
    if (S_ISREG(status.st_mode))
        return true;
    return error_set(e, ERROR_PROFILE, "'%s' is %s, not a file", path,
                     S_ISDIR(status.st_mode) ? "a folder" : "a device or a pipe");
}

/* Profiles that use the one at hand, the last one first. */
struct users {
    const char *path;
    const struct users *next;
};

static struct profile *load_file(const char *path, const struct users *users,
                                 struct profile_problems *problems, struct error *e);

/* What is wrong with a key's value, at its place. Always false. */
static bool wrong(const struct profile *p, const char *key, const char *value, const char *reason,
                  struct profile_problems *problems)
{
    const struct profile_place *place = &p->place[schema_find(key) - schema_keys];

    problems_add(problems, p->path, place->line, place->column, key, value, reason);
    return false;
}

/* True when `own` is absent, or what the profile that has the PIN says. */
static bool leaves_it(const struct profile *p, const char *key, const char *own, const char *theirs,
                      struct profile_problems *problems)
{
    char *reason;

    if (own == NULL || (theirs != NULL && strcmp(own, theirs) == 0))
        return true;
    reason = text_format("the PIN of '%s' goes to its own %s only; leave %s out, or name a pin "
                         "here too",
                         p->use, key, key);
    wrong(p, key, own, reason == NULL ? "not with the PIN of another" : reason, problems);
    free(reason);
    return false;
}

/* A repository's profile may use the machine's PIN, and chooses neither which code gets to see it
 * nor which token it is tried on. */
static bool may_have_pin(const struct profile *p, const struct profile *from,
                         struct profile_problems *problems)
{
    return p->pin != NULL || from->pin == NULL ||
           (leaves_it(p, "module", p->module, from->module, problems) &&
            leaves_it(p, "key", p->key, from->key, problems) &&
            (p->tries_left <= 0 || p->tries_left == from->tries_left ||
             wrong(p, "tries-left", NULL, "whoever has the PIN says how far it may go", problems)));
}

/* What `from` has and `p` has not, of the keys that may be shared. */
static bool merge(struct profile *p, const struct profile *from, struct error *e)
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

/* The file that `use` names. Never a path: a repository does not choose what the machine's token
 * and PIN are. */
static char *used_file(const struct profile *p, const struct users *users,
                       struct profile_problems *problems)
{
    struct error local = ERROR_INIT;
    char *path = find_named(p->use, &local);
    size_t depth = 0;

    if (path == NULL)
        wrong(p, "use", p->use, local.text, problems);
    for (; path != NULL && users != NULL; users = users->next, depth++)
        if (strcmp(users->path, path) == 0 || depth == DEEPEST_USE) {
            wrong(p, "use", p->use,
                  depth == DEEPEST_USE ? "profiles use each other in too long a chain"
                                       : "profiles use each other in a loop",
                  problems);
            free(path);
            path = NULL;
        }
    return path;
}

static bool follow_use(struct profile *p, const struct users *users,
                       struct profile_problems *problems, struct error *e)
{
    struct users with_this = {.path = p->path, .next = users};
    struct profile *from = NULL;
    char *path;
    bool merged;

    if (p->use == NULL)
        return true;
    path = used_file(p, &with_this, problems);
    if (path != NULL)
        from = load_file(path, &with_this, problems, e);
    free(path);
    if (from == NULL)
        return false;
    merged = may_have_pin(p, from, problems) && merge(p, from, e);
    profile_free(&from);
    return merged;
}

static bool set_name(struct profile *p, struct error *e)
{
    const char *slash = strrchr(p->path, '/'), *file = slash == NULL ? p->path : slash + 1;

    if (p->name == NULL)
        p->name = text_printable(file, stem_length(file));
    return p->name != NULL || error_set_memory(e);
}

static struct profile *load_text(const char *path, const struct users *users, const void *bytes,
                                 size_t length, struct profile_problems *problems, struct error *e)
{
    struct profile *p = profile_parse(path, bytes, length, problems, e);

    if (p == NULL)
        return NULL;
    p->path = strdup(path);
    if (p->path == NULL)
        error_set_memory(e);
    if (p->path == NULL || !resolve_paths(p, e) || !follow_use(p, users, problems, e) ||
        !set_name(p, e))
        profile_free(&p);
    return p;
}

static struct profile *load_file(const char *path, const struct users *users,
                                 struct profile_problems *problems, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    struct error local = ERROR_INIT;
    struct profile *p = NULL;

    if (!is_file(path, &local) || !path_others_cannot_write(path, ERROR_PROFILE, &local) ||
        !path_read_file(path, PROFILE_MAX, &text, &local))
        problems_add(problems, path, 1, 1, NULL, NULL, local.text);
    else
        p = load_text(path, users, text.data, text.length, problems, e);
    buffer_free(&text);
    return p;
}

/* A file (`bytes` NULL), or a text in its place; the error is what all problems come to. */
static struct profile *load(const char *path, const void *bytes, size_t length,
                            struct profile_problems *problems, struct error *e)
{
    struct profile_problems own = {0}, *all = problems == NULL ? &own : problems;
    size_t before = all->count;
    struct profile *p = bytes == NULL ? load_file(path, NULL, all, e)
                                      : load_text(path, NULL, bytes, length, all, e);

    if (p == NULL && all->count > before)
        problems_error(all, before, e);
    profile_problems_free(&own);
    return p;
}

struct profile *profile_load(const char *name, struct profile_problems *problems, struct error *e)
{
    char *path = profile_find(name, e);
    struct profile *p = path == NULL ? NULL : load(path, NULL, 0, problems, e);

    free(path);
    return p;
}

struct profile *profile_load_text(const char *path, const void *bytes, size_t length,
                                  struct profile_problems *problems, struct error *e)
{
    return load(path, length == 0 ? "" : bytes, length, problems, e);
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
        size_t length = stem_length(file);

        if (good && file[length] != '\0' && file[0] != '.')
            good = append(names, text_printable(file, length)) &&
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
