/* Another vendor's module that needs nvidia: no bake lists it, and it keeps nvidia loaded. */
#include <linux/module.h>

int fake_nvidia_answer(void);

static int __init fake_init(void) {
    pr_info("gdrdrv: the answer is %d\n", fake_nvidia_answer());
    return 0;
}

static void __exit fake_exit(void) {
    pr_info("gdrdrv: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
