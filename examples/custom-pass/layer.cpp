#include "layer.h"

namespace residual {
namespace {

// Which axes count input channels, of the weight and of the data; nothing for a node that is no such layer.
struct Axes {
  std::size_t weight;
  std::uint32_t data;
};

std::optional<Axes> axes_of(const sdk::Graph &graph, const sdk::Node &node, const sdk::StoredTensor &weight) {
  const auto integer = [&](const char *name, std::int64_t deflt) {
    return graph.attribute_int(node.handle, name, deflt);
  };
  if (node.is("Conv") && integer("group", 1) == 1 && weight.rank() > 2) return Axes{1, 1};
  if (node.is("Gemm") && integer("transA", 0) == 0 && graph.attribute_float(node.handle, "alpha", 1) == 1) {
    return Axes{integer("transB", 0) != 0 ? std::size_t{1} : std::size_t{0}, 1};
  }
  const ht_tensor_info type = graph.value(node.input(0)).info.type;
  if (node.is("MatMul") && weight.rank() == 2 && type.known_rank != 0 && type.rank >= 2) return Axes{0, type.rank - 1};
  return std::nullopt;
}

std::vector<double> loss_of(const sdk::Context &ctx, const sdk::StoredTensor &weight, const ht_quantizer &q) {
  std::vector<float> exact(weight.data.begin(), weight.data.end()), rounded(exact.size());
  const ht_tensor_view from = sdk::float_view(exact.data(), weight.shape);
  ht_tensor_view to = sdk::float_view(rounded.data(), weight.shape);
  sdk::check(ctx.host.arithmetic->fake_quantize(ctx.raw, &q, &from, &to));
  std::vector<double> loss(exact.size());
  for (std::size_t i = 0; i < loss.size(); ++i) loss[i] = double{exact[i]} - double{rounded[i]};
  return loss;
}

}  // namespace

sdk::StoredTensor Layer::residue(std::span<const std::int64_t> kept) const {
  sdk::StoredTensor out{weight.dtype, weight.shape, {}};
  out.shape[input_axis] = static_cast<std::int64_t>(kept.size());
  const std::size_t inner = weight.stride(input_axis), outer = loss.size() / (channels() * inner);
  for (std::size_t o = 0; o < outer; ++o) {
    for (const std::int64_t channel : kept) {
      const double *from = &loss[(o * channels() + static_cast<std::size_t>(channel)) * inner];
      out.data.insert(out.data.end(), from, from + inner);
    }
  }
  return out;
}

std::vector<double> Layer::mean_loss(std::span<const std::int64_t> kept, std::span<const double> means) const {
  std::vector<double> rest(means.begin(), means.end());
  for (const std::int64_t channel : kept) rest[static_cast<std::size_t>(channel)] = 0;
  std::vector<double> out(static_cast<std::size_t>(weight.extent(output_axis)), 0.0);
  const std::size_t inner = weight.stride(input_axis), outer = weight.stride(output_axis);
  for (std::size_t i = 0; i < loss.size(); ++i) out[i / outer % out.size()] += loss[i] * rest[i / inner % channels()];
  return out;
}

std::vector<double> Layer::squared_loss() const {
  std::vector<double> sums(channels(), 0.0);
  const std::size_t inner = weight.stride(input_axis);
  for (std::size_t i = 0; i < loss.size(); ++i) sums[i / inner % channels()] += loss[i] * loss[i];
  return sums;
}

std::optional<Layer> layer_at(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::Configs &configs,
                              ht_handle handle, std::uint32_t most_bits) {
  const sdk::Node node = graph.node(handle);
  if (!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) return std::nullopt;
  const ht_handle config = configs.input(handle, 1);
  const auto quantizer = configs.quantizer(config, true);
  auto weight = sdk::read_tensor(graph, node.input(1));
  if (!quantizer || !weight || weight->data.empty() || configs.info(config).spec.bits > most_bits) return std::nullopt;
  const std::optional<Axes> axes = axes_of(graph, node, *weight);
  if (!axes) return std::nullopt;
  Layer layer;
  layer.node = handle;
  layer.input = node.input(0);
  layer.weight_config = config;
  layer.loss = loss_of(ctx, *weight, *quantizer);
  layer.weight = std::move(*weight);
  layer.input_axis = axes->weight;
  layer.output_axis = 1 - axes->weight;
  layer.data_axis = axes->data;
  return layer;
}

}  // namespace residual
