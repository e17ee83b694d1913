#include "kmod/system/shared_libraries.h"

#include <stdarg.h>
#include <string.h>

#include "kmod/system/elf_dynamic.h"
#include "kmod/system/elf_image.h"
#include "kmod/system/ld_so_conf.h"
#include "kmod/system/library_path.h"

#define OBJECTS_MAX 512

/* The program, its interpreter, or a library. */
struct object {
    char *name;    /* as it was asked for: "libc.so.6" */
    char *path;    /* inside the root */
    size_t loader; /* who asked for it */
    struct elf_dynamic dynamic;
};

struct closure {
    const struct root *root;
    struct object *objects; /* [0] is the program */
    size_t count;
    struct strlist system_folders; /* ld.so.conf's and the built-in ones */
    struct error *err;
};

static void release_closure(struct closure *closure) {
    for (size_t i = 0; i < closure->count; i++) {
        free(closure->objects[i].name);
        free(closure->objects[i].path);
        elf_dynamic_release(&closure->objects[i].dynamic);
    }
    free(closure->objects);
    strlist_release(&closure->system_folders);
}

static int oom(const struct closure *closure) {
    return error_oom(closure->err, "resolving shared libraries");
}

/* " (Debian package x)" for what prebake's own programs need, else "". */
static const char *package_hint(const char *library) {
    static const struct {
        const char *library;
        const char *hint;
    } packages[] = {
        {"libkmod.so.2", " (Debian package libkmod2)"},
        {"libcrypto.so.3", " (Debian package libssl3)"},
        {"libc.so.6", " (Debian package libc6)"},
        {"ld-linux-x86-64.so.2", " (Debian package libc6)"},
        {"ld-linux-aarch64.so.1", " (Debian package libc6)"},
        {"liblzma.so.5", " (Debian package liblzma5)"},
        {"libzstd.so.1", " (Debian package libzstd1)"},
        {"libz.so.1", " (Debian package zlib1g)"},
        {"libgcc_s.so.1", " (Debian package libgcc-s1)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
        if (!strcmp(packages[i].library, library))
            return packages[i].hint;
    return "";
}

/* Takes over `fd`'s object under that name and path; the closure owns it at once. */
static int add_object(struct closure *closure, int fd, const char *name, const char *path,
                      size_t loader) {
    if (closure->count >= OBJECTS_MAX)
        return error_set(closure->err, ERROR_DAMAGED, E2BIG, "%s needs more than %d libraries",
                         closure->objects[0].path, OBJECTS_MAX);
    struct object *objects = reallocarray(closure->objects, closure->count + 1, sizeof *objects);
    if (!objects)
        return oom(closure);
    closure->objects = objects;
    struct object *object = &objects[closure->count++];
    *object = (struct object){.name = strdup(name), .path = strdup(path), .loader = loader};
    if (!object->name || !object->path)
        return oom(closure);
    return elf_dynamic_read(fd, path, &object->dynamic, closure->err);
}

/* The loaded object that the loader would take for `name`: asked for so, or named so by itself. */
static const struct object *find_loaded(const struct closure *closure, const char *name) {
    for (size_t i = 1; i < closure->count; i++) {
        const struct object *object = &closure->objects[i];
        if (!strcmp(object->name, name) ||
            (object->dynamic.soname && !strcmp(object->dynamic.soname, name)))
            return object;
    }
    return NULL;
}

/* The folder of a path, without the slash unless it is "/". The caller frees. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? strndup(path, (size_t)(slash - path)) : strdup("/");
}

static int add_own_folders(const char *list, const struct object *object, struct strlist *folders) {
    AUTO_FREE char *origin = folder_of(object->path);
    return origin ? library_path_folders(list, origin, folders) : -ENOMEM;
}

/*
 * In the loader's order. DT_RPATH is inherited from those who loaded the object; DT_RUNPATH is its
 * own alone, and an object that has one looks into no DT_RPATH.
 */
static int search_folders(const struct closure *closure, size_t index, struct strlist *folders) {
    const struct object *object = &closure->objects[index];
    if (object->dynamic.runpath)
        return add_own_folders(object->dynamic.runpath, object, folders);
    for (;;) {
        int rc = add_own_folders(object->dynamic.rpath, object, folders);
        if (rc || index == 0)
            return rc;
        index = object->loader;
        object = &closure->objects[index];
    }
}

/* −EAGAIN: nothing there that the loader would take, look on. */
static int try_candidate(struct closure *closure, const char *name, const char *path,
                         size_t loader) {
    struct stat st;
    if (root_stat_following(closure->root, path, &st) || !S_ISREG(st.st_mode))
        return -EAGAIN;
    AUTO_CLOSE int fd = -1;
    int elf_class, machine;
    int rc = root_open_file_following(closure->root, path, &fd, closure->err);
    if (!rc)
        rc = elf_image_kind(fd, path, &elf_class, &machine, closure->err);
    if (rc)
        return rc;
    const struct elf_dynamic *program = &closure->objects[0].dynamic;
    if (elf_class != program->elf_class || machine != program->machine)
        return -EAGAIN;
    return add_object(closure, fd, name, path, loader);
}

static int try_folders(struct closure *closure, const char *name, const struct strlist *folders,
                       size_t loader) {
    int rc = -EAGAIN;
    for (size_t i = 0; rc == -EAGAIN && i < folders->count; i++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s", folders->items[i], name) < 0)
            return oom(closure);
        rc = try_candidate(closure, name, path, loader);
    }
    return rc;
}

/* The start of each sentence. */
static int PRINTF_LIKE(2, 3) fails(const struct closure *closure, const char *fmt, ...) {
    char reason[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    return error_set(closure->err, ERROR_DEPENDENCY, ENOENT, "%s can't start in %s: %s",
                     closure->objects[0].path, *closure->root->path ? closure->root->path : "/",
                     reason);
}

static int load_library(struct closure *closure, size_t index, const char *name) {
    AUTO_STRLIST struct strlist folders = {0};
    int rc = -EAGAIN;
    if (find_loaded(closure, name))
        return 0;
    if (*name == '/')
        rc = try_candidate(closure, name, name, index);
    else if (search_folders(closure, index, &folders))
        return oom(closure);
    if (rc == -EAGAIN && *name != '/')
        rc = try_folders(closure, name, &folders, index);
    if (rc == -EAGAIN && *name != '/')
        rc = try_folders(closure, name, &closure->system_folders, index);
    if (rc != -EAGAIN)
        return rc;
    return fails(closure, "%s needs %s%s, which no library folder there has",
                 closure->objects[index].path, name, package_hint(name));
}

static int load_interpreter(struct closure *closure) {
    const char *path = closure->objects[0].dynamic.interpreter;
    if (!path)
        return 0;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int rc = *path == '/' ? try_candidate(closure, name, path, 0) : -EAGAIN;
    return rc != -EAGAIN ? rc
                         : fails(closure, "its interpreter %s%s is not there or of another machine",
                                 path, package_hint(name));
}

/* The list grows while it is walked: breadth first, as the loader does. */
static int load_all(struct closure *closure) {
    for (size_t i = 0; i < closure->count; i++) {
        for (size_t j = 0; j < closure->objects[i].dynamic.needed.count; j++) {
            int rc = load_library(closure, i, closure->objects[i].dynamic.needed.items[j]);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* A library that defines no versions at all lacks them too: the loader only warns of that, but may
 * end in an assertion at the first symbol. */
static int check_versions(const struct closure *closure, const struct object *object) {
    for (size_t i = 0; i < object->dynamic.need_count; i++) {
        const struct elf_version_need *need = &object->dynamic.needs[i];
        const struct object *library = find_loaded(closure, need->library);
        if (need->weak || !library || strlist_contains(&library->dynamic.versions, need->version))
            continue;
        return fails(closure,
                     "%s needs %s of %s%s, which the one there (%s) does not have: it is older "
                     "than the one it was built with",
                     object->path, need->version, need->library, package_hint(need->library),
                     library->path);
    }
    return 0;
}

static int check(struct closure *closure) {
    const struct elf_dynamic *program = &closure->objects[0].dynamic;
    int rc = ld_so_conf_folders(closure->root, &closure->system_folders, closure->err);
    if (!rc)
        rc = ld_so_conf_builtin_folders(program->elf_class, program->machine,
                                        &closure->system_folders, closure->err);
    if (!rc)
        rc = load_interpreter(closure);
    if (!rc)
        rc = load_all(closure);
    for (size_t i = 0; !rc && i < closure->count; i++)
        rc = check_versions(closure, &closure->objects[i]);
    return rc;
}

int shared_libraries_check(const struct root *root, int program_fd, const char *path,
                           struct error *err) {
    struct closure closure AUTO(release_closure) = {.root = root, .err = err};
    int rc = add_object(&closure, program_fd, path, path, 0);
    return rc ? rc : check(&closure);
}
