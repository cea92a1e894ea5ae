// One process at a time writes an output that takes long to make.
#pragma once

#include <filesystem>

namespace halftone {

// Held from construction to destruction, by an empty file TARGET.lock beside the target, or beside the file that a link
// leads to. The system lets go of it when the process dies however it dies; the file that stays then hinders nobody,
// and the next holder removes it. Where the file system knows no locks, and of a device, nothing is held.
class FileLock {
 public:
  // Throws FailedPrecondition when another process holds the lock of this target.
  explicit FileLock(const std::filesystem::path &target);
  ~FileLock();
  FileLock(const FileLock &) = delete;
  FileLock &operator=(const FileLock &) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace halftone
