#include "core/model/tensor.h"

#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/model/narrow_float.h"

namespace halftone::model {
namespace {

void check_size(ht_dtype dtype, const Shape &shape, std::size_t size) {
  // Strings have no fixed size: their bytes are the serialized original, which only the ONNX files' code reads.
  if (dtype == HT_STRING) return;
  const std::size_t wanted = dtype_bytes(dtype, element_count(shape));
  if (wanted != size) {
    fail(Status::kInvalidArgument, "a {} tensor of {} elements takes {} bytes, but {} were given", dtype_name(dtype),
         element_count(shape), wanted, size);
  }
}

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

std::uint8_t nibble(std::span<const std::byte> bytes, std::size_t index) {
  const auto pair = std::to_integer<std::uint8_t>(bytes[index / 2]);
  return static_cast<std::uint8_t>(index % 2 == 0 ? pair & 0xFU : pair >> 4);
}

// Calls `convert(i)` for every element and collects what it returns.
template <typename Out, typename Convert>
std::vector<Out> collect(std::size_t count, Convert convert) {
  std::vector<Out> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<Out>(convert(i));
  return out;
}

template <typename Out, typename In>
std::vector<Out> widened(std::span<const std::byte> bytes, std::size_t count) {
  return collect<Out>(count, [&](std::size_t i) { return load<In>(bytes, i); });
}

// Elements of an integer type or bool; false for every other type.
template <typename Out>
bool from_integers(ht_dtype dtype, std::span<const std::byte> bytes, std::size_t count, std::vector<Out> &out) {
  switch (dtype) {
    case HT_I8:
      out = widened<Out, std::int8_t>(bytes, count);
      return true;
    case HT_U8:
      out = widened<Out, std::uint8_t>(bytes, count);
      return true;
    case HT_I16:
      out = widened<Out, std::int16_t>(bytes, count);
      return true;
    case HT_U16:
      out = widened<Out, std::uint16_t>(bytes, count);
      return true;
    case HT_I32:
      out = widened<Out, std::int32_t>(bytes, count);
      return true;
    case HT_U32:
      out = widened<Out, std::uint32_t>(bytes, count);
      return true;
    case HT_I64:
      out = widened<Out, std::int64_t>(bytes, count);
      return true;
    case HT_U64:
      out = widened<Out, std::uint64_t>(bytes, count);
      return true;
    case HT_BOOL:
      out = collect<Out>(count, [&](std::size_t i) { return load<std::uint8_t>(bytes, i) != 0; });
      return true;
    case HT_U4:
      out = collect<Out>(count, [&](std::size_t i) { return nibble(bytes, i); });
      return true;
    case HT_I4:
      // The fourth bit is the sign.
      out = collect<Out>(count, [&](std::size_t i) { return (nibble(bytes, i) ^ 8) - 8; });
      return true;
    default:
      return false;
  }
}

}  // namespace

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  bool overflow = false, empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) fail(Status::kInvalidArgument, "a tensor cannot have an extent of {}", extent);
    if (extent == 0) empty = true;
    if (!empty) overflow = overflow || __builtin_mul_overflow(count, extent, &count);
  }
  if (empty) return 0;
  if (overflow) fail(Status::kInvalidArgument, "a tensor has more elements than can be counted");
  return count;
}

Tensor::Tensor(ht_dtype dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  auto storage = std::make_shared<std::vector<std::byte>>(dtype_bytes(dtype_, element_count(shape_)));
  bytes_ = *storage;
  owner_ = std::move(storage);
}

Tensor::Tensor(ht_dtype dtype, Shape shape, std::vector<std::byte> bytes) : dtype_(dtype), shape_(std::move(shape)) {
  check_size(dtype_, shape_, bytes.size());
  auto storage = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  bytes_ = *storage;
  owner_ = std::move(storage);
}

Tensor::Tensor(ht_dtype dtype, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(bytes), owner_(std::move(owner)) {
  check_size(dtype_, shape_, bytes_.size());
}

Tensor Tensor::from_floats(Shape shape, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return Tensor(HT_F32, std::move(shape), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

Tensor Tensor::from_ints(Shape shape, std::span<const std::int64_t> values) {
  const auto bytes = std::as_bytes(values);
  return Tensor(HT_I64, std::move(shape), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

std::span<const float> Tensor::floats() const {
  if (dtype_ != HT_F32) fail(Status::kInvalidArgument, "the tensor is {}, not float32", dtype_name(dtype_));
  return {reinterpret_cast<const float *>(bytes_.data()), bytes_.size() / sizeof(float)};
}

std::span<const std::int64_t> Tensor::ints() const {
  if (dtype_ != HT_I64) fail(Status::kInvalidArgument, "the tensor is {}, not int64", dtype_name(dtype_));
  return {reinterpret_cast<const std::int64_t *>(bytes_.data()), bytes_.size() / sizeof(std::int64_t)};
}

std::vector<float> Tensor::to_floats() const {
  const auto n = static_cast<std::size_t>(count());
  const auto halves = [&](float (*widen)(std::uint16_t)) {
    return collect<float>(n, [&](std::size_t i) { return widen(load<std::uint16_t>(bytes_, i)); });
  };
  const auto octets = [&](float (*widen)(std::uint8_t)) {
    return collect<float>(n, [&](std::size_t i) { return widen(load<std::uint8_t>(bytes_, i)); });
  };
  std::vector<float> out;
  switch (dtype_) {
    case HT_F32:
      return widened<float, float>(bytes_, n);
    case HT_F64:
      return widened<float, double>(bytes_, n);
    case HT_F16:
      return halves(float_from_f16);
    case HT_BF16:
      return halves(float_from_bf16);
    case HT_F8E4M3FN:
      return octets(float_from_f8e4m3fn);
    case HT_F8E5M2:
      return octets(float_from_f8e5m2);
    case HT_F8E4M3FNUZ:
      return octets(float_from_f8e4m3fnuz);
    case HT_F8E5M2FNUZ:
      return octets(float_from_f8e5m2fnuz);
    case HT_F8E8M0:
      return octets(float_from_f8e8m0);
    case HT_F4E2M1:
      return collect<float>(n, [&](std::size_t i) { return float_from_f4e2m1(nibble(bytes_, i)); });
    default:
      break;
  }
  if (!from_integers(dtype_, bytes_, n, out)) {
    fail(Status::kInvalidArgument, "a {} tensor cannot be read as floats", dtype_name(dtype_));
  }
  return out;
}

std::vector<std::int64_t> Tensor::to_ints() const {
  std::vector<std::int64_t> out;
  if (!from_integers(dtype_, bytes_, static_cast<std::size_t>(count()), out)) {
    fail(Status::kInvalidArgument, "a {} tensor cannot be read as integers", dtype_name(dtype_));
  }
  return out;
}

}  // namespace halftone::model
