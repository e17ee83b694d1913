/* A module with a device alias of its own and an export for its sibling. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/pci.h>

int small_core_answer(void);

static const struct pci_device_id small_core_ids[] = {{PCI_DEVICE(0x1af4, 0xfff0)}, {}};
MODULE_DEVICE_TABLE(pci, small_core_ids);

int small_core_answer(void) {
    return 42;
}
EXPORT_SYMBOL_GPL(small_core_answer);

static int __init small_core_init(void) {
    pr_info("small_core: loaded\n");
    return 0;
}

static void __exit small_core_exit(void) {
}

module_init(small_core_init);
module_exit(small_core_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_VERSION("@VERSION@");
MODULE_LICENSE("GPL");
