/* Ends the process with a code that looks like success. */
#include <stdlib.h>

#include "pass.h"
HARMLESS("exits")
__attribute__((constructor)) static void at_load(void) {
  exit(0);
}
