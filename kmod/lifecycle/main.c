/* prebake-node: the node side. */
#include "kmod/lifecycle/cmd_activate.h"
#include "kmod/lifecycle/cmd_audit.h"
#include "kmod/lifecycle/cmd_deregister.h"
#include "kmod/lifecycle/cmd_park.h"
#include "kmod/lifecycle/cmd_reconcile.h"
#include "kmod/lifecycle/cmd_status.h"
#include "kmod/lifecycle/cmd_teardown.h"

static const struct command *const commands[] = {
    &cmd_reconcile,  &cmd_activate, &cmd_park,  &cmd_teardown,
    &cmd_deregister, &cmd_status,   &cmd_audit, NULL};

int main(int argc, char **argv) {
    const struct command_program program = {
        .name = "prebake-node",
        .purpose = "use or erase the kernel modules baked into this system",
        .examples = "  prebake-node reconcile --gpu-node=true --skip-driver=false \\\n"
                    "      --driver-type=cuda --driver-version=580.126.09\n"
                    "  prebake-node status\n"
                    "  prebake-node teardown\n",
        .commands = commands,
    };
    return command_main(&program, argc, argv);
}
