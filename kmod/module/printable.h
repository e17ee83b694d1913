/* Text out of a file, made fit to show: nothing in it can steer a terminal or break a line. */
#ifndef KMOD_MODULE_PRINTABLE_H
#define KMOD_MODULE_PRINTABLE_H

#define PRINTABLE_MAX 4096 /* bytes of input; what is cut off shows as "..." */

/*
 * A copy in which every byte that is not part of a printable UTF-8 character stands as "\xNN", so
 * that the result is valid UTF-8. The caller frees. NULL when out of memory.
 */
char *printable_copy(const char *text);

#endif
