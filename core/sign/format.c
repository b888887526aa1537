/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/format.h"

#include <string.h>
#include <unistd.h>

static const struct format *const formats[] = {&format_pe, &format_msi, &format_cab};

enum { HEAD_SIZE = 4096 };

/* What people try that is not signed yet, by its first bytes. */
static const struct {
    const char *magic;
    size_t length;
    const char *what;
} others[] = {
    {"\x7f"
     "ELF",
     4, "a Linux program (ELF)"},
    {"ISc(", 4, "a cabinet of InstallShield's own format"},
    {"SZDD", 4, "a file that COMPRESS.EXE packed, not a cabinet"},
    {"PK\x03\x04", 4, "a ZIP archive, perhaps an APPX or MSIX package"},
    {"#!", 2, "a script"},
    {"\xca\xfe\xba\xbe", 4, "a Java class or Mach-O program"},
    {"\xcf\xfa\xed\xfe", 4, "a Mach-O program"},
};

static const char *guess(const uint8_t *head, size_t length)
{
    if (length == 0)
        return "empty";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (length >= others[i].length && memcmp(head, others[i].magic, others[i].length) == 0)
            return others[i].what;
    return "of an unknown format";
}

const struct format *format_detect(int input, const char *name, struct error *e)
{
    uint8_t head[HEAD_SIZE];
    ssize_t length = pread(input, head, sizeof head, 0);
    struct buffer titles = BUFFER_INIT;

    if (length < 0) {
        error_set_errno(e, "cannot read '%s'", name);
        return NULL;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->detect(head, (size_t)length))
            return formats[i];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        buffer_printf(&titles, "%s%s", i == 0 ? "" : "; ", formats[i]->title);
    error_set(e, ERROR_UNSUPPORTED, "'%s' is %s; what can be signed is: %s", name,
              guess(head, (size_t)length),
              buffer_text(&titles) == NULL ? "" : buffer_text(&titles));
    buffer_free(&titles);
    return NULL;
}
