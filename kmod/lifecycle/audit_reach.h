/* Ways from the rest of the system into the private store, which is to be out of everybody's reach:
 * folders and links that lead there, however many links are between. */
#ifndef KMOD_AUDIT_REACH_H
#define KMOD_AUDIT_REACH_H

#include "kmod/lifecycle/audit_subject.h"

/* Whether the path leads into the state folder, or would if all on its way were there. */
bool audit_reach_store(const struct root *root, const char *path);

/* Reports of each folder whether it leads into the state folder, or which of its links do. One that
 * is not there, or that is another one by a link, is passed over. */
int audit_reach_folders(const struct audit_subject *subject, const char *check,
                        const struct strlist *folders, struct error *err) MUST_CHECK;

#endif
