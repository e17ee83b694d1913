#include "kmod/module/module_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kmod/module/signature.h"

static int damaged(struct error *err, const char *name, const char *why) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s %s", name, why);
}

static int check_size(int fd, const char *name, struct error *err) {
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s", name);
    if (!S_ISREG(st.st_mode))
        return damaged(err, name, "is not a regular file, so it is no kernel module");
    if (st.st_size == 0)
        return damaged(err, name, "is empty");
    if ((size_t)st.st_size > MODULE_FILE_MAX)
        return damaged(err, name, "is larger than 512 MiB");
    return 0;
}

/* The packed bytes become the content: unpacked when they are compressed, else as they are. */
static int fill_content(struct module_file *file, struct buffer *packed, struct error *err) {
    file->compression = compression_detect(packed->data, packed->size);
    file->packed_size = packed->size;
    compression_describe(file->compression, packed->data, packed->size, &file->packing);
    if (file->compression == COMPRESSION_NONE) {
        file->content = *packed;
        *packed = (struct buffer){0};
        return 0;
    }
    return compression_unpack(file->compression, packed->data, packed->size, MODULE_FILE_MAX,
                              file->name, &file->content, err);
}

static int unpack(struct module_file *file, struct buffer *packed, struct error *err) {
    int rc = fill_content(file, packed, err);
    if (rc)
        return rc;
    if (file->content.size < 4 || memcmp(file->content.data, "\177ELF", 4))
        return damaged(err, file->name, "is not a kernel module (no ELF object)");
    rc = signature_find(file->content.data, file->content.size, &file->elf_size, err);
    return rc ? error_wrap(err, rc, "%s", file->name) : 0;
}

int module_file_take(struct buffer *packed, const char *name, struct module_file *file,
                     struct error *err) {
    *file = (struct module_file){.name = strdup(name)};
    int rc = file->name ? unpack(file, packed, err) : error_oom(err, "reading a module");
    buffer_release(packed);
    if (rc)
        module_file_release(file);
    return rc;
}

int module_file_read_fd(int fd, const char *name, struct module_file *file, struct error *err) {
    *file = (struct module_file){0};
    int rc = check_size(fd, name, err);
    if (rc)
        return rc;
    AUTO_BUFFER struct buffer packed = {0};
    rc = file_read_fd(fd, name, MODULE_FILE_MAX, &packed, err);
    return rc ? rc : module_file_take(&packed, name, file, err);
}

int module_file_read(const char *path, struct module_file *file, struct error *err) {
    *file = (struct module_file){0};
    /* O_NONBLOCK: opening a fifo must not wait for a writer. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_io(err, errno, "can't open the module %s", path);
    return module_file_read_fd(fd, path, file, err);
}

void module_file_release(struct module_file *file) {
    free(file->name);
    buffer_release(&file->content);
    *file = (struct module_file){0};
}
