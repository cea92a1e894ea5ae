#include "tests/unit/gradients/op_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "tests/unit/gradients/op_runner.h"

namespace halftone::test {
namespace {

// In [-1, 1), by a multiplicative hash.
double hashed(std::uint64_t at, std::uint32_t salt) {
  std::uint64_t x = (at + 1) * 0x9E3779B97F4A7C15ULL + salt * 0xD1B54A32D192ED03ULL;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 32;
  return static_cast<double>(x >> 11) * 0x1p-52 - 1.0;
}

bool in(std::uint64_t set, std::size_t slot) {
  return (set >> std::min<std::size_t>(slot, 63) & 1) != 0;
}

std::vector<double> doubles_of(const model::Tensor &t) {
  if (t.dtype() == HT_F64) {
    std::vector<double> out(static_cast<std::size_t>(t.count()));
    if (!out.empty()) std::memcpy(out.data(), t.bytes().data(), out.size() * sizeof(double));
    return out;
  }
  const std::vector<float> values = t.to_floats();
  return {values.begin(), values.end()};
}
model::Tensor tensor_of(const model::Shape &shape, const std::vector<double> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(double));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return model::Tensor(HT_F64, shape, std::move(bytes));
}

model::Tensor rounded(const model::Tensor &like, const std::vector<double> &values) {
  std::vector<float> out;
  for (const double value : values) out.push_back(static_cast<float>(value));
  return model::Tensor::from_floats(like.shape(), out);
}

// The same bytes: of NaN too.
bool same(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// sum(output * weight) over the outputs that gradients arrive at.
double objective(OpRunner &runner, const std::vector<model::Tensor> &inputs,
                 const std::vector<std::vector<float>> &given) {
  const auto outputs = runner.forward(inputs);
  double sum = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (given[k].empty()) continue;
    const auto values = doubles_of(outputs[k]);
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * static_cast<double>(given[k][i]);
  }
  return sum;
}

// Every float32 input as float64, but those that the kernel does not take so.
std::vector<model::Tensor> widened(const OpCase &op) {
  std::vector<model::Tensor> out = op.inputs;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool stays = out[i].dtype() != HT_F32 || std::ranges::count(op.floats, i) != 0;
    if (!stays) out[i] = tensor_of(out[i].shape(), doubles_of(out[i]));
  }
  return out;
}

void compare(const OpCase &op, OpRunner &runner, std::size_t slot, const std::vector<std::vector<float>> &given,
             const std::vector<float> &got) {
  std::vector<model::Tensor> inputs = widened(op);
  const std::vector<double> values = doubles_of(inputs[slot]);
  double largest = 1e-3;
  for (const float v : got) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = [&](double shift) {
      std::vector<double> moved = values;
      moved[i] += shift;
      inputs[slot] =
          inputs[slot].dtype() == HT_F64 ? tensor_of(inputs[slot].shape(), moved) : rounded(inputs[slot], moved);
      return objective(runner, inputs, given);
    };
    // Fourth order: what is left is rounding, and the fifth derivative times step^4.
    const double near = at(op.step) - at(-op.step), far = at(2 * op.step) - at(-2 * op.step);
    const double slope = (8 * near - far) / (12 * op.step);
    CHECK_MESSAGE(std::fabs(static_cast<double>(got[i]) - slope) <= op.tolerance * largest, op.op_type, " opset ",
                  op.opset, ", input ", slot, ", element ", i, ": ", got[i], " but differences give ", slope);
  }
}

std::vector<std::vector<float>> weights(const OpCase &op, const std::vector<model::Tensor> &outputs) {
  std::vector<std::vector<float>> given;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const bool unused = std::ranges::count(op.unused_outputs, k) != 0 || outputs[k].dtype() != HT_F32;
    given.push_back(unused ? std::vector<float>()
                           : noise(outputs[k].shape(), 1000 + static_cast<std::uint32_t>(k)).to_floats());
  }
  return given;
}

// The slots without which the gradient fails, of those that it declares.
SlotSets needed(const OpCase &op, OpRunner &runner, const std::vector<model::Tensor> &outputs,
                const std::vector<std::vector<float>> &given, const std::vector<std::vector<float>> &want) {
  const SlotSets declared = {runner.gradient().reads_inputs, runner.gradient().reads_outputs};
  SlotSets out;
  std::vector<std::vector<float>> got;
  const auto try_without = [&](std::uint64_t SlotSets::*which, std::size_t slot) {
    const std::uint64_t bit = std::uint64_t{1} << std::min<std::size_t>(slot, 63);
    if ((declared.*which & bit) == 0) return;
    SlotSets kept = declared;
    kept.*which &= ~bit;
    const auto failure = runner.backward(op.inputs, outputs, given, kept, ~std::uint64_t{0}, got);
    if (failure) {
      out.*which |= bit;
    } else {
      CHECK_MESSAGE(std::ranges::equal(got, want, same), op.op_type,
                    ": another result, and no failure, without the data of slot ", slot);
    }
  };
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i].dtype() != HT_DTYPE_NONE) try_without(&SlotSets::inputs, i);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) try_without(&SlotSets::outputs, i);
  return out;
}

}  // namespace

model::Tensor noise(model::Shape shape, std::uint32_t salt, double low, double high) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(low + (high - low) * (hashed(static_cast<std::uint64_t>(i), salt) + 1) / 2));
  }
  return model::Tensor::from_floats(std::move(shape), values);
}

std::vector<model::Tensor> forward(const OpCase &op) {
  return OpRunner(op).forward(op.inputs);
}

std::vector<std::vector<float>> gradients(const OpCase &op, const std::vector<std::vector<float>> &given) {
  OpRunner runner(op);
  const ht_op_gradient &gradient = runner.gradient();
  std::vector<std::vector<float>> got;
  const auto failure = runner.backward(op.inputs, runner.forward(op.inputs), given,
                                       {gradient.reads_inputs, gradient.reads_outputs}, gradient.differentiates, got);
  if (failure) throw std::runtime_error(*failure);
  return got;
}

SlotSets check_gradient(const OpCase &op) {
  CAPTURE(op.op_type);
  OpRunner runner(op);
  const auto outputs = runner.forward(op.inputs);
  const auto given = weights(op, outputs);
  const SlotSets declared = {runner.gradient().reads_inputs, runner.gradient().reads_outputs};
  std::vector<std::vector<float>> got, alone;
  const auto failure = runner.backward(op.inputs, outputs, given, declared, ~std::uint64_t{0}, got);
  REQUIRE_MESSAGE(!failure, op.op_type, ": ", failure.value_or(""));
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i].dtype() != HT_F32) continue;
    if (!in(runner.gradient().differentiates, i)) {  // asked for all the same: zeros
      CHECK(std::ranges::all_of(got[i], [](float v) { return v == 0; }));
      continue;
    }
    if (std::ranges::count(op.undefined, i) == 0) compare(op, runner, i, given, got[i]);
    // Alone, and once more: the same bytes.
    const auto again =
        runner.backward(op.inputs, outputs, given, declared, std::uint64_t{1} << std::min<std::size_t>(i, 63), alone);
    REQUIRE(!again);
    CHECK_MESSAGE(same(alone[i], got[i]), op.op_type, ": input ", i, " alone");
  }
  return needed(op, runner, outputs, given, got);
}

}  // namespace halftone::test
