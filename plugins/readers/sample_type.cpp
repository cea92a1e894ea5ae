#include "sample_type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace halftone::readers {

std::uint64_t element_bytes(ht_dtype dtype) {
  switch (dtype) {
    case HT_I8:
    case HT_U8:
    case HT_BOOL:
      return 1;
    case HT_I16:
    case HT_U16:
    case HT_F16:
    case HT_BF16:
      return 2;
    case HT_I32:
    case HT_U32:
    case HT_F32:
      return 4;
    case HT_I64:
    case HT_U64:
    case HT_F64:
      return 8;
    default:
      return 0;
  }
}

ht_dtype dtype_of_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ht_dtype>, 12> kNames = {{{"uint8", HT_U8},
                                                                             {"int8", HT_I8},
                                                                             {"uint16", HT_U16},
                                                                             {"int16", HT_I16},
                                                                             {"uint32", HT_U32},
                                                                             {"int32", HT_I32},
                                                                             {"uint64", HT_U64},
                                                                             {"int64", HT_I64},
                                                                             {"float16", HT_F16},
                                                                             {"float32", HT_F32},
                                                                             {"float64", HT_F64},
                                                                             {"bool", HT_BOOL}}};
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const auto &entry) { return entry.first == name; });
  return found == kNames.end() ? HT_DTYPE_NONE : found->second;
}

std::uint64_t tensor_bytes(ht_dtype dtype, std::span<const std::int64_t> shape, const std::string &what) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62U;
  std::uint64_t bytes = element_bytes(dtype);
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) throw sdk::Failure(HT_DATA_LOSS, what + ": a negative extent in the shape");
    if (extent == 0) {
      empty = true;
    } else if (static_cast<std::uint64_t>(extent) > kLimit / std::max<std::uint64_t>(bytes, 1)) {
      throw sdk::Failure(HT_DATA_LOSS, what + ": the shape is too large for any file");
    } else {
      bytes *= static_cast<std::uint64_t>(extent);
    }
  }
  return empty ? 0 : bytes;
}

ht_tensor_view sample_view(const sdk::Context &ctx, ht_dtype dtype, std::span<const std::int64_t> shape, void *data) {
  auto *extents = ctx.allocate<std::int64_t>(std::max<std::size_t>(shape.size(), 1));
  std::copy(shape.begin(), shape.end(), extents);
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = dtype;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = extents;
  view.data = data;
  return view;
}

}  // namespace halftone::readers
