// Weights in files beside the model.
#include <charconv>
#include <filesystem>

#include "core/base/error.h"
#include "core/model/onnx_tensor.h"

namespace halftone::model {
namespace {

namespace fs = std::filesystem;

std::string entry(const onnx::TensorProto &proto, std::string_view key) {
  for (const auto &pair : proto.external_data()) {
    if (pair.key() == key) return pair.value();
  }
  return {};
}

// A byte count of an entry; `missing` when there is none.
std::uint64_t number(const onnx::TensorProto &proto, std::string_view key, std::uint64_t missing) {
  const std::string text = entry(proto, key);
  if (text.empty()) return missing;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(Status::kDataLoss, "constant '{}' has an external {} of '{}', which is no byte count; export the model again",
         proto.name(), key, text);
  }
  return value;
}

bool has_parent_step(const fs::path &path) {
  for (const fs::path &step : path) {
    if (step == "..") return true;
  }
  return false;
}

bool is_below(const fs::path &path, const fs::path &folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

std::shared_ptr<const MappedFile> ExternalData::open(const std::string &location, const std::string &tensor) {
  const auto known = files_.find(location);
  if (known != files_.end()) return known->second;
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() ||
      has_parent_step(relative)) {
    fail(Status::kPermissionDenied,
         "constant '{}' keeps its data in '{}', outside the model's folder; move the file beside the model and name it "
         "by a relative path",
         tensor, location);
  }
  const fs::path folder = folder_.empty() ? fs::path(".") : folder_;
  const fs::path path = folder / relative;
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) {
    fail(Status::kNotFound, "file '{}' with the data of constant '{}' is missing; copy it to where the model is",
         path.string(), tensor);
  }
  const fs::path real_folder = fs::canonical(folder, error);
  if (error || !is_below(real, real_folder)) {
    fail(Status::kPermissionDenied,
         "constant '{}' keeps its data in '{}', a link to '{}' outside the model's folder; copy the file beside the "
         "model",
         tensor, location, real.string());
  }
  paths_.push_back(real);
  return files_[location] = MappedFile::open(real);
}

std::span<const std::byte> ExternalData::find(const onnx::TensorProto &proto, std::int64_t wanted,
                                              std::shared_ptr<const void> &owner) {
  const std::string location = entry(proto, "location");
  const std::shared_ptr<const MappedFile> file = open(location, proto.name());
  const std::uint64_t size = file->bytes().size();
  const std::uint64_t offset = number(proto, "offset", 0);
  const std::uint64_t rest = offset <= size ? size - offset : 0;
  const std::uint64_t length = number(proto, "length", wanted < 0 ? rest : static_cast<std::uint64_t>(wanted));
  if (offset > size || length > rest) {
    fail(Status::kDataLoss,
         "constant '{}' needs bytes {} to {} of '{}', which has only {}; the file is cut off or of another model",
         proto.name(), offset, offset + length, location, size);
  }
  if (wanted >= 0 && length != static_cast<std::uint64_t>(wanted)) {
    fail(Status::kDataLoss,
         "constant '{}' names {} bytes of '{}' where its shape and type need {}; export the model again", proto.name(),
         length, location, wanted);
  }
  owner = file;
  return file->bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

}  // namespace halftone::model
