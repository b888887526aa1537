/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/command/profile_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"
#include "tui/jobs.h"
#include "tui/view/form.h"
#include "tui/view/input.h"

enum { MOST_KEYS = 64 };

static const char *const switches[] = {"", "true", "false", NULL};

/* What Tab offers. The servers are those that CAs run for all who sign code (RFC 3161). */
static const char *const pin_sources[] = {
    "prompt", "env:SIGNET_PIN", "credential:signet-pin", "file:", "command:", "pinpad", NULL};
static const char *const timestamp_servers[] = {"http://timestamp.digicert.com",
                                                "http://timestamp.sectigo.com",
                                                "http://timestamp.globalsign.com/tsa/r6advanced1",
                                                "http://ts.ssl.com",
                                                "http://time.certum.pl",
                                                NULL};

struct profile_form {
    char *path;
    bool is_new;
    struct profile *before; /* as it was opened */
    const struct schema_key *key[MOST_KEYS];
    struct form_field field[MOST_KEYS];
    char *value[MOST_KEYS];
    size_t count;
};

static void form_free(void *data)
{
    struct profile_form *f = data;

    for (size_t i = 0; i < f->count; i++)
        free(f->value[i]);
    profile_free(&f->before);
    free(f->path);
    free(f);
}

/* Items of a list stand side by side, with blanks between; one with a blank stands in quotes. */
static char *value_of(const struct schema_key *k, const struct profile *p)
{
    struct buffer out = BUFFER_INIT;
    char *item;

    if (schema_is_default(k, p))
        return strdup("");
    if (!schema_is_list(k))
        return schema_value(k, p, 0);
    for (size_t i = 0; (item = schema_value(k, p, i)) != NULL; i++) {
        buffer_printf(&out, strchr(item, ' ') != NULL ? "%s\"%s\"" : "%s%s", i > 0 ? " " : "",
                      item);
        free(item);
    }
    return buffer_take(&out);
}

/* The next item of a list in `text`; false at its end. */
static bool next_item(const char **text, char *out, size_t size)
{
    const char *at = *text + strspn(*text, " ");
    bool quoted = *at == '"';
    size_t length;

    at += quoted;
    length = strcspn(at, quoted ? "\"" : " ");
    if (*at == '\0' || length >= size)
        return false;
    snprintf(out, size, "%.*s", (int)length, at);
    at += length;
    *text = at + (quoted && *at == '"');
    return true;
}

static bool set_value(const struct schema_key *k, struct profile *p, const char *value, char *why,
                      size_t size)
{
    char item[1024];

    if (!schema_is_list(k))
        return schema_set(k, p, value, why, size);
    while (next_item(&value, item, sizeof item))
        if (!schema_set(k, p, item, why, size))
            return false;
    return true;
}

static bool check(void *data, size_t index, const char *value, char *why, size_t size)
{
    struct profile_form *f = data;
    const struct schema_key *k = f->key[index];
    struct profile *p = profile_new(NULL);
    char reason[200] = "";
    bool good = p != NULL && set_value(k, p, value, reason, sizeof reason);

    profile_free(&p);
    if (!good)
        snprintf(why, size, "should be %s", reason);
    return good;
}

/* Single values at the top of the file are exchanged in their place, and comments stay. */
static bool change_in_place(const struct profile_form *f, const struct profile *p,
                            const char *const *values, bool *possible, struct error *e)
{
    struct profile_change changes[MOST_KEYS];
    size_t count = 0;

    *possible = true;
    for (size_t i = 0; i < f->count; i++) {
        const struct schema_key *k = f->key[i];

        if (schema_same(k, f->before, p))
            continue;
        if (schema_is_list(k) || strchr(k->name, '.') != NULL || values[i] == NULL)
            *possible = false;
        else
            changes[count++] = (struct profile_change){k->name, values[i]};
    }
    if (*possible)
        *possible = profile_can_change(f->path, changes, count, NULL);
    return *possible && (count == 0 || profile_change_file(f->path, changes, count, e));
}

static bool has_comments(const char *path)
{
    struct buffer text = BUFFER_INIT;
    bool has = path_read_file(path, PROFILE_MAX, &text, NULL) && text.length > 0 &&
               profile_has_comments((const char *)text.data, text.length);

    buffer_free(&text);
    return has;
}

static bool save(const struct profile_form *f, const struct profile *p, const char *const *values,
                 struct error *e)
{
    bool possible = false;

    if (f->is_new)
        return profile_save(p, f->path, false, e);
    if (change_in_place(f, p, values, &possible, e))
        return true;
    if (possible)
        return false;
    if (has_comments(f->path))
        return error_set(e, ERROR_PROFILE,
                         "this change would lose the comments in '%s'; make it with: signet "
                         "profile edit",
                         f->path);
    return profile_save(p, f->path, true, e);
}

static bool done(struct console *c, void *data, const char *const *values, char *why, size_t size)
{
    struct profile_form *f = data;
    struct error e = ERROR_INIT;
    struct profile *p = profile_new(&e);
    bool saved = p != NULL && set_value(schema_find("signet"), p, "1", why, size);

    for (size_t i = 0; saved && i < f->count; i++)
        saved = values[i] == NULL || set_value(f->key[i], p, values[i], why, size);
    if (saved && !save(f, p, values, &e)) {
        snprintf(why, size, "%s", e.text);
        saved = false;
    }
    if (saved) {
        const char *path = f->path;

        console_say(c, STYLE_GOOD, "saved '%s'", f->path);
        jobs_read_profiles(c);
        jobs_run(c, "check", NULL, &path, 1);
    }
    profile_free(&p);
    return saved;
}

static void add_field(struct profile_form *f, const struct schema_key *k)
{
    struct form_field *field = &f->field[f->count];

    *field = (struct form_field){k->name, k->help, FORM_TEXT, NULL, false, false};
    if (k->type == SCHEMA_CHOICE) {
        field->type = FORM_CHOICE;
        field->choices = k->choices;
    } else if (k->type == SCHEMA_BOOLEAN) {
        field->type = FORM_CHOICE;
        field->choices = switches;
    } else if (k->type == SCHEMA_PIN) {
        field->choices = pin_sources;
    } else if (k->type == SCHEMA_LIST_OF_HTTP) {
        field->choices = timestamp_servers;
    } else if (k->type == SCHEMA_PATH || k->type == SCHEMA_LIST_OF_PATHS) {
        field->type = FORM_PATH;
    }
    f->key[f->count] = k;
    f->value[f->count] = value_of(k, f->before);
    if (k->type == SCHEMA_CHOICE && f->value[f->count] != NULL && f->value[f->count][0] == '\0') {
        free(f->value[f->count]);
        f->value[f->count] = schema_value(k, f->before, 0);
    }
    f->count++;
}

/* What a line of the form cannot hold would be cut, and saved so. */
static bool fits(const struct profile_form *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->value[i] == NULL || strlen(f->value[i]) >= INPUT_SIZE)
            return false;
    return true;
}

/* Takes path and profile over. */
static void open_form(struct console *c, char *path, struct profile *p, bool is_new)
{
    struct profile_form *f = calloc(1, sizeof *f);
    struct form_spec spec = {.title = is_new ? "New profile" : "Profile",
                             .verb = "save and check",
                             .check = check,
                             .done = done,
                             .free_data = form_free,
                             .data = f};

    if (f == NULL) {
        profile_free(&p);
        free(path);
        return;
    }
    f->path = path;
    f->before = p;
    f->is_new = is_new;
    for (size_t i = 0; i < schema_key_count && f->count < MOST_KEYS; i++)
        if (strcmp(schema_keys[i].name, "signet") != 0)
            add_field(f, &schema_keys[i]);
    if (!fits(f)) {
        console_say(c, STYLE_BAD, "'%s' has a value too long for a form: signet profile edit",
                    f->path);
        form_free(f);
        return;
    }
    spec.fields = f->field;
    spec.count = f->count;
    console_open(c, form_new(&spec, (const char *const *)f->value));
}

void profile_form_edit(struct console *c, const char *path)
{
    struct buffer text = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct profile *p = NULL;

    if (path_read_file(path, PROFILE_MAX, &text, &e))
        p = profile_parse(path, text.data, text.length, NULL, &e);
    if (p == NULL)
        console_say(c, STYLE_BAD, "%s", e.text);
    else
        open_form(c, strdup(path), p, false);
    buffer_free(&text);
}

/* A new one: its name is asked for, then `profile new --print` drafts it from the token. */
struct draft {
    struct console *console;
    char *path;
    bool drafted;
};

static void draft_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct draft *d = data;
    const char *yaml = op_string(record, "yaml");
    struct error e = ERROR_INIT;
    struct profile *p = profile_parse(d->path, yaml, strlen(yaml), NULL, &e);

    (void)j, (void)kind;
    if (p == NULL) {
        console_say(d->console, STYLE_BAD, "%s", e.text);
        return;
    }
    open_form(d->console, d->path, p, true);
    d->path = NULL;
}

static void draft_ended(void *data, struct job *j, const struct error *e)
{
    struct draft *d = data;

    (void)j;
    if (e != NULL)
        console_say(d->console, STYLE_BAD, "%s", e->text);
    free(d->path);
    free(d);
}

static char *path_of(const char *name, struct error *e)
{
    char *config = path_config_dir(e);
    char *path = config == NULL ? NULL : text_format("%s/profiles/%s.yaml", config, name);

    free(config);
    return path;
}

static void draft(struct console *c, const char *name, const json_t *token, const char *pin)
{
    struct draft *d = calloc(1, sizeof *d);
    struct job_watcher watcher = {.record = draft_record, .ended = draft_ended, .data = d};
    const char *module = store_module_path(&c->store, token);
    const char *words[] = {name,       "--print", "--token",       op_string(token, "uri"),
                           "--module", module,    "--certificate", pin};
    struct error e = ERROR_INIT;

    if (d == NULL)
        return;
    d->console = c;
    d->path = path_of(name, &e);
    if (d->path == NULL || work_start(c->work, jobs_op("profile new"), words, pin == NULL ? 6 : 8,
                                      module, &watcher, &e) == NULL) {
        console_say(c, STYLE_BAD, "%s", e.text);
        free(d->path);
        free(d);
    }
}

static void named(struct console *c, const char *data, const char *answer)
{
    const json_t *token = console_token(c), *object = console_object(c);
    const json_t *full = object == NULL ? NULL : store_detail(&c->store, op_string(object, "uri"));
    const char *sha256 = op_string(json_object_get(full, "certificate"), "sha256");
    char *pin = *sha256 == '\0' ? NULL : text_format("sha256:%s", sha256);

    (void)data;
    if (answer != NULL && *answer != '\0' && token != NULL)
        draft(c, answer, token, pin);
    free(pin);
}

void profile_form_new(struct console *c)
{
    console_open(c, ask_text("Name of the new profile, as builds will call it", "release", false,
                             named, NULL));
}
