#include "test/unit/without_namespaces.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/process.h"

void without_namespaces_enter(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t bit = 1U << CAP_SYS_ADMIN;
    if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) == 0 && syscall(SYS_capget, &header, data) == 0) {
        data[0].effective &= ~bit;
        data[0].permitted &= ~bit;
        if (syscall(SYS_capset, &header, data) == 0)
            return;
    }
    perror("giving up CAP_SYS_ADMIN");
    exit(1);
}

bool without_namespaces_run(const char *argument) {
    const char *const argv[] = {"/proc/self/exe", WITHOUT_NAMESPACES, argument, NULL};
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.argv = argv, .output = &output};
    struct process_result result = {.exit_status = -1};
    struct error err = {0};
    if (process_run(&spec, &result, &err))
        fprintf(stderr, "%s\n", err.text);
    if (result.exit_status != 0)
        fprintf(stderr, "%s\n", buffer_string(&output));
    return result.exit_status == 0;
}
