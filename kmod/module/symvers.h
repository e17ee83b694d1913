/* Module.symvers: what a kernel and its own modules export, one line a symbol. */
#ifndef KMOD_MODULE_SYMVERS_H
#define KMOD_MODULE_SYMVERS_H

#include "base/error.h"
#include "kmod/module/export_table.h"

struct symvers {
    char *text;                  /* the strings of `exports` are inside */
    struct export_table exports; /* in the file's order, not sorted */
};

/*
 * Parses a copy of `size` bytes of text. ERROR_DAMAGED names the file and the line: fewer than four
 * columns, a CRC that is no number, a kind of export that does not exist.
 */
int symvers_parse(const char *text, size_t size, const char *name, struct symvers *symvers,
                  struct error *err) MUST_CHECK;
void symvers_release(struct symvers *symvers);
#define AUTO_SYMVERS AUTO(symvers_release)

#endif
