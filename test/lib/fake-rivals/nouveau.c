/* The kernel's driver of old. */
#define RIVAL_NAME "nouveau"
#include "rival.h"
