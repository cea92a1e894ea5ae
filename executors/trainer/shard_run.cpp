#include "shard_run.h"

namespace halftone::trainer {

void ShardRun::deliver(int to, Tensor tensor) {
  Tensor &own = gradient[static_cast<std::size_t>(to)];
  if (own.empty()) {
    own = std::move(tensor);
    return;
  }
  const Tensor other = in_order(pool, tensor, own.order);
  // Somebody else may hold the memory: a step may hand one gradient to several inputs.
  const Tensor sum = own.data.use_count() == 1 ? own : make_like(pool, own);
  const float *a = own.floats(), *b = other.floats();
  float *out = sum.floats();
  const std::size_t n = own.count();
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
  own = sum;
}

}  // namespace halftone::trainer
