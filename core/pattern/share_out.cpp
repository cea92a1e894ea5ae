#include "core/pattern/share_out.h"

#include <algorithm>

namespace halftone::pattern {
namespace {

// What is left to give out.
struct Left {
  std::size_t required, optional;  // terms
  std::size_t must, inputs;        // inputs that a term has to take, and all
  std::size_t kept;

  bool works_out() const {
    return inputs >= kept && std::max(required, must) <= std::min(required + optional, inputs - kept);
  }
};

std::size_t count(const std::vector<bool> &flags, bool flag) {
  return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), flag));
}

}  // namespace

std::optional<std::vector<std::size_t>> share_out(const std::vector<bool> &term_is_optional,
                                                  const std::vector<bool> &must, bool keep_one) {
  Left left{count(term_is_optional, false), count(term_is_optional, true), count(must, true), must.size(),
            keep_one ? std::size_t{1} : 0};
  if (!left.works_out()) return std::nullopt;
  std::vector<bool> given(must.size(), false);
  std::vector<std::size_t> inputs;
  for (const bool optional : term_is_optional) {
    --(optional ? left.optional : left.required);
    inputs.push_back(kAbsent);
    for (std::size_t i = 0; i < must.size() && inputs.back() == kAbsent; ++i) {
      Left after = left;
      --after.inputs;
      after.must -= must[i] ? 1 : 0;
      if (given[i] || !after.works_out()) continue;
      left = after;
      given[i] = true;
      inputs.back() = i;
    }
  }
  return inputs;
}

}  // namespace halftone::pattern
