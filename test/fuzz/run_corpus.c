/*
 * Runs a fuzz target over the files it is given (those of corpus/) as a plain test, without
 * libFuzzer. Linked with one fuzz_*.c. A target aborts when something is wrong; no file at all is a
 * failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        AUTO_BUFFER struct buffer input = {0};
        struct error err = {0};
        if (file_read_path(argv[i], 64 << 20, &input, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)buffer_string(&input), input.size);
    }
    if (argc < 2)
        fprintf(stderr, "no input files\n");
    else
        printf("%d inputs\n", argc - 1);
    return argc < 2;
}
