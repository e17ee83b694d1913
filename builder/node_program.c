#include "builder/node_program.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/shared_libraries.h"

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
    const char *const places[] = {beside, NODE_PLACE_PATH};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        int fd = places[i] ? open(places[i], O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0)
            return fd;
    }
    return error_set(err, ERROR_DEPENDENCY, ENOENT,
                     "prebake-node is neither beside prebake nor at " NODE_PLACE_PATH
                     ": it has to be put into every image that carries a bake");
}

/* The same bytes that nobody may run, or that somebody else may change, are not it. */
static bool is_same(const struct root *root, const struct buffer *content) {
    AUTO_BUFFER struct buffer there = {0};
    struct stat st;
    return root_stat(root, NODE_PLACE_PATH, &st) == 0 && st.st_mode == (S_IFREG | 0755) &&
           st.st_uid == 0 &&
           file_read(root, NODE_PLACE_PATH, NODE_PLACE_SIZE_MAX, &there, NULL) == 0 &&
           there.size == content->size && !memcmp(there.data, content->data, there.size);
}

static int refuse_package(const struct root *root, struct error *err) {
    bool packaged;
    int rc = node_place_is_packaged(root, &packaged, err);
    if (rc || !packaged)
        return rc;
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "%s" NODE_PLACE_PATH " belongs to a package of that system and is not the one "
                     "of this prebake (" PREBAKE_VERSION "): install the package of this version "
                     "there, or remove it",
                     root->path);
}

static int look_at_place(const struct root *root, struct node_program *program, struct error *err) {
    program->existed = root_exists(root, NODE_PLACE_PATH);
    program->in_place = is_same(root, &program->content);
    return program->existed && !program->in_place ? refuse_package(root, err) : 0;
}

int node_program_find(const struct root *root, struct node_program *program, struct error *err) {
    *program = (struct node_program){0};
    AUTO_CLOSE int fd = open_program(err);
    if (fd < 0)
        return fd;
    AUTO_FREE char *place = NULL;
    int rc = root_resolve_place(root, NODE_PLACE_PATH, &place, NULL, err);
    if (!rc)
        rc = shared_libraries_check(root, fd, "prebake-node", err);
    if (!rc)
        rc = file_read_fd(fd, "prebake-node", NODE_PLACE_SIZE_MAX, &program->content, err);
    return rc ? rc : look_at_place(root, program, err);
}

int node_program_install(const struct root *root, struct node_program *program, struct error *err) {
    /* Another bake may have put it there since. */
    int rc = look_at_place(root, program, err);
    if (rc || program->in_place)
        return rc;
    program->published = true;
    struct file_meta meta = FILE_META_DEFAULT;
    meta.mode = 0755;
    rc = file_remove_temporaries(root, NODE_PLACE_FOLDER, NODE_PLACE_NAME, err);
    if (rc)
        return rc;
    return file_publish(root, NODE_PLACE_PATH, program->content.data, program->content.size, &meta,
                        err);
}

int node_program_take_back(const struct root *root, const struct node_program *program,
                           struct error *err) {
    return program->existed || !program->published ? 0 : file_remove(root, NODE_PLACE_PATH, err);
}

void node_program_release(struct node_program *program) {
    buffer_release(&program->content);
}
