#include "stored_operand.h"

#include <algorithm>
#include <limits>

namespace halftone::integer {
namespace {

template <typename To>
bool holds(std::span<const std::int32_t> codes) {
  return std::all_of(codes.begin(), codes.end(), [](std::int32_t code) {
    return code >= std::numeric_limits<To>::min() && code <= std::numeric_limits<To>::max();
  });
}

template <typename To>
Tensor as(std::span<const std::int32_t> codes, ht_dtype dtype, const Shape &shape) {
  Tensor out(dtype, shape);
  std::transform(codes.begin(), codes.end(), out.data<To>(), [](std::int32_t code) { return static_cast<To>(code); });
  return out;
}

template <typename From>
void copy_wide(const Tensor &from, Tensor &to) {
  std::copy_n(from.data<From>(), from.count(), to.data<double>());
}

}  // namespace

void StoredOperand::settle() {
  if (settled_) return;
  settled_ = true;
  const std::span<const std::int32_t> codes(codes_.data<std::int32_t>(), static_cast<std::size_t>(codes_.count()));
  const Shape shape = codes_.shape();
  if (holds<std::int8_t>(codes)) {
    codes_ = as<std::int8_t>(codes, HT_I8, shape);
  } else if (holds<std::int16_t>(codes)) {
    codes_ = as<std::int16_t>(codes, HT_I16, shape);
  }
}

const Tensor &StoredOperand::wide() const {
  std::call_once(made_, [&] { wide_ = widened(codes_); });
  return wide_;
}

Tensor widened(const Tensor &from) {
  Tensor out(HT_F64, from.shape());
  if (from.dtype() == HT_I8) {
    copy_wide<std::int8_t>(from, out);
  } else if (from.dtype() == HT_I16) {
    copy_wide<std::int16_t>(from, out);
  } else {
    copy_wide<std::int32_t>(from, out);
  }
  return out;
}

}  // namespace halftone::integer
