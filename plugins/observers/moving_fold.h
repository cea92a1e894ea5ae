// Ranges of groups, exponentially averaged.
#pragma once

#include <functional>

#include "group_search.h"

namespace halftone::observers {

// range = momentum * range + (1 - momentum) * that of the group, beginning with that of the first.
class MovingFold final : public GroupFold {
 public:
  using Find = std::function<Range(const Distribution &)>;
  MovingFold(double momentum, Find find) : momentum_(momentum), find_(std::move(find)) {}
  void add(const Distribution &group) override {
    const Range found = find_(group);
    range_ = any_ ? Range{momentum_ * range_.low + (1 - momentum_) * found.low,
                          momentum_ * range_.high + (1 - momentum_) * found.high}
                  : found;
    any_ = true;
  }
  Range range() const override { return range_; }
  std::unique_ptr<GroupFold> copy() const override { return std::make_unique<MovingFold>(*this); }

 private:
  double momentum_;
  Find find_;
  Range range_;
  bool any_ = false;
};

}  // namespace halftone::observers
