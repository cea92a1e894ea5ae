#include "primitives.h"

#include <omp.h>

namespace halftone::trainer {
namespace {

dnnl::stream &stream() {
  thread_local dnnl::stream own(cpu());
  return own;
}

}  // namespace

SingleThread::SingleThread() : before_(omp_get_max_threads()) {
  omp_set_num_threads(1);
}
SingleThread::~SingleThread() {
  omp_set_num_threads(before_);
}

const dnnl::engine &cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

api::Desc desc_of(const Shape &shape, Order order) {
  api::Dims strides(shape.size());
  std::int64_t stride = 1;
  const bool last = order == Order::kChannelsLast;
  if (last) {
    strides[1] = 1;
    stride = shape[1];
  }
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (last && i == 1) continue;
    strides[i] = stride;
    stride *= shape[i];
  }
  return strided_desc(shape, strides);
}

api::Desc any_desc(const api::Dims &dims) {
  return api::Desc(dims, api::kF32, dnnl::memory::format_tag::any);
}

api::Desc strided_desc(const api::Dims &dims, const api::Dims &strides) {
  return api::Desc(dims, api::kF32, strides);
}

Placed placed(const Tensor &tensor) {
  return {desc_of(tensor.shape, tensor.order), tensor.data};
}

Placed make_placed(const Pool &pool, const api::Desc &desc) {
  return {desc, pool.take(desc.get_size())};
}

Placed KeptReorder::run(const Pool &pool, const Placed &from, const api::Desc &desc) {
  if (from.desc == desc) return from;
  Placed to = make_placed(pool, desc);
  dnnl::memory a = from.memory(), b = to.memory();
  std::call_once(once_, [&] {
    const dnnl::reorder::primitive_desc pd(a, b, own_scratchpad());
    primitive_ = dnnl::reorder(pd);
    scratchpad_ = pd.scratchpad_desc();
  });
  execute(pool, primitive_, scratchpad_, {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}});
  return to;
}

void execute(const Pool &pool, const dnnl::primitive &primitive, const api::Desc &scratchpad, Arguments arguments) {
  std::shared_ptr<std::byte> scratch;
  if (scratchpad.get_size() != 0) {
    scratch = pool.take(scratchpad.get_size());
    arguments.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad, cpu(), scratch.get()));
  }
  primitive.execute(stream(), arguments);
  stream().wait();
}

Placed KeptLayout::get(const Pool &pool, const Placed &from, const api::Desc &desc, std::uint64_t version) {
  if (from.desc == desc) return from;
  if (version == 0) return reorder_.run(pool, from, desc);
  const std::scoped_lock lock(mutex_);
  if (version_ != version) {
    kept_ = reorder_.run(pool, from, desc);
    version_ = version;
  }
  return kept_;
}

}  // namespace halftone::trainer
