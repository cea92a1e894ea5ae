// Members of a zip archive, read by minizip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "file_source.h"

namespace halftone::readers {

struct ZipEntry {
  std::string name;                  // "x.npy"
  std::uint64_t number = 0, at = 0;  // its place in the archive's directory: entry, byte
  std::uint64_t size = 0;            // uncompressed
  bool stored = false;               // not compressed: any place can be read at once
};

// What an archive holds.
class ZipArchive {
 public:
  // Throws sdk::Failure naming the path: missing, no zip archive, cut off.
  explicit ZipArchive(const std::filesystem::path &path);

  const std::string &path() const { return path_; }
  const std::vector<ZipEntry> &entries() const { return entries_; }

 private:
  std::string path_;
  std::vector<ZipEntry> entries_;
};

// A compressed member from its start to its end.
class ZipStream {
 public:
  // Throws DATA_LOSS naming the member: encrypted, compressed by an unknown method, damaged.
  ZipStream(const ZipArchive &archive, const ZipEntry &entry);

  // Up to out.size() bytes, less only at the member's end. Throws DATA_LOSS when the data are damaged.
  std::size_t next(std::span<std::byte> out);
  std::uint64_t at() const { return at_; }
  // Where the member's data begin in the archive's file.
  std::uint64_t data_offset() const;
  // The checksum is that of the archive. To be asked at the member's end.
  bool checksum_matches();

 private:
  struct Close {
    void operator()(void *file) const;
  };
  std::unique_ptr<void, Close> file_;
  std::string name_;
  std::uint64_t at_ = 0;
};

// The bytes of one member. A stored member is read at any place for the same cost. A compressed one is a stream:
// reading on is cheap, reading before the place where the last read ended begins anew from the member's start. One
// thread at a time.
class ZipMember final : public ByteSource {
 public:
  ZipMember(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry);

  std::uint64_t size() const override { return entry_.size; }
  void read(std::uint64_t offset, std::span<std::byte> out) const override;
  // Reads the whole member, a piece at a time, and compares its checksum; throws DATA_LOSS when it is damaged.
  void check() const;
  bool stored() const { return entry_.stored; }
  // "'x.npy' in 'calib.npz'"
  std::string name() const;

 private:
  void skip(std::uint64_t bytes) const;

  std::shared_ptr<const ZipArchive> archive_;
  ZipEntry entry_;
  mutable std::optional<RandomFile> file_;  // of a stored member
  mutable std::uint64_t data_offset_ = 0;
  mutable std::optional<ZipStream> stream_;
};

}  // namespace halftone::readers
