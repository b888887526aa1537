/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_file.h"

#include "sign/file_io.h"

bool pe_file_put(const struct format_file *f, int output, const void *bytes, size_t size,
                 uint64_t at, struct error *e)
{
    if (!file_io_write(output, bytes, size, at))
        return error_set_errno(e, "cannot write the new '%s'", f->name);
    return file_io_holds(output, bytes, size, at) ||
           error_set(e, ERROR_SYSTEM, "'%s': what was written at byte %llu does not stand there",
                     f->name, (unsigned long long)at);
}
