/* Uses nothing that is for GPL modules only. */
#include <linux/init.h>
#include <linux/module.h>

static int __init variant_plain_init(void) {
    pr_info("variant_plain: loaded\n");
    return 0;
}

static void __exit variant_plain_exit(void) {
}

module_init(variant_plain_init);
module_exit(variant_plain_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("Proprietary");
