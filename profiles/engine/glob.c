/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/glob.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

enum { DEEPEST = 64, MOST_FILES = 1000000 };

static bool same_name(const char *pattern, size_t pattern_length, const char *name, size_t length)
{
    char *one = strndup(pattern, pattern_length), *two = strndup(name, length);
    bool same = one != NULL && two != NULL && fnmatch(one, two, FNM_PERIOD) == 0;

    free(one);
    free(two);
    return same;
}

/* Name by name. A "**" stands for any number of folders, none too. */
bool glob_match(const char *pattern, const char *path)
{
    for (;;) {
        size_t length = strcspn(pattern, "/"), name = strcspn(path, "/");

        if (length == 2 && strncmp(pattern, "**", 2) == 0) {
            if (pattern[2] == '\0')
                return true;
            for (const char *at = path;; at++) {
                if (glob_match(pattern + 3, at))
                    return true;
                at += strcspn(at, "/");
                if (*at == '\0')
                    return false;
            }
        }
        if (!same_name(pattern, length, path, name) ||
            (pattern[length] == '\0') != (path[name] == '\0'))
            return false;
        if (pattern[length] == '\0')
            return true;
        pattern += length + 1;
        path += name + 1;
    }
}

/* Could the pattern take in something below this folder? Whole trees need not be walked. */
static bool leads_below(const char *pattern, const char *folder)
{
    for (;;) {
        size_t length = strcspn(pattern, "/"), name = strcspn(folder, "/");

        if (length == 2 && strncmp(pattern, "**", 2) == 0)
            return true;
        if (pattern[length] == '\0' || !same_name(pattern, length, folder, name))
            return false;
        if (folder[name] == '\0')
            return true;
        pattern += length + 1;
        folder += name + 1;
    }
}

struct walk {
    const struct profile_list *patterns;
    bool *used; /* of each pattern: it took something in */
    struct profile_list *out;
    struct error error; /* ERROR_NONE: out of memory, where it failed */
};

/* The walk begins in the current folder, and never leaves it. */
static bool leads_out(const char *pattern)
{
    pattern += pattern[0] == '!';
    if (pattern[0] == '/')
        return true;
    for (;;) {
        size_t length = strcspn(pattern, "/");

        if (length == 2 && strncmp(pattern, "..", 2) == 0)
            return true;
        if (pattern[length] == '\0')
            return false;
        pattern += length + 1;
    }
}

static bool check_patterns(const struct profile_list *patterns, struct error *e)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (leads_out(patterns->item[i]))
            return error_set(e, ERROR_USAGE,
                             "files: the pattern '%s' leads out of the current folder; patterns "
                             "are of what is in it and below, other files are named on the "
                             "command line",
                             patterns->item[i]);
    return true;
}

/* A pattern without its '!', and without a "./" that only says where it begins anyway. */
static const char *bare(const char *pattern)
{
    pattern += pattern[0] == '!';
    while (strncmp(pattern, "./", 2) == 0)
        pattern += 2;
    return pattern;
}

static bool worth_a_visit(const struct walk *w, const char *folder)
{
    for (size_t i = 0; i < w->patterns->count; i++)
        if (w->patterns->item[i][0] != '!' && leads_below(bare(w->patterns->item[i]), folder))
            return true;
    return false;
}

/* What the last pattern that fits says. */
static bool wanted(struct walk *w, const char *path)
{
    bool take = false;

    for (size_t i = 0; i < w->patterns->count; i++) {
        const char *pattern = w->patterns->item[i];
        bool out = pattern[0] == '!';

        if (!glob_match(bare(pattern), path))
            continue;
        w->used[i] = true;
        take = !out;
    }
    return take;
}

static bool push(struct walk *w, const char *path)
{
    struct profile_list *list = w->out;
    char **grown;

    if (list->count >= MOST_FILES)
        return error_set(&w->error, ERROR_UNSUPPORTED, "files: more than %d match the patterns",
                         MOST_FILES);
    grown = realloc(list->item, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    list->item = grown;
    grown[list->count] = strdup(path);
    return grown[list->count] != NULL && ++list->count;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool visit(struct walk *w, const char *folder, unsigned depth);

static bool visit_entry(struct walk *w, const char *folder, const char *name, unsigned depth)
{
    char *path = strcmp(folder, ".") == 0 ? strdup(name) : text_format("%s/%s", folder, name);
    struct stat status;
    bool good = path != NULL;

    /* Links to folders are not followed: they may lead round in a circle. */
    if (good && lstat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            good = !worth_a_visit(w, path) || visit(w, path, depth + 1);
        else if (!(S_ISLNK(status.st_mode) && is_folder(path)) && wanted(w, path))
            good = push(w, path);
    }
    free(path);
    return good;
}

static bool visit(struct walk *w, const char *folder, unsigned depth)
{
    struct dirent **items = NULL;
    int count;
    bool good = true;

    if (depth >= DEEPEST)
        return error_set(&w->error, ERROR_UNSUPPORTED, "'%s': folders more than %d deep", folder,
                         DEEPEST);
    count = scandir(folder, &items, NULL, alphasort);
    /* What cannot be looked into may hold a part of the release. */
    if (count < 0)
        return error_set_errno(&w->error, "files: cannot read the folder '%s'", folder);
    for (int i = 0; i < count; i++) {
        if (good && strcmp(items[i]->d_name, ".") != 0 && strcmp(items[i]->d_name, "..") != 0)
            good = visit_entry(w, folder, items[i]->d_name, depth);
        free(items[i]);
    }
    free(items);
    return good;
}

bool glob_expand(const struct profile_list *patterns, struct profile_list *out, struct error *e)
{
    struct walk w = {patterns, calloc(patterns->count + 1, sizeof(bool)), out, ERROR_INIT};
    bool good = w.used != NULL && check_patterns(patterns, &w.error) &&
                (patterns->count == 0 || visit(&w, ".", 0));

    if (!good && w.error.code == ERROR_NONE)
        error_set_memory(e);
    else if (!good && e != NULL)
        *e = w.error;
    for (size_t i = 0; i < patterns->count && good; i++)
        if (!w.used[i] && patterns->item[i][0] != '!')
            good = error_set(e, ERROR_USAGE, "files: the pattern '%s' matches nothing here",
                             patterns->item[i]);
    free(w.used);
    return good;
}
