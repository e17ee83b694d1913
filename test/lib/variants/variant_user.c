/* Uses the exporter's open symbol, and a GPL-only one of the kernel. */
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>

int variant_open(void);

static int __init variant_user_init(void) {
    return variant_open() + ktime_get() == 0;
}

static void __exit variant_user_exit(void) {
}

module_init(variant_user_init);
module_exit(variant_user_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
