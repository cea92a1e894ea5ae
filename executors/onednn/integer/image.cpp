#include "image.h"

#include "dot.h"
#include "integer/codes.h"

namespace halftone::onednn {

Image::Image(const Operand &operand, const integer::PlacedView &source, const Axes &before, const Axes &after,
             bool overread)
    : operand_(operand),
      source_(source),
      inside_(extents_of(source.view)),
      before_(before),
      after_(after),
      channels_(source.view.shape[1]),
      padded_(before != Axes{0, 0, 0} || after != Axes{0, 0, 0}) {
  if (!source.channels_last && channels_ > 1) {
    moved_ = integer::channels_last(source.view);
    source_ = {moved_.view(), true};
  }
  std::ptrdiff_t step = channels_ * static_cast<std::ptrdiff_t>(operand.width());
  for (std::size_t i = kAxes; i-- > 0;) {
    steps_[i] = step;
    step *= inside_[i] + before_[i] + after_[i];
  }
  direct_ = operand.bytes && operand.format.dtype == HT_U8 && !padded_ && !overread;
  if (direct_) return;
  const integer::Shape bytes = {step + static_cast<std::ptrdiff_t>(kSlack)};
  memory_ = integer::Tensor(HT_U8, bytes);
}

std::uint64_t Image::bytes(const Operand &operand, const ht_tensor_view &x, const Axes &before, const Axes &after) {
  const Axes inside = extents_of(x);
  std::int64_t elements = x.shape[1];
  for (std::size_t i = 0; i < kAxes; ++i) elements *= before[i] + inside[i] + after[i];
  const std::size_t moved = integer::bytes_of(x.dtype, integer::count_of(x));
  return static_cast<std::uint64_t>(elements) * operand.width() + kSlack + moved;
}

const std::uint8_t *Image::sample(std::int64_t n) {
  const std::int64_t elements = channels_ * count_of(inside_);
  if (direct_) return static_cast<const std::uint8_t *>(source_.view.data) + n * elements;
  if (padded_) {
    fill(n);
  } else {
    operand_.map(source_.view, n * elements, elements, memory_.data<std::uint8_t>());
  }
  return memory_.data<std::uint8_t>();
}

// Row by row: what lies around the rows is the zero point.
void Image::fill(std::int64_t n) {
  const std::int64_t width = inside_[2] * channels_, left = before_[2] * channels_, right = after_[2] * channels_;
  const auto each = static_cast<std::int64_t>(operand_.width());
  auto *to = memory_.data<std::uint8_t>();
  std::int64_t from = n * channels_ * count_of(inside_);
  for (std::int64_t z = -before_[0]; z < inside_[0] + after_[0]; ++z) {
    for (std::int64_t y = -before_[1]; y < inside_[1] + after_[1]; ++y, to += (left + width + right) * each) {
      if (z < 0 || z >= inside_[0] || y < 0 || y >= inside_[1]) {
        operand_.zeros(to, static_cast<std::size_t>(left + width + right));
        continue;
      }
      operand_.zeros(to, static_cast<std::size_t>(left));
      operand_.map(source_.view, from, width, to + left * each);
      operand_.zeros(to + (left + width) * each, static_cast<std::size_t>(right));
      from += width;
    }
  }
}

}  // namespace halftone::onednn
