/* The kernel's new driver. */
#define RIVAL_NAME "nova_core"
#include "rival.h"
