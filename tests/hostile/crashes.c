/* Dies as from a wild pointer while it is loaded. Raised by hand: a compiler may drop a store through null. */
#include <signal.h>

#include "pass.h"
HARMLESS("crashes")
__attribute__((constructor)) static void at_load(void) {
  raise(SIGSEGV);
}
