/* A module that needs its sibling. */
#include <linux/init.h>
#include <linux/module.h>

int small_core_answer(void);

static int __init small_user_init(void) {
    pr_info("small_user: the answer is %d\n", small_core_answer());
    return 0;
}

static void __exit small_user_exit(void) {
}

module_init(small_user_init);
module_exit(small_user_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_VERSION("@VERSION@");
MODULE_LICENSE("GPL");
