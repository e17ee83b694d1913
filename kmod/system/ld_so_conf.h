/* Where a root's dynamic loader looks for libraries: ld.so.conf and the built-in folders. */
#ifndef KMOD_LD_SO_CONF_H
#define KMOD_LD_SO_CONF_H

#include "base/error.h"
#include "base/root.h"

/*
 * The folders that the root's /etc/ld.so.conf names, in its order, as paths inside the root
 * (ldconfig(8)): one a line, "#" begins a comment, "include PATTERN…" reads the files that match.
 * A pattern is relative to the file that has it; wild cards count in its last component. Include
 * files may include others, 8 deep, 256 files in all: more is ERROR_DAMAGED. No file is no folder.
 */
int ld_so_conf_folders(const struct root *root, struct strlist *folders,
                       struct error *err) MUST_CHECK;

/*
 * The folders that a distribution's loader knows without configuration, for an ELF class
 * (ELFCLASS64) and machine (EM_X86_64): multiarch, /lib64 for 64 bits, /lib, and the same in /usr.
 */
int ld_so_conf_builtin_folders(int elf_class, int machine, struct strlist *folders,
                               struct error *err) MUST_CHECK;

#endif
