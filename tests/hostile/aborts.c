/* Gives up while it is loaded. */
#include <stdlib.h>

#include "pass.h"
HARMLESS("aborts")
__attribute__((constructor)) static void at_load(void) {
  abort();
}
