/* Printing a telemetry line. */
#ifndef KMOD_NODE_LINE_H
#define KMOD_NODE_LINE_H

#include "base/error.h"
#include "base/telemetry.h"

/* Prints the finished line on stdout. −ENOMEM when a part of it could not be kept. */
int node_line_print(const struct telemetry *event, struct error *err) MUST_CHECK;

#endif
