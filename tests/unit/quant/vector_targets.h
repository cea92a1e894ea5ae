// Runs a test body once for each instruction set that the vector code was compiled for and this processor has.
#pragma once

#include <cstdint>

#include <hwy/highway.h>

namespace halftone::test {

template <class Body>
void for_each_vector_target(const Body &body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();  // the next dispatch asks again
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace halftone::test
