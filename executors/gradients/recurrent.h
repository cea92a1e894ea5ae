// Back through time, as LSTM, GRU and RNN share it: each sample's sequence is run again with what the steps need kept,
// then walked from its end. A cell adds its equations.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "recurrent_function.h"
#include "sums.h"

namespace halftone::gradients {

using Reals = std::vector<double>;

// One direction's parameters or their gradients, in float64. Gates are stacked: row g * hidden + h.
struct RecurrentParameters {
  Reals w, r, wb, rb, p;
};

// What a cell works with.
struct RecurrentCellContext {
  const RecurrentParameters &weights;
  const RecurrentFunction *functions;
  std::size_t hidden;
  double clip;  // 0: none

  double clipped(double x) const { return clip > 0 ? std::clamp(x, -clip, clip) : x; }
  double apply(std::size_t function, double x) const { return functions[function](clipped(x)); }
  double slope(std::size_t function, double x) const {
    return clip > 0 && (x < -clip || x > clip) ? 0.0 : functions[function].slope(x);
  }
  // row . h of the recurrence matrix, with the bias.
  double recur(std::size_t row, const Reals &h) const {
    double sum = 0;
    for (std::size_t i = 0; i < hidden; ++i) sum += weights.r[row * hidden + i] * h[i];
    return sum + weights.rb[row];
  }
  // The gradient `d` of recur(row, h): to the row, its bias, and h.
  void recur_backward(std::size_t row, double d, const Reals &h, RecurrentParameters &sums, Reals &dh) const {
    sums.rb[row] += d;
    for (std::size_t i = 0; i < hidden; ++i) {
      sums.r[row * hidden + i] += d * h[i];
      dh[i] += d * weights.r[row * hidden + i];
    }
  }
};

// The state before a step, the gates' input parts W x + Wb, and what the cell keeps beside them.
struct RecurrentStep {
  Reals h, c, x;
  std::vector<Reals> kept;
};

// Cell: kGates, kHasCellState, functions() (default names), a constructor from OpNode,
//   forward(context, step, h, c): from `step` to the state after it, filling step.kept;
//   backward(context, step, dh, dc, dx, sums): dh and dc from the gradients of the state after the step to those before
//   it, dx to those of step.x; adds to sums.r, rb and p.
template <typename Cell>
class RecurrentGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = Cell::kHasCellState ? sdk::slots(0, 1, 2, 3, 4, 5, 6, 7) : sdk::slots(0, 1, 2, 3, 4, 5),
      .reads_outputs = 0,
      .differentiates = Cell::kHasCellState ? sdk::slots(0, 1, 2, 3, 5, 6, 7) : sdk::slots(0, 1, 2, 3, 5)};
  explicit RecurrentGradient(const sdk::OpNode &node)
      : cell_(node),
        direction_(node.text("direction", "forward")),
        batch_first_(node.flag("layout", false)),
        clip_(node.number("clip", 0.0)) {
    if (direction_ != "forward" && direction_ != "reverse" && direction_ != "bidirectional") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "direction '" + direction_ + "' is unknown");
    }
    functions_ = recurrent_functions(node, Cell::functions(), directions());
  }
  void backward(const sdk::Backward &pass) const {
    Run run(pass, *this);
    for (std::size_t d = 0; d < directions(); ++d) run.direction(d);
    run.store();
  }

 private:
  std::size_t directions() const { return direction_ == "bidirectional" ? 2 : 1; }

  // One call: sizes, and sums of what is wanted.
  struct Run {
    const sdk::Backward &pass;
    const RecurrentGradient &node;
    std::size_t steps, batch, input, hidden, gates, count;
    std::array<std::optional<Sums>, 8> sums;
    Shape lengths;

    Run(const sdk::Backward &the_pass, const RecurrentGradient &owner)
        : pass(the_pass),
          node(owner),
          steps(static_cast<std::size_t>(pass.input_shape(0)[owner.batch_first_ ? 1 : 0])),
          batch(static_cast<std::size_t>(pass.input_shape(0)[owner.batch_first_ ? 0 : 1])),
          input(static_cast<std::size_t>(pass.input_shape(0)[2])),
          hidden(static_cast<std::size_t>(pass.input_shape(2)[2])),
          gates(static_cast<std::size_t>(Cell::kGates) * hidden),
          count(owner.directions()) {
      for (std::size_t slot = 0; slot < sums.size(); ++slot) {
        if (pass.wants(slot)) sums[slot].emplace(pass.dx(slot));
      }
      lengths = pass.has_input(4) ? integers_of(pass.input(4)) : Shape(batch, static_cast<std::int64_t>(steps));
    }
    void store() const {
      for (const auto &sum : sums) {
        if (sum) sum->store();
      }
    }
    Reals part(std::size_t slot, std::size_t first, std::size_t size) const {
      if (!pass.has_input(slot)) return Reals(size, 0.0);
      const auto values = pass.x(slot).subspan(first, size);
      return {values.begin(), values.end()};
    }
    void add(std::size_t slot, std::size_t first, const Reals &values) {
      if (!sums[slot]) return;
      for (std::size_t i = 0; i < values.size(); ++i) (*sums[slot])[static_cast<std::int64_t>(first + i)] += values[i];
    }
    void direction(std::size_t d) {
      RecurrentParameters weights = {part(1, d * gates * input, gates * input),
                                     part(2, d * gates * hidden, gates * hidden), part(3, d * 2 * gates, gates),
                                     part(3, d * 2 * gates + gates, gates),
                                     Cell::kHasCellState ? part(7, d * 3 * hidden, 3 * hidden) : Reals()};
      RecurrentParameters grads = {Reals(weights.w.size(), 0.0), Reals(weights.r.size(), 0.0), Reals(gates, 0.0),
                                   Reals(gates, 0.0), Reals(weights.p.size(), 0.0)};
      const RecurrentCellContext context = {weights, node.functions_.data() + d * Cell::functions().size(), hidden,
                                            node.clip_};
      for (std::size_t b = 0; b < batch; ++b) sample(context, d, b, grads);
      add(1, d * gates * input, grads.w);
      add(2, d * gates * hidden, grads.r);
      add(3, d * 2 * gates, grads.wb);
      add(3, d * 2 * gates + gates, grads.rb);
      if (Cell::kHasCellState) add(7, d * 3 * hidden, grads.p);
    }
    std::size_t state_at(std::size_t d, std::size_t b) const {
      return (node.batch_first_ ? b * count + d : d * batch + b) * hidden;
    }
    std::size_t input_at(std::size_t b, std::size_t t) const {
      return (node.batch_first_ ? b * steps + t : t * batch + b) * input;
    }
    std::size_t output_at(std::size_t d, std::size_t b, std::size_t t) const {
      return (node.batch_first_ ? (b * steps + t) * count + d : (t * count + d) * batch + b) * hidden;
    }
    Reals given(std::size_t output, std::size_t first) const {
      if (!pass.arrives(output)) return Reals(hidden, 0.0);
      const auto values = pass.dy(output).subspan(first, hidden);
      return {values.begin(), values.end()};
    }
    void sample(const RecurrentCellContext &context, std::size_t d, std::size_t b, RecurrentParameters &grads) {
      const bool reverse = node.direction_ == "reverse" || d == 1;
      const std::size_t length = std::min(static_cast<std::size_t>(lengths.at(b)), steps);
      const auto time = [&](std::size_t i) { return reverse ? length - 1 - i : i; };
      Reals h = part(5, state_at(d, b), hidden);
      Reals c = Cell::kHasCellState ? part(6, state_at(d, b), hidden) : Reals();
      std::vector<RecurrentStep> trace(length);
      for (std::size_t i = 0; i < length; ++i) {
        trace[i] = {h, c, gate_inputs(context, input_at(b, time(i))), {}};
        node.cell_.forward(context, trace[i], h, c);
      }
      Reals dh = given(1, state_at(d, b)), dc = Cell::kHasCellState ? given(2, state_at(d, b)) : Reals();
      Reals dx(gates, 0.0);
      for (std::size_t i = length; i-- > 0;) {
        const Reals from = given(0, output_at(d, b, time(i)));
        for (std::size_t j = 0; j < hidden; ++j) dh[j] += from[j];
        node.cell_.backward(context, trace[i], dh, dc, dx, grads);
        inputs_backward(context, dx, input_at(b, time(i)), grads);
      }
      add(5, state_at(d, b), dh);
      if (Cell::kHasCellState) add(6, state_at(d, b), dc);
    }
    Reals gate_inputs(const RecurrentCellContext &context, std::size_t first) const {
      const auto x = pass.x(0).subspan(first, input);
      Reals out = context.weights.wb;
      for (std::size_t g = 0; g < gates; ++g) {
        for (std::size_t i = 0; i < input; ++i) out[g] += context.weights.w[g * input + i] * static_cast<double>(x[i]);
      }
      return out;
    }
    void inputs_backward(const RecurrentCellContext &context, const Reals &dx, std::size_t first,
                         RecurrentParameters &grads) {
      const auto x = pass.x(0).subspan(first, input);
      Reals back(input, 0.0);
      for (std::size_t g = 0; g < gates; ++g) {
        grads.wb[g] += dx[g];
        for (std::size_t i = 0; i < input; ++i) {
          grads.w[g * input + i] += dx[g] * static_cast<double>(x[i]);
          back[i] += dx[g] * context.weights.w[g * input + i];
        }
      }
      add(0, first, back);
    }
  };
  Cell cell_;
  std::string direction_;
  bool batch_first_;
  double clip_;
  std::vector<RecurrentFunction> functions_;
};

}  // namespace halftone::gradients
