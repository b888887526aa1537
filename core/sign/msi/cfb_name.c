/* SPDX-License-Identifier: Apache-2.0 */
/* Names of streams, as people know them. */
#include <stdio.h>

#include "sign/msi/cfb.h"

/* Windows Installer packs two characters into one from U+3800 on, one into one from U+4800 on, and
 * puts U+4840 before the name of a table; as libmsi (msitools) unpacks them. */
static const char packed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";

static size_t put_unit(char *text, size_t at, unsigned unit)
{
    if (unit >= 0x3800 && unit < 0x4800) {
        text[at++] = packed[unit & 0x3f];
        text[at++] = packed[(unit - 0x3800) >> 6 & 0x3f];
    } else if (unit >= 0x4800 && unit < 0x4840) {
        text[at++] = packed[unit - 0x4800];
    } else if (unit == 0x4840) {
        text[at++] = '!';
    } else if (unit >= 0x20 && unit < 0x7f) {
        text[at++] = (char)unit;
    } else {
        at += (size_t)sprintf(text + at, "\\x%x", unit);
    }
    return at;
}

const char *cfb_name(const struct cfb *c, uint32_t id, char *text)
{
    const uint8_t *entry = cfb_entry(c, id);
    unsigned units = le_16(entry + CFB_ENTRY_NAME_LENGTH) / 2;
    size_t at = 0;

    /* The longest of them is six bytes. */
    for (unsigned i = 0; i + 1 < units && i < 31 && at + 8 < CFB_NAME_SIZE; i++)
        at = put_unit(text, at, le_16(entry + 2 * (size_t)i));
    text[at] = '\0';
    return text;
}
