#include "step.h"

#include <algorithm>
#include <utility>

namespace halftone::trainer {

bool Step::may_overwrite(const ShardRun &run, std::size_t slot) const {
  const std::vector<int> &dead = run.kind.keep ? dead_kept : dead_after;
  const bool last = std::find(dead.begin(), dead.end(), inputs[slot]) != dead.end();
  return run.in_place && last && in(run, slot).is_sole();
}

Tensor Step::take_arrived(ShardRun &run, std::size_t slot, Order order) const {
  const Tensor arrived = std::exchange(run.gradient[static_cast<std::size_t>(outputs[slot])], Tensor());
  return in_order(run.pool, arrived, order);
}

}  // namespace halftone::trainer
