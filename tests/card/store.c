/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *root;

void store_open(const char *folder)
{
    root = folder;
}

static FILE *open_file(const char *name, const char *mode)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return fopen(path, mode);
}

const char *store_text(const char *name)
{
    static char text[256];
    FILE *file = open_file(name, "r");

    text[0] = '\0';
    if (file != NULL) {
        if (fgets(text, sizeof text, file) == NULL)
            text[0] = '\0';
        fclose(file);
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void store_set_text(const char *name, const char *text)
{
    store_set_bytes(name, text, strlen(text));
}

int store_number(const char *name, int otherwise)
{
    const char *text = store_text(name);

    return *text == '\0' ? otherwise : atoi(text);
}

void store_set_number(const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof text, "%d", number);
    store_set_text(name, text);
}

bool store_bytes(const char *name, struct buffer *out)
{
    FILE *file = open_file(name, "r");
    char piece[4096];
    size_t got;

    if (file == NULL)
        return false;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(out, piece, got);
    fclose(file);
    return true;
}

void store_set_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = open_file(name, "w");

    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        abort();
}

EVP_PKEY *store_key(uint8_t slot)
{
    char name[16];
    FILE *file;
    EVP_PKEY *key = NULL;

    snprintf(name, sizeof name, "%02x.key", slot);
    file = open_file(name, "r");
    if (file != NULL) {
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    return key;
}

void store_set_key(uint8_t slot, EVP_PKEY *key)
{
    char name[16];
    FILE *file;

    snprintf(name, sizeof name, "%02x.key", slot);
    file = open_file(name, "w");
    if (file == NULL || PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        fclose(file) != 0)
        abort();
}
