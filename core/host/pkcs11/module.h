/* SPDX-License-Identifier: Apache-2.0 */
/* One PKCS#11 module, mapped into this process (OASIS PKCS#11 2.40 base). */
#ifndef SIGNET_HOST_PKCS11_MODULE_H
#define SIGNET_HOST_PKCS11_MODULE_H

#include <stdbool.h>

#include "wire/message.h"

struct module {
    void *handle;
    CK_FUNCTION_LIST *f; /* NULL until loaded */
    char *path;
    struct wire_module info;
};

/* dlopen, C_GetFunctionList, C_Initialize, C_GetInfo. Threads are allowed where the module can
 * lock. Once only. */
bool module_load(struct module *m, const char *path, struct wire_status *s);

/* C_Finalize, when loaded. The module stays mapped: some crash when they are unmapped. */
void module_finalize(struct module *m);

#endif
