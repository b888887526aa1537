/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The USB devices that the kernel sees, read from sysfs: /sys/bus/usb/devices, its files idVendor,
 * idProduct, manufacturer, product, busnum, devnum, bDeviceClass and bInterfaceClass (Linux,
 * Documentation/ABI/stable/sysfs-bus-usb and testing/sysfs-bus-usb). Nothing is said to a device.
 */
#ifndef SIGNET_TOKEN_USB_H
#define SIGNET_TOKEN_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct usb_device {
    char port[32];            /* "1-1.2", as sysfs names it */
    uint16_t vendor, product; /* idVendor, idProduct */
    unsigned bus, address;    /* of /dev/bus/usb/BUS/ADDRESS; 0 unknown */
    char maker[64], name[64]; /* what the device says of itself; printable, "" unknown */
    bool smart_card;          /* has an interface of class 0B (CCID or ICCD) */
    char holder[32];          /* the kernel's driver at that interface; "usbfs": a program; "" */
};

struct usb_devices {
    bool bus; /* there is a USB bus at all */
    struct usb_device *device;
    size_t count; /* hubs are left out */
};

/* `sysfs` is its root, "/sys". What cannot be read of a device, or is no number, leaves that device
 * out. False: ERROR_MEMORY, or ERROR_SYSTEM when the folder is there and cannot be listed. */
bool usb_read(const char *sysfs, struct usb_devices *out, struct error *e);
void usb_free(struct usb_devices *u);

#endif
