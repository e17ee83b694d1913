/* The programs of a legacy image in /usr/bin, and the loader's configuration. */
#ifndef KMOD_LEGACY_PROGRAMS_H
#define KMOD_LEGACY_PROGRAMS_H

#include "base/error.h"
#include "kmod/lifecycle/legacy_paths.h"
#include "kmod/lifecycle/legacy_proof.h"

/* `echo "${GPU_DEST}/lib64" > /etc/ld.so.conf.d/nvidia.conf` in Azure/aks-gpu, install.sh, with
 * GPU_DEST=/usr/bin (config.sh). */
#define LEGACY_LOADER_CONFIG "/etc/ld.so.conf.d/nvidia.conf"
#define LEGACY_LOADER_CONFIG_CONTENT "/usr/bin/lib64\n"

/*
 * Adds what there is of the driver's programs, by the names that NVIDIA's installer gives them and
 * by its log (what no list of names can know), and the loader's configuration.
 */
int legacy_programs_collect(const struct legacy_evidence *evidence, struct legacy_paths *paths,
                            struct error *err) MUST_CHECK;

/* Sets item->ours: a program by legacy_proof_of_file(), the configuration by its exact content. */
int legacy_programs_prove(const struct legacy_evidence *evidence, struct legacy_path *item,
                          struct error *err) MUST_CHECK;

#endif
