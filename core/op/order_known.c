/* SPDX-License-Identifier: Apache-2.0 */
#include "op/order_known.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"

enum { MOST = 64, FILE_MAX = (MOST + 1) * PATH_MAX };

/* The file, with the mode that it is to have. */
static char *file_path(mode_t *mode, struct error *e)
{
    bool shared = false;
    char *folder = path_state_dir(&shared, e), *path = NULL;

    if (folder != NULL && path_make_folders(folder, shared ? 0770 : 0700, e))
        path = path_join(folder, "orders", e);
    free(folder);
    *mode = shared ? 0660 : 0600;
    return path;
}

static json_t *read_lines(const char *path, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    json_t *list = json_array();
    char *rest = NULL;

    if (list == NULL) {
        error_set_memory(e);
        return NULL;
    }
    if (access(path, F_OK) != 0)
        return list;
    if (!path_read_file(path, FILE_MAX, &bytes, e) || buffer_text(&bytes) == NULL) {
        json_decref(list);
        buffer_free(&bytes);
        return NULL;
    }
    for (char *line = strtok_r((char *)bytes.data, "\n", &rest);
         line != NULL && json_array_size(list) < MOST; line = strtok_r(NULL, "\n", &rest))
        if (line[0] == '/')
            json_array_append_new(list, json_string(line));
    buffer_free(&bytes);
    return list;
}

json_t *order_known(struct error *e)
{
    mode_t mode;
    char *path = file_path(&mode, e);
    json_t *list = path == NULL ? NULL : read_lines(path, e);

    free(path);
    return list;
}

static bool write_lines(const char *path, mode_t mode, const char *first, const json_t *known,
                        struct error *e)
{
    struct buffer out = BUFFER_INIT;
    bool done;

    buffer_printf(&out, "%s\n", first);
    for (size_t i = 0; i < json_array_size(known) && i + 1 < MOST; i++) {
        const char *line = json_string_value(json_array_get(known, i));

        if (strcmp(line, first) != 0)
            buffer_printf(&out, "%s\n", line);
    }
    done = buffer_ok(&out, e) && path_write_file(path, out.data, out.length, mode, e);
    buffer_free(&out);
    return done;
}

bool order_remember(const char *folder, struct error *e)
{
    mode_t mode;
    char *whole = realpath(folder, NULL), *path = file_path(&mode, e);
    json_t *known = path == NULL ? NULL : read_lines(path, e);
    bool done = false;

    if (known != NULL && whole == NULL)
        error_set_errno(e, "cannot tell where '%s' is", folder);
    else if (known != NULL && strchr(whole, '\n') != NULL)
        error_set(e, ERROR_USAGE, "its path has a line break");
    else if (known != NULL)
        done = write_lines(path, mode, whole, known, e);
    json_decref(known);
    free(path);
    free(whole);
    return done;
}
