#include "toolchain/dkms_conf_eval.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/tree.h"
#include "toolchain/build_user.h"
#include "toolchain/workplace.h"

#define VIEW_NAME "prebake-source"
#define TIME_LIMIT "30" /* seconds */
#define TIMED_OUT 137   /* 128 + SIGKILL */

struct dkms_conf_view {
    struct confine_spec confine;
    struct workplace copy;
    char *inside; /* the tree's path for the evaluation */
    char *source_dir;
};

/*
 * Each argument is a file to read. Standard output goes nowhere while they are read, as with dkms;
 * what they say on standard error comes first in our output, the values after it.
 *
 * A value that dkms reads goes through a second evaluation, between double quotes and with its
 * white space collapsed: MAKE='make K=$kernelver' means what it says.
 */
static const char READ_FILES[] =
    "exec {_prebake_out}>&1 >/dev/null\n"
    "declare -A _prebake_before\n"
    "for _prebake_name in $(compgen -v); do _prebake_before[$_prebake_name]=1; done\n"
    "for _prebake_file; do [[ -e $_prebake_file ]] && . \"$_prebake_file\"; done\n"
    "exec 2>/dev/null\n"
    "set +eu -f\n"
    "IFS=$' \\t\\n'\n"
    "printf '\\0' >&$_prebake_out\n"
    "for _prebake_name in $(compgen -v); do\n"
    "    [[ $_prebake_name == [A-Z]* && ! ${_prebake_before[$_prebake_name]} ]] || continue\n"
    "    [[ $_prebake_name == CONFIG_* ]] && continue\n" /* a kernel's .config, read by it */
    "    declare -n _prebake_value=$_prebake_name\n"
    "    for _prebake_index in \"${!_prebake_value[@]}\"; do\n"
    "        _prebake_words=(${_prebake_value[$_prebake_index]})\n"
    "        _prebake_text=\n"
    "        eval \"_prebake_text=\\\"${_prebake_words[*]}\\\"\"\n"
    "        printf '%s\\0' $_prebake_name $_prebake_index \"$_prebake_text\" >&$_prebake_out\n"
    "    done\n"
    "done\n"
    "printf '\\0' >&$_prebake_out\n";

static bool is_open_to_all(int dir) {
    struct stat folder, conf;
    return !fstat(dir, &folder) && !fstatat(dir, "dkms.conf", &conf, 0) &&
           (folder.st_mode & 05) == 05 && (conf.st_mode & 04);
}

/* Links are allowed, dkms follows them too; the confinement bounds where they lead. */
static int check_has_conf(int dir, const char *source_dir, struct error *err) {
    if (faccessat(dir, "dkms.conf", F_OK, AT_SYMLINK_NOFOLLOW))
        return error_set(err, ERROR_DAMAGED, errno, "%s has no dkms.conf", source_dir);
    return 0;
}

static int show_in_place(struct dkms_conf_view *view, struct error *err) {
    view->confine.source_dir = view->source_dir;
    if (asprintf(&view->inside, "%s/" VIEW_NAME, workplace_dkms_tree()) < 0)
        return error_oom(err, "reading dkms.conf");
    view->confine.source_mount = view->inside;
    return 0;
}

static int show_copy(struct dkms_conf_view *view, int dir, struct error *err) {
    struct workplace *copy = &view->copy;
    int rc = workplace_open(NULL, VIEW_NAME, copy, err);
    if (!rc)
        rc = tree_copy(dir, copy->parent, copy->name, err);
    if (!rc)
        rc = build_user_give(copy->path, err);
    if (rc)
        return error_wrap(err, rc, "can't copy %s", view->source_dir);
    view->confine.build_dir = copy->path;
    view->confine.build_mount = copy->inside;
    view->inside = strdup(copy->inside);
    return view->inside ? 0 : error_oom(err, "reading dkms.conf");
}

int dkms_conf_view_open(const struct root *root, const char *source_dir,
                        struct dkms_conf_view **view, struct error *err) {
    AUTO_CLOSE int dir = open(source_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_io(err, errno, "can't open %s", source_dir);
    int rc = check_has_conf(dir, source_dir, err);
    if (rc)
        return rc;
    AUTO_DKMS_CONF_VIEW struct dkms_conf_view *made = calloc(1, sizeof *made);
    if (!made)
        return error_oom(err, "reading dkms.conf");
    made->copy = (struct workplace)WORKPLACE_INIT;
    made->confine.root = root;
    made->source_dir = strdup(source_dir);
    if (!made->source_dir)
        return error_oom(err, "reading dkms.conf");
    if (confine_has_namespaces() && is_open_to_all(dir))
        rc = show_in_place(made, err);
    else
        rc = show_copy(made, dir, err);
    if (!rc)
        *view = STEAL(made);
    return rc;
}

void dkms_conf_view_close(struct dkms_conf_view **view) {
    if (!*view)
        return;
    workplace_close(&(*view)->copy);
    free((*view)->inside);
    free((*view)->source_dir);
    free(*view);
    *view = NULL;
}

static int list_files(const struct dkms_conf_view *view, const struct dkms_shell *shell,
                      struct strlist *files) {
    const char *module = shell->module, *version = shell->module_version;
    int rc = strlist_addf(files, "%s/dkms.conf", view->inside);
    if (rc || !*module)
        return rc;
    rc = strlist_addf(files, "/etc/dkms/%s.conf", module);
    if (!rc)
        rc = strlist_addf(files, "/etc/dkms/%s-%s.conf", module, version);
    if (!rc)
        rc = strlist_addf(files, "/etc/dkms/%s-%s-%s.conf", module, version, shell->release);
    if (!rc)
        rc = strlist_addf(files, "/etc/dkms/%s-%s-%s-%s.conf", module, version, shell->release,
                          shell->machine);
    return rc;
}

int dkms_conf_eval(const struct dkms_conf_view *view, const struct dkms_shell *shell,
                   struct dkms_values *values, struct error *err) {
    AUTO_STRLIST struct strlist files = {0};
    if (list_files(view, shell, &files))
        return error_oom(err, "reading dkms.conf");
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.output = &output};
    struct dkms_shell limited = *shell;
    if (!limited.time_limit)
        limited.time_limit = TIME_LIMIT;
    struct process_result result;
    int rc = dkms_shell_run(&limited, &view->confine, READ_FILES, (const char *const *)files.items,
                            &spec, &result, err);
    if (rc)
        return rc;
    if (result.exit_status == TIMED_OUT)
        return error_set(err, ERROR_DAMAGED, ETIMEDOUT,
                         "%s/dkms.conf does not end: it was stopped after %s seconds",
                         view->source_dir, limited.time_limit);
    AUTO_FREE char *name = NULL;
    if (asprintf(&name, "%s/dkms.conf", view->source_dir) < 0)
        return error_oom(err, "reading dkms.conf");
    return dkms_values_parse(&output, name, values, err);
}
