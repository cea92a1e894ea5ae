#include "joined_samples.h"

namespace halftone::passes {

void JoinedSamples::fill(const Column &column, std::span<const std::uint64_t> samples) {
  const StoredSample &first = column.at(samples.front());
  dtype_ = first.dtype;
  shape_ = first.shape;
  shape_.front() *= static_cast<std::int64_t>(samples.size());
  bytes_.resize(first.size * samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) column.read(samples[i], bytes_.data() + i * first.size);
}

ht_tensor_view JoinedSamples::view() {
  ht_tensor_view tensor{};
  tensor.struct_size = sizeof(tensor);
  tensor.dtype = dtype_;
  tensor.rank = static_cast<std::uint32_t>(shape_.size());
  tensor.shape = shape_.data();
  tensor.data = bytes_.data();
  return tensor;
}

std::span<float> JoinedSamples::floats() {
  return {reinterpret_cast<float *>(bytes_.data()), bytes_.size() / sizeof(float)};
}

}  // namespace halftone::passes
