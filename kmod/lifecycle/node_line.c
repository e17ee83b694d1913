#include "kmod/lifecycle/node_line.h"

#include <stdio.h>

int node_line_print(const struct telemetry *event, struct error *err) {
    const char *line = telemetry_line(event);
    if (!line)
        return error_oom(err, "printing the result");
    puts(line);
    return 0;
}
