/* It needs nvidia. */
#include "fake.h"

static int __init fake_init(void) {
    pr_info("nvidia_uvm: the answer is %d\n", fake_nvidia_answer());
    return 0;
}

static void __exit fake_exit(void) {
    pr_info("nvidia_uvm: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
FAKE_MODULE;
