/* It needs nvidia-modeset. */
#include "fake.h"

static int __init fake_init(void) {
    pr_info("nvidia_drm: the answer is %d\n", fake_modeset_answer());
    return 0;
}

static void __exit fake_exit(void) {
    pr_info("nvidia_drm: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
FAKE_MODULE;
