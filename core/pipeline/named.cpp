#include "core/pipeline/named.h"

#include "core/base/error.h"

namespace halftone::pipeline {

namespace {

[[noreturn]] void rethrow_as(Status status, const std::string &before, const Error &error) {
  Error other(status, before + error.message());
  for (const std::string &note : error.notes()) other.note(note);
  throw other;
}

}  // namespace

std::string place(const Location &where) {
  return where.file.empty() ? std::string() : where.text() + ": ";
}

const host::Component &named_component(const host::Registry &registry, std::uint32_t kind, std::string_view id,
                                       const Location &where) {
  try {
    return registry.get(kind, id);
  } catch (const Error &error) {
    rethrow_as(error.status() == Status::kNotFound ? Status::kInvalidArgument : error.status(), place(where), error);
  }
}

model::ImportResult read_model(const std::filesystem::path &path) {
  try {
    return model::import_onnx(path);
  } catch (const Error &error) {
    rethrow_as(error.status() == Status::kInvalidArgument ? Status::kFailedPrecondition : error.status(), "", error);
  }
}

void require_folder_of(const std::filesystem::path &path) {
  std::error_code ignored;
  const std::filesystem::path folder = path.parent_path();
  if (!folder.empty() && !std::filesystem::exists(folder, ignored)) {
    fail(Status::kNotFound, "the folder '{}' of the output '{}' does not exist; make it first", folder.string(),
         path.string());
  }
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    fail(Status::kFailedPrecondition, "the output '{}' cannot be written: '{}' is a file, not a folder; name another",
         path.string(), folder.string());
  }
}

void require_writable(const std::filesystem::path &path) {
  require_folder_of(path);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail(Status::kFailedPrecondition, "the output '{}' is a folder; add a file name", path.string());
  }
}

void require_folder(const std::filesystem::path &folder) {
  if (!folder.has_filename() && folder.has_relative_path()) return require_folder(folder.parent_path());  // "notes/"
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return;
  require_folder_of(folder);
  if (std::filesystem::exists(folder, ignored)) {
    fail(Status::kFailedPrecondition, "the folder of artefacts '{}' is a file; name another", folder.string());
  }
}

}  // namespace halftone::pipeline
