// Sums of products and sums of two: where codes become sums of 32 bits and codes again.
#include <cmath>
#include <limits>

#include "lowering.h"
#include "window.h"

namespace sdk = halftone::sdk;

namespace tern {
namespace {

// A stored parameter as codes minus zero point, and the scales of its channels.
struct Parameter {
  std::vector<std::int32_t> codes;
  std::vector<float> scales;
  std::int64_t low = 0, high = 0;
  std::int32_t axis = 0;  // of the channels, where there are several scales
};

std::vector<std::int32_t> codes_of(const sdk::Context &ctx, const ht_tensor_view &stored, const ht_quantizer &q) {
  std::vector<std::int32_t> codes(static_cast<std::size_t>(sdk::count_of(stored)));
  ht_tensor_view to = stored;
  to.dtype = HT_I32;
  to.data = codes.data();
  sdk::check(ctx.host.arithmetic->quantize(ctx.raw, &q, &stored, &to));
  return codes;
}

std::optional<Parameter> parameter_of(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::Configs &configs,
                                      const sdk::Node &node, std::uint32_t slot) {
  const auto q = configs.quantizer(configs.input(node.handle, slot), true);
  const auto stored = graph.initializer(node.input(slot));
  if (!q || !stored || stored->dtype != HT_F32 || q->kind != HT_QUANT_INTEGER) return std::nullopt;
  if (q->granularity == HT_PER_BLOCK || q->count == 0) return std::nullopt;
  for (std::uint64_t i = 0; i < q->count; ++i) {
    if (q->zero_points[i] != 0) return std::nullopt;  // the matrix unit adds codes without a zero point
  }
  return Parameter{codes_of(ctx, *stored, *q), {q->scales, q->scales + q->count}, q->quant_min, q->quant_max, q->axis};
}

// Rows become outputs: a Gemm without transB has them the other way round.
std::vector<std::int32_t> transposed(const std::vector<std::int32_t> &codes, std::size_t rows, std::size_t columns) {
  std::vector<std::int32_t> out(codes.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = codes[r * columns + c];
  }
  return out;
}

// Its own codes where its scale is that of the sum; otherwise rounded to it, as integer mode does.
std::vector<std::int32_t> bias_of(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::Configs &configs,
                                  const sdk::Node &node, const std::vector<double> &units) {
  std::vector<std::int32_t> out(units.size());
  const auto stored = graph.initializer(node.input(2));
  if (!stored) return out;
  if (const auto bias = parameter_of(ctx, graph, configs, node, 2)) return bias->codes;
  const auto *numbers = static_cast<const float *>(stored->data);
  for (std::size_t c = 0; c < out.size(); ++c) {
    const double code = std::nearbyint(double{numbers[c]} / units[c]);
    if (std::fabs(code) > std::numeric_limits<std::int32_t>::max()) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "the bias of channel " + std::to_string(c) + " does not fit 32 bits",
                         node.handle);
    }
    out[c] = static_cast<std::int32_t>(code);
  }
  return out;
}

std::uint32_t bits_for(const Parameter &weight) {
  if (weight.low >= -32 && weight.high <= 31) return 6;
  return weight.low >= -128 && weight.high <= 127 ? 8 : 0;
}

}  // namespace

void Lowering::products(const Node &node) {
  const bool gemm = node.is("Gemm");
  const auto weight = parameter_of(ctx_, graph_, configs_, node, 1);
  if (!weight || bits_for(*weight) == 0) refuse(node, "needs a stored weight of at most 8 bits, symmetric");
  const ht_handle bias = node.input(2);
  if (bias != HT_NONE && !graph_.value(bias).is_initializer()) refuse(node, "has a bias that is computed");
  if (gemm &&
      (graph_.attribute_float(node.handle, "alpha", 1) != 1 || graph_.attribute_float(node.handle, "beta", 1) != 1 ||
       graph_.attribute_int(node.handle, "transA", 0) != 0)) {
    refuse(node, "has factors or a transposed input");
  }
  const ht_tensor_view stored = *graph_.initializer(node.input(1));
  const std::vector<std::int64_t> shape(stored.shape, stored.shape + stored.rank);
  const bool turned = gemm && graph_.attribute_int(node.handle, "transB", 0) == 0;
  const std::size_t channels = static_cast<std::size_t>(shape[turned ? 1 : 0]);
  if (weight->scales.size() != 1 && (weight->axis != (turned ? 1 : 0) || weight->scales.size() != channels)) {
    refuse(node, "has scales of its weight by another axis than that of the outputs");
  }
  if (bias != HT_NONE && sdk::count_of(*graph_.initializer(bias)) != static_cast<std::int64_t>(channels)) {
    refuse(node, "has a bias of another number of channels than the weight");
  }

  const std::int32_t from = read(node, 0);
  const Target to = write(node);
  const Grid in = program_.tensor(from).grid, out = program_.tensor(to.tensor).grid;
  Window w;
  if (!gemm) {
    const std::vector<std::int64_t> image = program_.tensor(from).shape;
    w = window_of(graph_, node, std::span(shape).subspan(2), std::span(image).subspan(1));
  }
  std::vector<double> units;
  std::vector<std::int32_t> multipliers, shifts;
  for (std::size_t c = 0; c < channels; ++c) {
    units.push_back(double{weight->scales[weight->scales.size() == 1 ? 0 : c]} * double{in.scale});
    const FixedPoint real(units.back() / double{out.scale});
    multipliers.push_back(real.m);
    shifts.push_back(real.shift);
  }
  const std::uint32_t bits = bits_for(*weight);
  const auto codes = turned ? transposed(weight->codes, static_cast<std::size_t>(shape[0]), channels) : weight->codes;
  const auto group = static_cast<std::int32_t>(gemm ? 1 : graph_.attribute_int(node.handle, "group", 1));
  const std::vector<std::uint8_t> bytes = packed(codes, bits);
  program_.emit(Op::kProduct,
                {to.tensor, from, program_.store(std::span<const std::uint8_t>(bytes)), static_cast<std::int32_t>(bits),
                 static_cast<std::int32_t>(channels), group, w.kernel[0], w.kernel[1], w.strides[0], w.strides[1],
                 w.dilations[0], w.dilations[1], w.pads[0], w.pads[1],
                 program_.store(std::span<const std::int32_t>(bias_of(ctx_, graph_, configs_, node, units))),
                 program_.store(std::span<const std::int32_t>(multipliers)),
                 program_.store(std::span<const std::int32_t>(shifts)), to.low, to.high});
}

// Extents of 1 are repeated; axes that one side lacks are not made up.
void Lowering::require_one_rank(const Node &node, std::int32_t a, std::int32_t b) const {
  if (program_.tensor(a).shape.size() != program_.tensor(b).shape.size()) {
    refuse(node, "has operands with another number of axes each");
  }
}

// Both sides in units of 2^-20 of twice the larger scale.
void Lowering::sum(const Node &node) {
  const std::int32_t a = read(node, 0), b = read(node, 1);
  require_one_rank(node, a, b);
  const Target to = write(node);
  const double scale_a = program_.tensor(a).grid.scale, scale_b = program_.tensor(b).grid.scale;
  constexpr double kUnits = 1048576;
  const double unit = 2 * std::max(scale_a, scale_b) / kUnits;
  const FixedPoint real_a(scale_a / unit / kUnits), real_b(scale_b / unit / kUnits);
  const FixedPoint real(unit / double{program_.tensor(to.tensor).grid.scale});
  program_.emit(Op::kAdd,
                {to.tensor, a, b, real_a.m, real_a.shift, real_b.m, real_b.shift, real.m, real.shift, to.low, to.high});
}

void Lowering::product_of_two(const Node &node) {
  const std::int32_t a = read(node, 0), b = read(node, 1);
  require_one_rank(node, a, b);
  const Target to = write(node);
  const FixedPoint real(double{program_.tensor(a).grid.scale} * double{program_.tensor(b).grid.scale} /
                        double{program_.tensor(to.tensor).grid.scale});
  program_.emit(Op::kMultiply, {to.tensor, a, b, real.m, real.shift, to.low, to.high});
}

}  // namespace tern
