#include "block_batch.h"

#include <map>

#include "counter_random.h"

namespace halftone::passes {

ht_tensor_view BlockBatch::Joined::view(ht_dtype dtype) {
  ht_tensor_view tensor{};
  tensor.struct_size = sizeof(tensor);
  tensor.dtype = dtype;
  tensor.rank = static_cast<std::uint32_t>(shape.size());
  tensor.shape = shape.data();
  tensor.data = bytes.data();
  return tensor;
}

std::vector<std::size_t> BlockBatch::classes() const {
  std::map<std::vector<std::vector<std::int64_t>>, std::size_t> known;
  std::vector<std::size_t> classes;
  for (std::uint64_t sample = 0; sample < data_.samples(); ++sample) {
    const StoredSample &target = data_.reference(block_.exit).at(sample);
    std::vector<std::vector<std::int64_t>> shapes{target.shape};
    for (const std::size_t entry : block_.entries) {
      const StoredSample &stored = data_.quantized(entry).at(sample);
      if (stored.shape.empty() || target.shape.empty() || stored.rows() != target.rows()) return {};
      shapes.push_back(stored.shape);
    }
    classes.push_back(known.emplace(std::move(shapes), known.size()).first->second);
  }
  return classes;
}

ht_dtype BlockBatch::join(const Column &column, std::span<const std::uint64_t> samples, Joined &joined) {
  const StoredSample &first = column.at(samples.front());
  joined.shape = first.shape;
  joined.shape.front() *= static_cast<std::int64_t>(samples.size());
  joined.bytes.resize(first.size * samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) column.read(samples[i], joined.bytes.data() + i * first.size);
  return first.dtype;
}

void BlockBatch::mix_in(const Column &reference, std::span<const std::uint64_t> samples, std::uint64_t key,
                        Joined &joined) {
  if (join(reference, samples, floats_) != HT_F32) return;
  auto *to = reinterpret_cast<float *>(joined.bytes.data());
  const auto *from = reinterpret_cast<const float *>(floats_.bytes.data());
  const auto keep = static_cast<float>(mix_);
  for (std::size_t i = 0; i < joined.bytes.size() / sizeof(float); ++i) {
    if (unit_float(mixed(key + i)) >= keep) to[i] = from[i];
  }
}

void BlockBatch::fill(std::span<const std::uint64_t> samples, std::uint64_t step, sdk::TrainingBatch &batch) {
  batch.inputs.clear();
  for (std::size_t e = 0; e < block_.entries.size(); ++e) {
    const std::size_t entry = block_.entries[e];
    const ht_dtype dtype = join(data_.quantized(entry), samples, inputs_[e]);
    if (mix_ < 1 && &data_.reference(entry) != &data_.quantized(entry)) {
      mix_in(data_.reference(entry), samples, mixed(mixed(seed_, step), e), inputs_[e]);
    }
    batch.inputs.push_back(inputs_[e].view(dtype));
  }
  const ht_dtype dtype = join(data_.reference(block_.exit), samples, target_);
  batch.targets = {target_.view(dtype)};
}

}  // namespace halftone::passes
