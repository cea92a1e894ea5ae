#include "affine.h"

namespace halftone::onednn {
namespace {

using api::algorithm;

// Numbers for each channel of a second operand, or nothing where it is not constant over all but the channels.
std::optional<std::vector<float>> channel_numbers(const PostOp &op, const Constant *constant, std::size_t channels) {
  const bool scalar = op.broadcast.kind == Broadcast::kScalar;
  if (!scalar && (op.broadcast.kind != Broadcast::kAxis || op.broadcast.axis != 1)) return std::nullopt;
  if (op.value < 0) return op.numbers;
  if (constant == nullptr || constant->layout.dtype != HT_F32) return std::nullopt;
  if (scalar) return std::vector<float>(channels, constant->floats()[0]);
  return std::vector<float>(constant->floats(), constant->floats() + channels);
}

}  // namespace

std::optional<Affine> affine_of(const PostOp &op, const Constant *constant, std::size_t channels) {
  Affine out{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)};
  if (!op.binary) {
    if (op.algorithm != algorithm::eltwise_linear) return std::nullopt;
    out.factor.assign(channels, op.alpha);
    out.shift.assign(channels, op.beta);
    return out;
  }
  auto numbers = channel_numbers(op, constant, channels);
  if (!numbers) return std::nullopt;
  switch (op.algorithm) {
    case algorithm::binary_add:
      out.shift = std::move(*numbers);
      return out;
    case algorithm::binary_sub:
      for (std::size_t c = 0; c < channels; ++c) out.shift[c] = -(*numbers)[c];
      return out;
    case algorithm::binary_mul:
      out.factor = std::move(*numbers);
      return out;
    default:
      return std::nullopt;
  }
}

Affine then(const Affine &first, const Affine &second) {
  Affine out = first;
  for (std::size_t c = 0; c < out.factor.size(); ++c) {
    const double factor = second.factor[c], shift = second.shift[c];
    out.factor[c] = static_cast<float>(first.factor[c] * factor);
    out.shift[c] = static_cast<float>(first.shift[c] * factor + shift);
  }
  return out;
}

}  // namespace halftone::onednn
