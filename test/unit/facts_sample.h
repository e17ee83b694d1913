/* Facts as a bake of two modules for one kernel would have them. */
#ifndef TEST_UNIT_FACTS_SAMPLE_H
#define TEST_UNIT_FACTS_SAMPLE_H

#include "kmod/lifecycle/facts.h"

#define FACTS_SAMPLE_DIGEST "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"

/* Fills `facts`, with `placed_count` placed paths. Ends the program when memory runs out. */
void facts_sample_make(struct facts *facts, size_t placed_count);

#endif
