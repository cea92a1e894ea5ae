// EmbedLayerNormalization of com.microsoft: the sum of word, position and segment embeddings, normalized over the last
// axis. Source: ONNX Runtime's ContribOperators.md.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/reals.h"

namespace halftone::reference {
namespace {

class EmbedLayerNormalization {
 public:
  explicit EmbedLayerNormalization(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-12f)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ht_tensor_view &ids = inputs[0], &words = inputs[2], &positions = inputs[3];
    require_type(words.dtype, FloatTypes{});
    if (ids.rank != 2 || words.rank != 2 || positions.rank != 2 || positions.shape[1] != words.shape[1]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of input_ids and embeddings do not fit");
    }
    const Shape ids_shape = shape_copy(ids);
    const auto fits = [&](std::size_t slot) {
      return !sdk::present(inputs, slot) || shape_copy(inputs[slot]) == ids_shape;
    };
    if (sdk::present(inputs, 4) && (inputs[4].rank != 2 || inputs[4].shape[1] != words.shape[1])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "segment_embedding has not the width of word_embedding");
    }
    if (!fits(1) || !fits(7)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "segment_ids or mask has not the shape of input_ids");
    }
    if (sdk::present(inputs, 8) && count_of(inputs[8]) != ids.shape[1] && count_of(inputs[8]) != count_of(ids)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "position_ids has not one entry per step");
    }
    const Shape shape = {ids.shape[0], ids.shape[1], words.shape[1]};
    sdk::set_type(outputs[0], words.dtype, shape);
    if (outputs.size() > 1) sdk::set_type(outputs[1], HT_I32, Shape{ids.shape[0]});
    if (outputs.size() > 2) sdk::set_type(outputs[2], words.dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int64_t width = inputs[2].shape[1], length = inputs[0].shape[1], rows = count_of(inputs[0]);
    std::vector<double> sum(static_cast<std::size_t>(rows * width), 0.0);
    add(inputs[2], integers_of(inputs[0]), sum);
    Shape positions;
    for (std::int64_t i = 0; i < rows; ++i) positions.push_back(i % length);
    if (sdk::present(inputs, 8)) {
      const Shape given = integers_of(inputs[8]);  // [1, length] serves all samples
      for (std::size_t i = 0; i < positions.size() && !given.empty(); ++i) positions[i] = given[i % given.size()];
    }
    add(inputs[3], positions, sum);
    if (sdk::present(inputs, 4)) {
      const Shape none(static_cast<std::size_t>(rows), 0);
      add(inputs[4], sdk::present(inputs, 1) ? integers_of(inputs[1]) : none, sum);
    }
    if (outputs.size() > 2) store_reals(sum, outputs[2]);
    normalize(inputs, sum, width);
    store_reals(sum, outputs[0]);
    if (outputs.size() > 1 && outputs[1].data != nullptr) count_mask(inputs, length, outputs[1]);
  }

 private:
  static void add(const ht_tensor_view &table, const Shape &indices, std::vector<double> &sum) {
    const std::vector<double> rows = reals_of(table);
    const auto width = static_cast<std::size_t>(table.shape[1]);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (indices[i] < 0 || indices[i] >= table.shape[0]) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "index " + std::to_string(indices[i]) + " into an embedding of " +
                                                    std::to_string(table.shape[0]) + " rows");
      }
      for (std::size_t k = 0; k < width; ++k) {
        sum[i * width + k] += rows[static_cast<std::size_t>(indices[i]) * width + k];
      }
    }
  }
  void normalize(sdk::KernelInputs inputs, std::vector<double> &x, std::int64_t width) const {
    const std::vector<double> gamma = reals_or(inputs, 5, width, 1.0), beta = reals_or(inputs, 6, width, 0.0);
    const std::size_t n = gamma.size();
    for (std::size_t r = 0; n > 0 && r < x.size() / n; ++r) {
      double *row = x.data() + r * n;
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) {
        row[i] = (row[i] - mean) / std::sqrt(variance + epsilon_) * gamma[i] + beta[i];
      }
    }
  }
  // How many entries of each sample's mask are set; 0 without a mask.
  static void count_mask(sdk::KernelInputs inputs, std::int64_t length, ht_tensor_view &output) {
    const Shape mask = sdk::present(inputs, 7) ? integers_of(inputs[7]) : Shape{};
    for (std::int64_t b = 0; b < count_of(output); ++b) {
      std::int32_t count = 0;
      for (std::int64_t i = 0; i < length && !mask.empty(); ++i) {
        count += mask[static_cast<std::size_t>(b * length + i)] == 1 ? 1 : 0;
      }
      out_data<std::int32_t>(output)[b] = count;
    }
  }
  double epsilon_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", EmbedLayerNormalization, "EmbedLayerNormalization", 1, 1)
}  // namespace halftone::reference
