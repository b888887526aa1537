/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the numbers come from: [ccid] the readers that libccid 1.5.2 supports, as its Info.plist
 * lists them; [ids] the list usb.ids of 2025-07-26; [said] what lsusb shows, as users of that token
 * report it. Where the modules come from: Debian's packages, and what vendors' installers put in
 * place.
 */
#include "token/devices.h"

#include <string.h>
#include <unistd.h>

/* SafeNet Authentication Client has one module for eTokens, one for IDPrime cards, and an old name
 * of the first. */
static const struct device_family safenet = {
    .module = {"libeToken.so", "libeTPkcs11.so", "libIDPrimePKCS11.so"},
    .source =
        "the SafeNet Authentication Client of Thales, from the CA that sold the token or from "
        "Thales; its package: apt install ./safenetauthenticationclient_VERSION_amd64.deb",
};
static const struct device_family idprime = {
    .module = {"libIDPrimePKCS11.so", "libeToken.so", "libeTPkcs11.so"},
    .source = "the SafeNet Authentication Client of Thales, from the CA that sold the card or from "
              "Thales; its package: apt install ./safenetauthenticationclient_VERSION_amd64.deb",
};
static const struct device_family piv = {.module = {"libykcs11.so", "opensc-pkcs11.so"},
                                         .package = "opensc-pkcs11"};
static const struct device_family opensc = {.module = {"opensc-pkcs11.so"},
                                            .package = "opensc-pkcs11"};
static const struct device_family yubihsm = {
    .module = {"yubihsm_pkcs11.so"},
    .source = "the YubiHSM SDK of Yubico (developers.yubico.com)",
    .no_pcsc = true,
};
static const struct device_family feitian = {
    .module = {"libcastle.so", "libcastle_v2.so", "opensc-pkcs11.so"},
    .package = "opensc-pkcs11",
    .source = "the middleware of the vendor, which is needed for a token that it initialised",
};
static const struct device_family rutoken = {
    .module = {"librtpkcs11ecp.so", "opensc-pkcs11.so"},
    .package = "opensc-pkcs11",
    .source = "the package librtpkcs11ecp of Aktiv (rutoken.ru)",
};
static const struct device_family jacarta = {
    .module = {"libjcPKCS11-2.so"},
    .source = "the JaCarta Unified Client of Aladdin R.D.",
};
static const struct device_family starsign = {
    .module = {"libaetpkss.so", "opensc-pkcs11.so"},
    .package = "opensc-pkcs11",
    .source = "SafeSign Identity Client, from who sold the token",
};
static const struct device_family athena = {
    .module = {"libASEP11.so", "opensc-pkcs11.so"},
    .package = "opensc-pkcs11",
    .source = "the IDProtect Client, from who sold the token",
};
static const struct device_family bit4id = {
    .module = {"libbit4xpki.so", "/usr/lib/bit4id/libbit4xpki.so", "libbit4ipki.so",
               "/usr/lib/bit4id/libbit4ipki.so"},
    .source = "the middleware of Bit4id, from who sold the token",
};
static const struct device_family longmai = {
    .module = {"libcryptoid_pkcs11.so", "/opt/CryptoIDATools/bin/lib/libcryptoid_pkcs11.so",
               "libcryptoida_pkcs11.so"},
    .source = "the mToken CryptoID tools, from who sold the token",
};
/* Its cards have two profiles with a module each: code signing is in the common one, which is that
 * of libcrypto3PKCS.so. */
static const struct device_family certum = {
    .module = {"libcrypto3PKCS.so", "/opt/proCertumSmartSign/libcrypto3PKCS.so",
               "libcryptoCertum3PKCS.so", "/opt/proCertumSmartSign/libcryptoCertum3PKCS.so"},
    .source = "proCertum SmartSign or proCertum CardManager of Certum (certum.eu)",
};
/* A card that no driver of ours knows: a reader does not tell whose it is. */
static const struct device_family any_card = {
    .module = {"opensc-pkcs11.so"},
    .package = "opensc-pkcs11",
    .source = "the driver of who sold the card (SafeNet: libeToken.so or libIDPrimePKCS11.so; "
              "Certum: libcrypto3PKCS.so)",
};

static const struct device table[] = {
    /* Thales, once SafeNet, once Aladdin Knowledge Systems. The 5100 and the 5110 have the same
     * number [ccid, said]; 0001 and 0003 are HASP dongles [ids, said]. */
    {0x0529, 0x0620, DEVICE_TOKEN, "SafeNet 5110", &safenet},        /* ccid, said */
    {0x0529, 0x0602, DEVICE_TOKEN, "SafeNet eToken 7300", &safenet}, /* ccid */
    {0x0529, 0x0600, DEVICE_TOKEN, "SafeNet eToken Pro", &safenet},  /* ids */
    {0x0529, 0x0514, DEVICE_TOKEN, "SafeNet eToken Pro", &safenet},  /* ids */
    {0x0529, 0x050c, DEVICE_TOKEN, "SafeNet eToken Pro", &safenet},  /* ids */
    {0x0529, 0x0001, DEVICE_OTHER, "HASP dongle", NULL},             /* ids */
    {0x0529, 0x0003, DEVICE_OTHER, "HASP dongle", NULL},             /* said */
    {0x0529, 0, DEVICE_TOKEN, "SafeNet token", &safenet},
    /* Thales, once Gemalto, once Gemplus [ccid] */
    {0x08e6, 0x34cc, DEVICE_TOKEN, "SafeNet eToken 5300", &safenet},
    {0x08e6, 0x34ce, DEVICE_TOKEN, "SafeNet eToken 5300 C", &safenet},
    {0x08e6, 0x34cf, DEVICE_TOKEN, "SafeNet eToken 5110+ FIPS", &safenet},
    {0x08e6, 0x34d2, DEVICE_TOKEN, "SafeNet eToken Fusion", &safenet},
    {0x08e6, 0, DEVICE_READER, "Gemalto reader", NULL},
    /* Yubico [ccid, ids]; 0030 is the YubiHSM 2, which pcscd does not see. */
    {0x1050, 0x0030, DEVICE_TOKEN, "YubiHSM 2", &yubihsm},
    {0x1050, 0x0010, DEVICE_OTHER, "YubiKey of the first kind", NULL},
    {0x1050, 0x0120, DEVICE_OTHER, "Security Key of Yubico", NULL},
    {0x1050, 0x0200, DEVICE_OTHER, "Security Key of Yubico", NULL},
    {0x1050, 0x0211, DEVICE_OTHER, "Security Key of Yubico", NULL},
    {0x1050, 0, DEVICE_TOKEN, "YubiKey", &piv},
    /* Nitrokey and its kin [ccid, ids] */
    {0x20a0, 0x4107, DEVICE_TOKEN, "Crypto Stick", &opensc},
    {0x20a0, 0x4108, DEVICE_TOKEN, "Nitrokey Pro", &opensc},
    {0x20a0, 0x4109, DEVICE_TOKEN, "Nitrokey Storage", &opensc},
    {0x20a0, 0x4211, DEVICE_TOKEN, "Nitrokey Start", &opensc},
    {0x20a0, 0x4230, DEVICE_TOKEN, "Nitrokey HSM", &opensc},
    {0x20a0, 0x42b2, DEVICE_TOKEN, "Nitrokey 3", &opensc},
    {0x20a0, 0x42d4, DEVICE_TOKEN, "CanoKey", &opensc},
    {0x234b, 0x0001, DEVICE_OTHER, "NeuG", NULL},
    {0x234b, 0x0000, DEVICE_TOKEN, "Gnuk token", &opensc},
    {0x1209, 0xbeee, DEVICE_TOKEN, "Solo 2", &opensc},
    /* Feitian [ccid]: ePass tokens; the rest of this vendor are readers and FIDO keys. */
    {0x096e, 0x0807, DEVICE_TOKEN, "Feitian ePass2003", &feitian},
    {0x096e, 0x080a, DEVICE_TOKEN, "Feitian ePass2003Auto", &feitian},
    {0x096e, 0x080f, DEVICE_TOKEN, "Feitian eJAVA token", &feitian},
    {0x096e, 0x0603, DEVICE_TOKEN, "PIVKey T800", &opensc},
    /* Aktiv [ccid, ids]; its Guardant dongles hold no keys. */
    {0x0a89, 0x0020, DEVICE_TOKEN, "Rutoken S", &rutoken},
    {0x0a89, 0x0025, DEVICE_TOKEN, "Rutoken lite", &rutoken},
    {0x0a89, 0x0030, DEVICE_TOKEN, "Rutoken ECP", &rutoken},
    {0x0a89, 0x0060, DEVICE_TOKEN, "Rutoken Magistra", &rutoken},
    /* Aladdin R.D. [ccid] */
    {0x24dc, 0x0101, DEVICE_TOKEN, "JaCarta", &jacarta},
    {0x24dc, 0x0102, DEVICE_TOKEN, "JaCarta LT", &jacarta},
    {0x24dc, 0x0402, DEVICE_TOKEN, "JaCarta", &jacarta},
    {0x24dc, 0x100f, DEVICE_TOKEN, "JaCarta Flash", &jacarta},
    /* Giesecke & Devrient [ccid] */
    {0x1059, 0x000c, DEVICE_TOKEN, "StarSign Card Token 350", &starsign},
    {0x1059, 0x000d, DEVICE_TOKEN, "StarSign Card Token 550", &starsign},
    {0x1059, 0x0017, DEVICE_TOKEN, "StarSign Crypto USB Token", &starsign},
    {0x1059, 0x0019, DEVICE_TOKEN, "StarSign CUT S", &starsign},
    /* Athena [ccid] */
    {0x0dc3, 0x0900, DEVICE_TOKEN, "Athena IDProtect Key", &athena},
    {0x0dc3, 0x100f, DEVICE_TOKEN, "Athena IDProtect Flash", &athena},
    /* Bit4id [ccid] */
    {0x25dd, 0x1201, DEVICE_TOKEN, "Bit4id cryptokey", &bit4id},
    {0x25dd, 0x2321, DEVICE_TOKEN, "Bit4id CKey4", &bit4id},
    {0x25dd, 0x2341, DEVICE_TOKEN, "Bit4id tokenME FIPS", &bit4id},
    {0x25dd, 0x2351, DEVICE_TOKEN, "Bit4id Digital DNA Key", &bit4id},
    {0x25dd, 0x2354, DEVICE_TOKEN, "Bit4id Digital DNA Key", &bit4id},
    {0x25dd, 0x2361, DEVICE_TOKEN, "Bit4id Digital DNA Key", &bit4id},
    {0x25dd, 0x2362, DEVICE_TOKEN, "Bit4id Digital DNA Key", &bit4id},
    {0x25dd, 0x2371, DEVICE_TOKEN, "Bit4id tokenME EVO", &bit4id},
    /* Longmai [said] */
    {0x055c, 0xdb08, DEVICE_TOKEN, "Longmai mToken", &longmai},
    /* Makers of readers; of these only what has a smart card interface counts [ccid, ids] */
    {0x04e6, 0, DEVICE_READER, "Identiv (SCM) reader", NULL},
    {0x072f, 0, DEVICE_READER, "ACS reader", NULL},
    {0x076b, 0, DEVICE_READER, "HID Omnikey reader", NULL},
    {0x046a, 0, DEVICE_READER, "Cherry reader", NULL},
    {0x096e, 0, DEVICE_READER, "Feitian reader", NULL},
    {0x0a89, 0, DEVICE_READER, "Aktiv reader", NULL},
    {0x24dc, 0, DEVICE_READER, "Aladdin R.D. reader", NULL},
    {0x25dd, 0, DEVICE_READER, "Bit4id reader", NULL},
    {0x0dc3, 0, DEVICE_READER, "Athena reader", NULL},
    {0x349e, 0, DEVICE_READER, "Token2 reader or key", NULL},
};

const struct device *device_find(uint16_t vendor, uint16_t product)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].vendor == vendor && (table[i].product == product || table[i].product == 0))
            return &table[i];
    return NULL;
}

const struct device *device_of_card(const uint8_t *atr, size_t length)
{
    /* smartcard_list.txt of pcsc-tools 1.6.2: "cryptoCertum 3.5 (PKI)" */
    static const uint8_t certum_atr[] = {0x3b, 0xdd, 0x96, 0xff, 0x81, 0x31, 0xfe, 0x45,
                                         0x80, 0x59, 0x5f, 0x53, 0x74, 0x64, 0x5f, 0x49,
                                         0x6e, 0x69, 0x74, 0x81, 0x05, 0x9b};
    static const struct device card = {
        .kind = DEVICE_TOKEN, .name = "cryptoCertum card", .family = &certum};

    return length == sizeof certum_atr && memcmp(atr, certum_atr, length) == 0 ? &card : NULL;
}

const struct device_family *device_card_family(const char *family)
{
    static const struct {
        const char *name;
        const struct device_family *family;
    } cards[] = {
        {"piv", &piv},       {"openpgp", &opensc},  {"gids", &opensc},
        {"sc-hsm", &opensc}, {"idprime", &idprime},
    };

    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        if (strcmp(cards[i].name, family) == 0)
            return cards[i].family;
    return &any_card;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* "libykcs11.so.2" is "libykcs11.so". */
static bool is_file(const char *path, const char *wanted)
{
    const char *file = file_of(path), *name = file_of(wanted);
    size_t length = strlen(name);

    return strncmp(file, name, length) == 0 && (file[length] == '\0' || file[length] == '.');
}

const struct module_entry *device_driver(const struct device_family *f,
                                         const struct module_list *list)
{
    for (size_t m = 0; m < DEVICE_MODULES && f->module[m] != NULL; m++)
        for (size_t i = 0; i < list->count; i++)
            if (is_file(list->entry[i].path, f->module[m]))
                return &list->entry[i];
    return NULL;
}

const char *device_driver_apart(const struct device_family *f)
{
    for (size_t m = 0; m < DEVICE_MODULES && f->module[m] != NULL; m++)
        if (f->module[m][0] == '/' && access(f->module[m], R_OK) == 0)
            return f->module[m];
    return NULL;
}
