#include "core/host/feed_type.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "core/model/dtype.h"
#include "core/model/narrow_float.h"

namespace halftone::host {
namespace {

bool is_float(ht_dtype type) {
  return type == HT_F32 || type == HT_F64 || type == HT_F16 || type == HT_BF16;
}

template <typename T>
T load(const void *data, std::size_t at) {
  T value;
  std::memcpy(&value, static_cast<const std::byte *>(data) + at * sizeof(T), sizeof(T));
  return value;
}

double element(const ht_tensor_view &tensor, std::size_t at) {
  switch (tensor.dtype) {
    case HT_F64:
      return load<double>(tensor.data, at);
    case HT_F16:
      return model::float_from_f16(load<std::uint16_t>(tensor.data, at));
    case HT_BF16:
      return model::float_from_bf16(load<std::uint16_t>(tensor.data, at));
    default:
      return load<float>(tensor.data, at);
  }
}

void store(void *data, std::size_t at, ht_dtype type, double value) {
  const auto narrow = static_cast<float>(value);
  switch (type) {
    case HT_F64:
      static_cast<double *>(data)[at] = value;
      break;
    case HT_F16:
      static_cast<std::uint16_t *>(data)[at] = model::f16_from_float(narrow);
      break;
    case HT_BF16:
      static_cast<std::uint16_t *>(data)[at] = model::bf16_from_float(narrow);
      break;
    default:
      static_cast<float *>(data)[at] = narrow;
  }
}

}  // namespace

ht_tensor_view in_float_type(Context &ctx, const ht_tensor_view &tensor, ht_dtype wanted) {
  if (wanted == tensor.dtype || !is_float(wanted) || !is_float(tensor.dtype)) return tensor;
  ht_tensor_view out = tensor;
  out.dtype = wanted;
  if (tensor.data == nullptr) return out;
  const auto count = model::element_count({tensor.shape, tensor.rank});
  out.data = ctx.arena.allocate(std::max<std::size_t>(model::dtype_bytes(wanted, count), 1), 64);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) store(out.data, i, wanted, element(tensor, i));
  return out;
}

}  // namespace halftone::host
