#include "core/pattern/attempts.h"

#include "core/base/error.h"

namespace halftone::pattern {

void Attempts::give_up() const {
  fail(Status::kResourceExhausted,
       "pattern '{}' can be laid over the nodes before '{}' in too many ways; name more of what is the same, or split "
       "it into several patterns",
       pattern_, root_);
}

}  // namespace halftone::pattern
