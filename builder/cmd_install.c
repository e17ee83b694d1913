#include "builder/cmd_install.h"

#include <errno.h>

#include "builder/bake_options.h"
#include "builder/bake_run.h"

static int run(struct command_call *call, struct error *err) {
    if (!command_given(call, "bundle"))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--bundle is missing: name a folder that 'prebake build' made");
    return bake_run(call, err);
}

const struct command cmd_install = {
    .verb = "install",
    .summary = "bake a finished bundle into an image",
    .details =
        "Does what bake does with modules that 'prebake build' compiled, here or elsewhere:\n"
        "no compiler is needed. The image's headers must be those that the bundle was built\n"
        "with (exit status 5 when they are not), and the modules are proven again.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"bundle", "DIR", "the folder that build made, or one of a cache", NULL},
            {"source", "SRC", "its source, when the bundle has none with it", NULL},
            BAKE_OPTIONS_PLACING,
            {"dry-run", NULL, "print the steps and change nothing", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
