// What LSTM, GRU and RNN share: directions, layouts, sequence lengths and the loop over time. A cell adds its
// equations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/reals.h"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

using Activation = std::function<double(double)>;

// The functions of all directions, `per_direction` each; the cell's defaults where the node names none.
std::vector<Activation> recurrent_activations(const sdk::OpNode &node, const std::vector<std::string> &defaults,
                                              std::size_t directions);

// One direction's parameters, widened. Gates are stacked: row g * hidden + h.
struct RecurrentWeights {
  std::vector<double> w, r, wb, rb, p;
  const Activation *functions;
  std::int64_t hidden, input;
  double clip;  // 0: none

  double clipped(double x) const { return clip > 0 ? std::min(std::max(x, -clip), clip) : x; }
  // row . vector of the recurrence matrix.
  double recur(std::int64_t row, const double *h) const {
    double sum = 0;
    for (std::int64_t i = 0; i < hidden; ++i) sum += r[static_cast<std::size_t>(row * hidden + i)] * h[i];
    return sum;
  }
};

// Cell: kGates, kHasCellState, functions() (default names), a constructor from OpNode, and
// step(weights, x, h, c): x are the gates' input parts W * x + Wb; h and c are updated in place.
template <typename Cell>
class RecurrentKernel {
 public:
  explicit RecurrentKernel(const sdk::OpNode &node)
      : cell_(node),
        direction_(node.text("direction", "forward")),
        hidden_(node.integer("hidden_size", 0)),
        batch_first_(node.flag("layout", false)),
        clip_(node.number("clip", 0.0)) {
    if (direction_ != "forward" && direction_ != "reverse" && direction_ != "bidirectional") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "direction '" + direction_ + "' is unknown");
    }
    functions_ = recurrent_activations(node, Cell::functions(), directions());
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank != 3 || inputs[1].rank != 3 || inputs[2].rank != 3) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "X, W and R must have three axes");
    }
    const Sizes s = sizes(inputs);
    if (inputs[1].shape[1] != Cell::kGates * s.hidden || inputs[1].shape[2] != s.input) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X and W do not fit");
    }
    const auto d = static_cast<std::int64_t>(directions());
    const std::int64_t gates = Cell::kGates * s.hidden;
    const std::array<std::int64_t, 8> counts = {
        -1,      d * gates * s.input,    d * gates * s.hidden,   2 * d * gates,
        s.batch, d * s.batch * s.hidden, d * s.batch * s.hidden, 3 * d * s.hidden};
    for (std::size_t i = 1; i < std::min(inputs.size(), counts.size()); ++i) {
      if (sdk::present(inputs, i) && count_of(inputs[i]) != counts[i]) {
        throw sdk::Failure(HT_INVALID_ARGUMENT,
                           "input " + std::to_string(i) + " has not the size that X, W and R ask for");
      }
    }
    const Shape state = batch_first_ ? Shape{s.batch, d, s.hidden} : Shape{d, s.batch, s.hidden};
    sdk::set_type(outputs[0], inputs[0].dtype,
                  batch_first_ ? Shape{s.batch, s.steps, d, s.hidden} : Shape{s.steps, d, s.batch, s.hidden});
    outputs.require_at_most(Cell::kHasCellState ? 3 : 2);
    for (std::size_t i = 1; i < outputs.size(); ++i) sdk::set_type(outputs[i], inputs[0].dtype, state);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Sizes s = sizes(inputs);
    const std::vector<double> x = reals_of(inputs[0]);
    std::vector<std::vector<double>> results;  // all steps, the last state, the last cell state
    for (const ht_tensor_view &output : outputs) results.emplace_back(static_cast<std::size_t>(count_of(output)), 0.0);
    for (std::size_t d = 0; d < directions(); ++d) {
      const RecurrentWeights weights = weights_of(inputs, d, s);
      for (std::int64_t b = 0; b < s.batch; ++b) sequence(inputs, x, results, weights, d, b, s);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) store_reals(results[i], outputs[i]);
  }

 private:
  struct Sizes {
    std::int64_t steps, batch, input, hidden;
  };
  std::size_t directions() const { return direction_ == "bidirectional" ? 2 : 1; }
  Sizes sizes(sdk::KernelInputs inputs) const {
    const std::int64_t *x = inputs[0].shape;
    return {x[batch_first_ ? 1 : 0], x[batch_first_ ? 0 : 1], x[2], inputs[2].shape[2]};
  }
  static std::vector<double> part(sdk::KernelInputs inputs, std::size_t slot, std::size_t d, std::int64_t offset,
                                  std::int64_t count, std::int64_t pitch) {
    if (!sdk::present(inputs, slot)) return std::vector<double>(static_cast<std::size_t>(count), 0.0);
    const std::vector<double> all = reals_of(inputs[slot]);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(d) * pitch + offset;
    return {first, first + count};
  }
  RecurrentWeights weights_of(sdk::KernelInputs inputs, std::size_t d, const Sizes &s) const {
    const std::int64_t gates = Cell::kGates * s.hidden;
    RecurrentWeights out;
    out.w = part(inputs, 1, d, 0, gates * s.input, gates * s.input);
    out.r = part(inputs, 2, d, 0, gates * s.hidden, gates * s.hidden);
    out.wb = part(inputs, 3, d, 0, gates, 2 * gates);
    out.rb = part(inputs, 3, d, gates, gates, 2 * gates);
    out.p = part(inputs, 7, d, 0, 3 * s.hidden, 3 * s.hidden);
    out.functions = functions_.data() + d * Cell::functions().size();
    out.hidden = s.hidden;
    out.input = s.input;
    out.clip = clip_;
    return out;
  }
  // Where one sample's state stands in initial and final state tensors.
  std::int64_t state_offset(std::size_t d, std::int64_t b, const Sizes &s) const {
    const auto direction = static_cast<std::int64_t>(d), n = static_cast<std::int64_t>(directions());
    return (batch_first_ ? b * n + direction : direction * s.batch + b) * s.hidden;
  }
  void sequence(sdk::KernelInputs inputs, const std::vector<double> &source, std::vector<std::vector<double>> &results,
                const RecurrentWeights &weights, std::size_t d, std::int64_t b, const Sizes &s) const {
    const std::int64_t at = state_offset(d, b, s), gates = Cell::kGates * s.hidden;
    std::vector<double> h = part(inputs, 5, 0, at, s.hidden, 0), x(static_cast<std::size_t>(gates));
    std::vector<double> c(static_cast<std::size_t>(s.hidden), 0.0);
    if (Cell::kHasCellState) c = part(inputs, 6, 0, at, s.hidden, 0);
    const std::int64_t given =
        sdk::present(inputs, 4) ? integers_of(inputs[4]).at(static_cast<std::size_t>(b)) : s.steps;
    const std::int64_t length = std::min(given, s.steps);
    const bool reverse = direction_ == "reverse" || d == 1;
    const auto n = static_cast<std::int64_t>(directions()), direction = static_cast<std::int64_t>(d);
    for (std::int64_t i = 0; i < length; ++i) {
      const std::int64_t t = reverse ? length - 1 - i : i;
      const double *from = source.data() + (batch_first_ ? b * s.steps + t : t * s.batch + b) * s.input;
      product(weights.w.data(), from, x.data(), gates, 1, s.input);
      for (std::size_t g = 0; g < x.size(); ++g) x[g] += weights.wb[g];
      cell_.step(weights, x, h, c);
      const std::int64_t row = batch_first_ ? (b * s.steps + t) * n + direction : (t * n + direction) * s.batch + b;
      std::ranges::copy(h, results[0].begin() + row * s.hidden);
    }
    if (results.size() > 1) std::ranges::copy(h, results[1].begin() + at);
    if (results.size() > 2) std::ranges::copy(c, results[2].begin() + at);
  }
  Cell cell_;
  std::string direction_;
  std::int64_t hidden_;
  bool batch_first_;
  double clip_;
  std::vector<Activation> functions_;
};

}  // namespace halftone::reference
