/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pe_builder.h"

static const struct pe_recipe recipe = {.sections = 1, .section_size = 512};

void judging_sign(const struct signing_identity *i, struct buffer *der)
{
    struct sign_spec spec = signing_spec(i);
    struct buffer file = BUFFER_INIT;
    struct pe_image image;

    pe_build(&image, &recipe);
    signing_must(i, &spec, &image.bytes, &file);
    signing_extract(&file, 0, der);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

void judging_verify(const struct buffer *der, const struct verify_options *options,
                    struct verify_report *report)
{
    struct error e = ERROR_INIT;
    struct pe_image image;
    int fd;

    pe_build(&image, &recipe);
    pe_add_certificate(&image, 2, der->data, der->length, true);
    fd = signing_file(image.bytes.data, image.bytes.length);
    if (!verify_file(fd, "test.exe", options, report, NULL, &e)) {
        fprintf(stderr, "cannot be judged: %s\n", e.text);
        abort();
    }
    close(fd);
    buffer_free(&image.bytes);
}

bool judging_told(char *const *list, size_t count, const char *says)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(list[i], says) != NULL)
            return true;
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "told: %s\n", list[i]);
    return false;
}
