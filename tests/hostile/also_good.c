/* A second one, behind the culprits in the order of names. */
#include "pass.h"
HARMLESS("also-good")
