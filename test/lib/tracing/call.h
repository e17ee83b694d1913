/* The system calls that change something: which they are, when one counts, what it names. */
#ifndef TEST_CALL_H
#define TEST_CALL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/user.h>

struct call;

/* From here on this process and its children stop for their tracer at the calls of the table. */
void call_install_filter(void);

/* The call that a stopped process is about to make; NULL for others than those of the table. */
const struct call *call_find(const struct user_regs_struct *regs);

const char *call_name(const struct call *call);

/*
 * Whether it changes something: opening to read does not, nor does writing to a pipe, nor closing
 * what was only read.
 */
bool call_counts(pid_t pid, const struct call *call, const struct user_regs_struct *regs);

/* Prints the paths that the call names, with a tab between two. */
void call_print_names(FILE *file, pid_t pid, const struct call *call,
                      const struct user_regs_struct *regs);

#endif
