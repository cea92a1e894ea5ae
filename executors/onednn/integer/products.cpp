#include "products.h"

namespace halftone::onednn {

using integer::Step;

std::unique_ptr<integer::FastStep> fast_step(const sdk::Context &ctx, const sdk::Node &node, const Step &step) {
  if (step.form == integer::Form::kPairs) return fast_pairs(node, step);
  if (step.form == integer::Form::kMoved) return fast_move(ctx, node, step);
  if (step.form != integer::Form::kSums || !step.products->operands[1] || step.outputs[0].quantizer) return nullptr;
  if (node.is("Conv")) return fast_convolution(ctx, node, step);
  return fast_matrix_product(ctx, node, step);
}

std::vector<std::int32_t> padded_bias(const integer::Products &products, std::size_t channels) {
  std::vector<std::int32_t> out((channels + kBlock - 1) / kBlock * kBlock);
  if (products.bias) std::copy_n(products.bias->data<std::int32_t>(), channels, out.begin());
  return out;
}

Ending::Ending(const Step &step, std::size_t channels)
    : channels_(channels), padded_((channels + kBlock - 1) / kBlock * kBlock), dtype_(HT_F32) {
  const integer::Products &p = *step.products;
  if (p.to_codes) {
    dtype_ = step.outputs[0].codes->dtype;
    finish_ = std::make_unique<Finish>(*p.to_codes, dtype_, padded_, channels);
    return;
  }
  units_ = p.units;
  float_bias_ = p.float_bias;
}

void Ending::run(const std::int32_t *sums, std::size_t pixels, integer::Tensor &to, std::size_t at) const {
  if (finish_) {
    const std::size_t width = dtype_ == HT_U8 || dtype_ == HT_I8 ? 1 : 2;
    return finish_->run(sums, pixels, to.data<std::uint8_t>() + at * width);
  }
  float *out = to.data<float>() + at;
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < channels_; ++c) {
      const double value = sums[p * padded_ + c] * units_[units_.size() == 1 ? 0 : c];
      out[p * channels_ + c] = static_cast<float>(float_bias_.empty() ? value : value + float_bias_[c]);
    }
  }
}

void widen(const ht_tensor_view &codes, std::int64_t first, std::int64_t count, const integer::Format &format,
           std::int16_t *to) {
  const auto n = static_cast<std::size_t>(count);
  switch (codes.dtype) {
    case HT_U8:
    case HT_I8:
      return widen_codes(static_cast<const std::uint8_t *>(codes.data) + first, codes.dtype == HT_I8, format.zero, to,
                         n);
    case HT_I16:
      for (std::size_t i = 0; i < n; ++i)
        to[i] = static_cast<std::int16_t>(static_cast<const std::int16_t *>(codes.data)[first + std::int64_t(i)] -
                                          format.zero);
      return;
    default:
      for (std::size_t i = 0; i < n; ++i)
        to[i] = static_cast<std::int16_t>(static_cast<const std::uint16_t *>(codes.data)[first + std::int64_t(i)] -
                                          format.zero);
  }
}

}  // namespace halftone::onednn
