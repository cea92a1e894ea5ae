#include "core/base/staged_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/temporary.h"

namespace halftone {

namespace fs = std::filesystem;

namespace {

void replace_all(std::string &text, const std::string &from, const std::string &to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

fs::path make_folder_beside(const fs::path &target, const fs::path &named_in_messages) {
  for (int attempt = 0;; ++attempt) {
    fs::path folder = temporary_name(target);
    if (::mkdir(folder.c_str(), 0777) == 0) return folder;
    if (errno != EEXIST || attempt == 100) fail_to_write(named_in_messages, errno);
  }
}

}  // namespace

StagedFile::StagedFile(const fs::path &target) : target_(file_behind(target)) {
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (fs::is_directory(status) || !target_.has_filename()) {
    fail(Status::kInvalidArgument, "cannot write '{}': it is a folder; add a file name", target_.string());
  }
  device_ = fs::exists(status) && !fs::is_regular_file(status);
  folder_ = make_folder_beside(device_ ? fs::temp_directory_path(error) / target_.filename() : target_, target_);
  path_ = folder_ / target_.filename();
}

StagedFile::~StagedFile() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::uint64_t StagedFile::size() const {
  std::uint64_t total = 0;
  std::error_code error;
  for (const fs::directory_entry &file : fs::directory_iterator(folder_, error)) {
    const std::uint64_t size = file.file_size(error);
    if (!error) total += size;
  }
  return total;
}

std::string StagedFile::told(std::string text) const {
  const fs::path beside = target_.parent_path();
  replace_all(text, path_.string(), target_.string());
  replace_all(text, folder_.string() + "/", beside.empty() ? std::string() : beside.string() + "/");
  replace_all(text, folder_.string(), beside.empty() ? std::string(".") : beside.string());
  return text;
}

void StagedFile::finish() {
  std::error_code error;
  if (!fs::is_regular_file(path_, error)) {
    fail(Status::kInternal, "'{}' was not written: there is no such file, and nobody reported a failure",
         target_.string());
  }
  if (device_) {
    AtomicFile file(target_);
    file.write(MappedFile::open(path_)->bytes());
    file.commit();
  }
  for (const auto &entry : fs::directory_iterator(folder_, error)) {
    const fs::path to = target_.parent_path() / entry.path().filename();
    if (!device_ && fs::is_directory(to, error)) {
      fail(Status::kFailedPrecondition, "cannot write '{}': it is a folder; name another output", to.string());
    }
  }
  finished_ = true;
}

void StagedFile::commit() {
  if (!finished_) finish();
  if (device_) return;
  std::error_code error;
  // The target last: when it is there, what it names is there.
  for (const auto &entry : fs::directory_iterator(folder_, error)) {
    if (entry.path() != path_) move(entry.path(), target_.parent_path() / entry.path().filename());
  }
  move(path_, target_);
  sync_folder(target_.has_parent_path() ? target_.parent_path() : fs::path("."));
}

void StagedFile::move(const fs::path &from, const fs::path &to) const {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail_to_write(to, errno);
}

}  // namespace halftone
