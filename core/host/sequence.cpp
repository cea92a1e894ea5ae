#include "core/host/sequence.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/model/dtype.h"

namespace halftone::host {

namespace {

std::vector<std::string> names_of(const model::Model &m, const std::vector<model::Handle> &values) {
  std::vector<std::string> names;
  for (const model::Handle h : values) names.push_back(m.value(h).name);
  return names;
}

model::Handle named(const model::Model &m, const std::vector<model::Handle> &values, const std::string &name) {
  const auto found = std::ranges::find_if(values, [&](model::Handle h) { return m.value(h).name == name; });
  return found == values.end() ? HT_NONE : *found;
}

void require_name(const model::Model &m, const std::vector<model::Handle> &values, const std::string &name,
                  std::string_view what) {
  if (named(m, values, name) != HT_NONE) return;
  const std::vector<std::string> names = names_of(m, values);
  fail(Status::kInvalidArgument, "`feedback` names the {} '{}', which the model does not have{}; it has: {}", what,
       name, nearest_hint(name, names), fmt::join(names, ", "));
}

}  // namespace

bool Sequence::feeds(const std::string &input) const {
  return std::ranges::any_of(feedback, [&](const Feedback &f) { return f.input == input; });
}

void require_feedback(const Sequence &sequence, const model::Model &m) {
  const model::Graph &graph = m.graph(m.main_graph());
  std::set<std::string> fed;
  for (const auto &[output, input] : sequence.feedback) {
    require_name(m, graph.outputs, output, "output");
    require_name(m, graph.inputs, input, "input");
    if (!fed.insert(input).second) {
      fail(Status::kInvalidArgument, "`feedback` gives the input '{}' the state of two outputs; name one", input);
    }
  }
  const auto is_fed = [&](model::Handle h) { return m.value(h).initializer || fed.contains(m.value(h).name); };
  if (std::ranges::all_of(graph.inputs, is_fed)) {
    fail(
        Status::kInvalidArgument,
        "`feedback` feeds every input of the model, so that nothing says how long a sequence is; leave an input to the "
        "samples");
  }
}

// How an input's array falls into frames.
struct SequencePlan::Cut {
  ht_tensor_view whole{};
  std::vector<std::int64_t> shape;  // of a frame
  std::int64_t frames = 1;
  std::size_t runs = 1, stride = 0, run = 0;  // a frame is so many runs of `run` bytes, `stride` bytes apart
  std::vector<std::byte> bytes;               // of a frame that does not lie in one piece

  ht_tensor_view frame(std::int64_t number) {
    ht_tensor_view view = whole;
    view.rank = static_cast<std::uint32_t>(shape.size());
    view.shape = shape.data();
    if (frames == 1 || whole.data == nullptr) return view;
    const auto *from = static_cast<const std::byte *>(whole.data) + static_cast<std::size_t>(number) * run;
    view.data = const_cast<std::byte *>(from);
    if (runs == 1) return view;
    bytes.resize(runs * run);
    for (std::size_t i = 0; i < runs; ++i) std::memcpy(bytes.data() + i * run, from + i * stride, run);
    view.data = bytes.data();
    return view;
  }
};

SequencePlan::SequencePlan(const Sequence &sequence, const model::Model &m, const std::vector<model::Handle> &inputs,
                           std::vector<model::Handle> &emits)
    : axis_(sequence.axis) {
  require_feedback(sequence, m);
  for (const model::Handle h : inputs) {
    const model::Value &value = m.value(h);
    Input input{value.name, sequence.feeds(value.name), value.type.has_shape, {}};
    for (const model::Dim &dim : value.type.dims) input.extents.push_back(dim.extent);
    inputs_.push_back(std::move(input));
  }
  const std::vector<model::Handle> &outputs = m.graph(m.main_graph()).outputs;
  for (const auto &[output, input] : sequence.feedback) {
    State state{named(m, outputs, output), 0, output, false};
    const auto at = std::ranges::find(inputs_, input, &Input::name);
    if (at == inputs_.end()) {
      fail(Status::kInvalidArgument, "`feedback` names the input '{}', which is a constant of the model", input);
    }
    state.input = static_cast<std::size_t>(at - inputs_.begin());
    state.internal = std::ranges::find(emits, state.output) == emits.end();
    const bool added = std::ranges::any_of(states_, [&](const State &s) { return s.output == state.output; });
    if (state.internal && !added) emits.push_back(state.output);
    if (added) {  // one output may feed several inputs
      const auto first = std::ranges::find(states_, state.output, &State::output);
      state.internal = first->internal;
    }
    states_.push_back(std::move(state));
  }
}

SequencePlan::Cut SequencePlan::cut(std::size_t at, const ht_tensor_view &tensor) const {
  const Input &input = inputs_[at];
  Cut cut;
  cut.whole = tensor;
  cut.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  if (input.is_state || axis_ >= tensor.rank) return cut;
  const bool extra = !input.known_rank || tensor.rank > input.extents.size();
  const std::int64_t length = extra || input.extents[axis_] < 1 ? 1 : input.extents[axis_];
  const std::int64_t extent = tensor.shape[axis_];
  if (extent % length != 0 || extent == 0) {
    fail(
        Status::kDataLoss,
        "the data of input '{}' are {} long along axis {}, which is no whole number of frames of length {}; cut or pad "
        "them",
        input.name, extent, axis_, length);
  }
  std::int64_t inner = 1, outer = 1;
  for (std::uint32_t i = 0; i < tensor.rank; ++i) (i < axis_ ? outer : inner) *= i == axis_ ? 1 : tensor.shape[i];
  cut.frames = extent / length;
  cut.runs = static_cast<std::size_t>(outer);
  cut.run = model::dtype_bytes(tensor.dtype, inner * length);
  cut.stride = model::dtype_bytes(tensor.dtype, inner * extent);
  cut.shape[axis_] = length;
  if (extra) cut.shape.erase(cut.shape.begin() + static_cast<std::ptrdiff_t>(axis_));
  return cut;
}

std::vector<SequencePlan::Cut> SequencePlan::cuts(std::span<const ht_tensor_view> inputs, std::int64_t &frames) const {
  std::vector<Cut> all;
  frames = 1;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    all.push_back(cut(i, inputs[i]));
    if (all[i].frames == 1) continue;
    if (frames != 1 && all[i].frames != frames) {
      fail(Status::kDataLoss,
           "input '{}' has {} frames and input '{}' has {}; inputs of one sequence must have the same "
           "number",
           inputs_[longest].name, frames, inputs_[i].name, all[i].frames);
    }
    frames = all[i].frames;
    longest = i;
  }
  return all;
}

std::vector<ht_tensor_view> SequencePlan::first_frame(std::span<const ht_tensor_view> inputs,
                                                      std::vector<std::vector<std::int64_t>> &shapes) const {
  std::int64_t frames = 1;
  std::vector<Cut> all = cuts(inputs, frames);
  std::vector<ht_tensor_view> views;
  shapes.clear();
  for (Cut &cut : all) {
    cut.whole.data = nullptr;
    views.push_back(cut.frame(0));
    shapes.push_back(std::move(cut.shape));
    views.back().shape = shapes.back().data();
  }
  return views;
}

bool SequencePlan::is_internal(model::Handle value) const {
  return std::ranges::any_of(states_, [&](const State &state) { return state.internal && state.output == value; });
}

void SequencePlan::run(std::span<const ht_tensor_view> inputs, const EmitFunction &emit, const RunFrame &frame) const {
  struct Kept {
    std::vector<std::byte> bytes;
    std::vector<std::int64_t> shape;
    ht_dtype dtype = HT_DTYPE_NONE;
  };
  std::int64_t frames = 1;
  std::vector<Cut> all = cuts(inputs, frames);
  std::vector<Kept> now(states_.size()), next(states_.size());
  const auto take = [&](model::Handle value, const ht_tensor_view &tensor) {
    bool internal = false;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].output != value) continue;
      internal = states_[i].internal;
      if (tensor.block_size != 0 || tensor.strides != nullptr) {
        fail(Status::kInternal, "the executor hands over output '{}' in a layout of its own", states_[i].name);
      }
      next[i].dtype = tensor.dtype;
      next[i].shape.assign(tensor.shape, tensor.shape + tensor.rank);
      const auto *data = static_cast<const std::byte *>(tensor.data);
      next[i].bytes.assign(data, data + model::dtype_bytes(tensor.dtype, model::element_count(next[i].shape)));
    }
    if (!internal) emit(value, tensor);
  };
  for (std::int64_t number = 0; number < frames; ++number) {
    std::vector<ht_tensor_view> views;
    for (Cut &cut : all) views.push_back(cut.frame(number));
    for (std::size_t i = 0; number > 0 && i < states_.size(); ++i) {
      ht_tensor_view &view = views[states_[i].input];
      if (view.dtype != now[i].dtype) {
        fail(Status::kInvalidArgument, "`feedback` gives '{}' what '{}' gave, which is another type: {} instead of {}",
             inputs_[states_[i].input].name, states_[i].name, model::dtype_name(now[i].dtype),
             model::dtype_name(view.dtype));
      }
      view.rank = static_cast<std::uint32_t>(now[i].shape.size());
      view.shape = now[i].shape.data();
      view.data = now[i].bytes.data();
    }
    frame(views, take);
    std::swap(now, next);
  }
}

}  // namespace halftone::host
