#include "moving_range.h"

#include <algorithm>

namespace halftone::observers {

void MovingRange::add(std::span<const float> low, std::span<const float> high) {
  if (waiting_ == 0) {
    waiting_low_.assign(low.begin(), low.end());
    waiting_high_.assign(high.begin(), high.end());
  }
  for (std::size_t c = 0; c < low.size(); ++c) {
    waiting_low_[c] = std::min(waiting_low_[c], low[c]);
    waiting_high_[c] = std::max(waiting_high_[c], high[c]);
  }
  if (++waiting_ == group_) close_group();
}

void MovingRange::close_group() {
  if (groups_ == 0) {
    low_.assign(waiting_low_.begin(), waiting_low_.end());
    high_.assign(waiting_high_.begin(), waiting_high_.end());
  }
  for (std::size_t c = 0; c < low_.size(); ++c) {
    low_[c] = momentum_ * low_[c] + (1 - momentum_) * static_cast<double>(waiting_low_[c]);
    high_[c] = momentum_ * high_[c] + (1 - momentum_) * static_cast<double>(waiting_high_[c]);
  }
  ++groups_;
  waiting_ = 0;
}

MovingRange MovingRange::finished() const {
  MovingRange all = *this;
  if (all.waiting_ > 0) all.close_group();
  return all;
}

}  // namespace halftone::observers
