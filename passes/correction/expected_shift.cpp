#include "expected_shift.h"

#include <algorithm>

#include "weight_grid.h"

namespace halftone::passes {

std::vector<std::vector<double>> input_means(const sdk::Context &ctx, const std::vector<Layer> &layers) {
  const sdk::Graph graph(ctx);
  std::vector<ht_statistics_request> requests;
  std::vector<bool> asked;
  for (const Layer &layer : layers) {
    const ht_tensor_info type = graph.value(layer.input).info.type;
    asked.push_back(layer.convolves || (type.known_rank != 0 && type.rank > 0));
    if (!asked.back()) continue;
    ht_statistics_request request{};
    request.struct_size = sizeof(request);
    request.value = layer.input;
    request.wants = HT_WANT_CHANNEL_MOMENTS;
    request.channel_axis = layer.convolves ? 1 : type.rank - 1;
    requests.push_back(request);
  }
  ht_collect_options options{};
  options.struct_size = sizeof(options);
  if (!requests.empty()) {
    sdk::check(ctx.host.calibration->collect(ctx.raw, requests.data(), requests.size(), &options));
  }
  std::vector<std::vector<double>> means(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!asked[i]) continue;
    const ht_statistics *found = nullptr;
    sdk::check(ctx.host.calibration->statistics(ctx.raw, layers[i].input, &found));
    const auto count = static_cast<double>(std::max<std::uint64_t>(found->channel_elements, 1));
    for (std::uint64_t c = 0; c < found->channel_count; ++c) means[i].push_back(found->channel_sum[c] / count);
  }
  return means;
}

std::vector<double> expected_shift(const sdk::Context &ctx, const Layer &layer, const std::vector<double> &means) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  const WeightGrid grid(graph, configs, layer);
  const double alpha = layer.op_type == "Gemm" ? graph.attribute_float(layer.node, "alpha", 1.0) : 1.0;
  const MatrixLayout &m = layer.matrix;
  const std::size_t channels = m.columns / m.taps;
  if (means.size() != channels * m.groups) {
    throw sdk::Failure(HT_FAILED_PRECONDITION, "the input has other channels than the weight", layer.node);
  }
  std::vector<double> shift(m.groups * m.outputs, 0);
  for (std::size_t g = 0; g < m.groups; ++g) {
    const WeightRows rows = grid.rows(g, 0, m.outputs);
    for (std::size_t i = 0; i < rows.values.size(); ++i) {
      const double given = static_cast<double>(rows.code(i, rows.values[i])) * static_cast<double>(rows.scales[i]);
      shift[g * m.outputs + i / m.columns] +=
          alpha * (given - rows.values[i]) * means[g * channels + i % m.columns / m.taps];
    }
  }
  return shift;
}

}  // namespace halftone::passes
