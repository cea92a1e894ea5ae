// A file that somebody else writes by its path, and files that come with it, which appear together or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace halftone {

// The writer gets a path with the target's own name in a folder of its own beside the target: names of further files
// that it derives from the path, and stores, are right without change. commit() renames all that lies in that folder
// into the target's. Without it the destructor removes the folder, and the target is as it was.
class StagedFile {
 public:
  explicit StagedFile(const std::filesystem::path &target);  // throws when the folder cannot be written
  ~StagedFile();
  StagedFile(const StagedFile &) = delete;
  StagedFile &operator=(const StagedFile &) = delete;

  const std::filesystem::path &path() const noexcept { return path_; }  // to be written
  std::uint64_t size() const;  // bytes of it and of the files that came with it
  // A message of the writer with the target in place of path().
  std::string told(std::string text) const;
  // All that can fail: throws when the writer wrote nothing, or a file could not take its place. A device or pipe is
  // written here, as it cannot be renamed to.
  void finish();
  void commit();

 private:
  void move(const std::filesystem::path &from, const std::filesystem::path &to) const;

  std::filesystem::path target_, folder_, path_;
  bool device_ = false;
  bool finished_ = false;
};

}  // namespace halftone
