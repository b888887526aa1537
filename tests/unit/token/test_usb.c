/* SPDX-License-Identifier: Apache-2.0 */
/* USB devices, read from folders that look like sysfs, and what is known of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token/devices.h"
#include "token/usb.h"

/* A root of sysfs, made anew for each test. */
static char root[64];

/* Commands of the shell, in the root. */
static void run(const char *commands)
{
    char line[512];

    snprintf(line, sizeof line, "cd %s && %s", root, commands);
    assert_int_equal(system(line), 0);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/signet-usb-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    run("chmod -R u+rwx . && rm -rf \"$PWD\"");
    return 0;
}

static void put(const char *entry, const char *file, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "mkdir -p bus/usb/devices/%s", entry);
    run(path);
    snprintf(path, sizeof path, "%s/bus/usb/devices/%s/%s", root, entry, file);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void plug(const char *entry, const char *vendor, const char *product)
{
    put(entry, "idVendor", vendor);
    put(entry, "idProduct", product);
    put(entry, "bDeviceClass", "00\n");
}

static struct usb_devices read_root(void)
{
    struct error e = ERROR_INIT;
    struct usb_devices u;

    assert_true(usb_read(root, &u, &e));
    assert_int_equal(e.code, ERROR_NONE);
    return u;
}

static void safenet_is_read(void **state)
{
    struct usb_devices u;

    (void)state;
    plug("1-2", "0529\n", "0620\n");
    put("1-2", "manufacturer", "SafeNet\n");
    put("1-2", "product", "Token JC\n");
    put("1-2", "busnum", "1\n");
    put("1-2", "devnum", "12\n");
    put("1-2:1.0", "bInterfaceClass", "0b\n");
    run("ln -s ../../../bus/usb/drivers/usbfs bus/usb/devices/1-2:1.0/driver");
    u = read_root();
    assert_true(u.bus);
    assert_int_equal(u.count, 1);
    assert_int_equal(u.device[0].vendor, 0x0529);
    assert_int_equal(u.device[0].product, 0x0620);
    assert_int_equal(u.device[0].bus, 1);
    assert_int_equal(u.device[0].address, 12);
    assert_string_equal(u.device[0].maker, "SafeNet");
    assert_string_equal(u.device[0].name, "Token JC");
    assert_true(u.device[0].smart_card);
    assert_string_equal(u.device[0].holder, "usbfs");
    usb_free(&u);
}

static void several_are_in_order(void **state)
{
    struct usb_devices u;

    (void)state;
    plug("1-10", "1050\n", "0407\n");
    put("1-10:1.0", "bInterfaceClass", "03\n");
    put("1-10:1.1", "bInterfaceClass", "0b\n");
    plug("1-2", "046d\n", "c31c\n");
    put("1-2:1.0", "bInterfaceClass", "03\n");
    put("1-1:1.0", "bInterfaceClass", "0b\n"); /* of no device */
    u = read_root();
    assert_int_equal(u.count, 2);
    assert_string_equal(u.device[0].port, "1-2");
    assert_false(u.device[0].smart_card);
    assert_string_equal(u.device[1].port, "1-10");
    assert_true(u.device[1].smart_card);
    assert_string_equal(u.device[1].holder, "");
    usb_free(&u);
}

static void hubs_are_left_out(void **state)
{
    struct usb_devices u;

    (void)state;
    plug("usb1", "1d6b\n", "0002\n");
    put("usb1", "bDeviceClass", "09\n");
    put("1-0:1.0", "bInterfaceClass", "09\n");
    u = read_root();
    assert_true(u.bus);
    assert_int_equal(u.count, 0);
    usb_free(&u);
}

static void no_bus_is_told(void **state)
{
    struct usb_devices u;

    (void)state;
    u = read_root();
    assert_false(u.bus);
    run("mkdir -p bus/usb/devices");
    u = read_root();
    assert_false(u.bus);
    run("rmdir bus/usb/devices && touch bus/usb/devices");
    u = read_root();
    assert_false(u.bus);
}

static void nonsense_is_left_out(void **state)
{
    static const char *const wrong[] = {"",     "\n",      "xyz\n",  "10000\n", "0529 0620\n",
                                        "-1\n", "0x529\n", "+529\n", " 529\n",  "\xff\xfe"};
    struct usb_devices u;
    char entry[8];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(entry, sizeof entry, "2-%zu", i + 1);
        plug(entry, wrong[i], "0620\n");
        snprintf(entry, sizeof entry, "3-%zu", i + 1);
        plug(entry, "0529\n", wrong[i]);
    }
    plug("a-name-that-is-longer-than-any-port-of-usb", "0529\n", "0620\n");
    run("mkdir -p bus/usb/devices/4-1/idVendor");
    run("mkdir bus/usb/devices/5-1 && mkfifo bus/usb/devices/5-1/idVendor");
    run("mkdir bus/usb/devices/6-1 && ln -s idVendor bus/usb/devices/6-1/idVendor");
    u = read_root();
    assert_true(u.bus);
    assert_int_equal(u.count, 0);
    usb_free(&u);
}

static void huge_and_hostile_texts_are_cut(void **state)
{
    char huge[5000];
    struct usb_devices u;

    (void)state;
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    plug("1-1", "1050\n", "0407\n");
    put("1-1", "manufacturer", huge);
    put("1-1", "product", "\x1b]0;title\x07 \xe2\x80\xae\n");
    put("1-1", "busnum", "99999999999999999999\n");
    put("1-1", "devnum", "4\n");
    plug("1-3", huge, "0407\n");
    u = read_root();
    assert_int_equal(u.count, 1);
    assert_int_equal(strlen(u.device[0].maker), sizeof u.device[0].maker - 1);
    assert_null(strpbrk(u.device[0].name, "\x1b\x07\xe2"));
    assert_int_equal(u.device[0].bus, 0);
    assert_int_equal(u.device[0].address, 0);
    usb_free(&u);
}

static void unreadable_is_no_end(void **state)
{
    struct error e = ERROR_INIT;
    struct usb_devices u;

    (void)state;
    plug("1-1", "1050\n", "0407\n");
    plug("1-2", "0529\n", "0620\n");
    run("chmod 000 bus/usb/devices/1-2/idVendor");
    assert_true(usb_read(root, &u, &e));
    /* root reads it all the same */
    assert_int_equal(u.count, geteuid() == 0 ? 2 : 1);
    usb_free(&u);
    run("chmod 000 bus/usb/devices");
    assert_int_equal(usb_read(root, &u, &e), geteuid() == 0);
    usb_free(&u);
}

static void devices_are_known(void **state)
{
    (void)state;
    assert_string_equal(device_find(0x0529, 0x0620)->name, "SafeNet 5110");
    assert_string_equal(device_find(0x0529, 0x0620)->family->module[0], "libeToken.so");
    assert_int_equal(device_find(0x0529, 0x7777)->kind, DEVICE_TOKEN);
    assert_int_equal(device_find(0x0529, 0x0001)->kind, DEVICE_OTHER);
    assert_string_equal(device_find(0x1050, 0x0407)->name, "YubiKey");
    assert_true(device_find(0x1050, 0x0030)->family->no_pcsc);
    assert_string_equal(device_find(0x234b, 0x0000)->name, "Gnuk token");
    assert_int_equal(device_find(0x04e6, 0x5116)->kind, DEVICE_READER);
    assert_null(device_find(0x046d, 0xc31c));
    assert_string_equal(device_card_family("idprime")->module[0], "libIDPrimePKCS11.so");
    assert_string_equal(device_card_family("gids")->package, "opensc-pkcs11");
    assert_non_null(device_card_family("unheard of"));
    assert_null(device_of_card((const uint8_t *)"\x3b\x00", 2));
    assert_null(device_of_card(NULL, 0));
}

static void drivers_are_found_by_file(void **state)
{
    struct module_entry entries[] = {
        {.path = (char *)"/usr/lib/libeTokenNot.so"},
        {.path = (char *)"/usr/lib/libIDPrimePKCS11.so.10"},
        {.path = (char *)"/usr/lib64/libeToken.so"},
    };
    const struct device_family *safenet = device_find(0x0529, 0x0620)->family;
    struct module_list list = {.entry = entries, .count = 3};

    (void)state;
    assert_ptr_equal(device_driver(safenet, &list), &entries[2]);
    list.count = 2;
    assert_ptr_equal(device_driver(safenet, &list), &entries[1]);
    list.count = 1;
    assert_null(device_driver(safenet, &list));
    assert_null(device_driver_apart(safenet));
}

int main(void)
{
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        WITH_ROOT(safenet_is_read),
        WITH_ROOT(several_are_in_order),
        WITH_ROOT(hubs_are_left_out),
        WITH_ROOT(no_bus_is_told),
        WITH_ROOT(nonsense_is_left_out),
        WITH_ROOT(huge_and_hostile_texts_are_cut),
        WITH_ROOT(unreadable_is_no_end),
        cmocka_unit_test(devices_are_known),
        cmocka_unit_test(drivers_are_found_by_file),
    };

    return cmocka_run_group_tests_name("usb", tests, NULL, NULL);
}
