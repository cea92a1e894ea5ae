#include "lowering.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "lut_functions.h"
#include "window.h"

namespace sdk = halftone::sdk;

namespace tern {

// Which function knows the instructions of an operator; null where the device has none.
Lowering::Lower Lowering::instruction_of(const Node &node) {
  struct Entry {
    std::string_view type;
    Lower lower;
  };
  static constexpr std::array kEntries = {
      Entry{"Conv", &Lowering::products},    Entry{"Gemm", &Lowering::products},
      Entry{"Add", &Lowering::sum},          Entry{"Mul", &Lowering::product_of_two},
      Entry{"Relu", &Lowering::table},       Entry{"Clip", &Lowering::table},
      Entry{"MaxPool", &Lowering::max_pool}, Entry{"GlobalAveragePool", &Lowering::mean},
      Entry{"Concat", &Lowering::concat},    Entry{"Flatten", &Lowering::move},
      Entry{"Reshape", &Lowering::move},     Entry{"Squeeze", &Lowering::move},
      Entry{"Unsqueeze", &Lowering::move},   Entry{"Identity", &Lowering::move}};
  if (node.domain() == kDomain) return node.op_type() == kLutActivation ? &Lowering::table : nullptr;
  const auto found =
      std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry &entry) { return node.is(entry.type); });
  return found == kEntries.end() ? nullptr : found->lower;
}

Lowering::Lowering(const sdk::Context &ctx, std::size_t alignment) : ctx_(ctx), graph_(ctx), configs_(ctx) {
  program_.alignment = alignment;
}

Program Lowering::run() {
  inputs();
  const std::vector<ht_handle> nodes = graph_.nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    ctx_.poll(i, nodes.size());
    if (absorbed_.contains(nodes[i])) continue;
    const Node node = graph_.node(nodes[i]);
    if (is_tail(node)) {
      tail_.insert(nodes[i]);
    } else {
      lower(node);
    }
  }
  outputs();
  return std::move(program_);
}

void Lowering::refuse(const Node &node, const std::string &why) const {
  throw sdk::Failure(HT_UNIMPLEMENTED,
                     "Tern runs whole networks on 8-bit codes: node '" + std::string(node.name()) + "' (" +
                         std::string(node.op_type()) + ") " + why,
                     node.handle);
}

// Without the axis of samples.
std::vector<std::int64_t> Lowering::shape_of_sample(ht_handle value) const {
  const ht_tensor_info type = graph_.value(value).info.type;
  std::vector<std::int64_t> shape;
  for (std::uint32_t axis = 1; type.known_rank != 0 && axis < type.rank; ++axis) shape.push_back(type.shape[axis]);
  const bool known = std::all_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent > 0; });
  if (type.known_rank == 0 || type.rank == 0 || !known) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the shape of '" + std::string(graph_.value(value).name()) +
                           "' is not known before the run, and a program of Tern has fixed shapes; fix the extents of "
                           "the model's inputs",
                       value);
  }
  return shape;
}

// The host brings an input to codes: the grid is that of the slots that read it. Nothing where nobody does.
std::optional<Grid> Lowering::input_grid(ht_handle value) const {
  const std::vector<ht_use> uses = graph_.consumers(value);
  std::optional<Grid> grid;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const auto own = grid_at(configs_, configs_.input(uses[i].node, uses[i].slot));
    if (!own) refuse(graph_.node(uses[i].node), "reads an input of the model and is not quantized");
    if (grid && *grid != *own) refuse(graph_.node(uses[i].node), "quantizes an input otherwise than another node");
    grid = own;
  }
  return grid;
}

void Lowering::inputs() {
  for (const ht_handle value : graph_.inputs(graph_.main())) {
    const std::optional<Grid> grid = input_grid(value);
    if (!grid) continue;
    tensors_[value] = program_.add({std::string(graph_.value(value).name()), *grid, shape_of_sample(value)});
    program_.inputs.push_back(tensors_[value]);
  }
}

bool Lowering::is_tail(const Node &node) const {
  const auto made_by_tail = [&](ht_handle value) {
    return value != HT_NONE && tail_.contains(graph_.value(value).info.producer);
  };
  if (std::any_of(node.inputs().begin(), node.inputs().end(), made_by_tail)) return true;
  return !node.is("Constant") && instruction_of(node) == nullptr && !grid_at(configs_, configs_.output(node.handle, 0));
}

void Lowering::outputs() {
  std::vector<ht_handle> values;
  for (const ht_handle value : graph_.outputs(graph_.main())) values.push_back(value);
  for (const ht_handle node : tail_) {
    const auto inputs = graph_.node(node).inputs();
    values.insert(values.end(), inputs.begin(), inputs.end());
  }
  for (const ht_handle value : values) {
    const auto found = tensors_.find(value);
    if (found == tensors_.end()) continue;
    auto &numbers = program_.outputs;
    if (std::find(numbers.begin(), numbers.end(), found->second) == numbers.end()) numbers.push_back(found->second);
  }
  if (!tail_.empty()) {
    ctx_.log("the host computes the last " + std::to_string(tail_.size()) + " nodes of the network, beginning with '" +
             std::string(graph_.node(*tail_.begin()).name()) + "'");
  }
  if (program_.outputs.empty()) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "nothing of this network runs on Tern; `halftone explain` tells why");
  }
}

void Lowering::lower(const Node &node) {
  if (node.is("Constant")) return;
  if (const Lower lower_node = instruction_of(node)) return (this->*lower_node)(node);
  refuse(node, "has no instruction; leave it out of the network that the device runs");
}

std::int32_t Lowering::regridded(std::int32_t tensor, const Grid &to) {
  const Tensor &from = program_.tensor(tensor);
  if (from.grid == to) return tensor;
  const auto table = table_of(ctx_, from.grid, to, nullptr);
  const std::int32_t made = program_.add({from.name + "@" + std::to_string(program_.tensors.size()), to, from.shape});
  program_.emit(Op::kTable, {made, tensor, program_.store(std::span<const std::uint8_t>(table))});
  return made;
}

std::int32_t Lowering::read(const Node &node, std::uint32_t slot) {
  const auto found = tensors_.find(node.input(slot));
  if (found == tensors_.end()) {
    refuse(node, graph_.value(node.input(slot)).is_initializer()
                     ? "computes with a constant in a place of data"
                     : "reads what is not quantized; `halftone explain` tells why its producer stays in float");
  }
  const auto own = grid_at(configs_, configs_.input(node.handle, slot));
  return own ? regridded(found->second, *own) : found->second;
}

Lowering::Target Lowering::write(const Node &node) {
  const auto grid = grid_at(configs_, configs_.output(node.handle, 0));
  if (!grid) return absorb(node);
  const ht_handle value = node.output(0);
  tensors_[value] = program_.add({std::string(graph_.value(value).name()), *grid, shape_of_sample(value)});
  return {tensors_[value]};
}

std::optional<float> Lowering::limit(const Node &node, std::uint32_t slot) const {
  const auto stored = graph_.initializer(node.input(slot));
  if (!stored) {
    if (node.input(slot) != HT_NONE) refuse(node, "has a limit that is computed");
    return std::nullopt;
  }
  if (stored->dtype != HT_F32 || sdk::count_of(*stored) != 1) refuse(node, "has a limit that is no float32 number");
  float bound = *static_cast<const float *>(stored->data);
  if (const auto q = configs_.quantizer(configs_.input(node.handle, slot))) {
    const std::int64_t one = 1;
    const ht_tensor_view in = sdk::float_view(&bound, {&one, 1});
    ht_tensor_view out = in;
    sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &*q, &in, &out));
  }
  return bound;
}

Lowering::Target Lowering::absorb(const Node &node) {
  const auto use = graph_.sole_consumer(node.output(0));
  const bool activation = use && (graph_.node(use->node).is("Relu") || graph_.node(use->node).is("Clip"));
  if (!activation) refuse(node, "has an output that is not quantized; `halftone explain` tells why");
  const Node next = graph_.node(use->node);
  Target target = write(next);
  absorbed_.insert(next.handle);
  const Grid grid = program_.tensor(target.tensor).grid;
  if (next.is("Relu")) {
    target.low = std::clamp(grid.zero, 0, 255);
    return target;
  }
  if (const auto low = limit(next, 1)) target.low = code_of(ctx_, grid, *low);
  if (const auto high = limit(next, 2)) target.high = code_of(ctx_, grid, *high);
  target.low = std::min(target.low, target.high);  // a Clip whose minimum is above its maximum gives the maximum
  return target;
}

Function Lowering::activation(const Node &node) const {
  if (node.is("Relu")) return [](float x) { return std::max(x, 0.0F); };
  if (node.is("Clip")) {
    const auto low = limit(node, 1), high = limit(node, 2);
    return [low, high](float x) {
      const float raised = low ? std::max(x, *low) : x;
      return high ? std::min(raised, *high) : raised;
    };
  }
  const LutFunction *function = lut_function(graph_.attribute_text(node.handle, "function", ""));
  if (function == nullptr) refuse(node, "has a function that the tables do not know");
  return [function](float x) { return static_cast<float>(function->compute(double{x})); };
}

void Lowering::table(const Node &node) {
  const std::int32_t from = read(node, 0);
  const Target to = write(node);
  if (to.low != 0 || to.high != 255) refuse(node, "has another activation behind it without codes between");
  const auto table = table_of(ctx_, program_.tensor(from).grid, program_.tensor(to.tensor).grid, activation(node));
  program_.emit(Op::kTable, {to.tensor, from, program_.store(std::span<const std::uint8_t>(table))});
}

void Lowering::write_moved(const Node &node, std::int32_t from, Op op, const std::vector<std::int32_t> &operands) {
  const ht_handle value = node.output(0);
  const std::int32_t moved =
      program_.add({std::string(graph_.value(value).name()), program_.tensor(from).grid, shape_of_sample(value)});
  std::vector<std::int32_t> all = {moved, from};
  all.insert(all.end(), operands.begin(), operands.end());
  program_.emit(op, all);
  const auto grid = grid_at(configs_, configs_.output(node.handle, 0));
  tensors_[value] = grid ? regridded(moved, *grid) : moved;
}

void Lowering::max_pool(const Node &node) {
  const std::int32_t from = read(node, 0);
  const std::vector<std::int64_t> shape = program_.tensor(from).shape;
  const Window w = window_of(graph_, node, {}, std::span(shape).subspan(1));
  if (w.dilations != std::array<std::int32_t, 2>{1, 1}) refuse(node, "is dilated");
  write_moved(node, from, Op::kMaxPool, {w.kernel[0], w.kernel[1], w.strides[0], w.strides[1], w.pads[0], w.pads[1]});
}

void Lowering::mean(const Node &node) {
  const std::int32_t from = read(node, 0);
  const Target to = write(node);
  const FixedPoint real(double{program_.tensor(from).grid.scale} / double{program_.tensor(to.tensor).grid.scale});
  program_.emit(Op::kMean, {to.tensor, from, real.m, real.shift, to.low, to.high});
}

void Lowering::concat(const Node &node) {
  std::vector<std::int32_t> parts;
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) parts.push_back(read(node, slot));
  std::int64_t axis = graph_.attribute_int(node.handle, "axis", 1);
  if (axis < 0) axis += static_cast<std::int64_t>(program_.tensor(parts[0]).shape.size()) + 1;
  if (axis < 1) refuse(node, "joins samples");
  const auto own = grid_at(configs_, configs_.output(node.handle, 0));
  const Grid grid = own ? *own : program_.tensor(parts[0]).grid;
  for (std::int32_t &part : parts) part = regridded(part, grid);
  const ht_handle value = node.output(0);
  tensors_[value] = program_.add({std::string(graph_.value(value).name()), grid, shape_of_sample(value)});
  std::vector<std::int32_t> operands = {tensors_[value], static_cast<std::int32_t>(axis - 1)};
  operands.insert(operands.end(), parts.begin(), parts.end());
  program_.emit(Op::kConcat, operands);
}

void Lowering::move(const Node &node) {
  const auto count = [](const std::vector<std::int64_t> &shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  };
  const std::int32_t from = read(node, 0);
  if (count(program_.tensor(from).shape) != count(shape_of_sample(node.output(0)))) {
    refuse(node, "moves values between samples");
  }
  write_moved(node, from, Op::kMove, {});
}

}  // namespace tern
