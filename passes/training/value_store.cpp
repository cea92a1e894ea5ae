#include "value_store.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "halftone/owned_tensor.hpp"
#include "halftone/status.hpp"
#include "spill_file.h"

namespace halftone::passes {
std::uint64_t stored_element_bytes(ht_dtype dtype) {
  if (dtype == HT_DTYPE_NONE || dtype > HT_BOOL) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       "a value of element type " + std::to_string(dtype) + " cannot be kept for training blocks");
  }
  return sdk::bits_of(dtype) / 8;
}

ValueStore::ValueStore(std::uint64_t most_bytes) : most_(most_bytes) {}
ValueStore::~ValueStore() = default;

SpillFile &ValueStore::file() {
  if (!file_) file_ = std::make_unique<SpillFile>();
  return *file_;
}

Column::~Column() {
  const std::scoped_lock lock(store_.mutex_);
  for (const StoredSample &sample : samples_) give_back(sample);
}

void Column::give_back(const StoredSample &sample) {
  if (sample.dtype == HT_DTYPE_NONE) return;
  if (sample.bytes.empty() && sample.size > 0) {
    store_.file().free(sample.offset, sample.size);
  } else {
    store_.held_ -= sample.size;
  }
}

void Column::release(std::uint64_t sample) {
  StoredSample gone;
  const std::scoped_lock lock(store_.mutex_);
  std::swap(gone, samples_.at(sample));
  give_back(gone);
}

void Column::put(std::uint64_t sample, const ht_tensor_view &tensor) {
  StoredSample stored;
  stored.dtype = tensor.dtype;
  stored.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  stored.size = stored_element_bytes(tensor.dtype);
  for (const std::int64_t extent : stored.shape) stored.size *= static_cast<std::uint64_t>(extent);
  const auto *data = static_cast<const std::byte *>(tensor.data);
  bool spills = false;
  {
    const std::scoped_lock lock(store_.mutex_);
    if (samples_.size() <= sample) samples_.resize(sample + 1);
    StoredSample &old = samples_[sample];
    give_back(old);
    spills = store_.held_ + stored.size > store_.most_ && stored.size > 0;
    if (spills) {
      stored.offset = store_.file().allocate(stored.size);
      store_.spilled_ += stored.size;
    } else {
      store_.held_ += stored.size;
    }
  }
  if (spills) {
    store_.file_->write(stored.offset, {data, stored.size});
  } else {
    stored.bytes.assign(data, data + stored.size);
  }
  const std::scoped_lock lock(store_.mutex_);
  samples_[sample] = std::move(stored);
}

void Column::read(std::uint64_t sample, std::byte *to) const {
  const StoredSample &stored = at(sample);
  if (stored.bytes.size() == stored.size) {
    if (stored.size > 0) std::memcpy(to, stored.bytes.data(), stored.size);
  } else {
    store_.file_->read(stored.offset, {to, stored.size});
  }
}

const std::byte *Column::bytes(std::uint64_t sample, std::vector<std::byte> &buffer) const {
  const StoredSample &stored = at(sample);
  if (stored.bytes.size() == stored.size && stored.size > 0) return stored.bytes.data();
  buffer.resize(std::max<std::size_t>(stored.size, 1));
  read(sample, buffer.data());
  return buffer.data();
}

}  // namespace halftone::passes
