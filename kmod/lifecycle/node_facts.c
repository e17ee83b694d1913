#include "kmod/lifecycle/node_facts.h"

#include <string.h>

#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/resolution.h"
#include "kmod/lifecycle/target_match.h"
#include "kmod/system/module_lookup.h"
#include "kmod/system/module_version.h"
#include "kmod/system/nvidia_gpus.h"

/* The first reason is the one that counts: facts are looked at in the order of the policy. */
static void note(struct node_facts *facts, bool *fact, const struct error *why) {
    *fact = true;
    if (facts->why.kind == ERROR_NONE)
        facts->why = *why;
}

/* Whether `rc` says that what was read is no good, which is a fact about the node. */
static bool is_unbelievable(int rc, const struct error *err) {
    return rc && (err->kind == ERROR_REFUSED || err->kind == ERROR_DAMAGED);
}

static int pass_on(int rc, const struct error *reason, struct error *err) {
    if (rc && err)
        *err = *reason;
    return rc;
}

static int look_at_marker(const struct root *root, const struct node_wishes *wishes,
                          struct node_facts *facts, struct error *err) {
    struct error reason = {0};
    int rc = node_marker_find(root, wishes->legacy_marker, &facts->marker, &reason);
    if (!is_unbelievable(rc, &reason)) {
        facts->policy.no_marker = !rc && !facts->marker.present;
        return pass_on(rc, &reason, err);
    }
    /* A value that is none, as of a marker that was cut short, is damage like any other. */
    bool refused = reason.kind == ERROR_REFUSED && rc != -EINVAL;
    note(facts, refused ? &facts->policy.marker_refused : &facts->policy.marker_damaged, &reason);
    return 0;
}

static int look_at_word(const struct root *root, struct node_facts *facts, struct error *err) {
    struct error reason = {0};
    int rc = state_word_read(root, &facts->word, &reason);
    if (rc && !is_unbelievable(rc, &reason))
        return pass_on(rc, &reason, err);
    if (!rc && facts->word == STATE_NONE && facts->marker.present)
        rc =
            error_set(&reason, ERROR_DAMAGED, ENOENT, "%s/ has a bake without a state", root->path);
    if (rc)
        note(facts, &facts->policy.marker_damaged, &reason);
    if (facts->word == STATE_TEARING_DOWN) {
        error_set(&reason, ERROR_MISMATCH, ESTALE, "a teardown of the bake of %s/ had begun",
                  root->path);
        note(facts, &facts->policy.teardown_begun, &reason);
    }
    return 0;
}

static void compare(struct node_facts *facts, bool *fact, const char *what, const char *baked,
                    const char *wanted) {
    struct error reason = {0};
    if (marker_matches(baked, wanted))
        return;
    error_set(&reason, ERROR_MISMATCH, ESTALE, "the bake's %s is '%s', and this node's is '%s'",
              what, baked ? baked : "", wanted ? wanted : "");
    note(facts, fact, &reason);
}

int node_facts_look(const struct root *root, const struct node_wishes *wishes,
                    struct node_facts *facts, struct error *err) {
    *facts = (struct node_facts){0};
    struct policy_facts *policy = &facts->policy;
    policy->not_gpu_node = !wishes->gpu_node;
    policy->skip_driver = wishes->skip_driver;
    int rc = look_at_marker(root, wishes, facts, err);
    if (!rc && !facts->marker.legacy && !policy->marker_refused)
        rc = look_at_word(root, facts, err);
    if (rc || policy->no_marker || policy->marker_refused || policy->marker_damaged)
        return rc;
    const struct marker *baked = &facts->marker.values;
    compare(facts, &policy->kind_differs, "kind of driver", node_marker_kind(&facts->marker),
            policy_kind(wishes->driver_type));
    compare(facts, &policy->version_differs, "driver version", baked->driver_version,
            wishes->driver_version);
    compare(facts, &policy->kernel_differs, "kernel", baked->kernel, wishes->kernel);
    compare(facts, &policy->arch_differs, "architecture", baked->arch, wishes->arch);
    return 0;
}

/* Records that can't be believed are damage, whatever is wrong with them. */
static int read_records(const struct root *root, struct node_facts *facts, struct error *err) {
    struct error reason = {0};
    const struct marker *marker = &facts->marker.values;
    int rc = bake_records_manifest(root, marker, &facts->manifest, &reason);
    if (!rc)
        rc = bake_records_facts(root, marker, &facts->bake, &reason);
    if (!is_unbelievable(rc, &reason))
        return pass_on(rc, &reason, err);
    note(facts, &facts->policy.damaged, &reason);
    return 0;
}

static int look_at_symbols(const struct root *root, struct node_facts *facts, struct error *err) {
    struct error reason = {0};
    int rc = target_match_symbols(root, &facts->bake, &reason);
    if (!rc || reason.kind != ERROR_MISMATCH)
        return pass_on(rc, &reason, err);
    note(facts, &facts->policy.symvers_differ, &reason);
    return 0;
}

/* No GPU that can be seen is no objection: it may come later, and it needs its driver then. */
static int look_at_gpus(const struct node_wishes *wishes, struct node_facts *facts,
                        struct error *err) {
    AUTO_STRLIST struct strlist gpus = {0};
    struct error reason = {0};
    int rc = wishes->sysfs ? nvidia_gpus_list(wishes->sysfs, &gpus, err) : 0;
    const char *unsupported = nvidia_gpus_unsupported(&gpus, &facts->bake.pci_aliases);
    if (rc || !unsupported)
        return rc;
    error_set(&reason, ERROR_MISMATCH, ENODEV, "no module of the bake is for the GPU %s",
              unsupported);
    note(facts, &facts->policy.gpu_unsupported, &reason);
    return 0;
}

static int look_at_paths(const struct root *root, struct node_facts *facts, struct error *err) {
    struct ownership_context context;
    struct error reason = {0};
    int rc = ownership_context_make(root, &facts->bake, &context, err);
    if (rc)
        return rc;
    facts->copied = context.copied;
    rc = bake_check_paths(root, &facts->manifest, &facts->bake, &reason);
    if (!is_unbelievable(rc, &reason))
        return pass_on(rc, &reason, err);
    note(facts, &facts->policy.damaged, &reason);
    return 0;
}

/* What no index has is activated again; that would not help against what modprobe prefers. */
static void look_at_index(const struct root *root, struct node_facts *facts) {
    AUTO_FREE char *other = NULL;
    struct error reason = {0};
    enum resolution found = resolution_in(root, &facts->bake, facts->bake.kernel, &other);
    facts->policy.inactive = found == RESOLUTION_NONE;
    if (found != RESOLUTION_FOREIGN)
        return;
    error_set(&reason, ERROR_DAMAGED, EEXIST,
              "modprobe finds %s%s instead of the bake's module for %s", root->path,
              other ? other : "", facts->bake.kernel);
    note(facts, &facts->policy.damaged, &reason);
}

/* An activation or a parking that did not come to its end is ended by activating. */
static int look_at_layout(const struct root *root, bool all, struct node_facts *facts,
                          struct error *err) {
    bool unfinished = (facts->word != STATE_ACTIVE && facts->word != STATE_PARKED) ||
                      (facts->word == STATE_ACTIVE && root_exists(root, PARKED_STORE));
    facts->policy.inactive = unfinished || facts->word == STATE_PARKED;
    if (unfinished || (facts->policy.inactive && !all))
        return 0;
    int rc = look_at_paths(root, facts, err);
    if (!rc && !facts->policy.damaged && facts->word == STATE_ACTIVE)
        look_at_index(root, facts);
    return rc;
}

/* A module that the index has is one of the driver, whole: "" is the version of an empty file. */
static int check_legacy_module(const struct root *root, const struct marker *marker,
                               const char *name, struct node_facts *facts, struct error *err) {
    AUTO_FREE char *path = NULL, *resolved = NULL, *version = NULL;
    struct error reason = {0};
    struct stat st;
    int rc = module_lookup_path(root, marker->kernel, name, &path, err);
    if (!rc && path)
        rc = root_resolve(root, path, &resolved, NULL, err);
    if (rc || !path)
        return rc;
    bool is_file = root_stat(root, resolved, &st) == 0 && S_ISREG(st.st_mode);
    rc = is_file ? module_version_read(root, resolved, &version, err) : 0;
    if (rc || (version && marker_matches(version, marker->driver_version)))
        return rc;
    error_set(&reason, ERROR_DAMAGED, EBADMSG, "%s%s, which modprobe finds, is not of version %s",
              root->path, resolved, marker->driver_version);
    note(facts, &facts->policy.damaged, &reason);
    return 0;
}

/* Of the other modules an image has those that its driver came with. */
static int check_legacy_modules(const struct root *root, struct node_facts *facts,
                                struct error *err) {
    int rc = 0;
    for (size_t i = 1; !rc && !facts->policy.damaged && legacy_modules_names[i]; i++)
        rc = check_legacy_module(root, &facts->marker.values, legacy_modules_names[i], facts, err);
    return rc;
}

/* No manifest tells what else there was: the driver is there when modprobe finds it. */
static int look_at_legacy(const struct root *root, struct node_facts *facts, struct error *err) {
    const struct marker *marker = &facts->marker.values;
    struct error reason = {0};
    bool found = false;
    int rc = legacy_modules_are_indexed(root, marker->kernel, marker->driver_version, &found, err);
    if (rc || found)
        return rc ? rc : check_legacy_modules(root, facts, err);
    error_set(&reason, ERROR_DAMAGED, ENOENT,
              "modprobe finds no nvidia module of version %s for %s in %s/", marker->driver_version,
              marker->kernel, root->path);
    note(facts, &facts->policy.damaged, &reason);
    return 0;
}

int node_facts_look_closer(const struct root *root, const struct node_wishes *wishes, bool all,
                           struct node_facts *facts, struct error *err) {
    if (facts->marker.legacy)
        return look_at_legacy(root, facts, err);
    int rc = read_records(root, facts, err);
    if (rc || facts->policy.damaged)
        return rc;
    rc = look_at_symbols(root, facts, err);
    if (!rc)
        rc = look_at_gpus(wishes, facts, err);
    return rc || facts->policy.symvers_differ || facts->policy.gpu_unsupported
               ? rc
               : look_at_layout(root, all, facts, err);
}

void node_facts_release(struct node_facts *facts) {
    node_marker_release(&facts->marker);
    manifest_release(&facts->manifest);
    facts_release(&facts->bake);
}
