/*
 * A file put aside while another stands in its place: a hard link, so that inode, times and
 * attributes come back; a copy with all of them where links can't reach.
 */
#ifndef KMOD_KEPT_FILE_H
#define KMOD_KEPT_FILE_H

#include "base/error.h"

/* Keeps `name` of the directory `place` in the directory `kept`, which has no such name. */
int kept_file_keep(int place, int kept, const char *name, struct error *err) MUST_CHECK;

/*
 * Puts it back over what stands in its place, and nothing of it remains in `kept`. One that is back
 * already (there is none in `kept`) is no error. Killed anywhere and run again it ends the same;
 * what a killed one may leave in `place`, file_remove_temporaries() removes as well.
 */
int kept_file_put_back(int kept, int place, const char *name, struct error *err) MUST_CHECK;

#endif
