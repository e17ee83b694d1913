/*
 * pack-modules FOLDER THREADS MODULE…: compresses modules with zstd as a bake does, so many at a
 * time, to files of the folder. What a bake proves of them afterwards is left out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/workers.h"
#include "kmod/module/compression.h"
#include "kmod/module/module_file.h"

static int write_packed(const char *folder, const char *module, const struct buffer *packed,
                        struct error *err) {
    AUTO_FREE char *path = NULL;
    const char *slash = strrchr(module, '/');
    if (asprintf(&path, "%s/%s.zst", folder, slash ? slash + 1 : module) < 0)
        return error_oom(err, module);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int rc = fd < 0 ? -errno : file_write_all(fd, packed->data, packed->size);
    return rc ? error_io(err, -rc, "can't write %s", path) : 0;
}

static int pack(void *context, size_t index, struct error *err) {
    char **arguments = context; /* FOLDER THREADS MODULE… */
    AUTO_MODULE_FILE struct module_file file = {0};
    AUTO_BUFFER struct buffer packed = {0};
    const char *module = arguments[2 + index];
    int rc = module_file_read(module, &file, err);
    if (!rc)
        rc = compression_pack(COMPRESSION_ZSTD, file.content.data, file.content.size, &packed, err);
    return rc ? rc : write_packed(arguments[0], module, &packed, err);
}

int main(int argc, char **argv) {
    struct error err = {0};
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (threads == 0 || workers_run((size_t)argc - 3, threads, pack, argv + 1, &err)) {
        fprintf(stderr, "pack-modules: %s\n",
                threads ? err.text : "usage: FOLDER THREADS MODULE...");
        return 1;
    }
    return 0;
}
