/* prebake: the image-build side. */
#include "builder/cmd_bake.h"
#include "builder/cmd_build.h"
#include "builder/cmd_inspect.h"
#include "builder/cmd_install.h"
#include "builder/cmd_seal.h"
#include "builder/cmd_sign.h"
#include "builder/cmd_verify.h"
#include "kmod/lifecycle/cmd_audit.h"
#include "kmod/system/unpacker_library.h"

static const struct command *const commands[] = {
    &cmd_bake,   &cmd_build, &cmd_install, &cmd_seal, &cmd_audit,
    &cmd_verify, &cmd_sign,  &cmd_inspect, NULL,
};

int main(int argc, char **argv) {
    const struct command_program program = {
        .name = "prebake",
        .purpose = "bake kernel modules into system images",
        .examples = "  prebake bake --root /mnt/image --kernel 6.1.0-47-cloud-amd64 \\\n"
                    "      --source nvidia-open-kernel-dkms_535.261.03-1_amd64.deb\n"
                    "  prebake verify --kernel 6.1.0-47-cloud-amd64 nvidia.ko\n",
        .commands = commands,
    };
    unpacker_use(&unpacker_library);
    return command_main(&program, argc, argv);
}
