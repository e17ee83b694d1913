#include "kmod/system/index_switch.h"

#include <string.h>

#include "kmod/system/index_files.h"
#include "kmod/system/index_tree.h"

bool index_switch_possible(const struct root *root, const struct index_store *paths,
                           const struct index_folders *folders, const struct module_index *index) {
    size_t back = 0;
    for (size_t i = 0; i < index->count; i++) {
        const struct module_index_file *file = &index->files[i];
        bool is_back = index_files_back(folders, file);
        if (!is_back && (!index_files_in_place(folders, file) || !index_files_kept(folders, file)))
            return false;
        back += is_back;
    }
    return back == index->count || index_tree_unchanged(root, paths);
}

int index_switch_each(const struct module_index *index, bool dependencies_first,
                      index_switch_step step, void *context, struct error *err) {
    int rc = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; !rc && i < index->count; i++) {
            bool is_it = !strcmp(index->files[i].name, INDEX_DEPENDENCIES);
            if ((is_it == dependencies_first) == (pass == 0))
                rc = step(context, &index->files[i], err);
        }
    return rc;
}
