#include "member_samples.h"

#include <algorithm>
#include <utility>

#include "sample_type.h"

namespace halftone::readers {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr std::size_t kMostListed = 12;

std::string array_name(const ZipEntry &entry) {
  return entry.name.substr(0, entry.name.size() - kEnding.size());
}

std::string listed(const std::vector<ZipEntry> &arrays) {
  std::string out;
  for (std::size_t i = 0; i < std::min(arrays.size(), kMostListed); ++i) {
    out += (i == 0 ? "" : ", ") + array_name(arrays[i]);
  }
  return arrays.size() > kMostListed ? out + " ..." : out;
}

std::vector<ZipEntry> arrays_of(const ZipArchive &archive) {
  std::vector<ZipEntry> arrays;
  for (const ZipEntry &entry : archive.entries()) {
    if (entry.name.ends_with(kEnding)) arrays.push_back(entry);
  }
  if (arrays.empty()) {
    throw sdk::Failure(HT_DATA_LOSS, "'" + archive.path() + "' holds no array; save one with numpy.savez");
  }
  return arrays;
}

// Null when there is none.
const ZipEntry *named(const ZipArchive &archive, const std::vector<ZipEntry> &arrays, const std::string &name) {
  const auto matches = [&](const ZipEntry &entry) { return array_name(entry) == name; };
  const auto found = std::find_if(arrays.begin(), arrays.end(), matches);
  if (found == arrays.end()) return nullptr;
  if (std::find_if(found + 1, arrays.end(), matches) != arrays.end()) {
    throw sdk::Failure(HT_DATA_LOSS,
                       "'" + archive.path() + "' has two arrays named '" + name + "'; save it again with one");
  }
  return &*found;
}

}  // namespace

ZipEntry find_array(const ZipArchive &archive, const std::string &array, const std::string &input) {
  const std::vector<ZipEntry> arrays = arrays_of(archive);
  if (!array.empty()) {
    if (const ZipEntry *found = named(archive, arrays, array)) return *found;
    throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + archive.path() + "' has no array '" + array +
                                                "'; it has: " + listed(arrays) +
                                                "; name one of these, or save the archive with that one");
  }
  if (const ZipEntry *found = named(archive, arrays, input)) return *found;
  if (arrays.size() == 1) return arrays.front();
  const std::string whose = input.empty() ? "" : " and none has the name of the model input '" + input + "'";
  throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + archive.path() + "' has " + std::to_string(arrays.size()) +
                                              " arrays (" + listed(arrays) + ")" + whose +
                                              "; name one with `reader_settings: {array: NAME}` " +
                                              "(--reader-setting array=NAME)");
}

MemberSamples::MemberSamples(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry, SampleAxis axis)
    : member_(std::move(archive), entry), header_(read_npy_header(member_, member_.name())), shape_(header_.shape) {
  if (axis == SampleAxis::kFirst) {
    if (shape_.empty()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, member_.name() + " is a single number; axis 0 must count the samples");
    }
    count_ = static_cast<std::uint64_t>(shape_.front());
    shape_.erase(shape_.begin());
  }
  bytes_ = tensor_bytes(header_.dtype, shape_, member_.name());
}

void MemberSamples::advance(std::uint64_t index) {
  if (index < next_) {
    ahead_.clear();
    next_ = index;
  }
  if (index - next_ > kAhead) next_ = index - kAhead;
  for (; next_ < index; ++next_) {
    std::vector<std::byte> sample(static_cast<std::size_t>(bytes_));
    member_.read(header_.data_offset + next_ * bytes_, sample);
    ahead_.insert_or_assign(next_, std::move(sample));
  }
  while (ahead_.size() > kAhead) ahead_.erase(ahead_.begin());
}

void MemberSamples::read(std::uint64_t index, std::span<std::byte> out) {
  const std::lock_guard lock(mutex_);
  if (index >= count_) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, member_.name() + " has no sample " + std::to_string(index));
  }
  if (!member_.stored()) {
    if (const auto kept = ahead_.find(index); kept != ahead_.end()) {
      std::copy(kept->second.begin(), kept->second.end(), out.begin());
      ahead_.erase(kept);
      return;
    }
    advance(index);
    next_ = index + 1;
  }
  member_.read(header_.data_offset + index * bytes_, out);
}

}  // namespace halftone::readers
