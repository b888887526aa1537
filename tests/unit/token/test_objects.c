/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects belong together, and which one a name means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "token/objects.h"

static struct wire_slot slot = {.has_token = true};

static struct wire_object object(CK_OBJECT_CLASS class, const char *id, const char *label,
                                 const char *spki)
{
    struct wire_object o = {.class = class, .label = (char *)(uintptr_t)label};

    o.id = (uint8_t *)(uintptr_t)id;
    o.id_length = strlen(id);
    o.spki = (uint8_t *)(uintptr_t)spki;
    o.spki_length = spki == NULL ? 0 : strlen(spki);
    return o;
}

static const struct wire_object *labelled(const struct wire_objects *all, const char *label)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->object[i].label, label) == 0)
            return &all->object[i];
    return NULL;
}

/* CKA_ID is what modules get wrong: the public key decides where both are known. */
static void test_partners_by_public_key(void **state)
{
    struct wire_object list[] = {
        object(CKO_CERTIFICATE, "1", "wrong", "B"),
        object(CKO_CERTIFICATE, "2", "right", "A"),
        object(CKO_PUBLIC_KEY, "3", "public", "A"),
        object(CKO_PRIVATE_KEY, "1", "key", "A"),
    };
    struct wire_objects all = {list, 4, 0, 0};
    const struct wire_object *key;
    bool by_id = true;

    (void)state;
    assert_true(objects_group(&all, NULL));
    key = labelled(&all, "key");
    assert_ptr_equal(objects_certificate_of(&all, key, &by_id), labelled(&all, "right"));
    assert_false(by_id);
    assert_ptr_equal(objects_public_key_of(&all, key, NULL), labelled(&all, "public"));
    assert_null(objects_private_key_of(&all, labelled(&all, "wrong"), NULL));
    assert_ptr_equal(objects_private_key_of(&all, labelled(&all, "right"), NULL), key);
}

static void test_groups_stand_together(void **state)
{
    static const char *const wanted[] = {"key", "public", "first", "second", "lone key", "lone"};
    struct wire_object list[] = {
        object(CKO_CERTIFICATE, "9", "lone", "C"),   object(CKO_CERTIFICATE, "2", "first", "A"),
        object(CKO_PUBLIC_KEY, "3", "public", "A"),  object(CKO_PRIVATE_KEY, "1", "key", "A"),
        object(CKO_CERTIFICATE, "1", "second", "A"), object(CKO_PRIVATE_KEY, "5", "lone key", "B"),
    };
    struct wire_objects all = {list, 6, 0, 0};

    (void)state;
    assert_true(objects_group(&all, NULL));
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(all.object[i].label, wanted[i]);
    assert_int_equal(all.object[0].group, all.object[3].group);
    assert_int_not_equal(all.object[3].group, all.object[4].group);
}

static void test_partners_by_id_where_no_key_is_known(void **state)
{
    struct wire_object list[] = {
        object(CKO_PRIVATE_KEY, "1", "key", NULL),     object(CKO_CERTIFICATE, "2", "other", "B"),
        object(CKO_CERTIFICATE, "1", "probable", "A"), object(CKO_PRIVATE_KEY, "", "no id", NULL),
        object(CKO_CERTIFICATE, "", "nor this", "C"),
    };
    struct wire_objects all = {list, 5, 0, 0};
    bool by_id = false;

    (void)state;
    assert_true(objects_group(&all, NULL));
    assert_ptr_equal(objects_certificate_of(&all, labelled(&all, "key"), &by_id),
                     labelled(&all, "probable"));
    assert_true(by_id);
    /* No id is not an equal id. */
    assert_null(objects_certificate_of(&all, labelled(&all, "no id"), &by_id));
    assert_false(by_id);
}

static void test_nothing_to_group(void **state)
{
    struct wire_objects all = {0};

    (void)state;
    assert_true(objects_group(&all, NULL));
}

static const struct wire_object *find(const struct wire_objects *all, const char *name,
                                      CK_OBJECT_CLASS class, enum error_code *code)
{
    struct error e = ERROR_INIT;
    const struct wire_object *found = objects_find_named(all, &slot, name, class, &e);

    *code = e.code;
    return found;
}

static void test_names(void **state)
{
    struct wire_object list[] = {
        object(CKO_PRIVATE_KEY, "\x01", "signer", "A"),
        object(CKO_PRIVATE_KEY, "\x02", "twin", "B"),
        object(CKO_PRIVATE_KEY, "\x03", "twin", "C"),
        object(CKO_CERTIFICATE, "\x01", "signer", "A"),
    };
    struct wire_objects all = {list, 4, 0, 0};
    enum error_code code;

    (void)state;
    assert_ptr_equal(find(&all, "signer", CKO_PRIVATE_KEY, &code), &list[0]);
    assert_ptr_equal(find(&all, "signer", CKO_CERTIFICATE, &code), &list[3]);
    assert_ptr_equal(find(&all, "02", CKO_PRIVATE_KEY, &code), &list[1]);
    assert_ptr_equal(find(&all, "pkcs11:id=%03", CKO_PRIVATE_KEY, &code), &list[2]);
    assert_null(find(&all, "twin", CKO_PRIVATE_KEY, &code));
    assert_int_equal(code, ERROR_USAGE);
    assert_null(find(&all, "sign", CKO_PRIVATE_KEY, &code));
    assert_int_equal(code, ERROR_MISSING);
    assert_null(find(&all, "twin", CKO_CERTIFICATE, &code));
    assert_int_equal(code, ERROR_MISSING);
}

/* Of a key that shows itself, its other half means it, too. */
static void test_a_key_by_its_other_half(void **state)
{
    struct wire_object list[] = {
        object(CKO_PUBLIC_KEY, "\x01", "public half", "A"),
        object(CKO_PRIVATE_KEY, "\x01", "k", "A"),
        object(CKO_PUBLIC_KEY, "\x02", "of no key", "B"),
    };
    struct wire_objects all = {list, 3, 0, 0};
    enum error_code code;

    (void)state;
    assert_ptr_equal(find(&all, "pkcs11:id=%01;type=public", CKO_PRIVATE_KEY, &code), &list[1]);
    assert_ptr_equal(find(&all, "pkcs11:id=%01;type=public", CKO_PUBLIC_KEY, &code), &list[0]);
}

/* One key that is there twice is one key. */
static void test_the_same_key_twice(void **state)
{
    struct wire_object list[] = {
        object(CKO_PRIVATE_KEY, "\x01", "k", "A"),
        object(CKO_PRIVATE_KEY, "\x02", "k", "A"),
    };
    struct wire_objects all = {list, 2, 0, 0};
    enum error_code code;

    (void)state;
    assert_ptr_equal(find(&all, "k", CKO_PRIVATE_KEY, &code), &list[0]);
}

/* Before login many tokens hide private keys: what speaks for one stands in. */
static void test_hidden_private_keys(void **state)
{
    struct wire_object list[] = {
        object(CKO_CERTIFICATE, "\x01", "signer", "A"),
        object(CKO_PUBLIC_KEY, "\x01", "signer", "A"),
        object(CKO_CERTIFICATE, "\x02", "only a certificate", "B"),
        object(CKO_CERTIFICATE, "\x02", "the next one of its key", "B"),
        object(CKO_CERTIFICATE, "\x03", "one", "C"),
        object(CKO_CERTIFICATE, "\x03", "of another key", "D"),
    };
    struct wire_objects all = {list, 6, 0, 0};
    enum error_code code;

    (void)state;
    assert_ptr_equal(find(&all, "pkcs11:id=%01;type=private", CKO_PRIVATE_KEY, &code), &list[1]);
    /* As `objects` prints it where the private key hides. */
    assert_ptr_equal(find(&all, "pkcs11:id=%01;type=public", CKO_PRIVATE_KEY, &code), &list[1]);
    assert_ptr_equal(find(&all, "pkcs11:id=%01;type=cert", CKO_PRIVATE_KEY, &code), &list[0]);
    assert_null(find(&all, "pkcs11:id=%01;type=private", CKO_PUBLIC_KEY, &code));
    assert_ptr_equal(find(&all, "pkcs11:id=%02", CKO_PRIVATE_KEY, &code), &list[2]);
    assert_null(find(&all, "pkcs11:id=%02", CKO_CERTIFICATE, &code));
    assert_int_equal(code, ERROR_USAGE);
    assert_null(find(&all, "pkcs11:id=%03", CKO_PRIVATE_KEY, &code));
    assert_int_equal(code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partners_by_public_key),
        cmocka_unit_test(test_groups_stand_together),
        cmocka_unit_test(test_nothing_to_group),
        cmocka_unit_test(test_partners_by_id_where_no_key_is_known),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_key_by_its_other_half),
        cmocka_unit_test(test_the_same_key_twice),
        cmocka_unit_test(test_hidden_private_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
