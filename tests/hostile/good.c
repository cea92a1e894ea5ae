/* Nothing wrong: what must still load beside the others. */
#include "pass.h"
HARMLESS("good")
