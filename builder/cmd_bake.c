#include "builder/cmd_bake.h"

#include "builder/bake_options.h"
#include "builder/bake_run.h"

const struct command cmd_bake = {
    .verb = "bake",
    .summary = "compile modules for an image's kernel and install them into it",
    .details = "Compiles the modules of a DKMS source against the image's kernel headers, proves\n"
               "that they will load there, signs and compresses them, installs and indexes them,\n"
               "registers them with DKMS, and leaves a manifest and a marker for prebake-node.\n"
               "With --userspace, the driver's programs, libraries, firmware and configuration\n"
               "are placed, too, from a directory laid out as they stand in the image; nothing\n"
               "that is there is overwritten, and all must be of the modules' version.\n"
               "A failed bake leaves the image as it was.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            BAKE_OPTIONS_COMPILING,
            BAKE_OPTIONS_PLACING,
            {"dry-run", NULL, "print the steps and change nothing", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = bake_run,
};
