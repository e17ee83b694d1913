/* Has a symbol without a place of its own, as compilers made them by default once. */
#include <linux/init.h>
#include <linux/module.h>

extern int variant_shared;
int variant_shared __attribute__((common));

static int __init variant_common_init(void) {
    return variant_shared;
}

static void __exit variant_common_exit(void) {
}

module_init(variant_common_init);
module_exit(variant_common_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
