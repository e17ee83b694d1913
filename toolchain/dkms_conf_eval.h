/* Letting bash read a dkms.conf, confined. */
#ifndef TOOLCHAIN_DKMS_CONF_EVAL_H
#define TOOLCHAIN_DKMS_CONF_EVAL_H

#include "toolchain/dkms_shell.h"
#include "toolchain/dkms_values.h"

/* A source tree made visible for the evaluation. */
struct dkms_conf_view;

/*
 * Makes `source_dir` readable for the build's user. A tree that is open to all is shown as it is,
 * another one is copied first. ERROR_DAMAGED when it has no dkms.conf.
 */
int dkms_conf_view_open(const struct root *root, const char *source_dir,
                        struct dkms_conf_view **view, struct error *err) MUST_CHECK;
void dkms_conf_view_close(struct dkms_conf_view **view);
#define AUTO_DKMS_CONF_VIEW AUTO(dkms_conf_view_close)

/*
 * What the source's dkms.conf sets with the variables of `shell`; when shell->module is known, the
 * root's overrides too, in dkms' order: /etc/dkms/M.conf, M-V.conf, M-V-KERNEL.conf,
 * M-V-KERNEL-ARCH.conf. ERROR_DAMAGED when it does not end within 30 seconds (or shell->time_limit)
 * or prints what is not in the form of dkms_values.h.
 */
int dkms_conf_eval(const struct dkms_conf_view *view, const struct dkms_shell *shell,
                   struct dkms_values *values, struct error *err) MUST_CHECK;

#endif
