// How much a search for one place may try before it gives up.
#pragma once

#include <cstddef>
#include <string_view>

namespace halftone::pattern {

// Counts what the steps of one search try together: pairs of nodes and operations, and inputs for terms. Ordinary
// searches need a few dozen.
class Attempts {
 public:
  Attempts(std::string_view pattern, std::string_view root) : pattern_(pattern), root_(root) {}
  // Throws ResourceExhausted, with the pattern and the name of the root's node, when there were too many.
  void count() {
    if (++made_ > kMost) give_up();
  }

 private:
  static constexpr std::size_t kMost = 1'000'000;
  [[noreturn]] void give_up() const;

  std::string_view pattern_, root_;
  std::size_t made_ = 0;
};

}  // namespace halftone::pattern
