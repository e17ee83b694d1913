#include "toolchain/confine_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define OTHER_ABI 0x40000000 /* x32 shares the architecture's number and sets this bit */
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define OTHER_ABI 0x80000000
#else
#error "the system call filter knows x86_64 and aarch64"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_IF_EQUAL(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (count), 0)
#define SKIP_UNLESS_EQUAL(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define SKIP_UNLESS_SET(bits, count) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, (count))
#define FAIL(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int confine_filter_install(void) {
    /* The family is the low half of a 64-bit argument: the first word on little-endian machines. */
    struct sock_filter code[] = {
        LOAD(arch),
        SKIP_IF_EQUAL(NATIVE_ARCH, 1),
        FAIL(ENOSYS),
        LOAD(nr),
        SKIP_UNLESS_SET(OTHER_ABI, 1),
        FAIL(ENOSYS),
        SKIP_UNLESS_EQUAL(SYS_io_uring_setup, 1),
        FAIL(ENOSYS),
        SKIP_IF_EQUAL(SYS_socket, 1),
        ALLOW,
        LOAD(args[0]),
        SKIP_IF_EQUAL(AF_UNIX, 1),
        FAIL(EAFNOSUPPORT),
        ALLOW,
    };
    struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}
