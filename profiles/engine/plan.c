/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/plan.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/text.h"
#include "profiles/engine/glob.h"
#include "profiles/schema.h"

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->item[i].file);
        free(p->item[i].output);
        free(p->item[i].description);
        free(p->item[i].url);
        free(p->item[i].seen);
    }
    free(p->item);
    *p = (struct plan){0};
}

static struct plan_item *add(struct plan *p, const char *file, struct error *e)
{
    struct plan_item *grown = realloc(p->item, (p->count + 1) * sizeof *grown);

    if (grown == NULL) {
        error_set_memory(e);
        return NULL;
    }
    p->item = grown;
    grown[p->count] = (struct plan_item){.file = strdup(file), .same_as = p->count};
    if (grown[p->count].file == NULL) {
        error_set_memory(e);
        return NULL;
    }
    return &grown[p->count++];
}

typedef bool (*add_line)(struct plan *p, const char *line, size_t number, struct error *e);

/* Every line that is not empty, without its end. */
static bool add_lines(struct plan *p, FILE *file, const char *name, add_line add_one,
                      struct error *e)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t length;
    bool good = true;

    while (good && (length = getline(&line, &room, file)) > 0) {
        number++;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = '\0';
        if (strlen(line) != (size_t)length)
            good = error_set(e, ERROR_USAGE, "%s, line %zu: it has NUL bytes, so it is no text",
                             name, number);
        else
            good = length == 0 || add_one(p, line, number, e);
    }
    if (good && ferror(file))
        good = error_set(e, ERROR_USAGE, "cannot read %s: %s", name, strerror(errno));
    free(line);
    return good;
}

static bool add_file(struct plan *p, const char *line, size_t number, struct error *e)
{
    (void)number;
    return add(p, line, e) != NULL;
}

static bool add_list(struct plan *p, const char *path, struct error *e)
{
    FILE *file = fopen(path, "re");
    char *name = text_format("the list '%s'", path);
    bool good = name != NULL;

    if (!good)
        error_set_memory(e);
    else if (file == NULL)
        good = error_set(e, ERROR_USAGE, "cannot read %s: %s", name, strerror(errno));
    else
        good = add_lines(p, file, name, add_file, e);
    if (file != NULL)
        fclose(file);
    free(name);
    return good;
}

static bool copy_text(const json_t *job, const char *key, char **out)
{
    const char *text = json_string_value(json_object_get(job, key));

    if (text == NULL)
        return json_object_get(job, key) == NULL;
    *out = strdup(text);
    return *out != NULL;
}

/* What enters a signature is looked at as closely as in a profile. */
static bool check_value(const char *key, const char *value, size_t number, struct error *e)
{
    char why[256] = "";

    return value == NULL || schema_fits(schema_find(key), value, why, sizeof why) ||
           error_set(e, ERROR_USAGE, "standard input, line %zu: %s should be %s", number, key, why);
}

static bool add_job(struct plan *p, const char *line, size_t number, struct error *e)
{
    json_t *job = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *file = json_string_value(json_object_get(job, "file")), *key;
    struct plan_item *item = NULL;
    bool good = file != NULL;
    json_t *value;

    if (line[strspn(line, " \t")] == '\0')
        return true;
    json_object_foreach(job, key, value) good =
        good && (strcmp(key, "file") == 0 || strcmp(key, "output") == 0 ||
                 strcmp(key, "description") == 0 || strcmp(key, "url") == 0);
    if (good && (item = add(p, file, e)) == NULL) {
        json_decref(job);
        return false;
    }
    good = good && copy_text(job, "output", &item->output) &&
           copy_text(job, "description", &item->description) && copy_text(job, "url", &item->url);
    json_decref(job);
    if (!good)
        return error_set(e, ERROR_USAGE,
                         "standard input, line %zu: a job is an object with file and, if "
                         "wanted, output, description and url, each once, all texts",
                         number);
    return check_value("description", item->description, number, e) &&
           check_value("url", item->url, number, e);
}

static bool add_names(struct plan *p, const char *const *names, size_t count, struct error *e)
{
    bool good = true;

    for (size_t i = 0; i < count && good; i++) {
        if (names[i][0] == '@')
            good = add_list(p, names[i] + 1, e);
        else if (strcmp(names[i], "-") == 0)
            good = add_lines(p, stdin, "standard input", add_job, e);
        else
            good = add(p, names[i], e) != NULL;
    }
    return good;
}

static bool add_patterns(struct plan *p, const struct profile_list *patterns, struct error *e)
{
    struct profile_list found = {0};
    bool good = glob_expand(patterns, &found, e);

    for (size_t i = 0; i < found.count && good; i++)
        good = add(p, found.item[i], e) != NULL;
    profile_list_free(&found);
    return good;
}

/* In place means the file itself: a link to it stays a link. */
static char *behind_links(const char *file)
{
    char *real = realpath(file, NULL);

    return real != NULL ? real : strdup(file);
}

static bool set_output(struct plan_item *item, const char *directory, struct error *e)
{
    const char *slash = strrchr(item->file, '/');

    if (item->output != NULL)
        return true;
    item->in_place = directory == NULL;
    if (directory == NULL)
        item->output = behind_links(item->file);
    else
        item->output = text_format("%s/%s", directory, slash == NULL ? item->file : slash + 1);
    return item->output != NULL || error_set_memory(e);
}

/* Device and inode tell files apart, not names. */
struct identity {
    dev_t device;
    ino_t inode;
    const struct plan_item *item;
};

static int by_file(const void *a, const void *b)
{
    const struct identity *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int by_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* The file, then what is particular to its signature, then the order in which they were named. */
static int by_signature(const void *a, const void *b)
{
    const struct plan_item *x = ((const struct identity *)a)->item;
    const struct plan_item *y = ((const struct identity *)b)->item;
    int order = by_file(a, b);

    if (order == 0)
        order = by_text(x->description, y->description);
    if (order == 0)
        order = by_text(x->url, y->url);
    return order != 0 ? order : x < y ? -1 : x > y;
}

static bool same_signature(const struct identity *a, const struct identity *b)
{
    return by_file(a, b) == 0 && by_text(a->item->description, b->item->description) == 0 &&
           by_text(a->item->url, b->item->url) == 0;
}

/* One that is gone by now fails when its turn comes. */
static bool set_same(struct plan_item *item, size_t as, struct error *e)
{
    struct stat *seen = malloc(sizeof *seen);

    if (seen == NULL)
        return error_set_memory(e);
    if (stat(item->file, seen) == 0) {
        item->same_as = as;
        item->seen = seen;
    } else {
        free(seen);
    }
    return true;
}

static bool find_repeated(struct plan *p, struct error *e)
{
    struct identity *all = calloc(p->count + 1, sizeof *all);
    size_t count = 0;
    bool good = true;

    if (all == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < p->count; i++) {
        struct stat status;

        if (stat(p->item[i].file, &status) == 0)
            all[count++] = (struct identity){status.st_dev, status.st_ino, &p->item[i]};
    }
    qsort(all, count, sizeof *all, by_signature);
    for (size_t i = 1; good && i < count; i++)
        if (same_signature(&all[i - 1], &all[i]))
            good = set_same(&p->item[all[i].item - p->item], all[i - 1].item->same_as, e);
    free(all);
    return good;
}

/* Where an output will stand, however it was spelled. */
struct place {
    char *path;
    const struct plan_item *item;
};

static int by_path_alone(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->path, ((const struct place *)b)->path);
}

static int by_path(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = by_path_alone(a, b);

    return order != 0 ? order : x->item < y->item ? -1 : x->item > y->item;
}

static char *place_of(const char *output)
{
    const char *slash = strrchr(output, '/');
    char *folder = path_parent(output, NULL);
    char *real = folder == NULL ? NULL : realpath(folder, NULL);
    char *path = real == NULL ? strdup(output)
                              : text_format("%s/%s", real, slash == NULL ? output : slash + 1);

    free(folder);
    free(real);
    return path;
}

static bool find_places(const struct plan *p, struct place *all, struct error *e)
{
    for (size_t i = 0; i < p->count; i++) {
        all[i] = (struct place){place_of(p->item[i].output), &p->item[i]};
        if (all[i].path == NULL)
            return error_set_memory(e);
    }
    qsort(all, p->count, sizeof *all, by_path);
    return true;
}

/* Two different files with one output: the second would take the first one's place. */
static bool check_outputs(const struct plan *p, const struct place *all, struct error *e)
{
    for (size_t i = 1; i < p->count; i++)
        if (strcmp(all[i].path, all[i - 1].path) == 0 &&
            all[i].item->same_as != all[i - 1].item->same_as)
            return error_set(e, ERROR_USAGE, "'%s' and '%s' would both be written to '%s'",
                             all[i - 1].item->file, all[i].item->file, all[i].item->output);
    return true;
}

/* An output that is the input of another: what is signed would depend on which comes first. */
static bool check_inputs(const struct plan *p, const struct place *all, struct error *e)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct plan_item *item = &p->item[i];
        char *real = realpath(item->file, NULL);
        const struct place wanted = {real, item};
        const struct place *found =
            real == NULL ? NULL : bsearch(&wanted, all, p->count, sizeof wanted, by_path_alone);

        free(real);
        if (found != NULL && found->item->same_as != item->same_as)
            return error_set(e, ERROR_USAGE,
                             "'%s' would be written over '%s', which is to be signed itself",
                             found->item->file, item->file);
    }
    return true;
}

static bool check_places(const struct plan *p, struct error *e)
{
    struct place *all = calloc(p->count + 1, sizeof *all);
    bool good = all == NULL
                    ? error_set_memory(e)
                    : find_places(p, all, e) && check_outputs(p, all, e) && check_inputs(p, all, e);

    for (size_t i = 0; all != NULL && i < p->count; i++)
        free(all[i].path);
    free(all);
    return good;
}

static bool complete(struct plan *p, const char *directory, struct error *e)
{
    bool good = true;

    for (size_t i = 0; i < p->count && good; i++)
        good = set_output(&p->item[i], directory, e);
    return good && find_repeated(p, e) && check_places(p, e);
}

bool plan_make(struct plan *out, const char *const *names, size_t count,
               const struct profile_list *patterns, const char *directory, struct error *e)
{
    bool good;

    *out = (struct plan){0};
    good = count > 0 ? add_names(out, names, count, e) : add_patterns(out, patterns, e);
    if (good && out->count == 0)
        good = error_set(e, ERROR_USAGE,
                         "no files: name some, or give the profile patterns with files:");
    good = good && complete(out, directory, e);
    if (!good)
        plan_free(out);
    return good;
}

bool plan_files(struct plan *out, const char *const *names, size_t count, const char *directory,
                struct error *e)
{
    bool good = true;

    *out = (struct plan){0};
    for (size_t i = 0; i < count && good; i++)
        good = add(out, names[i], e) != NULL;
    good = good && complete(out, directory, e);
    if (!good)
        plan_free(out);
    return good;
}

bool plan_make_folders(const struct plan *plan, struct error *e)
{
    char *last = NULL;
    bool made = true;

    for (size_t i = 0; i < plan->count && made; i++) {
        char *folder;

        if (plan->item[i].in_place)
            continue;
        folder = path_parent(plan->item[i].output, e);
        made = folder != NULL &&
               ((last != NULL && strcmp(folder, last) == 0) || path_make_folders(folder, 0777, e));
        free(last);
        last = folder;
    }
    free(last);
    return made;
}

bool plan_read(struct plan *out, const char *const *names, size_t count, struct error *e)
{
    bool good = true;

    *out = (struct plan){0};
    for (size_t i = 0; good && i < count; i++)
        good = strcmp(names[i], "-") != 0 ||
               error_set(e, ERROR_USAGE,
                         "'-' is not a file here; a list of files is named as @LIST, and a file of "
                         "that name as ./-");
    good = good && add_names(out, names, count, e);
    if (!good)
        plan_free(out);
    return good;
}
