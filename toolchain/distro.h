/* Which family a system's packages are of: errors name the package that helps, as it is called
 * there.
 */
#ifndef TOOLCHAIN_DISTRO_H
#define TOOLCHAIN_DISTRO_H

#include "base/root.h"

enum distro_family {
    DISTRO_DEBIAN, /* Debian, Ubuntu; also what an unknown system is taken for */
    DISTRO_FEDORA, /* Fedora, RHEL, CentOS, Azure Linux */
    DISTRO_SUSE,
};

/* From the text of an os-release file: ID, then ID_LIKE (os-release(5)). */
enum distro_family distro_parse(const char *os_release, size_t size);

/* From /etc/os-release or /usr/lib/os-release of a root. */
enum distro_family distro_of_root(const struct root *root);

/* Of this machine. */
enum distro_family distro_of_host(void);

/* The command that installs packages: "apt-get install". */
const char *distro_install_command(enum distro_family family);

#endif
