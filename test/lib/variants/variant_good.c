/* One that loads: it uses a GPL-only symbol, data with relocations, and no module. */
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>

static const char *const words[] = {"loaded", "gone"};
static int choice;
module_param(choice, int, 0444);

static int __init variant_good_init(void) {
    pr_info("variant_good: %s at %lld\n", words[choice & 1], ktime_get());
    return 0;
}

static void __exit variant_good_exit(void) {
}

module_init(variant_good_init);
module_exit(variant_good_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
