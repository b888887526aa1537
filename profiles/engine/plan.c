/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/plan.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "profiles/engine/glob.h"

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->item[i].file);
        free(p->item[i].output);
        free(p->item[i].description);
        free(p->item[i].url);
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

static bool add_list(struct plan *p, const char *path, struct error *e)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool good = true;

    if (file == NULL) {
        error_set(e, ERROR_USAGE, "cannot read the list '%s': %s", path, strerror(errno));
        return false;
    }
    while (good && (length = getline(&line, &room, file)) > 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = '\0';
        good = length == 0 || add(p, line, e) != NULL;
    }
    free(line);
    fclose(file);
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

static bool add_job(struct plan *p, const char *line, size_t number, struct error *e)
{
    json_t *job = json_loads(line, 0, NULL);
    const char *file = json_string_value(json_object_get(job, "file")), *key;
    struct plan_item *item = NULL;
    bool good = file != NULL;
    json_t *value;

    json_object_foreach(job, key, value) good =
        good && (strcmp(key, "file") == 0 || strcmp(key, "output") == 0 ||
                 strcmp(key, "description") == 0 || strcmp(key, "url") == 0);
    if (good)
        item = add(p, file, e);
    if (item != NULL)
        good = copy_text(job, "output", &item->output) &&
               copy_text(job, "description", &item->description) &&
               copy_text(job, "url", &item->url);
    json_decref(job);
    if (good && item != NULL)
        return true;
    return error_set(e, ERROR_USAGE,
                     "standard input, line %zu: a job is an object with file and, if wanted, "
                     "output, description and "
                     "url, all texts",
                     number);
}

static bool add_jobs(struct plan *p, struct error *e)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t length;
    bool good = true;

    while (good && (length = getline(&line, &room, stdin)) > 0) {
        number++;
        if (line[strspn(line, " \t\r\n")] != '\0')
            good = add_job(p, line, number, e);
    }
    free(line);
    return good;
}

static bool add_names(struct plan *p, const char *const *names, size_t count, struct error *e)
{
    bool good = true;

    for (size_t i = 0; i < count && good; i++) {
        if (names[i][0] == '@')
            good = add_list(p, names[i] + 1, e);
        else if (strcmp(names[i], "-") == 0)
            good = add_jobs(p, e);
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
    bool known;
    size_t index;
};

static int by_identity(const void *a, const void *b)
{
    const struct identity *x = a, *y = b;

    if (x->known != y->known)
        return x->known ? -1 : 1;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool find_repeated(struct plan *p, struct error *e)
{
    struct identity *all = calloc(p->count + 1, sizeof *all);

    if (all == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < p->count; i++) {
        struct stat status;

        all[i].index = i;
        all[i].known = stat(p->item[i].file, &status) == 0;
        if (all[i].known) {
            all[i].device = status.st_dev;
            all[i].inode = status.st_ino;
        }
    }
    qsort(all, p->count, sizeof *all, by_identity);
    for (size_t i = 1; i < p->count; i++)
        if (all[i].known && all[i - 1].known && all[i].device == all[i - 1].device &&
            all[i].inode == all[i - 1].inode)
            p->item[all[i].index].same_as = p->item[all[i - 1].index].same_as;
    free(all);
    return true;
}

static int by_output(const void *a, const void *b)
{
    const struct plan_item *const *x = a, *const *y = b;

    return strcmp((*x)->output, (*y)->output);
}

/* Two different files with one output: the second would take the first one's place. */
static bool check_outputs(const struct plan *p, struct error *e)
{
    const struct plan_item **all = calloc(p->count + 1, sizeof *all);
    size_t count = 0;
    bool good = true;

    if (all == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < p->count; i++)
        if (p->item[i].same_as == i)
            all[count++] = &p->item[i];
    qsort(all, count, sizeof *all, by_output);
    for (size_t i = 1; i < count && good; i++)
        if (strcmp(all[i]->output, all[i - 1]->output) == 0)
            good = error_set(e, ERROR_USAGE, "'%s' and '%s' would both be written to '%s'",
                             all[i - 1]->file, all[i]->file, all[i]->output);
    free(all);
    return good;
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
    for (size_t i = 0; i < out->count && good; i++)
        good = set_output(&out->item[i], directory, e);
    good = good && find_repeated(out, e) && check_outputs(out, e);
    if (!good)
        plan_free(out);
    return good;
}
