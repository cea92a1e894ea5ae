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
  } else if (view.block_size == 0) {
    store_strided(view);
  } else {
    store_blocked(view);
  }
}

// Channels last and the like: rows along the last axis, the other axes count up like the digits of a number.
void StoredTensor::store_strided(const ht_tensor_view &view) {
  const std::uint32_t last = view.rank - 1;
  const std::int64_t extent = shape_[last], step = view.strides[last];
  std::vector<std::int64_t> at(view.rank, 0);
  const float *row = static_cast<const float *>(view.data);
  float *out = floats_.data();
  for (bool more = true; more;) {
    for (std::int64_t i = 0; i < extent; ++i) *out++ = row[i * step];
    more = false;
    for (std::uint32_t k = last; k-- > 0 && !more;) {
      more = ++at[k] < shape_[k];
      row += more ? view.strides[k] : -(at[k] - 1) * view.strides[k];
      if (!more) at[k] = 0;
    }
  }
}

// Asked for channels, the layout is row-major or in blocks along that axis, and nothing else.
void StoredTensor::store_blocked(const ht_tensor_view &view) {
  const calibration::TensorLayout layout(view, true, view.block_axis);
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
