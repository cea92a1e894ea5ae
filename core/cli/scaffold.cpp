#include "core/cli/scaffold.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <system_error>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/temporary.h"
#include "core/host/descriptor_text.h"
#include "core/host/search.h"

namespace halftone::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongName = 64;

// Targets that every project of CMake or Ninja has, and words that stand for something else in a pipeline.
constexpr std::array kReserved = {"all",  "clean",   "default",       "edit-cache",     "halftone",
                                  "help", "install", "install-local", "install-strip",  "list-install-components",
                                  "none", "null",    "package",       "package-source", "rebuild-cache",
                                  "test", "true",    "false"};

std::string without_joints(const std::string &id, char joint) {
  std::string out = id;
  std::ranges::replace(out, '-', joint);
  return out;
}

std::string type_name(const std::string &id) {
  std::string out;
  bool upper = true;
  for (const char c : id) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

std::string replace_all(std::string text, const std::string &from, const std::string &to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string filled_in(std::string text, Language language, const ScaffoldNames &names) {
  const bool c = language == Language::kC;
  const std::array<std::pair<std::string, std::string>, 6> places = {
      {{"TEMPLATE_LANGUAGE", c ? "C" : "CXX"},
       {"TEMPLATE_SOURCE", names.file + (c ? ".c" : ".cpp")},
       {"TemplateName", names.type},
       {"template_name", names.file},
       {"template-name", names.id},
       {"com.example", names.vendor}}};
  for (const auto &[from, to] : places) text = replace_all(std::move(text), from, to);
  return text;
}

bool is_of_other_language(const fs::path &file, Language language) {
  return (file.extension() == ".c" && language != Language::kC) ||
         (file.extension() == ".cpp" && language != Language::kCpp);
}

// Where each file of the new folder comes from; `true` for those that have names to fill in.
using Sources = std::map<fs::path, std::pair<fs::path, bool>>;

void collect(const fs::path &from, const fs::path &below, bool fill, Language language, const ScaffoldNames &names,
             Sources &sources) {
  std::error_code error;
  fs::recursive_directory_iterator entry(from, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file(error) || is_of_other_language(entry->path(), language)) continue;
    const fs::path relative = below / fs::relative(entry->path(), from);
    sources[fill ? fs::path(filled_in(relative.string(), language, names)) : relative] = {entry->path(), fill};
  }
  if (error) {
    fail(Status::kNotFound, "the templates in '{}' cannot be read: {}; reinstall Halftone with its SDK", from.string(),
         error.message());
  }
}

// A folder under another name, removed unless it took its own.
class StagedFolder {
 public:
  explicit StagedFolder(fs::path target) : target_(std::move(target)) {
    staged_ = temporary_name(target_);
    if (::mkdir(staged_.c_str(), 0777) == 0) return;
    const int error = errno;
    staged_.clear();
    fail_to_write(target_, error);
  }
  ~StagedFolder() {
    std::error_code ignored;
    if (!staged_.empty()) fs::remove_all(staged_, ignored);
  }
  StagedFolder(const StagedFolder &) = delete;
  StagedFolder &operator=(const StagedFolder &) = delete;

  const fs::path &path() const { return staged_; }
  // Even an empty folder that came in between keeps its place.
  void commit() {
    if (::renameat2(AT_FDCWD, staged_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) fail(Status::kAlreadyExists, "'{}' has come into being meanwhile", target_.string());
      fail_to_write(target_, errno);
    }
    staged_.clear();
  }

 private:
  fs::path target_, staged_;
};

// Libraries lie below the prefix as the build has laid it out.
fs::path from_library(const char *relative) {
  return (host::library_folder() / relative).lexically_normal();
}

}  // namespace

ScaffoldNames scaffold_names(const std::string &id, const std::string &vendor) {
  if (!host::is_name(id, "-") || id.size() > kLongName || id[0] < 'a') {
    fail(Status::kInvalidArgument,
         "'{}' cannot be the name: it takes a letter first, then lower-case letters and digits, in groups joined by "
         "hyphens, {} characters at most, such as 'keep-float'",
         id, kLongName);
  }
  if (std::ranges::find(kReserved, id) != kReserved.end() || id.starts_with("halftone-")) {
    fail(Status::kInvalidArgument, "the name '{}' is reserved; choose one that says what the component does", id);
  }
  if (!host::is_name(vendor, "-.") || vendor.size() > kLongName) {
    fail(Status::kInvalidArgument,
         "'{}' cannot be the namespace: it is a reversed domain name of lower-case letters and digits, such as "
         "'org.someone'",
         vendor);
  }
  return {id, without_joints(id, '_'), type_name(id), vendor};
}

fs::path template_folder() {
  return from_library(HALFTONE_TEMPLATES_FROM_LIBRARY);
}

fs::path prefix_folder() {
  const fs::path prefix = from_library(HALFTONE_PREFIX_FROM_LIBRARY);
  return prefix.has_filename() ? prefix : prefix.parent_path();
}

std::vector<fs::path> write_scaffold(const std::string &kind, Language language, const ScaffoldNames &names,
                                     const fs::path &folder) {
  Sources sources;
  collect(template_folder() / "test", "test", false, language, names, sources);
  collect(template_folder() / kind, {}, true, language, names, sources);
  // A platform with code is the same with some files more, and others in their place.
  if (kind == "platform" && language != Language::kNone)
    collect(template_folder() / "platform-code", {}, true, language, names, sources);
  StagedFolder staged(folder);
  std::vector<fs::path> written;
  for (const auto &[relative, source] : sources) {
    const fs::path target = staged.path() / relative;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    const std::string text = read_file(source.first);
    try {
      write_file_atomically(target, source.second ? filled_in(text, language, names) : text);
    } catch (const Error &failure) {
      throw Error(failure.status(), replace_all(failure.message(), staged.path().string(), folder.string()));
    }
    written.push_back(relative);
  }
  staged.commit();
  return written;
}

}  // namespace halftone::cli
