/*
 * replay-writes LOG             prints how many points a disk's life has
 * replay-writes LOG IMAGE N     makes IMAGE, the disk before the log, the disk at its Nth point
 *
 * LOG is what qemu's blklogwrites writes, in the format of Linux' dm-log-writes target. All numbers
 * are little-endian:
 *
 *     sector 0      magic u64 | version u64 | number of entries u64 | bytes of a sector u32
 *     an entry      sector u64 | count u64 | flags u64 | unused u64     in a sector of its own
 *                   count sectors of data, unless it is a discard
 *
 * A point is a flush, or a write past the cache (FUA): what was written up to there is on the disk
 * whatever happens to the power.
 */
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x6a736677736872ULL
#define VERSION 1
#define FLUSH 1
#define FUA 2
#define DISCARD 4

struct log {
    const uint8_t *data;
    size_t size;
    size_t sector_size;
    uint64_t entries;
};

struct entry {
    uint64_t sector, count, flags;
    const uint8_t *data;
    size_t size; /* of the data */
};

static uint64_t number(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static struct log log_open(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        err(1, "%s", path);
    if (st.st_size < 512)
        errx(1, "%s: no log", path);
    struct log log = {.size = (size_t)st.st_size};
    log.data = mmap(NULL, log.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (log.data == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    log.entries = number(log.data + 16);
    log.sector_size = (uint32_t)number(log.data + 24);
    if (number(log.data) != MAGIC || number(log.data + 8) != VERSION || log.sector_size < 512)
        errx(1, "%s: not a log of this version", path);
    return log;
}

/* Reads the entry at *offset and moves on to the next. */
static struct entry next_entry(const struct log *log, size_t *offset) {
    if (log->size - *offset < log->sector_size)
        errx(1, "the log is cut off");
    const uint8_t *at = log->data + *offset;
    struct entry entry = {.sector = number(at), .count = number(at + 8), .flags = number(at + 16)};
    *offset += log->sector_size;
    if (entry.flags & DISCARD || entry.count == 0)
        return entry;
    if (entry.count > (log->size - *offset) / log->sector_size)
        errx(1, "the log is cut off");
    entry.data = log->data + *offset;
    entry.size = entry.count * log->sector_size;
    *offset += entry.size;
    return entry;
}

/* A discarded block reads as anything: zeros are what most disks give. */
static void apply(const struct log *log, const struct entry *entry, int image) {
    off_t begin = (off_t)(entry->sector * log->sector_size);
    off_t length = (off_t)(entry->count * log->sector_size);
    if (entry->flags & DISCARD && length > 0 &&
        fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, length))
        err(1, "can't discard");
    if (entry->size && pwrite(image, entry->data, entry->size, begin) != (ssize_t)entry->size)
        err(1, "can't write the image");
}

/* Goes through the log up to a point; `image` −1 is none. The number of points passed. */
static unsigned long replay(const struct log *log, int image, unsigned long until) {
    unsigned long points = 0;
    size_t offset = log->sector_size;
    for (uint64_t i = 0; i < log->entries && points < until; i++) {
        struct entry entry = next_entry(log, &offset);
        if (image >= 0)
            apply(log, &entry, image);
        points += (entry.flags & (FLUSH | FUA)) != 0;
    }
    return points;
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 4)
        errx(2, "usage: replay-writes LOG [IMAGE N]");
    struct log log = log_open(argv[1]);
    if (argc == 2) {
        printf("%lu\n", replay(&log, -1, -1UL));
        return 0;
    }
    unsigned long wanted = strtoul(argv[3], NULL, 10);
    int image = open(argv[2], O_WRONLY | O_CLOEXEC);
    if (image < 0)
        err(1, "%s", argv[2]);
    if (replay(&log, image, wanted) != wanted)
        errx(1, "%s has no point %lu", argv[1], wanted);
    if (close(image))
        err(1, "%s", argv[2]);
    return 0;
}
