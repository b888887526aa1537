/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_firmware.h"

#include <stdlib.h>

/* IMAGE_SUBSYSTEM_EFI_APPLICATION, …_EFI_ROM; drivers are between. */
enum { EFI_APPLICATION = 10, EFI_ROM = 13 };

bool pe_firmware_runs(const struct pe_headers *h)
{
    return h->subsystem >= EFI_APPLICATION && h->subsystem <= EFI_ROM;
}

static int by_place(const void *a, const void *b)
{
    const struct pe_section *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

/* Sections with raw data, in the order of the section table. */
static bool read_sections(int input, const char *name, const struct pe_headers *h,
                          struct pe_section *section, size_t *count, struct error *e)
{
    *count = 0;
    for (unsigned i = 0; i < h->section_count; i++) {
        if (!pe_headers_section(input, name, h, i, &section[*count], e))
            return false;
        *count += section[*count].size > 0;
    }
    return true;
}

bool pe_firmware_agrees(int input, const char *name, const struct pe_headers *h, bool *agrees,
                        struct error *e)
{
    struct pe_section *section = calloc(h->section_count + 1UL, sizeof *section);
    uint64_t end = h->headers_size, file_end = h->table > 0 ? h->table : h->size;
    size_t count = 0;
    bool read =
        section != NULL ? read_sections(input, name, h, section, &count, e) : error_set_memory(e);

    *agrees = read && end <= file_end;
    if (count > 0)
        qsort(section, count, sizeof *section, by_place);
    for (size_t i = 0; i < count; i++) {
        *agrees &= section[i].at == end;
        end += section[i].size;
    }
    free(section);
    return read;
}
