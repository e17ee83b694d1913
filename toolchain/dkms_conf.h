/*
 * dkms.conf: bash, so bash reads it, inside the confinement (see dkms(8) and dkms' read_conf()).
 */
#ifndef TOOLCHAIN_DKMS_CONF_H
#define TOOLCHAIN_DKMS_CONF_H

#include "toolchain/confine.h"
#include "toolchain/kernel_headers.h"

struct dkms_conf_module {
    char *built_name;     /* "nvidia" */
    char *built_location; /* "" or "dir/" below the build directory */
    char *dest_name;      /* "nvidia-current-open" */
    char *dest_location;  /* as dkms.conf says: "/updates/dkms" (placement may override it) */
    bool strip;
};

struct dkms_conf {
    char *name;    /* PACKAGE_NAME, checked: a single path component */
    char *version; /* PACKAGE_VERSION, likewise */
    char *make;    /* the bash command that MAKE/MAKE_MATCH choose for this kernel, as dkms runs it:
                      a "make" at its start has -j and KERNELRELEASE behind it */
    struct dkms_conf_module *modules;
    size_t module_count;
    struct strlist patches;         /* those that match this kernel, in order */
    char *pre_build, *post_build;   /* scripts, "" when none */
    struct strlist ignored_scripts; /* "POST_INSTALL=x.sh": install-time scripts the source has */
    struct strlist build_depends;
    bool autoinstall;
    char *excluded;          /* NULL, or the sentence why BUILD_EXCLUSIVE_* excludes the kernel */
    struct strlist warnings; /* unknown directives; read ones without effect */
};

/*
 * Reads `<source>/dkms.conf` and the root's /etc/dkms overrides for this kernel. ERROR_DAMAGED with
 * a sentence for each thing dkms itself refuses (a record without BUILT_MODULE_NAME, a name that
 * ends in .ko, a location not beginning with /kernel, /updates or /extra, no PACKAGE_NAME …) and
 * for names that are not one plain path component.
 */
int dkms_conf_read(const struct root *root, const char *source_dir,
                   const struct kernel_headers *headers, unsigned jobs, struct dkms_conf *conf,
                   struct error *err) MUST_CHECK;
void dkms_conf_release(struct dkms_conf *conf);
#define AUTO_DKMS_CONF AUTO(dkms_conf_release)

#endif
