#include "toolchain/distro.h"

#include <string.h>

#include "base/file.h"
#include "base/keyvalue.h"

#define OS_RELEASE_MAX (64 << 10)

/* `words` is a list separated by spaces. */
static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = words; *at;) {
        size_t next = strcspn(at, " ");
        if (next == length && !strncmp(at, word, length))
            return true;
        at += next;
        at += strspn(at, " ");
    }
    return false;
}

static bool family_of_words(const char *words, enum distro_family *family) {
    static const struct {
        const char *id;
        enum distro_family family;
    } known[] = {
        {"debian", DISTRO_DEBIAN},      {"ubuntu", DISTRO_DEBIAN}, {"fedora", DISTRO_FEDORA},
        {"rhel", DISTRO_FEDORA},        {"centos", DISTRO_FEDORA}, {"azurelinux", DISTRO_FEDORA},
        {"mariner", DISTRO_FEDORA},     {"suse", DISTRO_SUSE},     {"opensuse", DISTRO_SUSE},
        {"opensuse-leap", DISTRO_SUSE}, {"sles", DISTRO_SUSE},
    };
    for (size_t i = 0; words && i < ARRAY_SIZE(known); i++) {
        if (has_word(words, known[i].id)) {
            *family = known[i].family;
            return true;
        }
    }
    return false;
}

enum distro_family distro_parse(const char *os_release, size_t size) {
    AUTO_KEYVALUE struct keyvalue values = {0};
    enum distro_family family = DISTRO_DEBIAN;
    if (keyvalue_parse(os_release, size, "os-release", false, &values, NULL))
        return family;
    if (!family_of_words(keyvalue_get(&values, "ID"), &family))
        family_of_words(keyvalue_get(&values, "ID_LIKE"), &family);
    return family;
}

enum distro_family distro_of_root(const struct root *root) {
    static const char *const places[] = {"/etc/os-release", "/usr/lib/os-release"};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        AUTO_BUFFER struct buffer text = {0};
        if (file_read_following(root, places[i], OS_RELEASE_MAX, &text, NULL) == 0)
            return distro_parse(buffer_string(&text), text.size);
    }
    return DISTRO_DEBIAN;
}

enum distro_family distro_of_host(void) {
    AUTO_BUFFER struct buffer text = {0};
    if (file_read_path("/etc/os-release", OS_RELEASE_MAX, &text, NULL))
        return DISTRO_DEBIAN;
    return distro_parse(buffer_string(&text), text.size);
}

const char *distro_install_command(enum distro_family family) {
    static const char *const commands[] = {
        [DISTRO_DEBIAN] = "apt-get install",
        [DISTRO_FEDORA] = "dnf install",
        [DISTRO_SUSE] = "zypper install",
    };
    return commands[family];
}
