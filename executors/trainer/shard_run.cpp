#include "shard_run.h"

#include "kernels/elementwise.h"

namespace halftone::trainer {

void ShardRun::deliver(int to, Tensor tensor) {
  Tensor &own = gradient[static_cast<std::size_t>(to)];
  if (own.empty()) {
    own = std::move(tensor);
    return;
  }
  if (own.packing != tensor.packing) {
    own = unpacked(pool, own);
    tensor = unpacked(pool, tensor);
  }
  const Tensor other = in_order(pool, tensor, own.order);
  // Somebody else may hold the memory: a step may hand one gradient to several inputs.
  Tensor sum = own;
  if (own.data.use_count() > 2) sum.data = pool.take(own.stored_count() * sizeof(float));
  add(own.floats(), other.floats(), sum.floats(), own.stored_count());
  own = sum;
}

}  // namespace halftone::trainer
