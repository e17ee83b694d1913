#include "builder/node_program.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/shared_libraries.h"

#define PROGRAM_MAX (64UL << 20)

/* The folder of the running program, so that a build tree uses its own. */
static int beside_us(char **path) {
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0)
        return -errno;
    self[size] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return -ENOENT;
    *slash = '\0';
    return asprintf(path, "%s/prebake-node", self) < 0 ? -ENOMEM : 0;
}

static int open_program(struct error *err) {
    AUTO_FREE char *beside = NULL;
    if (beside_us(&beside))
        beside = NULL;
    const char *const places[] = {beside, NODE_PROGRAM_PATH};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        int fd = places[i] ? open(places[i], O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0)
            return fd;
    }
    return error_set(err, ERROR_DEPENDENCY, ENOENT,
                     "prebake-node is neither beside prebake nor at " NODE_PROGRAM_PATH
                     ": it has to be put into every image that carries a bake");
}

/* The same bytes that nobody may run, or that somebody else may change, are not it. */
static bool is_same(const struct root *root, const struct buffer *content) {
    AUTO_BUFFER struct buffer there = {0};
    struct stat st;
    return root_stat(root, NODE_PROGRAM_PATH, &st) == 0 && st.st_mode == (S_IFREG | 0755) &&
           st.st_uid == 0 && file_read(root, NODE_PROGRAM_PATH, PROGRAM_MAX, &there, NULL) == 0 &&
           there.size == content->size && !memcmp(there.data, content->data, there.size);
}

static void look_at_place(const struct root *root, struct node_program *program) {
    program->existed = root_exists(root, NODE_PROGRAM_PATH);
    program->in_place = is_same(root, &program->content);
}

int node_program_find(const struct root *root, struct node_program *program, struct error *err) {
    *program = (struct node_program){0};
    AUTO_CLOSE int fd = open_program(err);
    if (fd < 0)
        return fd;
    AUTO_FREE char *place = NULL;
    int rc = root_resolve_place(root, NODE_PROGRAM_PATH, &place, NULL, err);
    if (!rc)
        rc = shared_libraries_check(root, fd, "prebake-node", err);
    if (!rc)
        rc = file_read_fd(fd, "prebake-node", PROGRAM_MAX, &program->content, err);
    look_at_place(root, program);
    return rc;
}

int node_program_install(const struct root *root, struct node_program *program, struct error *err) {
    /* Another bake may have put it there since. */
    look_at_place(root, program);
    if (program->in_place)
        return 0;
    program->published = true;
    struct file_meta meta = FILE_META_DEFAULT;
    meta.mode = 0755;
    int rc = file_remove_temporaries(root, NODE_PROGRAM_FOLDER, NODE_PROGRAM_NAME, err);
    if (rc)
        return rc;
    return file_publish(root, NODE_PROGRAM_PATH, program->content.data, program->content.size,
                        &meta, err);
}

int node_program_take_back(const struct root *root, const struct node_program *program,
                           struct error *err) {
    return program->existed || !program->published ? 0 : file_remove(root, NODE_PROGRAM_PATH, err);
}

void node_program_release(struct node_program *program) {
    buffer_release(&program->content);
}
