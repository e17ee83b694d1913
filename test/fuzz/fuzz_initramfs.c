/*
 * Arbitrary bytes as an initramfs image, every file in it read, packed modules unpacked. For
 * libFuzzer:
 *
 *     clang -fsanitize=fuzzer,address,undefined … test/fuzz/fuzz_initramfs.c
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "kmod/system/build_id_search.h"
#include "kmod/system/initramfs_image.h"
#include "kmod/system/unpacker_library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct build_id_search search;

/* Half of the files as they are, half unpacked; each path has its NUL inside its bounds. */
static int visit(void *context, struct cpio_entry *entry, struct error *err) {
    unsigned *count = context;
    bool found = false;
    if (strnlen(entry->path, 4097) > 4096)
        abort();
    if ((*count)++ % 2)
        return build_id_search_run(&search, cpio_entry_read, entry, &found, err);
    AUTO_UNPACKER struct unpacker *unpacker = NULL;
    struct error reason = {0};
    if (!unpacker_open(&unpacker, cpio_entry_read, entry, entry->path, &reason) &&
        build_id_search_run(&search, unpacker_read, unpacker, &found, &reason) &&
        reason.kind != ERROR_DAMAGED)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_CLOSE int fd = memfd_create("initramfs", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, data, size))
        abort();
    if (!search.count && build_id_search_add(&search, "00112233445566778899aabbccddeeff01234567"))
        abort();
    unpacker_use(&unpacker_library);
    signal(SIGPIPE, SIG_IGN); /* as filter.h wants it: programs unpack what the library does not */
    unsigned count = 0;
    struct error err = {0};
    if (initramfs_image_walk(fd, "initramfs", visit, &count, &err) && err.kind != ERROR_DAMAGED)
        abort();
    return 0;
}
