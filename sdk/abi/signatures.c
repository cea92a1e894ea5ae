/* Compiles only while every field of the ABI has exactly the type that fields.inc spells out: a changed argument of a
 * callback leaves all offsets as they were and would pass every other check. */
#include "halftone/embed.h"
#include "halftone/fusion.h"
#include "halftone/halftone.h"

#define STRUCT(name)
#define FLAT(name)
#define END(name)
#define FIELD(name, field, ...)                                                             \
  _Static_assert(_Generic(&((name *)0)->field, __typeof__(__VA_ARGS__) * : 1, default : 0), \
                 #name "." #field " is not " #__VA_ARGS__);
#define TYPE(name, ...) \
  _Static_assert(_Generic((name *)0, __typeof__(__VA_ARGS__) * : 1, default : 0), #name " is not " #__VA_ARGS__);
#define FUNCTION(name, ...) \
  _Static_assert(_Generic(&name, __VA_ARGS__ : 1, default : 0), #name " is not " #__VA_ARGS__);
#define NUMBER(name) _Static_assert(name >= 0, #name);
#define TEXT(name) _Static_assert(sizeof(name "") > 1, #name);

#include "fields.inc"
