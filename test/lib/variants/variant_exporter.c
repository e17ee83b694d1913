/* Exports of each kind. */
#include <linux/init.h>
#include <linux/module.h>

int variant_open(void);
int variant_gpl_(void);

int variant_open(void) {
    return 1;
}
EXPORT_SYMBOL(variant_open);

int variant_gpl_(void) {
    return 2;
}
EXPORT_SYMBOL_GPL(variant_gpl_);

static int __init variant_exporter_init(void) {
    return 0;
}

static void __exit variant_exporter_exit(void) {
}

module_init(variant_exporter_init);
module_exit(variant_exporter_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
