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
  constant->data = make_bytes(bytes_of(dtype, count_of(constant->layout.shape)));
  return constant;
}

ConstantPtr copy_constant(const ht_tensor_view &tensor) {
  ConstantPtr copy = make_constant(tensor.dtype, Shape(tensor.shape, tensor.shape + tensor.rank));
  const auto bytes = bytes_of(tensor.dtype, count_of(copy->layout.shape));
  if (bytes > 0) std::memcpy(copy->data.get(), tensor.data, bytes);
  return copy;
}

Quantizer::Quantizer(const ht_quantizer &source)
    : table(source), scales(source.scales, source.scales + source.count), zero_points(source.count, 0) {
  if (source.count > 0 && source.zero_points != nullptr)
    std::copy_n(source.zero_points, source.count, zero_points.begin());
  table.struct_size = sizeof(table);
  table.scales = scales.data();
  table.zero_points = zero_points.data();
  if (source.dynamic != nullptr) dynamic = *source.dynamic;
  table.dynamic = source.dynamic == nullptr ? nullptr : &dynamic;
}

namespace {

// Whether two ranges that are taken at run time become the same scale.
bool same_rule(const ht_quant_spec &a, const ht_quant_spec &b) {
  return a.kind == b.kind && a.quant_min == b.quant_min && a.quant_max == b.quant_max && a.symmetry == b.symmetry &&
         a.scale_form == b.scale_form && a.span == b.span;
}

}  // namespace

bool Quantizer::operator==(const Quantizer &other) const {
  const ht_quantizer &a = table, &b = other.table;
  if ((a.dynamic == nullptr) != (b.dynamic == nullptr) || !same_rule(dynamic, other.dynamic)) return false;
  return a.kind == b.kind && a.rounding == b.rounding && a.granularity == b.granularity && a.quant_min == b.quant_min &&
         a.quant_max == b.quant_max && a.axis == b.axis && a.block_size == b.block_size && scales == other.scales &&
         zero_points == other.zero_points;
}

}  // namespace halftone::onednn
