#include "products.h"

#include "integer/tables.h"

namespace halftone::onednn {

using integer::Step;

std::unique_ptr<integer::FastStep> fast_step(const sdk::Context &ctx, const sdk::Node &node, const Step &step) {
  if (step.form == integer::Form::kPairs) return fast_pairs(node, step);
  if (step.form == integer::Form::kMoved)
    return node.is("Slice") || node.is("Pad") ? fast_box(ctx, node, step) : fast_move(ctx, node, step);
  if (step.form == integer::Form::kMean) return fast_average(ctx, node, step);
  if (step.form == integer::Form::kTable) return fast_table(step);
  if (step.form != integer::Form::kSums || step.products->operands[0] || step.outputs[0].quantizer) return nullptr;
  if (!step.products->operands[1]) return fast_pair_product(ctx, node, step);
  if (node.is("Conv")) return fast_convolution(ctx, node, step);
  if (node.is("ConvTranspose")) return fast_transposed_convolution(ctx, node, step);
  return fast_matrix_product(ctx, node, step);
}

bool fit_bytes(const integer::Format &codes, const integer::StoredOperand &stored) {
  const std::int32_t zero = Operand{codes, true}.byte_zero();
  if (!has_byte_products() || !integer::has_table(codes) || zero < 0 || zero > 255) return false;
  return std::all_of(stored.codes(), stored.codes() + stored.count(),
                     [](std::int32_t weight) { return weight >= -128 && weight <= 127; });
}

Ending::Ending(const integer::Products &p, const std::optional<integer::Format> &to, std::size_t channels,
               std::size_t pitch)
    : channels_(channels), pitch_(pitch), dtype_(HT_F32) {
  if (p.to_codes) {
    dtype_ = to->dtype;
    finish_ = std::make_unique<Finish>(*p.to_codes, dtype_, pitch, channels);
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
      const double value = sums[p * pitch_ + c] * units_[units_.size() == 1 ? 0 : c];
      out[p * channels_ + c] = static_cast<float>(float_bias_.empty() ? value : value + float_bias_[c]);
    }
  }
}

integer::Placed plain_floats(const integer::Tensor &channels_last) {
  integer::Placed out{integer::Tensor(HT_F32, channels_last.shape()), false};
  const auto *source = channels_last.data<float>();
  const std::int64_t channels = channels_last.shape()[1];
  const std::int64_t plane = integer::count_of(std::span(channels_last.shape()).subspan(2));
  for (std::int64_t i = 0, all = channels_last.count(); i < all; ++i) {
    const std::int64_t n = i / (channels * plane), c = i / plane % channels;
    out.tensor.data<float>()[i] = source[(n * plane + i % plane) * channels + c];
  }
  return out;
}

}  // namespace halftone::onednn
