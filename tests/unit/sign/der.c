/* SPDX-License-Identifier: Apache-2.0 */
#include "der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "not DER as expected: %s\n", what);
    abort();
}

struct der der_read(const uint8_t *bytes, size_t length)
{
    struct der d = {.start = bytes, .tag = bytes[0]};
    size_t header = 2, octets;

    must(length >= 2, "room for tag and length");
    d.length = bytes[1];
    if (bytes[1] >= 0x80) {
        octets = bytes[1] & 0x7f;
        must(octets >= 1 && octets <= 4 && length >= 2 + octets, "length of the length");
        must(bytes[2] != 0 && (octets > 1 || bytes[2] >= 0x80), "shortest form of a length");
        header += octets;
        d.length = 0;
        for (size_t i = 0; i < octets; i++)
            d.length = d.length << 8 | bytes[2 + i];
    }
    must(d.length <= length - header, "room for the value");
    d.value = bytes + header;
    d.size = header + d.length;
    return d;
}

size_t der_count(struct der of)
{
    size_t count = 0;

    for (size_t at = 0; at < of.length; count++)
        at += der_read(of.value + at, of.length - at).size;
    return count;
}

struct der der_at(struct der of, size_t index)
{
    struct der d = {0};

    for (size_t at = 0; at < of.length; at += d.size) {
        d = der_read(of.value + at, of.length - at);
        if (index-- == 0)
            return d;
    }
    must(false, "so many elements");
    return d;
}

struct der der_get(struct der of, size_t index, uint8_t tag)
{
    struct der d = der_at(of, index);

    must(d.tag == tag, "tag of an element");
    return d;
}

bool der_is_oid(struct der of, const char *oid)
{
    char text[128], *at = text;
    unsigned long arc = 0;

    must(of.tag == DER_OID && of.length > 0, "object identifier");
    at += sprintf(at, "%u.%u", of.value[0] / 40, of.value[0] % 40);
    for (size_t i = 1; i < of.length && at < text + 100; i++) {
        arc = arc << 7 | (of.value[i] & 0x7f);
        if (of.value[i] < 0x80) {
            at += sprintf(at, ".%lu", arc);
            arc = 0;
        }
    }
    return strcmp(text, oid) == 0;
}

bool der_is_algorithm(struct der of, const char *oid, bool with_null)
{
    if (!der_is_oid(der_get(of, 0, DER_OID), oid))
        return false;
    return with_null ? der_count(of) == 2 && der_get(of, 1, DER_NULL).length == 0
                     : der_count(of) == 1;
}

bool der_is_sorted(struct der set)
{
    for (size_t i = 1; i < der_count(set); i++) {
        struct der a = der_at(set, i - 1), b = der_at(set, i);
        size_t shorter = a.size < b.size ? a.size : b.size;
        int order = memcmp(a.start, b.start, shorter);

        if (order > 0 || (order == 0 && a.size > b.size))
            return false;
    }
    return true;
}
