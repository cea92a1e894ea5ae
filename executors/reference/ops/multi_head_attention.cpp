// MultiHeadAttention of com.microsoft: softmax(scale * q k' + bias) v for each head; q, k and v are [batch, rows,
// heads * width].
#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {
namespace {

class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)), scale_(node.number("scale", 0)) {
    if (heads_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its num_heads is not positive");
    if (!node.has_input(1) || !node.has_input(2)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "packed query, key and value are not supported");
    }
    bool plain = !node.flag("unidirectional", false) && !node.has_input(3) && !node.has_input(4);
    for (std::size_t i = 6; i < node.input_count(); ++i) plain = plain && !node.has_input(i);
    for (std::size_t i = 1; i < node.output_count(); ++i) plain = plain && !node.has_output(i);
    if (!plain) throw sdk::Failure(HT_UNIMPLEMENTED, "bias, padding mask, past and unidirectional are not supported");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const ShapeSpan q = shape_of(inputs[0]), k = shape_of(inputs[1]), v = shape_of(inputs[2]);
    const bool ranks = q.size() == 3 && k.size() == 3 && v.size() == 3;
    if (!ranks || q[0] != k[0] || q[0] != v[0] || k[1] != v[1] || q[2] != k[2] || q[2] % heads_ != 0 ||
        v[2] % heads_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of query, key and value do not go together");
    }
    if (sdk::present(inputs, 5)) {
      const Shape scores = {q[0], heads_, q[1], k[1]};
      if (broadcast(scores, shape_of(inputs[5])) != scores) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape of attention_bias does not broadcast to that of the scores");
      }
    }
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{q[0], q[1], v[2]});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { attend<T>(inputs, outputs); });
  }

 private:
  // Turns scores into weights that sum to one.
  static void softmax(std::vector<double> &scores) {
    const double largest = *std::ranges::max_element(scores);
    double sum = 0;
    for (double &s : scores) sum += s = std::exp(s - largest);
    for (double &s : scores) s /= sum;
  }
  template <typename T>
  void attend(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan q = shape_of(inputs[0]), v = shape_of(inputs[2]);
    const std::int64_t rows = q[1], keys = v[1], width = q[2] / heads_, value_width = v[2] / heads_;
    const double scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(width));
    const Shape all = {q[0], heads_, rows, keys};
    const Shape step = sdk::present(inputs, 5) ? broadcast_strides(shape_of(inputs[5]), all) : Shape(4, 0);
    if (keys == 0) return;
    std::vector<double> scores(static_cast<std::size_t>(keys)), sums(static_cast<std::size_t>(value_width));
    for (std::int64_t at = 0; at < q[0] * heads_ * rows; ++at) {
      const std::int64_t b = at / rows / heads_, h = at / rows % heads_, r = at % rows;
      const T *query = in_data<T>(inputs[0]) + (b * rows + r) * q[2] + h * width;
      for (std::int64_t j = 0; j < keys; ++j) {
        const T *key = in_data<T>(inputs[1]) + (b * keys + j) * q[2] + h * width;
        double sum = 0;
        for (std::int64_t i = 0; i < width; ++i) sum += static_cast<double>(query[i]) * static_cast<double>(key[i]);
        const std::int64_t bias = b * step[0] + h * step[1] + r * step[2] + j * step[3];
        scores[static_cast<std::size_t>(j)] =
            scale * sum + (sdk::present(inputs, 5) ? static_cast<double>(in_data<T>(inputs[5])[bias]) : 0.0);
      }
      softmax(scores);
      std::ranges::fill(sums, 0.0);
      for (std::int64_t j = 0; j < keys; ++j) {
        const T *value = in_data<T>(inputs[2]) + (b * keys + j) * v[2] + h * value_width;
        for (std::size_t i = 0; i < sums.size(); ++i) {
          sums[i] += scores[static_cast<std::size_t>(j)] * static_cast<double>(value[i]);
        }
      }
      T *out = out_data<T>(outputs[0]) + (b * rows + r) * v[2] + h * value_width;
      for (std::size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<T>(sums[i]);
    }
  }

  std::int64_t heads_;
  double scale_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", MultiHeadAttention, "MultiHeadAttention", 1, 1)
}  // namespace halftone::reference
