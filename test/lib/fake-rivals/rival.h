/* A driver of the kernel's own that takes any GPU it sees. Read after RIVAL_NAME is defined. */
#ifndef RIVAL_H
#define RIVAL_H

#include <linux/module.h>
#include <linux/pci.h>

static const struct pci_device_id rival_gpus[] = {{PCI_DEVICE(0x1234, 0x11e8)}, {}};
MODULE_DEVICE_TABLE(pci, rival_gpus);

static int rival_probe(struct pci_dev *gpu, const struct pci_device_id *id) {
    return 0;
}

static struct pci_driver rival_driver = {
    .name = RIVAL_NAME,
    .id_table = rival_gpus,
    .probe = rival_probe,
};
module_pci_driver(rival_driver);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");

#endif
