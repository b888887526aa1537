/* SPDX-License-Identifier: Apache-2.0 */
/* signet doctor: from the USB plug to the driver. */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "profiles/ops/doctor.h"

/* polkit is asked by D-Bus, which takes a moment. */
enum { HANG_UP_MS = 2000 };

static const char socket_path[] = "/run/pcscd/pcscd.comm";

/* Where pcscd stands, and where libccid puts its driver (Debian, Fedora, from source). */
static const char *const daemons[] = {"/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd",
                                      NULL};
static const char *const ccid_drivers[] = {"/usr/lib/pcsc/drivers/ifd-ccid.bundle",
                                           "/usr/lib64/pcsc/drivers/ifd-ccid.bundle",
                                           "/usr/local/lib/pcsc/drivers/ifd-ccid.bundle", NULL};

static bool any_is_there(const char *const *paths)
{
    for (; *paths != NULL; paths++)
        if (access(*paths, F_OK) == 0)
            return true;
    return false;
}

static const struct device *known(const struct usb_device *u)
{
    return device_find(u->vendor, u->product);
}

static bool is_token(const struct usb_device *u)
{
    const struct device *k = known(u);

    return k != NULL && k->kind == DEVICE_TOKEN;
}

/* What a signing key may be in, or behind. */
static bool counts(const struct usb_device *u)
{
    const struct device *k = known(u);

    return u->smart_card ? k == NULL || k->kind != DEVICE_OTHER : is_token(u);
}

static bool wants_pcsc(const struct usb_device *u)
{
    const struct device *k = known(u);

    return counts(u) && (k == NULL || k->family == NULL || !k->family->no_pcsc);
}

/* A token that is read as a smart card, but has no such interface: switched off, or none made. */
static bool lacks_interface(const struct usb_device *u)
{
    return u->vendor == 0x1050 && wants_pcsc(u) && !u->smart_card;
}

static size_t count_of(const struct doctor *d, bool (*is)(const struct usb_device *u))
{
    size_t count = 0;

    for (size_t i = 0; i < d->usb.count; i++)
        count += is(&d->usb.device[i]);
    return count;
}

static const char *name_of(const struct usb_device *u)
{
    const struct device *k = known(u);

    if (k != NULL)
        return k->name;
    return u->name[0] != '\0' ? u->name : "smart card reader";
}

static const char *article(const char *name)
{
    return strchr("AEIOaeio", name[0]) != NULL ? "An" : "A";
}

static size_t listed_tokens(const struct doctor *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->inventory->token_count; i++)
        count += d->inventory->token[i].hidden == NULL;
    return count;
}

static bool any_card(const struct doctor *d)
{
    for (size_t i = 0; i < d->readers.count; i++)
        if (d->readers.reader[i].present)
            return true;
    return false;
}

/* The module that was named is itself the question: it failed, or shows a token that is not ready.
 */
static bool module_has_more(const struct doctor *d)
{
    if (d->no_module.code != ERROR_NONE)
        return true;
    for (size_t i = 0; i < d->inventory->module_count; i++)
        if (d->inventory->module[i].error.code != ERROR_NONE)
            return true;
    for (size_t i = 0; i < d->inventory->token_count; i++)
        if (d->inventory->token[i].slot.has_token || d->inventory->token[i].slot.problem[0] != '\0')
            return true;
    return false;
}

/* A token that no plug, reader or driver of ours is asked for. An empty reader is part of many
 * machines, and asks for nothing while there is another token. */
static bool is_apart(const struct doctor *d)
{
    if (d->token != NULL)
        return !doctor_in_reader(d, d->token, NULL);
    return count_of(d, is_token) == 0 && !any_card(d) &&
           (listed_tokens(d) > 0 || (d->explicit_module && module_has_more(d)));
}

static void list_devices(const struct doctor *d, struct doctor_finding *f)
{
    for (size_t i = 0; i < d->usb.count; i++) {
        const struct usb_device *u = &d->usb.device[i];

        if (!counts(u))
            continue;
        doctor_say(f, DOCTOR_OK, "%s (%04x:%04x)", name_of(u), u->vendor, u->product);
        if (u->bus != 0)
            buffer_printf(&f->text, " at bus %03u device %03u", u->bus, u->address);
    }
}

static void judge_interfaces(const struct doctor *d, struct doctor_finding *f)
{
    bool others = count_of(d, counts) > count_of(d, lacks_interface);

    for (size_t i = 0; i < d->usb.count; i++) {
        const struct usb_device *u = &d->usb.device[i];

        if (!lacks_interface(u))
            continue;
        if (others)
            doctor_say(f, DOCTOR_WARNING, "the %s has no smart card interface", name_of(u));
        else
            doctor_gap(f, ERROR_UNFIT, "the %s has no smart card interface", name_of(u));
        doctor_remedy(f, "Switch its PIV application on: ykman config usb --enable PIV");
        doctor_remedy(f, "A Security Key (FIDO alone) has none, and cannot hold a signing key.");
    }
}

static void no_device(const struct doctor *d, struct doctor_finding *f)
{
    if (d->usb_error.code != ERROR_NONE) {
        doctor_say(f, DOCTOR_WARNING, "%s", d->usb_error.text);
        return;
    }
    if (d->usb.bus) {
        doctor_gap(f, ERROR_MISSING, "no signing token and no card reader is plugged in");
        if (d->usb.count > 0)
            buffer_printf(&f->text, " (%zu other USB device%s)", d->usb.count,
                          d->usb.count == 1 ? "" : "s");
        doctor_remedy(f, "Plug it in, without a hub at first; lsusb shows what the kernel sees.");
        doctor_remedy(f, "In a virtual machine: pass the device through from its host.");
        return;
    }
    doctor_gap(f, ERROR_MISSING,
               "no USB bus here (a virtual machine or a container?), and no other token");
    doctor_remedy(f, "Virtual machine: pass the USB device through from its host.");
    doctor_remedy(f, "Container: start it with --device /dev/bus/usb, or mount the host's "
                     "/run/pcscd in it.");
    doctor_remedy(f, "From another machine: there usbip bind -b BUSID, here usbip attach -r HOST "
                     "-b BUSID (package usbip).");
    doctor_remedy(f, "A network HSM, or a practice token of SoftHSM, needs only its module: "
                     "signet doctor --module PATH");
}

static void judge_usb(struct doctor *d, bool apart)
{
    struct doctor_finding *f = &d->step[DOCTOR_USB];

    list_devices(d, f);
    if (!apart)
        judge_interfaces(d, f);
    if (f->state != DOCTOR_UNSEEN)
        return;
    if (apart)
        doctor_say(f, DOCTOR_OK, "%s, and none is needed",
                   d->usb.bus ? "no signing token is plugged in"
                              : "no USB bus here (a virtual machine or a container?)");
    else if (d->readers.count > 0)
        doctor_say(f, DOCTOR_OK, "none seen, but PC/SC has %zu reader%s", d->readers.count,
                   d->readers.count == 1 ? "" : "s");
    else
        no_device(d, f);
}

/* As libpcsclite would ask, but for what it says then. 0: somebody listens, and waits for a word;
 * ECONNRESET: hangs up at once, as pcscd does with one whom polkit refuses, before it answers
 * anything (many versions do; others answer SCARD_W_SECURITY_VIOLATION); else errno. */
static int knock(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("PCSCLITE_CSOCK_NAME");
    struct pollfd ready = {.events = POLLIN};
    int failed = 0;

    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        path = socket_path;
    ready.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ready.fd < 0)
        return errno;
    strcpy(address.sun_path, path);
    if (connect(ready.fd, (struct sockaddr *)&address, sizeof address) != 0)
        /* EAGAIN: so many knock that this one would have to wait (unix(7)). */
        failed = errno == EAGAIN ? 0 : errno;
    else if (poll(&ready, 1, HANG_UP_MS) > 0)
        failed = ECONNRESET;
    close(ready.fd);
    return failed;
}

static void not_running(struct doctor_finding *f)
{
    if (any_is_there(daemons)) {
        doctor_gap(f, ERROR_MISSING, "pcscd is installed, and does not run");
        doctor_remedy(f, "systemctl enable --now pcscd.socket");
        doctor_remedy(f, "Without systemd, as in a container: pcscd");
    } else {
        doctor_gap(f, ERROR_MISSING, "pcscd, which readers are reached through, is not installed");
        doctor_remedy(f, "apt install pcscd libccid");
        doctor_remedy(f, "systemctl enable --now pcscd.socket");
    }
}

/* The user's name where it can stand in a rule as it is. */
static const char *user_name(void)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user == NULL ? "" : user->pw_name;

    return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_.-@") == strlen(name)
               ? name
               : "USER";
}

/* Actions as pcsc-lite's org.debian.pcsc-lite.policy names them; the form of rules: polkit(8). */
static void polkit_rule(struct doctor_finding *f)
{
    doctor_remedy(f, "As root, write the file /etc/polkit-1/rules.d/50-signet.rules:");
    doctor_remedy(f, "%s", "");
    doctor_remedy(f, "polkit.addRule(function(action, subject) {");
    doctor_remedy(f, "    if ((action.id == \"org.debian.pcsc-lite.access_pcsc\" ||");
    doctor_remedy(f, "         action.id == \"org.debian.pcsc-lite.access_card\") &&");
    doctor_remedy(f, "        subject.user == \"%s\") {", user_name());
    doctor_remedy(f, "        return polkit.Result.YES;");
    doctor_remedy(f, "    }");
    doctor_remedy(f, "});");
    doctor_remedy(f, "%s", "");
    doctor_remedy(f, "Then: systemctl restart polkit");
}

static void polkit_gap(struct doctor_finding *f, const char *what)
{
    doctor_gap(f, ERROR_UNFIT,
               "pcscd does not let this user at the %s: polkit allows who sits at the machine, not "
               "one who comes by ssh, nor a service",
               what);
    polkit_rule(f);
}

static void judge_pcsc(struct doctor *d)
{
    struct doctor_finding *pcscd = &d->step[DOCTOR_PCSCD], *may = &d->step[DOCTOR_PERMISSION];
    int failed;

    if (d->pcsc.code == ERROR_NONE) {
        doctor_say(pcscd, DOCTOR_OK, "it runs");
        if (d->cards_refused)
            polkit_gap(may, "cards");
        else
            doctor_say(may, DOCTOR_OK, "this user may use readers and cards");
        return;
    }
    failed = knock();
    if (d->pcsc.code == ERROR_HOST) {
        doctor_gap(pcscd, ERROR_HOST, "%s", d->pcsc.text);
        doctor_remedy(pcscd, "systemctl restart pcscd");
    } else if (failed == EACCES || failed == EPERM) {
        doctor_say(pcscd, DOCTOR_OK, "its socket is there");
        doctor_gap(may, ERROR_UNFIT, "this user may not connect to %s", socket_path);
        doctor_remedy(may, "chmod 666 %s (pcscd makes it so; something has changed it)",
                      socket_path);
    } else if (failed == ECONNRESET || d->pcsc.detail == CKR_ACTION_PROHIBITED) {
        doctor_say(pcscd, DOCTOR_OK, "it runs");
        polkit_gap(may, "readers");
    } else if (failed != 0) {
        not_running(pcscd);
    } else {
        doctor_gap(pcscd, ERROR_MISSING, "it listens, and does not answer as it should: %s",
                   d->pcsc.text);
        doctor_remedy(pcscd, "systemctl restart pcscd.socket pcscd");
    }
}

/* Devices that are opened by their node, and not by pcscd. */
static void judge_nodes(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_PERMISSION];

    for (size_t i = 0; i < d->usb.count; i++) {
        const struct usb_device *u = &d->usb.device[i];
        char node[64];

        if (!counts(u) || wants_pcsc(u) || u->bus == 0)
            continue;
        snprintf(node, sizeof node, "/dev/bus/usb/%03u/%03u", u->bus, u->address);
        if (access(node, R_OK | W_OK) == 0)
            doctor_say(f, DOCTOR_OK, "this user may open the %s", name_of(u));
        if (access(node, R_OK | W_OK) == 0 || errno != EACCES)
            continue;
        doctor_gap(f, ERROR_UNFIT, "this user may not open the %s (%s)", name_of(u), node);
        doctor_remedy(f, "As root, write the file /etc/udev/rules.d/70-signet.rules:");
        doctor_remedy(f, "%s", "");
        doctor_remedy(f,
                      "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"%04x\", ATTR{idProduct}==\"%04x\", "
                      "GROUP=\"plugdev\", MODE=\"0660\"",
                      u->vendor, u->product);
        doctor_remedy(f, "%s", "");
        doctor_remedy(f, "Then: udevadm control --reload && udevadm trigger && adduser %s plugdev",
                      user_name());
    }
}

static void blame_holder(struct doctor_finding *f, const struct usb_device *u)
{
    char node[64] = "/dev/bus/usb/*/*";

    if (u->bus != 0)
        snprintf(node, sizeof node, "/dev/bus/usb/%03u/%03u", u->bus, u->address);
    if (u->holder[0] == '\0') {
        doctor_remedy(f, "systemctl restart pcscd");
        doctor_remedy(f, "If that is in vain, the log tells why: journalctl -u pcscd -n 50");
    } else if (strcmp(u->holder, "usbfs") == 0) {
        doctor_remedy(f,
                      "Another program may hold the %s (gpg's scdaemon, a virtual machine); "
                      "see which:",
                      name_of(u));
        doctor_remedy(f, "sudo fuser -v %s", node);
        doctor_remedy(f, "scdaemon lets go with: gpgconf --kill scdaemon");
    } else {
        doctor_remedy(f, "The kernel's driver %s holds the %s; free it:", u->holder, name_of(u));
        doctor_remedy(f, "sudo modprobe -r %s && sudo systemctl restart pcscd", u->holder);
    }
}

static void no_reader(const struct doctor *d, struct doctor_finding *f)
{
    const struct usb_device *first = NULL;

    for (size_t i = d->usb.count; i-- > 0;)
        if (wants_pcsc(&d->usb.device[i]) && !lacks_interface(&d->usb.device[i]))
            first = &d->usb.device[i];
    if (first == NULL)
        return;
    doctor_gap(f, ERROR_MISSING, "the %s is plugged in, and pcscd shows no reader", name_of(first));
    if (!first->smart_card) {
        doctor_remedy(f, "It is no CCID device; its vendor's driver brings one for pcscd too.");
    } else if (!any_is_there(ccid_drivers)) {
        doctor_remedy(f, "apt install libccid");
        doctor_remedy(f, "systemctl restart pcscd");
    } else {
        blame_holder(f, first);
    }
}

static void judge_readers(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_READER];
    size_t wanted = count_of(d, wants_pcsc) - count_of(d, lacks_interface);

    if (d->readers.count == 0) {
        no_reader(d, f);
        return;
    }
    for (size_t i = 0; i < d->readers.count; i++)
        doctor_say(f, DOCTOR_OK, "%s", d->readers.reader[i].name);
    if (d->readers.count < wanted) {
        doctor_say(f, DOCTOR_WARNING, "%zu devices are plugged in, pcscd shows %zu", wanted,
                   d->readers.count);
        doctor_remedy(f, "systemctl restart pcscd");
    }
}

static const struct wire_card *card_in(const struct doctor *d, const char *reader)
{
    for (size_t i = 0; i < d->card_count; i++)
        if (strcmp(d->card[i].reader.name, reader) == 0)
            return &d->card[i];
    return NULL;
}

static bool is_good(const struct wire_reader_state *r)
{
    return r->present && !r->mute && !r->exclusive;
}

/* A card that cannot be used is a gap only where there is no other. */
static void bad_card(struct doctor_finding *f, const struct wire_reader_state *r, bool others)
{
    enum doctor_state state = others ? DOCTOR_WARNING : DOCTOR_GAP;

    if (!others)
        f->code = r->exclusive ? ERROR_BUSY : ERROR_UNFIT;
    if (r->exclusive) {
        doctor_say(f, state, "another program uses the card in '%s' alone", r->name);
        doctor_remedy(f, "End it, or wait for it; gpg's lets go with: gpgconf --kill scdaemon");
    } else {
        doctor_say(f, state, "the card in '%s' does not answer", r->name);
        doctor_remedy(f, "Take it out and put it in again, the chip first and up; try another "
                         "reader.");
    }
}

static void good_card(const struct doctor *d, struct doctor_finding *f,
                      const struct wire_reader_state *r)
{
    const struct wire_card *card = card_in(d, r->name);

    if (card != NULL && card->count > 0)
        for (size_t i = 0; i < card->count; i++)
            doctor_say(f, DOCTOR_OK, "%s", card->application[i].title);
    else
        doctor_say(f, DOCTOR_OK, "a card in '%s'", r->name);
    if (r->in_use)
        doctor_say(f, DOCTOR_OK, "another program uses it too");
    else if (card != NULL && card->count == 0)
        doctor_say(f, DOCTOR_OK, "its family is not known here, only to its driver");
}

static void judge_cards(struct doctor *d)
{
    struct doctor_finding *f = &d->step[DOCTOR_CARD];
    size_t good = 0, present = 0;

    for (size_t i = 0; i < d->readers.count; i++) {
        good += is_good(&d->readers.reader[i]);
        present += d->readers.reader[i].present;
    }
    for (size_t i = 0; i < d->readers.count; i++) {
        const struct wire_reader_state *r = &d->readers.reader[i];

        if (is_good(r))
            good_card(d, f, r);
        else if (r->present)
            bad_card(f, r, good > 0);
    }
    if (present == 0 && d->readers.count > 0) {
        doctor_gap(f, ERROR_MISSING, "no card is in the reader%s",
                   d->readers.count == 1 ? "" : "s");
        doctor_remedy(f, "Put the card in, the chip first and up.");
    }
}

static void driver_remedy(struct doctor_finding *f, const struct device_family *family)
{
    const char *apart = device_driver_apart(family);

    if (apart != NULL) {
        doctor_remedy(f, "It is at %s, where nobody looks; register it, as root:", apart);
        doctor_remedy(f, "echo 'module: %s' > /etc/pkcs11/modules/token.module", apart);
        return;
    }
    if (family->package != NULL)
        doctor_remedy(f, "apt install %s", family->package);
    if (family->source != NULL)
        doctor_remedy(f, "%s %s", family->package != NULL ? "Or" : "Install", family->source);
}

static void judge_driver(struct doctor *d, const char *device, const char *where,
                         const struct device_family *family)
{
    const struct module_entry *driver = device_driver(family, &d->modules);
    struct doctor_finding *f = &d->step[DOCTOR_DRIVER];

    if (driver != NULL) {
        doctor_say(f, DOCTOR_OK, "%s drives the %s", driver->path, device);
        return;
    }
    doctor_gap(f, ERROR_MISSING, "%s %s is %s; its driver %s is not installed", article(device),
               device, where,
               family->package != NULL && family->source == NULL ? family->package
                                                                 : family->module[0]);
    driver_remedy(f, family);
}

static void judge_card_driver(struct doctor *d, const struct wire_card *card)
{
    const struct device *k = device_of_card(card->reader.atr, card->reader.atr_length);

    if (k != NULL)
        judge_driver(d, k->name, "in the reader", k->family);
    else if (card->count > 0)
        judge_driver(d, card->application[0].title, "in the reader",
                     device_card_family(card->application[0].family));
    else
        judge_driver(d, "card of a family not known here", "in the reader", device_card_family(""));
}

static void judge_drivers(struct doctor *d)
{
    const char *reader;

    if (d->token != NULL && doctor_in_reader(d, d->token, &reader)) {
        doctor_say(&d->step[DOCTOR_DRIVER], DOCTOR_OK, "%s",
                   d->inventory->module[d->token->module].entry.path);
        return;
    }
    for (size_t i = 0; i < d->usb.count; i++) {
        const struct device *k = known(&d->usb.device[i]);

        if (is_token(&d->usb.device[i]))
            judge_driver(d, k->name, "plugged in", k->family);
    }
    /* The card of a token that is listed above is that token's; a card apart decides by itself. */
    for (size_t i = 0; i < d->card_count && count_of(d, is_token) == 0; i++)
        judge_card_driver(d, &d->card[i]);
}

void doctor_devices(struct doctor *d)
{
    bool apart = is_apart(d);

    judge_usb(d, apart);
    for (int i = DOCTOR_PCSCD; apart && i <= DOCTOR_DRIVER; i++)
        doctor_say(&d->step[i], DOCTOR_UNSEEN, "not needed: the token is reached otherwise");
    if (apart)
        return;
    if (count_of(d, wants_pcsc) > 0 || d->readers.count > 0) {
        judge_pcsc(d);
        if (d->pcsc.code == ERROR_NONE) {
            judge_readers(d);
            judge_cards(d);
        }
    } else if (count_of(d, counts) > 0) {
        for (int i = DOCTOR_PCSCD; i <= DOCTOR_CARD; i++)
            if (i != DOCTOR_PERMISSION)
                doctor_say(&d->step[i], DOCTOR_UNSEEN, "not needed by this device");
    }
    judge_nodes(d);
    judge_drivers(d);
}
