#include "core/base/nearest.h"

#include <doctest/doctest.h>

#include <vector>

namespace halftone {

TEST_CASE("the nearest name is found through typing mistakes") {
  const std::vector<std::string> names = {"observer", "platform", "percentile", "minmax", "kl", "mse", "memory_budget"};
  CHECK(nearest_name("observr", names) == "observer");   // a letter missing
  CHECK(nearest_name("platfrom", names) == "platform");  // two letters swapped
  CHECK(nearest_name("percentille", names) == "percentile");
  CHECK(nearest_name("min-max", names) == "minmax");
  CHECK(nearest_name("KL", names) == "kl");  // case is no mistake worth counting
  CHECK(nearest_name("memory-budget", names) == "memory_budget");
}

TEST_CASE("what is far from every name gets no suggestion") {
  const std::vector<std::string> names = {"observer", "kl", "mse"};
  CHECK(nearest_name("threads", names).empty());
  CHECK(nearest_name("ab", names).empty());  // two of two letters differ
  CHECK(nearest_name("", names).empty());
  CHECK(nearest_name("observer", std::vector<std::string>{}).empty());
  CHECK(nearest_hint("zzz", names).empty());
  CHECK(nearest_hint("observr", names) == " (did you mean 'observer'?)");
}

TEST_CASE("the nearer of two names wins, the first of equals") {
  const std::vector<std::string> names = {"conv1d", "conv2d", "conv"};
  CHECK(nearest_name("conv2", names) == "conv2d");
  CHECK(nearest_name("convd", names) == "conv1d");
}

}  // namespace halftone
