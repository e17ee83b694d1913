/*
 * Pairs of files whose contents were found equal. inode and ctime together name one content of one
 * file, as nobody can set a ctime: as long as both of a pair have those of the record, the contents
 * need not be read again.
 */
#ifndef KMOD_COMPARED_FILES_H
#define KMOD_COMPARED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct compared_pair {
    uint64_t inode;
    int64_t ctime_ns;
    uint64_t other_inode;
    int64_t other_ctime_ns;
};

struct compared_files {
    struct compared_pair *items;
    size_t count;
};

/* 0 or −ENOMEM. */
int compared_files_add(struct compared_files *files, const struct compared_pair *pair) MUST_CHECK;

struct compared_pair compared_files_pair(const struct stat *one, const struct stat *other);

/* `files` NULL: none is known. */
bool compared_files_have(const struct compared_files *files, const struct stat *one,
                         const struct stat *other);

/* In the same order. */
bool compared_files_equal(const struct compared_files *one, const struct compared_files *other);

void compared_files_release(struct compared_files *files);
#define AUTO_COMPARED_FILES AUTO(compared_files_release)

#endif
