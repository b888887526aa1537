/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be a program: parsed, digested, its signatures read and judged. */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sign/format.h"
#include "sign/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct verify_options options = {.now = 1800000000};
    static X509_STORE *no_roots;
    struct verify_report report;
    int fd = memfd_create("fuzz", 0);

    if (no_roots == NULL)
        no_roots = X509_STORE_new();
    options.trust = no_roots;
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size &&
        verify_file(fd, "fuzz", &options, &report, NULL, NULL))
        verify_report_free(&report);
    if (fd >= 0)
        close(fd);
    return 0;
}
