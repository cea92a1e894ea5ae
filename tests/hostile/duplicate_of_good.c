/* Offers a pass under a name that another plug-in has taken. */
#include "pass.h"
HARMLESS("good")
