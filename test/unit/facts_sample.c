#include "test/unit/facts_sample.h"

#include <string.h>

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (!copied)
        abort();
    return copied;
}

static void add_module(struct facts *facts, const char *path, const char *name) {
    struct facts_module *module = facts_add_module(facts);
    if (!module)
        abort();
    *module = (struct facts_module){
        .path = copy(path),
        .name = copy(name),
        .build_id = copy("9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        .srcversion = copy("533BB7E5866E52F63B9ACCB"),
        .signer = copy("Prebake \"test\" \xc3\xa9"),
        .key_id = copy("6A:0B"),
    };
}

static void add_placed(struct facts *facts, size_t i) {
    static const uint8_t capability[] = {1, 0, 0, 2, 0xff, 0x20};
    struct facts_placed *placed = facts_add_placed(facts);
    if (!placed)
        abort();
    placed->inode = 4000000 + i;
    placed->ctime_ns = 1795459295448878132 + (int64_t)i;
    if (i % 100 == 1)
        placed->link_group = 7;
    if (i % 100 == 2 &&
        (xattrs_add(&placed->xattrs, "security.capability", capability, sizeof capability) ||
         xattrs_add(&placed->xattrs, "user.empty", NULL, 0)))
        abort();
    if (i == 3) {
        placed->inode = UINT64_MAX - 5; /* an overlay's */
        placed->ctime_ns = -1;
    }
}

static void add_index(struct facts *facts) {
    static const char *const names[] = {"modules.dep", "modules.dep.bin", "modules.alias"};
    struct module_index *index = facts_add_index(facts);
    if (!index)
        abort();
    index->kernel = copy("6.1.0-47-cloud-amd64");
    index->stale = true;
    index->count = ARRAY_SIZE(names);
    index->files = calloc(index->count, sizeof *index->files);
    if (!index->files)
        abort();
    for (size_t i = 0; i < index->count; i++)
        index->files[i] = (struct module_index_file){.name = copy(names[i]),
                                                     .inode = 77 + i,
                                                     .ctime_ns = 88,
                                                     .without_present = i != 2,
                                                     .without_mtime_ns = 99};
}

static void add_initramfs(struct facts *facts) {
    struct initramfs_file *file =
        initramfs_files_add(&facts->initramfs, "/boot/initrd.img-6.1.0-47-cloud-amd64");
    if (!file)
        abort();
    file->inode = UINT64_MAX - 6;
    file->ctime_ns = 12;
    file->size = 34;
    strcpy(file->sha256, FACTS_SAMPLE_DIGEST);
}

void facts_sample_make(struct facts *facts, size_t placed_count) {
    *facts = (struct facts){
        .kernel = copy("6.1.0-47-cloud-amd64"),
        .machine = copy("x86_64"),
        .driver_kind = copy("cuda"),
        .module = copy("nvidia-current-open"),
        .driver_version = copy("535.261.03"),
        .bundle = copy(FACTS_SAMPLE_DIGEST),
        .layout = copy("active"),
        .compression = copy("none"),
        .symvers_sha256 = copy(FACTS_SAMPLE_DIGEST),
        .userspace = copy(FACTS_SAMPLE_DIGEST),
        .supported_gpus = copy(FACTS_SAMPLE_DIGEST),
        .loader = {.used = true,
                   .parked = true,
                   .inode = UINT64_MAX - 1,
                   .ctime_ns = -7,
                   .without_present = true,
                   .without_mtime_ns = INT64_MIN},
        .compat_marker = copy("/opt/azure/aks-gpu/dkms-marker"),
        .manifest = {.sha256 = FACTS_SAMPLE_DIGEST, .inode = 5, .ctime_ns = 6},
        .dkms = {.name = copy("nvidia-current-open"),
                 .version = copy("535.261.03"),
                 .machine = copy("x86_64")},
    };
    add_module(facts, "/usr/lib/modules/6.1.0-47-cloud-amd64/updates/dkms/nvidia.ko", "nvidia");
    add_module(facts, "/usr/lib/modules/6.1.0-47-cloud-amd64/updates/dkms/nvidia-drm.ko",
               "nvidia_drm");
    for (size_t i = 0; i < placed_count; i++)
        add_placed(facts, i);
    add_index(facts);
    add_initramfs(facts);
    if (compared_files_add(&facts->compared, &(struct compared_pair){UINT64_MAX - 4, -3, 2, 1}) ||
        compared_files_add(&facts->compared, &(struct compared_pair){11, 12, 13, 14}))
        abort();
    if (strlist_add(&facts->pci_aliases, "pci:v000010DEd*sv*sd*bc03sc02i00*") ||
        strlist_add(&facts->pci_aliases, "pci:v000010DEd*sv*sd*bc03sc00i00*") ||
        strlist_add(&facts->dkms.kernels, "6.1.0-47-cloud-amd64"))
        abort();
}
