// Tensors and quantizers that a session owns.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "program.h"

namespace halftone::onednn {

Bytes make_bytes(std::size_t size) {
  const std::size_t rounded = (std::max<std::size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
  auto *memory = static_cast<std::byte *>(std::aligned_alloc(kAlignment, rounded));
  if (memory == nullptr) throw std::bad_alloc();
  return Bytes(memory, [](std::byte *p) { std::free(p); });
}

ConstantPtr make_constant(ht_dtype dtype, Shape shape) {
  auto constant = std::make_shared<Constant>();
  constant->layout = plain_layout(dtype, std::move(shape));
  constant->data = make_bytes(static_cast<std::size_t>(count_of(constant->layout.shape)) * size_of(dtype));
  return constant;
}

ConstantPtr copy_constant(const ht_tensor_view &tensor) {
  ConstantPtr copy = make_constant(tensor.dtype, Shape(tensor.shape, tensor.shape + tensor.rank));
  const auto bytes = static_cast<std::size_t>(count_of(copy->layout.shape)) * size_of(tensor.dtype);
  if (bytes > 0) std::memcpy(copy->data.get(), tensor.data, bytes);
  return copy;
}

Quantizer::Quantizer(const ht_quantizer &source)
    : table(source), scales(source.scales, source.scales + source.count), zero_points(source.count, 0) {
  if (source.zero_points != nullptr) std::copy_n(source.zero_points, source.count, zero_points.begin());
  table.struct_size = sizeof(table);
  table.scales = scales.data();
  table.zero_points = zero_points.data();
}

bool Quantizer::operator==(const Quantizer &other) const {
  const ht_quantizer &a = table, &b = other.table;
  return a.kind == b.kind && a.rounding == b.rounding && a.granularity == b.granularity && a.quant_min == b.quant_min &&
         a.quant_max == b.quant_max && a.axis == b.axis && a.block_size == b.block_size && scales == other.scales &&
         zero_points == other.zero_points;
}

}  // namespace halftone::onednn
