#include "builder/kept_log.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"

int kept_log_add(const char *log, int rc, struct error *err) {
    char kept[] = "/var/tmp/prebake-make-XXXXXX.log";
    AUTO_CLOSE int in = open(log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0)
        return rc;
    AUTO_CLOSE int out = mkostemps(kept, 4, O_CLOEXEC);
    if (out < 0)
        return rc;
    if (file_copy_fd(in, out, log, NULL)) {
        unlink(kept);
        return rc;
    }
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, " (log: %s)", kept);
    return rc;
}
