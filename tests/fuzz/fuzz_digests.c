/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the files that travel between two steps, and the content that is to be signed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/engine/steps.h"
#include "sign/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written as it was. */
static void read_line(enum step_kind kind, const uint8_t *data, size_t size)
{
    struct step one, other;
    json_t *record;
    char *text;

    if (!step_parse(kind, data, size, &one, NULL))
        return;
    record = step_record(kind, &one, NULL);
    text = json_dumps(record, JSON_COMPACT);
    if (text == NULL || !step_parse(kind, text, strlen(text), &other, NULL))
        abort();
    if (strcmp(one.file, other.file) != 0 || one.der.length != other.der.length)
        abort();
    free(text);
    json_decref(record);
    step_free(&one);
    step_free(&other);
}

static void read_content(const char *format, const uint8_t *data, size_t size)
{
    struct content c;

    /* The digest lies in it. */
    if (content_read(format, data, size, &c, NULL) &&
        (c.digest < data || c.digest + c.digest_length > data + size))
        abort();
    content_is_of(format, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_line(STEP_DIGEST, data, size);
    read_line(STEP_SIGNATURE, data, size);
    read_content("pe", data, size);
    read_content("cab", data, size);
    read_content("msi", data, size);
    return 0;
}
