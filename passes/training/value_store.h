// Values of all samples, in memory up to a limit and beyond it in a temporary file.
//
// The file has no name: it is gone when the process ends, however that comes. It lies in the folder that TMPDIR names,
// else in /tmp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "halftone/tensor.h"

namespace halftone::passes {

class SpillFile;

// One value of one sample: a plain tensor.
struct StoredSample {
  ht_dtype dtype = HT_DTYPE_NONE;  // none: not stored
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // empty where it lies in the file
  std::uint64_t size = 0, offset = 0;
  std::int64_t rows() const { return shape.empty() ? 1 : shape.front(); }
};

// Bytes of an element; throws for types that are not kept: all but real numbers of whole bytes, and bool.
std::uint64_t stored_element_bytes(ht_dtype dtype);

class ValueStore;

// One value of all samples. Samples are numbered from 0. What the store says of threads holds.
class Column {
 public:
  explicit Column(ValueStore &store) : store_(store) {}
  ~Column();
  Column(const Column &) = delete;
  Column &operator=(const Column &) = delete;

  // Replaces what was stored of the sample.
  void put(std::uint64_t sample, const ht_tensor_view &tensor);
  // Forgets the sample's value; nobody reads it at that time.
  void release(std::uint64_t sample);
  std::uint64_t count() const { return samples_.size(); }
  const StoredSample &at(std::uint64_t sample) const { return samples_.at(sample); }
  // Copies the sample's bytes to `to`, which has room for at(sample).size.
  void read(std::uint64_t sample, std::byte *to) const;
  // The bytes: where they lie, or in `buffer`, which is made large enough.
  const std::byte *bytes(std::uint64_t sample, std::vector<std::byte> &buffer) const;

 private:
  friend class ValueStore;
  void give_back(const StoredSample &sample);  // the lock is held
  ValueStore &store_;
  std::vector<StoredSample> samples_;
};

// put() may be called from several threads, also of one column; reading beside reading as well, but not beside put().
class ValueStore {
 public:
  explicit ValueStore(std::uint64_t most_bytes);
  ~ValueStore();
  ValueStore(const ValueStore &) = delete;
  ValueStore &operator=(const ValueStore &) = delete;

  std::unique_ptr<Column> add_column() { return std::make_unique<Column>(*this); }
  std::uint64_t most() const { return most_; }
  std::uint64_t held() const { return held_; }        // bytes in memory
  std::uint64_t spilled() const { return spilled_; }  // bytes written to the file so far
  // Lowers the limit; what is held already stays.
  void keep_to(std::uint64_t most_bytes) { most_ = most_bytes; }

 private:
  friend class Column;
  SpillFile &file();

  std::uint64_t most_, held_ = 0, spilled_ = 0;
  std::unique_ptr<SpillFile> file_;
  std::mutex mutex_;
};

}  // namespace halftone::passes
