/*
 * The text fields of the facts as a table, so that the writer and the reader cannot differ. The
 * whole file is one JSON object; numbers that do not fit a signed 64-bit integer (inodes of some
 * overlay file systems) are written as the negative number with the same bits:
 *
 *     {"format":1,"kernel":"6.1.0-47-cloud-amd64",…text fields…,
 *      "modules":[{"path":"/lib/modules/…/nvidia.ko","name":"nvidia","build_id":"9c…",…}],
 *      "pci_aliases":["pci:v000010DEd*…"],
 *      "placed":[[INODE,CTIME_NS],[INODE,CTIME_NS,LINK_GROUP],
 *                [INODE,CTIME_NS,LINK_GROUP,{"security.capability":"01000002…hex"}]],
 *      "indexes":[{"kernel":"…","stale":false,
 *                  "files":[{"name":"modules.dep","inode":1,"ctime_ns":2,
 *                            "without":true,"without_mtime_ns":3}]}],
 *      "compared":[[INODE,CTIME_NS,INODE_OF_THE_OTHER,ITS_CTIME_NS]],
 *      "loader":{"used":true,"parked":false,"inode":1,"ctime_ns":2,"without":true,
 *                "without_mtime_ns":3},
 *      "manifest":{"sha256":"…","inode":1,"ctime_ns":2},
 *      "dkms":{"name":"nvidia","version":"535.1","machine":"x86_64","kernels":["6.1.0-47"]},
 *      "initramfs":[{"path":"/boot/initrd.img-…","inode":1,"ctime_ns":2,"size":3,"sha256":"…"}]}
 */
#ifndef KMOD_FACTS_FIELDS_H
#define KMOD_FACTS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#define FACTS_TEXT_MAX 4096 /* bytes of one text value */
#define FACTS_MODULES_MAX 4096
#define FACTS_ALIASES_MAX 65536
#define FACTS_KERNELS_MAX 256 /* of indexes, and of a DKMS registration */
#define FACTS_INDEX_FILES_MAX 64
#define FACTS_INITRAMFS_MAX 256
#define FACTS_COMPARED_MAX 65536

/* What a text value must be when it is not "". */
enum facts_text { FACTS_TEXT_ANY, FACTS_TEXT_NAME, FACTS_TEXT_PATH, FACTS_TEXT_DIGEST };

/* A `char *` member at `offset` of its struct. */
struct facts_field {
    const char *key;
    size_t offset;
    enum facts_text text;
};

/* Each ends at a field without a key. */
extern const struct facts_field facts_fields_top[];
extern const struct facts_field facts_fields_module[];
extern const struct facts_field facts_fields_dkms[];

/* Whether `value` is "" or fits `text`, and is not longer than FACTS_TEXT_MAX. */
bool facts_fields_fit(enum facts_text text, const char *value);

/* Where a field's string is in the struct at `base`. */
char **facts_fields_place(void *base, const struct facts_field *field);

#endif
