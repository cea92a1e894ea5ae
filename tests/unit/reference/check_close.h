// Floats that are equal but for their rounding.
#pragma once

#include <doctest/doctest.h>

#include <vector>

namespace halftone::test {

inline void check_close(const std::vector<float> &got, const std::vector<float> &want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-5));
}

}  // namespace halftone::test
