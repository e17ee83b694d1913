#include "kmod/system/index_files.h"

#include <string.h>

#include "base/timestamp.h"
#include "kmod/system/same_content.h"

static int add(struct module_index *index, const char *name) {
    struct module_index_file *files =
        reallocarray(index->files, index->count + 1, sizeof *index->files);
    if (!files)
        return -ENOMEM;
    index->files = files;
    files[index->count] = (struct module_index_file){.name = strdup(name)};
    return files[index->count].name ? (index->count++, 0) : -ENOMEM;
}

int index_files_fill(const struct root *root, const struct index_store *paths,
                     struct module_index *index, struct error *err) {
    AUTO_KEYVALUE struct keyvalue note = {0};
    AUTO_INDEX_FOLDERS struct index_folders folders;
    index_files_forget(index);
    int rc = index_folders_open(root, paths, &folders, err);
    if (!rc)
        rc = index_store_read_note(root, paths, &note, err);
    for (size_t i = 0; !rc && i < note.keys.count; i++) {
        if (add(index, note.keys.items[i]))
            return error_oom(err, "recording an index");
        struct module_index_file *file = &index->files[i];
        struct stat st;
        file->without_present = !strcmp(note.values.items[i], INDEX_KEPT);
        if (file->without_present && !index_folders_stat(folders.without, file->name, &st))
            file->without_mtime_ns = timestamp_ns(st.st_mtim);
    }
    return rc;
}

int index_files_fill_parked(const struct index_folders *folders, const struct strlist *names,
                            struct module_index *index, struct error *err) {
    index_files_forget(index);
    for (size_t i = 0; i < names->count; i++) {
        if (add(index, names->items[i]))
            return error_oom(err, "recording an index");
        struct module_index_file *file = &index->files[i];
        struct stat st;
        file->without_present = !index_folders_stat(folders->place, file->name, &st);
        if (file->without_present)
            file->without_mtime_ns = timestamp_ns(st.st_mtim);
    }
    index_files_record_parked(folders, index);
    return 0;
}

void index_files_record_parked(const struct index_folders *folders, struct module_index *index) {
    for (size_t i = 0; i < index->count; i++) {
        struct module_index_file *file = &index->files[i];
        struct stat st;
        bool present = !index_folders_stat(folders->place, file->name, &st);
        file->inode = present ? st.st_ino : 0;
        file->ctime_ns = present ? timestamp_ns(st.st_ctim) : 0;
    }
}

int index_files_record(const struct root *root, const struct index_store *paths,
                       struct module_index *index, struct error *err) {
    AUTO_INDEX_FOLDERS struct index_folders folders;
    int rc = index_folders_open(root, paths, &folders, err);
    for (size_t i = 0; !rc && i < index->count; i++) {
        struct stat st;
        rc = index_folders_stat(folders.place, index->files[i].name, &st);
        if (rc)
            return error_io(err, -rc, "can't look at %s%s/%s", root->path, paths->kernel_dir,
                            index->files[i].name);
        index->files[i].inode = st.st_ino;
        index->files[i].ctime_ns = timestamp_ns(st.st_ctim);
    }
    return rc;
}

const struct module_index_file *index_files_find(const struct module_index *index,
                                                 const char *name) {
    for (size_t i = 0; i < index->count; i++)
        if (!strcmp(index->files[i].name, name))
            return &index->files[i];
    return NULL;
}

bool index_files_in_place(const struct index_folders *folders,
                          const struct module_index_file *file) {
    struct stat st;
    return !index_folders_stat(folders->place, file->name, &st) && st.st_ino == file->inode &&
           timestamp_ns(st.st_ctim) == file->ctime_ns;
}

bool index_files_any(const struct index_folders *folders, const struct module_index *index) {
    struct stat st;
    for (size_t i = 0; i < index->count; i++)
        if (!index_folders_stat(folders->place, index->files[i].name, &st))
            return true;
    return false;
}

/* Whether the file of that name in the folder has the time of the kept one. */
static bool has_time(int folder, const struct module_index_file *file, struct stat *st) {
    return !index_folders_stat(folder, file->name, st) &&
           (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) &&
           timestamp_ns(st->st_mtim) == file->without_mtime_ns;
}

/*
 * Whether it is "without" that is in place, and not in the store, where both have its time: an
 * image's build may give all files one. Either way is right where their bytes are the same.
 */
static bool is_the_one_in_place(const struct index_folders *folders,
                                const struct module_index_file *file, const struct stat *kept) {
    struct error ignored = {0};
    bool same = false;
    return kept->st_ino == file->inode ||
           (!same_content(folders->place, file->name, folders->without, file->name, &same,
                          &ignored) &&
            same);
}

bool index_files_back(const struct index_folders *folders, const struct module_index_file *file) {
    struct stat st;
    if (!file->without_present)
        return index_folders_stat(folders->place, file->name, &st) != 0;
    return has_time(folders->place, file, &st) &&
           (!has_time(folders->without, file, &st) || is_the_one_in_place(folders, file, &st));
}

bool index_files_kept(const struct index_folders *folders, const struct module_index_file *file) {
    struct stat st;
    return !file->without_present || has_time(folders->without, file, &st);
}

void index_files_forget(struct module_index *index) {
    for (size_t i = 0; i < index->count; i++)
        free(index->files[i].name);
    free(index->files);
    index->files = NULL;
    index->count = 0;
}
