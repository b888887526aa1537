/* SPDX-License-Identifier: Apache-2.0 */
#include "token/usb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum {
    MOST_ENTRIES = 4096,
    LINE_MAX_BYTES = 128,
    CLASS_HUB = 0x09,        /* USB base classes, www.usb.org/defined-class-codes */
    CLASS_SMART_CARD = 0x0b, /* USB CCID 1.1, section 4.3 */
};

/* The first line of a small file, printable; false where there is none. */
static bool read_line(int folder, const char *entry, const char *file, char out[LINE_MAX_BYTES])
{
    char path[PATH_MAX];
    struct stat status;
    ssize_t got = -1;
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", entry, file) >= (int)sizeof path)
        return false;
    fd = openat(folder, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        got = read(fd, out, LINE_MAX_BYTES - 1);
    close(fd);
    if (got <= 0)
        return false;
    out[got] = '\0';
    out[strcspn(out, "\n")] = '\0';
    text_make_printable(out);
    return out[0] != '\0';
}

static bool read_number(int folder, const char *entry, const char *file, int base,
                        unsigned long most, unsigned long *out)
{
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    char line[LINE_MAX_BYTES];

    if (!read_line(folder, entry, file, line) || strspn(line, digits) != strlen(line))
        return false;
    errno = 0;
    *out = strtoul(line, NULL, base);
    return errno == 0 && *out <= most;
}

static void read_text(int folder, const char *entry, const char *file, char *out, size_t size)
{
    char line[LINE_MAX_BYTES];

    out[0] = '\0';
    if (!read_line(folder, entry, file, line))
        return;
    snprintf(out, size, "%.*s", (int)size - 1, line);
    /* The cut may have gone through a character. */
    text_make_printable(out);
}

static bool add_device(struct usb_devices *u, int folder, const char *entry, struct error *e)
{
    unsigned long vendor, product, class, bus = 0, address = 0;
    struct usb_device *grown, *d;

    if (strlen(entry) >= sizeof d->port ||
        !read_number(folder, entry, "idVendor", 16, UINT16_MAX, &vendor) ||
        !read_number(folder, entry, "idProduct", 16, UINT16_MAX, &product) ||
        (read_number(folder, entry, "bDeviceClass", 16, UINT8_MAX, &class) && class == CLASS_HUB))
        return true;
    if (!read_number(folder, entry, "busnum", 10, 999, &bus) ||
        !read_number(folder, entry, "devnum", 10, 999, &address))
        bus = address = 0;
    grown = reallocarray(u->device, u->count + 1, sizeof *grown);
    if (grown == NULL)
        return error_set_memory(e);
    u->device = grown;
    d = &grown[u->count++];
    *d = (struct usb_device){.vendor = (uint16_t)vendor,
                             .product = (uint16_t)product,
                             .bus = (unsigned)bus,
                             .address = (unsigned)address};
    snprintf(d->port, sizeof d->port, "%s", entry);
    read_text(folder, entry, "manufacturer", d->maker, sizeof d->maker);
    read_text(folder, entry, "product", d->name, sizeof d->name);
    return true;
}

/* "1-1:1.0" is an interface of "1-1". */
static struct usb_device *device_of(struct usb_devices *u, const char *interface, size_t length)
{
    for (size_t i = 0; i < u->count; i++)
        if (strlen(u->device[i].port) == length &&
            memcmp(u->device[i].port, interface, length) == 0)
            return &u->device[i];
    return NULL;
}

static void add_interface(struct usb_devices *u, int folder, const char *entry)
{
    struct usb_device *d = device_of(u, entry, strcspn(entry, ":"));
    char path[PATH_MAX], target[PATH_MAX];
    unsigned long class;
    const char *slash;
    ssize_t length;

    if (d == NULL || !read_number(folder, entry, "bInterfaceClass", 16, UINT8_MAX, &class) ||
        class != CLASS_SMART_CARD)
        return;
    d->smart_card = true;
    if (snprintf(path, sizeof path, "%s/driver", entry) >= (int)sizeof path)
        return;
    length = readlinkat(folder, path, target, sizeof target - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    slash = strrchr(target, '/');
    snprintf(d->holder, sizeof d->holder, "%.31s", slash == NULL ? target : slash + 1);
    text_make_printable(d->holder);
}

/* Devices first, then their interfaces. */
static bool read_entries(struct usb_devices *u, DIR *dir, bool interfaces, struct error *e)
{
    const struct dirent *item;
    size_t seen = 0;

    rewinddir(dir);
    while ((item = readdir(dir)) != NULL && seen < MOST_ENTRIES) {
        bool interface = strchr(item->d_name, ':') != NULL;

        if (item->d_name[0] == '.')
            continue;
        seen++;
        if (interface && interfaces)
            add_interface(u, dirfd(dir), item->d_name);
        else if (!interface && !interfaces && !add_device(u, dirfd(dir), item->d_name, e))
            return false;
    }
    u->bus = seen > 0;
    return true;
}

static int by_port(const void *a, const void *b)
{
    const struct usb_device *x = a, *y = b;

    return strverscmp(x->port, y->port);
}

bool usb_read(const char *sysfs, struct usb_devices *out, struct error *e)
{
    char path[PATH_MAX];
    bool read;
    DIR *dir;

    *out = (struct usb_devices){0};
    if (snprintf(path, sizeof path, "%s/bus/usb/devices", sysfs) >= (int)sizeof path)
        return error_set(e, ERROR_SYSTEM, "the path of sysfs is too long");
    dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR || error_set_errno(e, "cannot list '%s'", path);
    read = read_entries(out, dir, false, e) && read_entries(out, dir, true, e);
    closedir(dir);
    if (!read)
        usb_free(out);
    else if (out->count > 0)
        qsort(out->device, out->count, sizeof *out->device, by_port);
    return read;
}

void usb_free(struct usb_devices *u)
{
    free(u->device);
    *u = (struct usb_devices){0};
}
