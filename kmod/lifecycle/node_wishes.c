#include "kmod/lifecycle/node_wishes.h"

#include <string.h>

#include "kmod/lifecycle/legacy_modules.h"

bool node_wishes_managed(const struct node_wishes *wishes) {
    return wishes->gpu_node && !wishes->skip_driver;
}

static int check_given(const struct command_call *call, const char *option, struct error *err) {
    if (command_given(call, option))
        return 0;
    return error_set(err, ERROR_USAGE, EINVAL, "--%s is missing: see 'prebake-node %s --help'",
                     option, call->command->verb);
}

/* The kernel of another root is never guessed: which ones are there is said. */
static int choose_kernel(const struct command_call *call, const struct utsname *system,
                         struct node_wishes *wishes, struct error *err) {
    wishes->kernel = command_value(call, "kernel");
    if (!wishes->kernel && call->root.is_host)
        wishes->kernel = system->release;
    if (wishes->kernel || !node_wishes_managed(wishes))
        return 0;
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = legacy_modules_kernels(&call->root, &kernels, err);
    if (rc)
        return rc;
    AUTO_FREE char *names = strlist_join(&kernels, ", ");
    return error_set(err, ERROR_USAGE, EINVAL,
                     "--kernel is missing: name the kernel that %s/ is going to run (there: %s)",
                     call->root.path, names ? names : "");
}

int node_wishes_read(const struct command_call *call, struct utsname *system,
                     struct node_wishes *wishes, struct error *err) {
    static const char *const always[] = {"gpu-node", "skip-driver"};
    static const char *const managed[] = {"driver-type", "driver-version"};
    int rc = uname(system) ? error_io(err, errno, "can't ask for the running kernel") : 0;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(always); i++)
        rc = check_given(call, always[i], err);
    if (rc)
        return rc;
    const char *arch = command_value(call, "arch"), *sysfs = command_value(call, "sysfs");
    *wishes = (struct node_wishes){
        .gpu_node = !strcmp(command_value(call, "gpu-node"), "true"),
        .skip_driver = !strcmp(command_value(call, "skip-driver"), "true"),
        .driver_type = command_value(call, "driver-type"),
        .driver_version = command_value(call, "driver-version"),
        .arch = arch ? arch : system->machine,
        .sysfs = sysfs                ? sysfs
                 : call->root.is_host ? "/sys"
                                      : NULL,
        .legacy_marker = command_value(call, "legacy-marker"),
    };
    for (size_t i = 0; !rc && node_wishes_managed(wishes) && i < ARRAY_SIZE(managed); i++)
        rc = check_given(call, managed[i], err);
    return rc ? rc : choose_kernel(call, system, wishes, err);
}
