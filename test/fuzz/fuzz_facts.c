/* Any bytes as facts: no crash, and what is taken is written and read back the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/facts_write.h"

static void check_round_trip(const struct facts *facts) {
    AUTO_FACTS struct facts again = {0};
    AUTO_BUFFER struct buffer text = {0}, second = {0};
    struct error err = {0};
    if (facts_format(facts, &text, &err) ||
        facts_parse(buffer_string(&text), text.size, "again", &again, &err) ||
        facts_format(&again, &second, &err))
        abort();
    if (text.size != second.size || memcmp(text.data, second.data, text.size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FACTS struct facts facts = {0};
    struct error err = {0};
    if (!facts_parse((const char *)data, size, "fuzz", &facts, &err))
        check_round_trip(&facts);
    else if (err.kind == ERROR_NONE || !*err.text)
        abort();
    return 0;
}
