// If, Loop and Scan in executors: which body runs when, on what, and what becomes of its results. How a body runs is
// the executor's business. The meaning is that of the operator specifications of ONNX (If 1, Loop 1, Scan 9 and newer).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halftone/body.hpp"
#include "halftone/owned_tensor.hpp"

namespace halftone::sdk {

using OwnedTensors = std::vector<OwnedTensor>;

class ControlFlow {
 public:
  // Runs a body, by its position in body_graphs(), on its own inputs; gives its outputs.
  using RunBody = std::function<OwnedTensors(std::size_t body, std::span<const ht_tensor_view> inputs)>;

  using Types = std::vector<std::optional<ht_tensor_info>>;  // nothing where a shape depends on data
  // What a body's outputs are, given its own inputs; their data are null where they are not known.
  using InferBody = std::function<Types(std::size_t body, std::span<const ht_tensor_view> inputs)>;

  // Throws for a node whose bodies do not fit it.
  explicit ControlFlow(const OpNode &op);

  // All outputs of the node, unused ones included. `inputs` has one view per slot, with dtype HT_DTYPE_NONE where a
  // slot is empty; safe on several threads.
  OwnedTensors run(std::span<const ht_tensor_view> inputs, const RunBody &body) const {
    if (kind_ == Kind::kIf) return run_if(inputs, body);
    return kind_ == Kind::kLoop ? run_loop(inputs, body) : run_scan(inputs, body);
  }
  // Types of all outputs, as far as they hold whatever the data are.
  Types infer(std::span<const ht_tensor_view> inputs, const InferBody &body) const {
    Types types = kind_ == Kind::kIf     ? infer_if(inputs, body)
                  : kind_ == Kind::kLoop ? infer_loop(inputs, body)
                                         : infer_scan(inputs, body);
    types.resize(node_outputs_);
    return types;
  }

 private:
  enum class Kind : std::uint8_t { kIf, kLoop, kScan };
  // What an output of the body is according to the model, for loops that never run.
  struct Declared {
    ht_dtype dtype = HT_DTYPE_NONE;
    bool known_rank = false;
    std::vector<std::int64_t> shape;
    std::string name;
  };

  [[noreturn]] void refuse(const std::string &why) const { throw Failure(HT_INVALID_ARGUMENT, label_ + ": " + why); }
  void read_loop(const OpNode &op);
  void read_scan(const OpNode &op);
  void require_count(std::string_view what, std::size_t have, std::size_t want) const;

  OwnedTensors run_if(std::span<const ht_tensor_view> inputs, const RunBody &body) const;
  OwnedTensors run_loop(std::span<const ht_tensor_view> inputs, const RunBody &body) const;
  OwnedTensors run_scan(std::span<const ht_tensor_view> inputs, const RunBody &body) const;
  Types infer_if(std::span<const ht_tensor_view> inputs, const InferBody &body) const;
  Types infer_loop(std::span<const ht_tensor_view> inputs, const InferBody &body) const;
  Types infer_scan(std::span<const ht_tensor_view> inputs, const InferBody &body) const;
  static Types infer_idle(const InferBody &body, std::size_t at, std::span<const ht_tensor_view> inputs);
  static bool keeps_states(std::span<const ht_tensor_view> states, const Types &results, std::size_t first);
  bool truth(const ht_tensor_view &tensor) const;
  std::int64_t trip_count(std::span<const ht_tensor_view> inputs) const;
  std::int64_t scan_length(std::span<const ht_tensor_view> scanned) const;
  std::size_t axis_of(std::int64_t axis, std::size_t rank) const;
  static OwnedTensor slice(const ht_tensor_view &from, std::size_t axis, std::int64_t at);
  OwnedTensor stack(const OwnedTensors &parts, std::int64_t axis, bool backwards, std::size_t output) const;
  template <typename T>
  static OwnedTensor scalar(ht_dtype dtype, std::uint32_t rank, T value);

  std::string label_;
  Kind kind_ = Kind::kIf;
  std::size_t node_outputs_ = 0, body_inputs_ = 0;
  std::vector<std::size_t> body_outputs_;
  std::size_t states_ = 0;                           // values carried from one iteration to the next
  std::uint32_t counter_rank_ = 0, truth_rank_ = 0;  // of a Loop's iteration number and condition: 0 or 1
  std::vector<std::int64_t> in_axes_, out_axes_;     // by scanned input, by scan output
  std::vector<bool> in_backwards_, out_backwards_;
  std::vector<Declared> declared_;  // scan outputs
};

inline ControlFlow::ControlFlow(const OpNode &op) : label_(op.label()), node_outputs_(op.output_count()) {
  const Graph &graph = op.graph();
  const std::vector<ht_handle> bodies = body_graphs(graph, op.node().handle);
  kind_ = op.node().is("If") ? Kind::kIf : op.node().is("Loop") ? Kind::kLoop : Kind::kScan;
  require_count("bodies", bodies.size(), kind_ == Kind::kIf ? 2 : 1);
  for (const ht_handle body : bodies) body_outputs_.push_back(graph.outputs(body).size());
  body_inputs_ = graph.inputs(bodies[0]).size();
  if (kind_ == Kind::kIf) {
    for (const ht_handle body : bodies) {
      require_count("inputs in a branch", graph.inputs(body).size(), 0);
      if (graph.outputs(body).size() < node_outputs_) refuse("a branch gives fewer values than the node has outputs");
    }
    return;
  }
  kind_ == Kind::kLoop ? read_loop(op) : read_scan(op);
  const auto outputs = graph.outputs(bodies[0]);
  for (std::size_t i = outputs.size() - out_axes_.size(); i < outputs.size(); ++i) {
    const Value value = graph.value(outputs[i]);
    const ht_tensor_info &type = value.info.type;
    Declared declared{type.dtype, type.known_rank != 0, {}, std::string(value.name())};
    for (std::uint32_t k = 0; k < type.rank; ++k) declared.shape.push_back(std::max<std::int64_t>(type.shape[k], 0));
    declared_.push_back(std::move(declared));
  }
}

inline void ControlFlow::require_count(std::string_view what, std::size_t have, std::size_t want) const {
  if (have == want) return;
  refuse("it has " + std::to_string(have) + " " + std::string(what) + " where " + std::to_string(want) +
         " are needed; export the model again");
}

inline void ControlFlow::read_loop(const OpNode &op) {
  if (body_inputs_ < 2) refuse("its body takes no iteration number and condition; export the model again");
  states_ = body_inputs_ - 2;
  if (body_outputs_[0] < states_ + 1) refuse("its body gives fewer values than it takes; export the model again");
  if (op.input_count() > 2 + states_) require_count("initial states", op.input_count() - 2, states_);
  const Graph &graph = op.graph();
  const auto inputs = graph.inputs(body_graphs(graph, op.node().handle)[0]);
  counter_rank_ = std::min(graph.value(inputs[0]).info.type.rank, 1U);
  truth_rank_ = std::min(graph.value(inputs[1]).info.type.rank, 1U);
  const std::size_t scans = body_outputs_[0] - 1 - states_;
  if (node_outputs_ > states_ + scans) require_count("outputs", node_outputs_, states_ + scans);
  out_axes_.assign(scans, 0);
  out_backwards_.assign(scans, false);
}

inline void ControlFlow::read_scan(const OpNode &op) {
  const std::int64_t scanned = op.integer("num_scan_inputs", 0);
  if (scanned < 1 || static_cast<std::size_t>(scanned) > op.input_count()) {
    refuse("num_scan_inputs is " + std::to_string(scanned) + ", and the node has " + std::to_string(op.input_count()) +
           " inputs; export the model again");
  }
  require_count("inputs in its body", body_inputs_, op.input_count());
  states_ = op.input_count() - static_cast<std::size_t>(scanned);
  if (body_outputs_[0] < states_) refuse("its body gives fewer values than it takes; export the model again");
  const std::size_t scans = body_outputs_[0] - states_;
  if (node_outputs_ > body_outputs_[0]) require_count("outputs", node_outputs_, body_outputs_[0]);
  const auto list = [&](const char *name, std::size_t count) {
    std::vector<std::int64_t> values = op.integers(name);
    if (values.empty()) values.assign(count, 0);
    require_count(std::string("entries in ") + name, values.size(), count);
    return values;
  };
  in_axes_ = list("scan_input_axes", static_cast<std::size_t>(scanned));
  out_axes_ = list("scan_output_axes", scans);
  for (const std::int64_t d : list("scan_input_directions", static_cast<std::size_t>(scanned)))
    in_backwards_.push_back(d != 0);
  for (const std::int64_t d : list("scan_output_directions", scans)) out_backwards_.push_back(d != 0);
}

inline bool ControlFlow::truth(const ht_tensor_view &tensor) const {
  if (tensor.dtype != HT_BOOL || count_of(tensor) != 1) refuse("the condition is not one element of type bool");
  return *static_cast<const std::uint8_t *>(tensor.data) != 0;
}

inline OwnedTensors ControlFlow::run_if(std::span<const ht_tensor_view> inputs, const RunBody &body) const {
  if (inputs.empty()) refuse("it has no condition; export the model again");
  OwnedTensors outputs = body(truth(inputs[0]) ? 0 : 1, {});
  outputs.resize(node_outputs_);
  return outputs;
}

template <typename T>
OwnedTensor ControlFlow::scalar(ht_dtype dtype, std::uint32_t rank, T value) {
  const std::int64_t one = 1;
  OwnedTensor tensor(dtype, {&one, rank});
  std::memcpy(tensor.data(), &value, sizeof(value));
  return tensor;
}

// As many as the node says; without a number, as many as there can be.
inline std::int64_t ControlFlow::trip_count(std::span<const ht_tensor_view> inputs) const {
  if (!present(inputs, 0)) return INT64_MAX;
  const ht_tensor_view &count = inputs[0];
  if (count.dtype != HT_I64 || count_of(count) != 1) refuse("the trip count is not one element of type int64");
  std::int64_t trips = 0;
  std::memcpy(&trips, count.data, sizeof(trips));
  return trips;
}

inline OwnedTensors ControlFlow::run_loop(std::span<const ht_tensor_view> inputs, const RunBody &body) const {
  if (inputs.size() < 2 + states_) require_count("initial states", inputs.size() < 2 ? 0 : inputs.size() - 2, states_);
  const std::int64_t trips = trip_count(inputs);
  bool go_on = !present(inputs, 1) || truth(inputs[1]);
  OwnedTensors states;
  for (std::size_t i = 0; i < states_; ++i) states.emplace_back(inputs[2 + i]);
  std::vector<OwnedTensors> stacks(out_axes_.size());
  for (std::int64_t trip = 0; trip < trips && go_on; ++trip) {
    const OwnedTensor number = scalar(HT_I64, counter_rank_, trip);
    const OwnedTensor condition = scalar(HT_BOOL, truth_rank_, std::uint8_t{1});
    std::vector<ht_tensor_view> fed{number.view(), condition.view()};
    for (const OwnedTensor &state : states) fed.push_back(state.view());
    OwnedTensors results = body(0, fed);
    go_on = truth(results[0].view());
    for (std::size_t i = 0; i < states_; ++i) states[i] = std::move(results[1 + i]);
    for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].push_back(std::move(results[1 + states_ + i]));
  }
  OwnedTensors outputs = std::move(states);
  for (std::size_t i = 0; i < stacks.size() && outputs.size() < node_outputs_; ++i)
    outputs.push_back(stack(stacks[i], 0, false, i));
  outputs.resize(node_outputs_);
  return outputs;
}

inline std::int64_t ControlFlow::scan_length(std::span<const ht_tensor_view> scanned) const {
  std::int64_t length = -1;
  for (std::size_t i = 0; i < scanned.size(); ++i) {
    const std::int64_t own = scanned[i].shape[axis_of(in_axes_[i], scanned[i].rank)];
    if (length >= 0 && own != length) {
      refuse("its scanned inputs have " + std::to_string(length) + " and " + std::to_string(own) +
             " entries along their axes; they must have equally many");
    }
    length = own;
  }
  return length;
}

inline OwnedTensors ControlFlow::run_scan(std::span<const ht_tensor_view> inputs, const RunBody &body) const {
  require_count("inputs", inputs.size(), body_inputs_);
  const std::span<const ht_tensor_view> scanned = inputs.subspan(states_);
  const std::int64_t length = scan_length(scanned);
  OwnedTensors states;
  for (std::size_t i = 0; i < states_; ++i) states.emplace_back(inputs[i]);
  std::vector<OwnedTensors> stacks(out_axes_.size());
  for (std::int64_t at = 0; at < length; ++at) {
    OwnedTensors slices;
    for (std::size_t i = 0; i < scanned.size(); ++i) {
      const std::int64_t where = in_backwards_[i] ? length - 1 - at : at;
      slices.push_back(slice(scanned[i], axis_of(in_axes_[i], scanned[i].rank), where));
    }
    std::vector<ht_tensor_view> fed;
    for (const OwnedTensor &state : states) fed.push_back(state.view());
    for (const OwnedTensor &part : slices) fed.push_back(part.view());
    OwnedTensors results = body(0, fed);
    for (std::size_t i = 0; i < states_; ++i) states[i] = std::move(results[i]);
    for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].push_back(std::move(results[states_ + i]));
  }
  OwnedTensors outputs = std::move(states);
  for (std::size_t i = 0; i < stacks.size() && outputs.size() < node_outputs_; ++i)
    outputs.push_back(stack(stacks[i], out_axes_[i], out_backwards_[i], i));
  outputs.resize(node_outputs_);
  return outputs;
}

inline std::size_t ControlFlow::axis_of(std::int64_t axis, std::size_t rank) const {
  const std::int64_t from_front = axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
  if (from_front < 0 || from_front >= static_cast<std::int64_t>(rank)) {
    refuse("axis " + std::to_string(axis) + " of a scan does not exist in a tensor of " + std::to_string(rank) +
           " axes");
  }
  return static_cast<std::size_t>(from_front);
}

// Entry `at` along an axis, without that axis.
inline OwnedTensor ControlFlow::slice(const ht_tensor_view &from, std::size_t axis, std::int64_t at) {
  if (bits_of(from.dtype) % 8 != 0) throw Failure(HT_UNIMPLEMENTED, "a scan over elements below a byte");
  std::vector<std::int64_t> shape(from.shape, from.shape + from.rank);
  const std::int64_t extent = shape[axis];
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : shape[i];
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  OwnedTensor out(from.dtype, shape);
  const std::size_t row = bytes_of(from.dtype, inner);
  const auto *source = static_cast<const std::byte *>(from.data);
  for (std::int64_t i = 0; i < outer && row != 0; ++i) {
    const auto place = static_cast<std::size_t>(i * extent + at);
    std::memcpy(out.data() + static_cast<std::size_t>(i) * row, source + place * row, row);
  }
  return out;
}

// The parts side by side along a new axis.
inline OwnedTensor ControlFlow::stack(const OwnedTensors &parts, std::int64_t axis, bool backwards,
                                      std::size_t output) const {
  const Declared &declared = declared_[output];
  if (parts.empty() && declared.dtype == HT_DTYPE_NONE)
    refuse("its body never ran, and the model does not say what type '" + declared.name + "' has");
  const ht_dtype dtype = parts.empty() ? declared.dtype : parts[0].dtype();
  std::vector<std::int64_t> shape = parts.empty() ? declared.shape : parts[0].shape();
  for (const OwnedTensor &part : parts) {
    if (part.shape() != shape || part.dtype() != dtype) {
      refuse("'" + declared.name + "' has another shape in another iteration, so that no tensor holds them all");
    }
  }
  if (bits_of(dtype) % 8 != 0) throw Failure(HT_UNIMPLEMENTED, label_ + ": scan outputs of elements below a byte");
  const std::size_t place = axis_of(axis, shape.size() + 1);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) (i < place ? outer : inner) *= shape[i];
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(place), static_cast<std::int64_t>(parts.size()));
  OwnedTensor out(dtype, shape);
  const std::size_t row = bytes_of(dtype, inner), count = parts.size();
  for (std::size_t k = 0; k < count && row != 0; ++k) {
    const OwnedTensor &part = parts[backwards ? count - 1 - k : k];
    for (std::size_t i = 0; i < static_cast<std::size_t>(outer); ++i)
      std::memcpy(out.data() + (i * count + k) * row, part.data() + i * row, row);
  }
  return out;
}

inline bool same_type(const ht_tensor_info &a, const ht_tensor_info &b) {
  return a.dtype == b.dtype && a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
}

// Whether an iteration gives states of the types that it took, so that all others do as well.
inline bool ControlFlow::keeps_states(std::span<const ht_tensor_view> states, const Types &results, std::size_t first) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    ht_tensor_info taken{};
    set_type(taken, states[i].dtype, shape_of(states[i]));
    if (first + i >= results.size() || !results[first + i] || !same_type(*results[first + i], taken)) return false;
  }
  return true;
}

// Of a body that may never run: what does not fit in it is no mistake yet. Its types count as unknown, and a run that
// comes to it reports the reason.
inline ControlFlow::Types ControlFlow::infer_idle(const InferBody &body, std::size_t at,
                                                  std::span<const ht_tensor_view> inputs) {
  try {
    return body(at, inputs);
  } catch (const Failure &) {
    return {};
  }
}

inline ControlFlow::Types ControlFlow::infer_if(std::span<const ht_tensor_view> inputs, const InferBody &body) const {
  if (inputs.empty()) refuse("it has no condition; export the model again");
  if (inputs[0].data != nullptr) return body(truth(inputs[0]) ? 0 : 1, {});
  Types types = infer_idle(body, 0, {});
  const Types other = infer_idle(body, 1, {});
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i >= other.size() || !types[i] || !other[i] || !same_type(*types[i], *other[i])) types[i].reset();
  }
  return types;
}

// How often it runs is seldom known, so what it stacks is not either.
inline ControlFlow::Types ControlFlow::infer_loop(std::span<const ht_tensor_view> inputs, const InferBody &body) const {
  if (inputs.size() < 2 + states_) return {};
  const std::span<const ht_tensor_view> states = inputs.subspan(2, states_);
  const std::int64_t one = 1;
  std::vector<ht_tensor_view> fed(2);
  for (ht_tensor_view &view : fed) view.struct_size = sizeof(view), view.shape = &one;
  fed[0].dtype = HT_I64, fed[0].rank = counter_rank_;
  fed[1].dtype = HT_BOOL, fed[1].rank = truth_rank_;
  for (ht_tensor_view state : states) {
    state.data = nullptr;  // changes from one iteration to the next
    fed.push_back(state);
  }
  const Types results = infer_idle(body, 0, fed);
  if (!keeps_states(states, results, 1) || results.size() < 1 + states_) return {};
  return Types(results.begin() + 1, results.begin() + 1 + static_cast<std::ptrdiff_t>(states_));
}

inline ControlFlow::Types ControlFlow::infer_scan(std::span<const ht_tensor_view> inputs, const InferBody &body) const {
  if (inputs.size() != body_inputs_) return {};
  const std::span<const ht_tensor_view> states = inputs.first(states_), scanned = inputs.subspan(states_);
  const std::int64_t length = scan_length(scanned);
  std::vector<ht_tensor_view> fed(inputs.begin(), inputs.end());
  std::vector<std::vector<std::int64_t>> shapes;
  for (std::size_t i = 0; i < fed.size(); ++i) {
    shapes.emplace_back(fed[i].shape, fed[i].shape + fed[i].rank);
    if (i >= states_) {
      std::vector<std::int64_t> &shape = shapes.back();
      shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(in_axes_[i - states_], shape.size())));
    }
    fed[i].data = nullptr;
    fed[i].rank = static_cast<std::uint32_t>(shapes.back().size());
    fed[i].shape = shapes.back().data();
  }
  Types results = infer_idle(body, 0, fed);
  if (length == 0 || !keeps_states(states, results, 0)) return {};
  for (std::size_t i = 0; i < out_axes_.size(); ++i) {
    if (states_ + i >= results.size() || !results[states_ + i]) continue;
    const ht_tensor_info entry = *results[states_ + i];
    std::vector<std::int64_t> shape(entry.shape, entry.shape + entry.rank);
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(out_axes_[i], shape.size() + 1)), length);
    set_type(*results[states_ + i], entry.dtype, shape);
  }
  return results;
}

}  // namespace halftone::sdk
