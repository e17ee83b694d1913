/* Uses a symbol of a namespace, which it imports. */
#include <linux/dma-buf.h>
#include <linux/init.h>
#include <linux/module.h>

static struct dma_buf *buffer;

static int __init variant_spaced_init(void) {
    if (READ_ONCE(buffer))
        dma_buf_put(buffer);
    return 0;
}

static void __exit variant_spaced_exit(void) {
}

module_init(variant_spaced_init);
module_exit(variant_spaced_exit);
MODULE_DESCRIPTION("prebake test module");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
