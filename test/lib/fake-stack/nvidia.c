/* The one that the others need. An open device makes it busy. */
#include <linux/fs.h>
#include <linux/miscdevice.h>

#include "fake.h"

int fake_nvidia_answer(void) {
    return 42;
}
EXPORT_SYMBOL_GPL(fake_nvidia_answer);

/* The owner's reference is taken by the kernel at each open. */
static const struct file_operations fake_operations = {.owner = THIS_MODULE};

/* /dev/nvidia0, there as soon as the module is loaded, whether someone uses it or not. */
static struct miscdevice fake_device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "nvidia0",
    .fops = &fake_operations,
};

static int __init fake_init(void) {
    pr_info("nvidia: built by %s\n", FAKE_BUILDER);
    return misc_register(&fake_device);
}

static void __exit fake_exit(void) {
    misc_deregister(&fake_device);
    pr_info("nvidia: unloaded\n");
}

module_init(fake_init);
module_exit(fake_exit);
FAKE_MODULE;
