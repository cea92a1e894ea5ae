// Members of a zip archive, read by libzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "file_source.h"

struct zip;
struct zip_file;

namespace halftone::readers {

struct ZipEntry {
  std::string name;  // "x.npy"
  std::uint64_t number = 0;
  std::uint64_t size = 0;  // uncompressed
  bool stored = false;     // not compressed: any place can be read at once
};

// An open archive. One thread at a time; members keep it open.
class ZipArchive {
 public:
  // Throws sdk::Failure naming the path: missing, no zip archive, cut off.
  explicit ZipArchive(const std::filesystem::path &path);
  ~ZipArchive();
  ZipArchive(const ZipArchive &) = delete;
  ZipArchive &operator=(const ZipArchive &) = delete;

  const std::string &path() const { return path_; }
  const std::vector<ZipEntry> &entries() const { return entries_; }

 private:
  friend class ZipMember;
  std::string path_;
  zip *archive_ = nullptr;
  std::vector<ZipEntry> entries_;
};

// The bytes of one member. A stored member is read at any place for the same cost. A compressed one is a stream:
// reading on is cheap, reading before the place where the last read ended begins anew from the member's start. One
// thread at a time.
class ZipMember final : public ByteSource {
 public:
  ZipMember(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry);
  ~ZipMember() override;
  ZipMember(const ZipMember &) = delete;
  ZipMember &operator=(const ZipMember &) = delete;

  std::uint64_t size() const override { return entry_.size; }
  void read(std::uint64_t offset, std::span<std::byte> out) const override;
  // Reads the whole member, a piece at a time, and compares its checksum; throws DATA_LOSS when it is damaged.
  void check() const;
  bool stored() const { return entry_.stored; }
  // "'x.npy' in 'calib.npz'"
  std::string name() const { return "'" + entry_.name + "' in '" + archive_->path() + "'"; }

 private:
  void reopen() const;
  void close() const noexcept;
  void skip(std::uint64_t bytes) const;
  // Up to out.size() bytes, less only at the member's end.
  std::size_t next(std::span<std::byte> out) const;
  [[noreturn]] void damaged(const std::string &why) const;

  std::shared_ptr<const ZipArchive> archive_;
  ZipEntry entry_;
  mutable zip_file *file_ = nullptr;
  mutable std::uint64_t at_ = 0;
};

}  // namespace halftone::readers
