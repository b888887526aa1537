/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an order.json. What is taken names files of its own folder alone, and verifying it
 * in an empty folder ends with an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cert/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_file(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "file"));
    const char *hash = json_string_value(json_object_get(entry, "sha256"));

    if (name == NULL || *name == '\0' || *name == '.' || strchr(name, '/') != NULL ||
        strlen(hash) != ORDER_SHA256_SIZE - 1)
        abort();
}

static void check_files(const json_t *order)
{
    const json_t *proofs = json_object_get(order, "proofs");

    check_file(json_object_get(order, "csr"));
    check_file(json_object_get(order, "public-key"));
    if (json_is_object(json_object_get(order, "attestation")))
        check_file(json_object_get(order, "attestation"));
    if (json_is_object(json_object_get(order, "certificate")))
        check_file(json_object_get(order, "certificate"));
    for (size_t i = 0; i < json_array_size(proofs); i++)
        check_file(json_array_get(proofs, i));
}

static void check_verify(const json_t *order)
{
    static char folder[] = "/tmp/signet-fuzz-XXXXXX";
    static struct order_facts facts;
    struct error e = ERROR_INIT;

    if (strcmp(folder + sizeof folder - 7, "XXXXXX") == 0 &&
        (mkdtemp(folder) == NULL || rmdir(folder) != 0))
        abort();
    if (order_verify(folder, order, NULL, 0, &facts, &e) || e.code == ERROR_NONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct error e = ERROR_INIT;
    json_t *order = order_parse("input", bytes, length, &e);

    if (order == NULL) {
        if (e.code != ERROR_FORMAT)
            abort();
        return 0;
    }
    check_files(order);
    order_time(order, "made");
    order_time(order, "issued");
    check_verify(order);
    json_decref(order);
    return 0;
}
