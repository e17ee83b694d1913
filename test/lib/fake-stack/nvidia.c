/*
 * The one that the others need. An open device makes it busy. qemu's "edu" device stands for the
 * GPU; opening a device node of NVIDIA's number makes the kernel ask for the module, as the real
 * one's does.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/pci.h>

#include "fake.h"

int fake_nvidia_answer(void) {
    return 42;
}
EXPORT_SYMBOL_GPL(fake_nvidia_answer);

/* The owner's reference is taken by the kernel at each open. */
static const struct file_operations fake_operations = {.owner = THIS_MODULE};

/* /dev/nvidia0, there as soon as the module is loaded, whether someone uses it or not. */
static struct miscdevice fake_device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "nvidia0",
    .fops = &fake_operations,
    .mode = 0666,
};

static const struct pci_device_id fake_gpus[] = {{PCI_DEVICE(0x1234, 0x11e8)}, {}};
MODULE_DEVICE_TABLE(pci, fake_gpus);
MODULE_ALIAS("char-major-195-*");

static int fake_probe(struct pci_dev *gpu, const struct pci_device_id *id) {
    return 0;
}

static struct pci_driver fake_driver = {
    .name = "nvidia",
    .id_table = fake_gpus,
    .probe = fake_probe,
};

static int __init fake_init(void) {
    int error = misc_register(&fake_device);
    pr_info("nvidia: built by %s\n", FAKE_BUILDER);
    if (error)
        return error;
    error = pci_register_driver(&fake_driver);
    if (error)
        misc_deregister(&fake_device);
    return error;
}

static void __exit fake_exit(void) {
    pci_unregister_driver(&fake_driver);
    misc_deregister(&fake_device);
    pr_info("nvidia: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
FAKE_MODULE;
