// What steps over oneDNN share: its engine, memory and reorders. Threads that make primitives have OpenMP set to one
// thread, which a primitive captures.
#pragma once

#include <mutex>
#include <optional>
#include <unordered_map>

#include "dnnl_api.h"
#include "shard_run.h"

namespace halftone::trainer {

// oneDNN captures the number of threads of the thread that makes a primitive.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread &) = delete;
  SingleThread &operator=(const SingleThread &) = delete;

 private:
  int before_;
};

const dnnl::engine &cpu();
dnnl::primitive_attr own_scratchpad();

api::Desc desc_of(const Shape &shape, Order order);  // float32
api::Desc any_desc(const api::Dims &dims);
api::Desc strided_desc(const api::Dims &dims, const api::Dims &strides);

// Data in a layout, and what keeps it.
struct Placed {
  api::Desc desc;
  std::shared_ptr<std::byte> data;
  dnnl::memory memory() const { return dnnl::memory(desc, cpu(), data.get()); }
};

Placed placed(const Tensor &tensor);
Placed make_placed(const Pool &pool, const api::Desc &desc);

using Arguments = std::unordered_map<int, dnnl::memory>;
void execute(const Pool &pool, const dnnl::primitive &primitive, const api::Desc &scratchpad, Arguments arguments);

// A change of layout whose primitive is made once: the descriptors are always the same. Gives the data itself where
// it has the layout.
class KeptReorder {
 public:
  Placed run(const Pool &pool, const Placed &from, const api::Desc &desc);

 private:
  std::once_flag once_;
  dnnl::reorder primitive_;
  api::Desc scratchpad_;
};

// A weight in the layout of a primitive, made again when the weight has changed.
class KeptLayout {
 public:
  Placed get(const Pool &pool, const Placed &from, const api::Desc &desc, std::uint64_t version);

 private:
  std::mutex mutex_;
  std::uint64_t version_ = 0;
  Placed kept_;
  KeptReorder reorder_;
};

}  // namespace halftone::trainer
