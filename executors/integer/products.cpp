#include "products.h"

#include <cmath>
#include <limits>

namespace halftone::integer {

namespace {

bool is_any(const sdk::Node &node, std::initializer_list<const char *> types) {
  for (const char *type : types) {
    if (node.is(type)) return true;
  }
  return false;
}

class Maker {
 public:
  explicit Maker(const ProductsRequest &r)
      : r_(r), graph_(r.ctx), configs_(r.ctx), out_(std::make_unique<Products>()) {}

  std::unique_ptr<Products> make() {
    const bool product = r_.node.is("Mul") && is_fixed(r_.multiplier);
    if (!is_any(r_.node, {"Conv", "ConvTranspose", "Gemm", "MatMul"}) && !product) return nullptr;
    out_->label = sdk::OpNode(r_.ctx, r_.node.handle).label();
    if (r_.node.is("Gemm") && (graph_.attribute_float(r_.node.handle, "alpha", 1) != 1 ||
                               graph_.attribute_float(r_.node.handle, "beta", 1) != 1)) {
      return nullptr;
    }
    for (const std::uint32_t slot : {0U, 1U}) {
      if (!operand(slot)) return nullptr;
    }
    if (out_->operands[0] && out_->operands[1]) return nullptr;
    if (!find_channels()) return nullptr;
    if (scales_[0].size() != 1 || (scales_[1].size() != 1 && channels_ == 0)) return nullptr;
    for (const float scale : scales_[1]) out_->units.push_back(double{scale} * double{scales_[0][0]});
    spread_units();
    if (r_.node.input(2) != HT_NONE && !product && !bias()) return nullptr;
    out_->channels = std::max<std::size_t>(channels_, 1);
    return std::move(out_);
  }

 private:
  bool operand(std::uint32_t slot) {
    const ht_handle value = r_.node.input(slot);
    if (value == HT_NONE) return false;
    if (!r_.is_parameter(value)) {
      const auto format = r_.format(slot);
      if (format) scales_[slot] = {format->scale};
      return format.has_value();
    }
    const auto q = quantizer_of(configs_, configs_.input(r_.node.handle, slot), true);
    const auto stored = graph_.initializer(value);
    if (!q || !stored || stored->dtype != HT_F32 || !q->is_integer() || q->is_dynamic()) return false;
    const ht_quantizer view = q->view();
    if (view.quant_max - view.quant_min > 65535 || view.granularity == HT_PER_BLOCK) return false;
    if (view.count != 1 && (slot != 1 || view.axis != channel_axis_of_weight(stored->rank))) return false;
    out_->operands[slot] = std::make_unique<StoredOperand>(codes(*stored, *q));
    scales_[slot] = q->scales();
    return true;
  }

  // code - zero, as int32.
  Tensor codes(const ht_tensor_view &stored, const OwnedQuantizer &q) const {
    Tensor out(HT_I32, shape_of(stored));
    ht_tensor_view to = out.view();
    const ht_quantizer view = q.view();
    sdk::check(r_.ctx.host.arithmetic->quantize(r_.ctx.raw, &view, &stored, &to));
    std::int64_t inner = 1;
    for (std::uint32_t i = static_cast<std::uint32_t>(view.axis) + 1; view.count != 1 && i < stored.rank; ++i)
      inner *= stored.shape[i];
    auto *code = out.data<std::int32_t>();
    const auto count = static_cast<std::int64_t>(view.count);
    for (std::int64_t i = 0, n = out.count(); i < n; ++i)
      code[i] -= q.zero_points()[static_cast<std::size_t>(count == 1 ? 0 : i / inner % count)];
    return out;
  }

  std::int64_t integer(const char *name, std::int64_t deflt) const {
    return graph_.attribute_int(r_.node.handle, name, deflt);
  }
  std::int32_t channel_axis_of_weight(std::size_t rank) const {
    if (r_.node.is("Conv")) return 0;
    if (r_.node.is("ConvTranspose")) return 1;
    if (r_.node.is("Gemm")) return integer("transB", 0) != 0 ? 0 : 1;
    return r_.node.is("MatMul") && rank >= 2 ? static_cast<std::int32_t>(rank) - 1 : -1;
  }

  // Known where the second operand is stored. Counted from the end for products of matrices: 0 stands for the last.
  // False for a weight or a number of groups that the operator does not have: the plain kernel says so.
  bool find_channels() {
    if (!out_->operands[1]) return true;
    const Shape &w = out_->operands[1]->shape();
    const std::int32_t axis = channel_axis_of_weight(w.size());
    if (axis < 0) return true;
    const std::int64_t groups = r_.node.is("ConvTranspose") ? integer("group", 1) : 1;
    if (static_cast<std::size_t>(axis) >= w.size() || groups < 1 || groups > w[0]) return false;
    groups_ = static_cast<std::size_t>(groups);
    channels_ = static_cast<std::size_t>(w[static_cast<std::size_t>(axis)]) * groups_;
    out_->channel_axis = is_any(r_.node, {"Conv", "ConvTranspose"}) ? 1 : 0;
    return true;
  }

  // The channels of a transposed convolution are those of its weight once for each group.
  void spread_units() {
    if (out_->units.size() <= 1 || groups_ <= 1) return;
    const std::size_t own = out_->units.size();
    for (std::size_t i = own; i < channels_; ++i) out_->units.push_back(out_->units[i % own]);
  }

  bool bias() {
    const ht_handle value = r_.node.input(2);
    const auto stored = r_.is_parameter(value) ? graph_.initializer(value) : std::nullopt;
    if (!stored || stored->dtype != HT_F32 || channels_ == 0) return false;
    // A scalar is the bias of a single channel. What does not broadcast to the result is left to the plain kernel.
    const std::int64_t last = stored->rank == 0 ? 1 : stored->shape[stored->rank - 1];
    if (count_of(*stored) != static_cast<std::int64_t>(channels_) || last != count_of(*stored)) return false;
    if (r_.node.is("Gemm") && stored->rank > 2) return false;
    const auto q = quantizer_of(configs_, configs_.input(r_.node.handle, 2), true);
    if (q && q->is_integer() && !q->is_dynamic() && has_unit_scales(*q)) {
      out_->bias = std::make_unique<Tensor>(codes(*stored, *q));
      return true;
    }
    Tensor floats(*stored);
    if (q) {
      const ht_quantizer view = q->view();
      ht_tensor_view own = floats.view();
      sdk::check(r_.ctx.host.arithmetic->fake_quantize(r_.ctx.raw, &view, &own, &own));
    }
    out_->float_bias.assign(floats.data<float>(), floats.data<float>() + channels_);
    return true;
  }

  // A bias of another scale is no addend of the sum. Files round its scale to float32.
  bool has_unit_scales(const OwnedQuantizer &q) const {
    if (q.view().granularity == HT_PER_BLOCK || (q.scales().size() != 1 && q.scales().size() != channels_))
      return false;
    for (std::size_t c = 0; c < channels_; ++c) {
      const std::size_t k = q.scales().size() == 1 ? 0 : c;
      const double unit = out_->units[out_->units.size() == 1 ? 0 : c];
      if (q.zero_points()[k] != 0 || std::fabs(double{q.scales()[k]} / unit - 1) > 1e-5) return false;
    }
    return true;
  }

  const ProductsRequest &r_;
  sdk::Graph graph_;
  sdk::Configs configs_;
  std::unique_ptr<Products> out_;
  std::vector<float> scales_[2];
  std::size_t channels_ = 0, groups_ = 1;
};

// A device with an integer multiplier has integer biases.
void round_bias(Products &p) {
  const Shape shape = {static_cast<std::int64_t>(p.channels)};
  p.bias = std::make_unique<Tensor>(HT_I32, shape);
  for (std::size_t c = 0; c < p.channels; ++c) {
    const double code = round_by(p.float_bias[c] / p.units[p.units.size() == 1 ? 0 : c], HT_ROUND_HALF_EVEN);
    if (std::fabs(code) > std::numeric_limits<std::int32_t>::max()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, p.label + ": the bias of channel " + std::to_string(c) +
                                                  " does not fit 32 bits in units of the sum; its weight scale is too "
                                                  "small: leave the node in float, or raise the scale");
    }
    p.bias->data<std::int32_t>()[c] = static_cast<std::int32_t>(code);
  }
  p.float_bias.clear();
}

}  // namespace

std::unique_ptr<Products> make_products(const ProductsRequest &request) {
  std::unique_ptr<Products> made = Maker(request).make();
  if (!made) return nullptr;
  if (!made->float_bias.empty() && is_fixed(request.multiplier)) round_bias(*made);
  if (made->bias) made->wide_bias = std::make_unique<Tensor>(widened(*made->bias));
  return made;
}

void requantize_to(Products &products, const Format &to, Limits limits, Multiplier multiplier) {
  std::vector<double> reals, offsets;
  for (const double unit : products.units) {
    // In float32 operation by operation, as ONNX Runtime does: the quotient's last bit decides now and then.
    reals.push_back(multiplier == Multiplier::kFloat32 ? double{static_cast<float>(unit) / to.scale}
                                                       : unit / double{to.scale});
  }
  for (const double bias : products.float_bias) offsets.push_back(bias / double{to.scale});
  products.to_codes.emplace(multiplier, std::move(reals), std::move(offsets), to, limits);
}

}  // namespace halftone::integer
