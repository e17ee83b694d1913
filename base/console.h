/*
 * The programs' log sink: messages go to standard error, each on a line. On a terminal a progress
 * message overwrites the one before; elsewhere progress is dropped and steps stay plain lines.
 */
#ifndef BASE_CONSOLE_H
#define BASE_CONSOLE_H

#include <stdbool.h>

void console_install(const char *program);
void console_set_verbose(bool verbose);
/* Prints what ended the program. */
void console_error(const char *sentence);
/* Ends a progress line that is still open. */
void console_finish(void);

#endif
