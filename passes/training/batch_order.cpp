#include "batch_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "counter_random.h"

namespace halftone::passes {

BatchOrder::BatchOrder(std::vector<std::size_t> classes, std::size_t batch, std::uint64_t seed)
    : classes_(std::move(classes)), batch_(batch), seed_(seed), order_(classes_.size()) {
  for (const std::size_t each : classes_) ++sizes_[each];
  shuffle();
}

// Fisher and Yates, with the numbers of this epoch.
void BatchOrder::shuffle() {
  std::iota(order_.begin(), order_.end(), std::uint64_t{0});
  const std::uint64_t key = mixed(seed_, epoch_++);
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[below(mixed(key, i), i)]);
  at_ = 0;
}

std::vector<std::uint64_t> BatchOrder::next() {
  if (classes_.empty()) return {};
  for (;;) {
    if (at_ == order_.size()) shuffle();
    const std::uint64_t sample = order_[at_++];
    const std::size_t of = classes_[sample];
    std::vector<std::uint64_t> &batch = waiting_[of];
    batch.push_back(sample);
    if (batch.size() == std::min(batch_, sizes_[of])) return std::exchange(batch, {});
  }
}

}  // namespace halftone::passes
