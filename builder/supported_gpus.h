/*
 * Which GPUs a driver is for. NVIDIA's modules claim every GPU of NVIDIA's by an alias of wildcards
 * ("pci:v000010DEd*sv*sd*bc03sc02i00*"), those that their branch has dropped too; the list that
 * comes with the driver tells ("supported-gpus.json" of its installer):
 *
 *     {"chips": [{"devid": "0x1EB8", "name": "Tesla T4", "features": ["kernelopen", …]},
 *                {"devid": "0x1DB1", "legacybranch": "580.xx", …},
 *                {"devid": "0x1E37", "subvendorid": "0x10DE", "subdevid": "0x1347", …}]}
 *
 * A chip with a legacybranch is another driver's; the open modules are for those with the feature
 * kernelopen.
 */
#ifndef BUILDER_SUPPORTED_GPUS_H
#define BUILDER_SUPPORTED_GPUS_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strlist.h"
#include "kmod/module/module_facts.h"

struct supported_gpus {
    struct strlist all;           /* as aliases: "pci:v000010DEd00001EB8sv*sd*bc03sc*i*" */
    struct strlist open;          /* of these, what the open modules are for */
    char digest[DIGEST_HEX_SIZE]; /* of the list's bytes; "" for no list */
};

/*
 * Reads NVIDIA's list. ERROR_USAGE when there is no such file, ERROR_DAMAGED when it is none, or
 * has no GPU for this driver.
 */
int supported_gpus_read(const char *path, struct supported_gpus *gpus,
                        struct error *err) MUST_CHECK;
void supported_gpus_release(struct supported_gpus *gpus);
#define AUTO_SUPPORTED_GPUS AUTO(supported_gpus_release)

/*
 * Adds to `aliases` those of the modules' PCI aliases that tell something: all of them, or, with a
 * list, the list's in the place of those that claim any GPU. −ENOMEM.
 */
int supported_gpus_add(const struct supported_gpus *gpus, const struct module_facts *module,
                       struct strlist *aliases) MUST_CHECK;

#endif
