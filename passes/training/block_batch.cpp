#include "block_batch.h"

#include <map>

#include "counter_random.h"

namespace halftone::passes {

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

void BlockBatch::mix_in(const Column &reference, std::span<const std::uint64_t> samples, std::uint64_t key,
                        JoinedSamples &joined) {
  floats_.fill(reference, samples);
  if (floats_.dtype() != HT_F32) return;
  const std::span<float> to = joined.floats(), from = floats_.floats();
  const auto keep = static_cast<float>(mix_);
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (unit_float(mixed(key + i)) >= keep) to[i] = from[i];
  }
}

void BlockBatch::fill(std::span<const std::uint64_t> samples, std::uint64_t step, sdk::TrainingBatch &batch) {
  batch.inputs.clear();
  for (std::size_t e = 0; e < block_.entries.size(); ++e) {
    const std::size_t entry = block_.entries[e];
    inputs_[e].fill(data_.quantized(entry), samples);
    if (mix_ < 1 && &data_.reference(entry) != &data_.quantized(entry)) {
      mix_in(data_.reference(entry), samples, mixed(mixed(seed_, step), e), inputs_[e]);
    }
    batch.inputs.push_back(inputs_[e].view());
  }
  target_.fill(data_.reference(block_.exit), samples);
  batch.targets = {target_.view()};
}

}  // namespace halftone::passes
