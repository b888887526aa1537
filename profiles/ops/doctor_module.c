/* SPDX-License-Identifier: Apache-2.0 */
/* signet doctor: modules, and why one cannot be loaded. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "profiles/ops/doctor.h"

/* What begins every ELF file of either class alike (System V ABI, "ELF Header"). */
struct elf_head {
    unsigned char ident[EI_NIDENT];
    Elf64_Half type, machine;
};

static bool read_head(const char *path, struct elf_head *out)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    bool read_all = false;

    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        read_all = read(fd, out, sizeof *out) == sizeof *out;
    close(fd);
    return read_all;
}

static const char *machine_name(unsigned machine, bool wide)
{
    switch (machine) {
    case EM_X86_64:
        return wide ? "64-bit x86" : "x32";
    case EM_386:
        return "32-bit x86";
    case EM_AARCH64:
        return "64-bit ARM";
    case EM_ARM:
        return "32-bit ARM";
    case EM_PPC64:
        return "POWER";
    case EM_S390:
        return "IBM Z";
    case EM_RISCV:
        return "RISC-V";
    }
    return "another kind of machine";
}

/* The library is none for this machine: says so. False: it is one. */
static bool is_foreign(struct doctor_finding *f, const char *path)
{
    struct elf_head ours, its;
    struct utsname machine;

    if (!read_head("/proc/self/exe", &ours))
        return false;
    if (!read_head(path, &its) || memcmp(its.ident, ELFMAG, SELFMAG) != 0) {
        doctor_remedy(f,
                      "The file is no library at all (see: file %s); install the driver anew, or "
                      "name another one.",
                      path);
        return true;
    }
    if (its.machine == ours.machine && its.ident[EI_CLASS] == ours.ident[EI_CLASS] &&
        its.ident[EI_DATA] == ours.ident[EI_DATA])
        return false;
    doctor_remedy(f,
                  "The module is for %s, this machine%s%s is not; install its vendor's package "
                  "for this kind of machine.",
                  machine_name(its.machine, its.ident[EI_CLASS] == ELFCLASS64),
                  uname(&machine) == 0 ? ", " : "", uname(&machine) == 0 ? machine.machine : "");
    return true;
}

/* "libfoo.so.1: cannot open shared object file: …": the name before the first of glibc's words. */
static bool misses_library(struct doctor_finding *f, const char *path, const char *text)
{
    const char *words = strstr(text, ": cannot open shared object file"), *name = words;
    char library[128];

    if (words == NULL)
        return false;
    while (name > text && name[-1] != ' ' && name[-1] != '\'')
        name--;
    snprintf(library, sizeof library, "%.*s", (int)(words - name), name);
    if (library[0] == '\0' || strcmp(library, path) == 0)
        return false;
    doctor_remedy(
        f, "The module wants %s, which is not on this machine; Debian tells the package:", library);
    doctor_remedy(f, "apt install apt-file && apt-file update && apt-file search %s", library);
    doctor_remedy(f, "All that is missing: ldd %s | grep 'not found'", path);
    return true;
}

void doctor_module_remedy(struct doctor_finding *f, const char *path, const struct error *failed)
{
    if (access(path, F_OK) != 0) {
        doctor_remedy(f, "There is no such file; the modules that are here: p11-kit list-modules");
    } else if (access(path, R_OK) != 0) {
        doctor_remedy(f, "This user may not read it: chmod a+r %s", path);
    } else if (failed->code == ERROR_HOST) {
        doctor_remedy(f,
                      "It crashed, or gave no answer in time. Take the token out and put it in "
                      "again; then: signet tokens --module %s --verbose",
                      path);
        doctor_remedy(f, "If it does so again, its vendor's newest version is the remedy.");
    } else if (!is_foreign(f, path) && !misses_library(f, path, failed->text)) {
        doctor_remedy(f, "See what it says of itself: signet tokens --module %s --verbose", path);
    }
}

/* A module that drives what is plugged in, or that was named, or the last hope. */
static bool matters(const struct doctor *d, const struct inventory_module *m, size_t usable)
{
    const struct module_list one = {.entry = (struct module_entry *)&m->entry, .count = 1};

    if (d->explicit_module || usable == 0)
        return true;
    for (size_t i = 0; i < d->usb.count; i++) {
        const struct device *k = device_find(d->usb.device[i].vendor, d->usb.device[i].product);

        if (k != NULL && k->family != NULL && k->family->source != NULL &&
            device_driver(k->family, &one) != NULL)
            return true;
    }
    return false;
}

static void bad_module(struct doctor *d, const struct inventory_module *m, size_t usable)
{
    struct doctor_finding *f = &d->step[DOCTOR_MODULE];

    if (d->token == NULL && matters(d, m, usable))
        doctor_gap(f, m->error.code, "%s", m->error.text);
    else
        doctor_say(f, DOCTOR_WARNING, "%s", m->error.text);
    doctor_module_remedy(f, m->entry.path, &m->error);
}

static void good_modules(struct doctor *d, size_t usable)
{
    struct doctor_finding *f = &d->step[DOCTOR_MODULE];

    if (d->token != NULL) {
        doctor_say(f, DOCTOR_OK, "%s", d->inventory->module[d->token->module].entry.path);
        return;
    }
    if (usable > 3)
        doctor_say(f, DOCTOR_OK, "%zu modules load", usable);
    for (size_t i = 0; i < d->inventory->module_count && usable <= 3; i++)
        if (d->inventory->module[i].error.code == ERROR_NONE)
            doctor_say(f, DOCTOR_OK, "%s", d->inventory->module[i].entry.path);
}

void doctor_modules(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_MODULE];
    size_t usable = 0;

    for (size_t i = 0; i < d->inventory->module_count; i++)
        usable += d->inventory->module[i].error.code == ERROR_NONE;
    if (d->no_module.code != ERROR_NONE) {
        doctor_gap(f, d->no_module.code, "%s", d->no_module.text);
        doctor_remedy(f, "Name one that is here, or its path; they are listed by: "
                         "p11-kit list-modules");
        return;
    }
    if (d->inventory->module_count == 0) {
        doctor_gap(f, ERROR_MISSING, "no PKCS#11 module is installed");
        doctor_remedy(f, "For most cards: apt install opensc-pkcs11; for a token of another kind, "
                         "its vendor's driver.");
        return;
    }
    good_modules(d, usable);
    for (size_t i = 0; i < d->inventory->module_count; i++)
        if (d->inventory->module[i].error.code != ERROR_NONE)
            bad_module(d, &d->inventory->module[i], usable);
}
