#include "core/pipeline/analysis/stored_tensor.h"

#include <algorithm>

#include "core/calibration/accumulator_layout.h"
#include "core/model/dtype.h"

namespace halftone::pipeline {

void StoredTensor::store(const ht_tensor_view &view) {
  dtype_ = view.dtype;
  shape_.assign(view.shape, view.shape + view.rank);
  const std::int64_t count = model::element_count(shape_);
  if (dtype_ != HT_F32) {
    const auto *bytes = static_cast<const std::byte *>(view.data);
    bytes_.assign(bytes, bytes + model::dtype_bytes(dtype_, count));
    return;
  }
  floats_.resize(static_cast<std::size_t>(count));
  if (count == 0) return;
  if (view.strides == nullptr || view.rank == 0) {
    std::copy_n(static_cast<const float *>(view.data), count, floats_.begin());
  } else {
    store_blocked(view);
  }
}

// Asked for channels, the layout is row-major or in blocks along that axis, and nothing else.
void StoredTensor::store_blocked(const ht_tensor_view &view) {
  const calibration::TensorLayout layout(view, true, view.block_size != 0 ? view.block_axis : 0);
  if (layout.block == 0) {
    std::copy_n(layout.values, layout.elements(), floats_.begin());
    return;
  }
  float *out = floats_.data();
  for (std::size_t o = 0; o < layout.outer; ++o) {
    for (std::size_t c = 0; c < layout.channels; ++c) {
      const float *in =
          layout.values + (o * layout.blocks + c / layout.block) * layout.inner * layout.block + c % layout.block;
      for (std::size_t i = 0; i < layout.inner; ++i) *out++ = in[i * layout.block];
    }
  }
}

ht_tensor_view StoredTensor::view() const {
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  view.dtype = dtype_;
  view.rank = static_cast<std::uint32_t>(shape_.size());
  view.shape = shape_.data();
  view.data = dtype_ == HT_F32 ? const_cast<float *>(floats_.data())
                               : static_cast<void *>(const_cast<std::byte *>(bytes_.data()));
  return view;
}

std::span<const float> StoredTensor::floats() const {
  return dtype_ == HT_F32 ? std::span<const float>(floats_) : std::span<const float>();
}

}  // namespace halftone::pipeline
