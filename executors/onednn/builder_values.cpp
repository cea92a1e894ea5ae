// Where values are: layouts, aliases, constants.
#include <algorithm>
#include <cstring>

#include "builder.h"
#include "shared_constants.h"

namespace halftone::onednn {
namespace {

void reorder_now(const Desc &from, void *source, const Desc &to, void *target) {
  dnnl::memory in(from, cpu_engine(), source), out(to, cpu_engine(), target);
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(in, out).execute(stream, in, out);
  stream.wait();
}

Bytes scaled_slices(const Constant &constant, const std::vector<float> &factor) {
  const auto count = static_cast<std::size_t>(count_of(constant.layout.shape));
  const std::size_t slice = count / factor.size();
  const Bytes data = make_bytes(count * sizeof(float));
  const float *from = constant.floats();
  float *to = reinterpret_cast<float *>(data.get());
  for (const float f : factor) {
    for (std::size_t i = 0; i < slice; ++i) *to++ = *from++ * f;
  }
  return data;
}

}  // namespace

Bytes WeightStore::get(const ConstantPtr &constant, const Desc &source, const Desc &wanted,
                       const std::vector<float> &factor) {
  for (const Entry &entry : entries_) {
    if (entry.constant == constant && entry.source == source && entry.wanted == wanted && entry.factor == factor) {
      return entry.data;
    }
  }
  if (Bytes shared = factor.empty() ? find_layout(constant, source, wanted) : nullptr) {
    entries_.push_back({constant, source, wanted, factor, shared});
    return shared;
  }
  const Bytes data = make_bytes(wanted.get_size());
  const Bytes from = factor.empty() ? constant->data : scaled_slices(*constant, factor);
  reorder_now(source, from.get(), wanted, data.get());
  if (constant->held) constant->held->set_aside();
  entries_.push_back({constant, source, wanted, factor, data});
  if (factor.empty()) keep_layout(constant, source, wanted, data);
  return data;
}

void Builder::set_type(int value, ht_dtype dtype, Shape shape) {
  State &s = at(value);
  s.dtype = dtype;
  s.shape = std::move(shape);
  s.known = true;
}

bool Builder::is_dense(int value) const {
  return value >= 0 && at(value).known && !at(value).dynamic && describable(at(value).dtype, at(value).shape);
}

std::optional<float> Builder::scalar(int value) const {
  const Constant *c = value < 0 ? nullptr : constant(value);
  if (c == nullptr || c->layout.dtype != HT_F32 || count_of(c->layout.shape) != 1) return std::nullopt;
  return c->floats()[0];
}

int Builder::allocate(std::size_t bytes) {
  plan_->buffers.emplace_back().bytes = std::max<std::size_t>(bytes, 1);
  return static_cast<int>(plan_->buffers.size()) - 1;
}

int Builder::constant_buffer(std::shared_ptr<const void> data, std::size_t bytes) {
  const int buffer = allocate(bytes);
  plan_->buffers.back().constant = std::move(data);
  return buffer;
}

Placed Builder::constant_floats(std::vector<float> numbers) {
  const std::int64_t count = static_cast<std::int64_t>(numbers.size());
  const Bytes data = make_bytes(numbers.size() * sizeof(float));
  std::memcpy(data.get(), numbers.data(), numbers.size() * sizeof(float));
  return {plain_desc(Shape{count}), constant_buffer(data, numbers.size() * sizeof(float))};
}

void Builder::attach(int value, int buffer) {
  readers_[buffer].push_back(value);
}

void Builder::define_constant(int value, ConstantPtr constant) {
  set_type(value, constant->layout.dtype, constant->layout.shape);
  State &s = at(value);
  const std::size_t bytes = bytes_of(s.dtype, count_of(s.shape));
  const int buffer = constant_buffer(constant->data, bytes);
  s.constant = std::move(constant);
  if (is_dense(value)) {
    s.places = {{plain_desc(s.shape), buffer}};
  } else {
    s.plain_buffer = buffer;
  }
}

void Builder::define(int value, const Placed &placed) {
  if (value < 0) return;
  at(value).places = {placed};
  attach(value, placed.buffer);
  emit(value);
}

void Builder::alias(int from, int to) {
  at(to).places = at(from).places;
  at(to).plain_buffer = at(from).plain_buffer;
  for (const Placed &placed : at(to).places) attach(to, placed.buffer);
  emit(to);
}

void Builder::alias_plain(int from, int to) {
  const KernelSlot slot = plain_slot(from);
  if (is_dense(to)) {
    define(to, {plain_desc(shape(to)), slot.buffer});
    return;
  }
  at(to).plain_buffer = slot.buffer;
  attach(to, slot.buffer);
  emit(to);
}

Placed Builder::current(int value) {
  return at(value).places.front();
}

Placed Builder::plain(int value) {
  for (const Placed &placed : at(value).places) {
    if (row_major(placed.desc)) return {plain_desc(shape(value)), placed.buffer};
  }
  return in_layout(value, plain_desc(shape(value)));
}

KernelSlot Builder::plain_slot(int value) {
  KernelSlot slot{plain_layout(dtype(value), shape(value))};
  slot.buffer = at(value).places.empty() ? at(value).plain_buffer : plain(value).buffer;
  return slot;
}

Placed Builder::in_layout(int value, const Desc &desc) {
  for (const Placed &placed : at(value).places) {
    if (same_layout(placed.desc, desc)) return {desc, placed.buffer};
  }
  const Placed from = current(value);
  Placed made{desc, kNoBuffer};
  if (at(value).constant) {
    made.buffer = constant_buffer(weights_.get(at(value).constant, from.desc, desc), desc.get_size());
  } else {
    made.buffer = allocate(desc.get_size());
    reorder(from, made, value);
    attach(value, made.buffer);
  }
  at(value).places.push_back(made);
  return made;
}

Placed Builder::reinterpreted(int value, const Desc &seen_as, const Desc &wanted) {
  const Placed source = plain(value);
  if (seen_as == wanted) return {wanted, source.buffer};
  if (at(value).constant) {
    return {wanted, constant_buffer(weights_.get(at(value).constant, seen_as, wanted), wanted.get_size())};
  }
  const Placed made{wanted, allocate(wanted.get_size())};
  reorder({seen_as, source.buffer}, made, value);
  return made;
}

Placed Builder::scaled_constant(int value, const std::vector<float> &factor, const Desc &seen_as, const Desc &wanted) {
  const Bytes data = weights_.get(at(value).constant, seen_as, wanted, factor);
  return {wanted, constant_buffer(data, wanted.get_size())};
}

bool Builder::writable(const NodeRecord &node, int value, const Placed &placed) const {
  if (at(value).constant || plan_->buffers[static_cast<std::size_t>(placed.buffer)].constant) return false;
  const auto found = readers_.find(placed.buffer);
  if (found == readers_.end()) return false;
  return std::all_of(found->second.begin(), found->second.end(), [&](int reader) {
    return at(reader).pending == std::count(node.inputs.begin(), node.inputs.end(), reader);
  });
}

void Builder::reorder(const Placed &from, const Placed &to, int value) {
  const dnnl::reorder::primitive_desc pd(engine(), from.desc, engine(), to.desc, plain_attributes());
  primitive(dnnl::reorder(pd), pd, {{DNNL_ARG_FROM, from.desc, from.buffer}, {DNNL_ARG_TO, to.desc, to.buffer}});
  if (value < 0) return;
  plan_->steps.back()->label.kind = HT_STEP_REORDER;
  plan_->steps.back()->label.value = record(value).handle;
}

void Builder::primitive(const dnnl::primitive &primitive, const dnnl::primitive_desc_base &pd,
                        std::vector<PrimitiveStep::Operand> operands) {
  const Desc scratch = pd.query_md(dnnl::query::scratchpad_md);
  if (scratch.get_size() > 0) operands.push_back({DNNL_ARG_SCRATCHPAD, scratch, allocate(scratch.get_size())});
  add_step(std::make_unique<PrimitiveStep>(primitive, std::move(operands)), HT_STEP_NODE, pd.impl_info_str());
}

void Builder::last_step_quantizes(int value) {
  plan_->steps.back()->label.kind = HT_STEP_QUANTIZE;
  plan_->steps.back()->label.value = record(value).handle;
}

void Builder::loop(std::vector<int> touched, LoopStep::Body body, std::string how) {
  add_step(std::make_unique<LoopStep>(std::move(touched), std::move(body)), HT_STEP_NODE, std::move(how));
}

}  // namespace halftone::onednn
