/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "host/status.h"

static bool map(struct module *m, struct wire_status *s)
{
    CK_C_GetFunctionList get_list;

    m->handle = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
    if (m->handle == NULL)
        return status_fail(s, CKR_GENERAL_ERROR, "dlopen", "%s", dlerror());
    get_list = (CK_C_GetFunctionList)dlsym(m->handle, "C_GetFunctionList");
    if (get_list == NULL)
        return status_fail(s, CKR_GENERAL_ERROR, "dlopen",
                           "'%s' is not a PKCS#11 module: it has no C_GetFunctionList", m->path);
    if (!status_of(s, get_list(&m->f), "C_GetFunctionList"))
        return false;
    if (m->f == NULL)
        return status_fail(s, CKR_GENERAL_ERROR, "C_GetFunctionList", "it gave no functions");
    return true;
}

/* With threads first; a module that cannot lock is used by one thread alone. */
static CK_RV initialize(struct module *m)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = m->f->C_Initialize(&args);

    m->info.can_lock = rv == CKR_OK;
    if (rv == CKR_CANT_LOCK || rv == CKR_ARGUMENTS_BAD || rv == CKR_NEED_TO_CREATE_THREADS)
        rv = m->f->C_Initialize(NULL);
    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

bool module_load(struct module *m, const char *path, struct wire_status *s)
{
    if (m->f != NULL)
        return status_fail(s, CKR_FUNCTION_FAILED, "", "a module is loaded already");
    m->path = strdup(path);
    if (m->path == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    if (!map(m, s) || !status_of(s, initialize(m), "C_Initialize") ||
        !status_of(s, m->f->C_GetInfo(&m->info.info), "C_GetInfo")) {
        m->f = NULL;
        return false;
    }
    return true;
}

void module_finalize(struct module *m)
{
    if (m->f != NULL)
        m->f->C_Finalize(NULL);
}
