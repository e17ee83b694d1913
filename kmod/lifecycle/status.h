/* What a root carries, read and looked at; nothing is changed. */
#ifndef KMOD_STATUS_H
#define KMOD_STATUS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_word.h"

struct status {
    bool marker_present;
    struct marker marker;
    enum state_word word;
    struct facts facts;
    unsigned paths; /* in the manifest */
    unsigned ours;  /* still what was placed */
    unsigned gone;
    unsigned foreign;
    bool dkms_registered; /* DKMS has it as installed */
    bool modprobe;        /* modprobe would find every module's own file */
    char *other;          /* the first file of somebody else's that it finds instead, or NULL */
};

/*
 * ERROR_REFUSED, ERROR_DAMAGED when marker, manifest or facts are not to be believed. A root
 * without a marker gives marker_present = false.
 */
int status_read(const struct root *root, struct status *status, struct error *err) MUST_CHECK;

void status_release(struct status *status);
#define AUTO_STATUS AUTO(status_release)

#endif
