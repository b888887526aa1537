/* SPDX-License-Identifier: Apache-2.0 */
#include "host/list.h"

#include <p11-kit/p11-kit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int list_modules(void)
{
    CK_FUNCTION_LIST **modules = p11_kit_modules_load(NULL, P11_KIT_MODULE_UNMANAGED);

    if (modules == NULL) {
        fprintf(stderr, "signet-token: %s\n", p11_kit_message());
        return 1;
    }
    for (size_t i = 0; modules[i] != NULL; i++) {
        char *name = p11_kit_module_get_name(modules[i]);
        char *path = p11_kit_module_get_filename(modules[i]);
        char *policy = p11_kit_config_option(modules[i], "trust-policy");

        /* A remote module has no file, and cannot be loaded by its path. */
        if (name != NULL && path != NULL)
            printf("%s\t%s\t%s\n", name, path,
                   policy != NULL && strcmp(policy, "yes") == 0 ? "trust" : "-");
        free(name);
        free(path);
        free(policy);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
