#include "core/pipeline/run_files.h"

#include "core/base/error.h"
#include "core/pipeline/named.h"

namespace halftone::pipeline {

namespace {

namespace fs = std::filesystem;

// The same file under any name: a link of either kind, another way to its folder. Files that do not exist yet are told
// apart by where they would be.
bool same_file(const fs::path &a, const fs::path &b) {
  std::error_code error;
  if (fs::equivalent(a, b, error) && !error) return true;
  const fs::path whole_a = fs::weakly_canonical(fs::absolute(a, error), error);
  if (error) return false;
  const fs::path whole_b = fs::weakly_canonical(fs::absolute(b, error), error);
  return !error && whole_a == whole_b;
}

// Also a file elsewhere that the folder holds a link to.
bool is_in_folder(const fs::path &file, const fs::path &folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error) || !fs::exists(file, error) || fs::is_directory(file, error)) return false;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (fs::equivalent(entries->path(), file, ignored)) return true;
  }
  return false;
}

}  // namespace

void RunFiles::reads(const fs::path &path, std::string what) {
  if (!path.empty()) inputs_.push_back({path, std::move(what), false});
}

void RunFiles::reads(const std::vector<fs::path> &paths, const std::string &what) {
  for (const fs::path &path : paths) reads(path, what);
}

void RunFiles::reads(const DataSpec &data) {
  reads(data.labels, "labels");
  for (const InputSpec &input : data.inputs) {
    reads(input.preprocess_file, "preprocessing");
    if (!input.path.empty() && !input.given) inputs_.push_back({input.path, "samples", true});
  }
}

void RunFiles::reads(const host::Registry &registry) {
  for (const auto &[id, file] : registry.descriptors) reads(file, "platform file");
  for (const auto &plugin : registry.plugins()) reads(plugin->file, "plug-in");
  for (const auto &[file, reason] : registry.refused) reads(file, "plug-in");
}

void RunFiles::writes(const fs::path &path, const Location &where) {
  if (!path.empty()) outputs_.push_back({path, {}, where});
}

void RunFiles::writes_model(const fs::path &path, const Location &where) {
  writes(path, where);
  const std::string note = fmt::format(", where large weights of '{}' go", path.string());
  outputs_.push_back({fs::path(path) += ".data", note, where});
  std::error_code error;
  if (!fs::is_symlink(path, error)) return;
  outputs_.push_back({fs::weakly_canonical(path, error) += ".data", note, where});
}

void RunFiles::check() const {
  for (const Output &output : outputs_) {
    for (const Input &input : inputs_) {
      if (same_file(output.path, input.path)) {
        fail(Status::kInvalidArgument, "the output '{}' would overwrite the {} '{}'; name another output",
             output.path.string(), input.what, input.path.string());
      }
      if (!input.samples || !is_in_folder(output.path, input.path)) continue;
      fail(Status::kInvalidArgument,
           "the output '{}' would overwrite a file in the folder of samples '{}'; name another output",
           output.path.string(), input.path.string());
    }
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Output &first = outputs_[j], &second = outputs_[i];
      if (!same_file(first.path, second.path)) continue;
      const std::string note = first.note + second.note;
      if (first.path == second.path) {
        fail(Status::kInvalidArgument, "{}two outputs of this run have the path '{}'{}; give each its own",
             place(second.where), second.path.string(), note);
      }
      fail(Status::kInvalidArgument, "{}the outputs '{}' and '{}' of this run are one file{}; give each its own",
           place(second.where), first.path.string(), second.path.string(), note);
    }
  }
}

}  // namespace halftone::pipeline
