// The samples of one array in a .npz archive, from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "npy_header.h"
#include "zip_member.h"

namespace halftone::readers {

// What of an array is a sample: an entry of axis 0, or the array itself.
enum class SampleAxis { kFirst, kNone };

// A stored member is read slice by slice. A compressed one is inflated once, in order: samples that lie before the one
// asked for are kept until another worker asks for them, at most kAhead of them. Whoever asks for a sample that is gone
// (a second pass over the data, a jump back) has the member inflated again from its start: always right, but slow when
// it is done at random. So memory holds the samples in flight, whatever the size of the archive.
class MemberSamples {
 public:
  // Reads the header; the data is checked by check().
  MemberSamples(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry, SampleAxis axis);

  std::uint64_t count() const { return count_; }
  ht_dtype dtype() const { return header_.dtype; }
  const std::vector<std::int64_t> &shape() const { return shape_; }
  std::uint64_t bytes() const { return bytes_; }  // of a sample
  // Compares the checksum of the whole member.
  void check() { member_.check(); }
  void read(std::uint64_t index, std::span<std::byte> out);

 private:
  static constexpr std::uint64_t kAhead = 64;
  void advance(std::uint64_t index);

  std::mutex mutex_;
  ZipMember member_;
  NpyHeader header_;
  std::vector<std::int64_t> shape_;
  std::uint64_t count_ = 1, bytes_ = 0, next_ = 0;
  std::map<std::uint64_t, std::vector<std::byte>> ahead_;
};

// The array that feeds the model input `input`: `array` when it is named, else the array of the input's name, else the
// only one. Throws naming the archive, its arrays and the remedy.
ZipEntry find_array(const ZipArchive &archive, const std::string &array, const std::string &input);

}  // namespace halftone::readers
