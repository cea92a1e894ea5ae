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

struct Call::Frame {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;  // of the memories
};

struct Call::Shared {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;  // the scratchpad last, where there is one
  std::size_t scratch_bytes = 0;
  std::mutex mutex;
  std::vector<std::unique_ptr<Frame>> free;
};

Call::Call(dnnl::primitive primitive, const api::Desc &scratchpad, std::vector<Argument> arguments)
    : shared_(std::make_shared<Shared>()) {
  shared_->primitive = std::move(primitive);
  shared_->arguments = std::move(arguments);
  shared_->scratch_bytes = scratchpad.get_size();
  if (shared_->scratch_bytes != 0) shared_->arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad});
}

std::unique_ptr<Call::Frame> Call::take() const {
  {
    const std::scoped_lock lock(shared_->mutex);
    if (!shared_->free.empty()) {
      std::unique_ptr<Frame> frame = std::move(shared_->free.back());
      shared_->free.pop_back();
      return frame;
    }
  }
  auto frame = std::make_unique<Frame>();
  for (const Argument &argument : shared_->arguments) {
    frame->memories.push_back(dnnl::memory(argument.desc, cpu(), DNNL_MEMORY_NONE));
    frame->arguments.push_back({argument.name, frame->memories.back().get()});
  }
  return frame;
}

void Call::run(const Pool &pool, std::initializer_list<const void *> data) const {
  std::unique_ptr<Frame> frame = take();
  std::size_t i = 0;
  for (const void *each : data) frame->memories[i++].set_data_handle(const_cast<void *>(each));
  std::shared_ptr<std::byte> scratch;
  if (shared_->scratch_bytes != 0) {
    scratch = pool.take(shared_->scratch_bytes);
    frame->memories[i].set_data_handle(scratch.get());
  }
  api::execute(shared_->primitive, stream(), frame->arguments);
  stream().wait();
  const std::scoped_lock lock(shared_->mutex);
  shared_->free.push_back(std::move(frame));
}

Conversion::Conversion(const api::Desc &from, const api::Desc &to)
    : source_bytes_(from.get_size()), bytes_(to.get_size()) {
  if (from == to) return;
  const dnnl::reorder::primitive_desc desc = api::reorder(cpu(), own_scratchpad(), from, to);
  reorder_ = Call(dnnl::reorder(desc), desc.scratchpad_desc(), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

std::shared_ptr<std::byte> Conversion::run(const Pool &pool, const std::shared_ptr<std::byte> &from) const {
  if (!changes()) return from;
  std::shared_ptr<std::byte> to = pool.take(bytes_);
  reorder_.run(pool, {from.get(), to.get()});
  return to;
}

void Conversion::run(const Pool &pool, const void *from, void *to) const {
  reorder_.run(pool, {from, to});
}

std::shared_ptr<std::byte> KeptLayout::get(const Pool &pool, const Tensor &weight, std::uint64_t version) {
  if (version == 0 || !conversion_.changes()) return conversion_.run(pool, weight.data);
  const std::scoped_lock lock(mutex_);
  if (version_ != version) {
    kept_ = conversion_.run(pool, weight.data);
    version_ = version;
  }
  return kept_;
}

}  // namespace halftone::trainer
