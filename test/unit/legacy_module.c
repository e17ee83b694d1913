#include "test/unit/legacy_module.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/scratch_root.h"

void legacy_module_make(const struct root *root, const char *path, const char *version,
                        const char *build_id) {
    AUTO_BUFFER struct buffer source = {0};
    AUTO_FREE char *object = NULL, *id = NULL;
    static const char section[] = "__attribute__((section(\".modinfo\"), used))";
    const char *output = scratch_root_host(root, path);
    if (asprintf(&object, "%s.o", path) < 0 ||
        asprintf(&id, "--build-id=%s%s", build_id ? "0x" : "none", build_id ? build_id : "") < 0 ||
        buffer_printf(&source, "const char licence[] %s = \"license=GPL\";\n", section) ||
        (version &&
         buffer_printf(&source, "const char version[] %s = \"version=%s\";\n", section, version)))
        abort();
    const char *arguments[] = {"-c", "-x", "c", NULL};
    scratch_root_compile(root, object, buffer_string(&source), arguments);
    scratch_root_run("ld", "-r", id, "-o", output, scratch_root_host(root, object), NULL);
    unlink(scratch_root_host(root, object));
}
