/* It needs nvidia, and nvidia-drm needs it. */
#include "fake.h"

int fake_modeset_answer(void) {
    return fake_nvidia_answer();
}
EXPORT_SYMBOL_GPL(fake_modeset_answer);

static int __init fake_init(void) {
    pr_info("nvidia_modeset: the answer is %d\n", fake_modeset_answer());
    return 0;
}

static void __exit fake_exit(void) {
    pr_info("nvidia_modeset: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
FAKE_MODULE;
