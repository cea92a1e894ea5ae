#include "core/pipeline/outputs_npy.h"

#include <set>
#include <span>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/model/dtype.h"
#include "core/pipeline/named.h"

namespace halftone::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHeader = 256;  // room for 8 axes of 19 digits, and a multiple of 64 as NumPy asks
constexpr std::size_t kMostName = 120;

// Null for types that NumPy has no name for; they are written as float32.
const char *descr_of(ht_dtype dtype) {
  switch (dtype) {
    case HT_BOOL:
      return "|b1";
    case HT_U8:
      return "|u1";
    case HT_I8:
      return "|i1";
    case HT_U16:
      return "<u2";
    case HT_I16:
      return "<i2";
    case HT_U32:
      return "<u4";
    case HT_I32:
      return "<i4";
    case HT_U64:
      return "<u8";
    case HT_I64:
      return "<i8";
    case HT_F16:
      return "<f2";
    case HT_F32:
      return "<f4";
    case HT_F64:
      return "<f8";
    default:
      return nullptr;
  }
}

std::string header_of(ht_dtype dtype, std::uint64_t samples, const model::Shape &shape) {
  const char *descr = descr_of(dtype);
  const std::string rest = shape.empty() ? "" : fmt::format(" {}", fmt::join(shape, ", "));
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({},{}), }}",
                                 descr == nullptr ? "<f4" : descr, samples, rest);
  constexpr std::size_t kPrefix = 10;
  text.resize(kHeader - kPrefix - 1, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xFFU);
  header += static_cast<char>(text.size() >> 8U);
  return header + text;
}

}  // namespace

class OutputsNpy::Array {
 public:
  Array(const fs::path &path, std::string name) : name_(std::move(name)), file_(path) {
    file_.write(std::string(kHeader, ' '));
  }

  void add(const OutputTensor &output) {
    const bool batch_of_one = !output.shape.empty() && output.shape.front() == 1;
    const model::Shape shape(output.shape.begin() + (batch_of_one ? 1 : 0), output.shape.end());
    if (samples_ == 0) {
      dtype_ = output.dtype;
      shape_ = shape;
    }
    if (dtype_ != output.dtype || shape_ != shape) {
      fail(
          Status::kFailedPrecondition,
          "output '{}' is [{}] for one sample and [{}] for another, and a .npy file has one shape; leave --outputs-npy "
          "out",
          name_, fmt::join(shape_, ","), fmt::join(shape, ","));
    }
    ++samples_;
    if (descr_of(dtype_) != nullptr) {
      file_.write(output.bytes);
      return;
    }
    const std::vector<float> floats = model::Tensor(dtype_, output.shape, output.bytes, nullptr).to_floats();
    file_.write(std::as_bytes(std::span(floats)));
  }

  void finish() {
    if (samples_ == 0) fail(Status::kDataLoss, "no sample could be evaluated, so that '{}' has no outputs", name_);
    file_.overwrite(0, header_of(dtype_, samples_, shape_));
    file_.finish();
  }
  void commit() { file_.commit(); }

 private:
  std::string name_;
  AtomicFile file_;
  std::uint64_t samples_ = 0;
  ht_dtype dtype_ = HT_DTYPE_NONE;
  model::Shape shape_;
};

OutputsNpy::Folder::~Folder() {
  std::error_code ignored;
  if (made && !keep) fs::remove(path, ignored);
}

OutputsNpy::OutputsNpy(const fs::path &folder, const std::vector<std::string> &output_names) : folder_{folder} {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    fail(Status::kFailedPrecondition, "the outputs cannot be written into '{}': it is a file; name a folder",
         folder.string());
  }
  require_folder_of(folder);
  for (const std::string &name : npy_file_names(output_names)) {
    files_.push_back(folder / name);
    if (fs::is_directory(folder, error)) require_writable(files_.back());
  }
  folder_.made = fs::create_directory(folder, error);
  if (error) {
    fail(Status::kPermissionDenied, "the folder '{}' cannot be made: {}; name another", folder.string(),
         error.message());
  }
  for (std::size_t i = 0; i < files_.size(); ++i)
    arrays_.push_back(std::make_unique<Array>(files_[i], output_names[i]));
}

OutputsNpy::~OutputsNpy() = default;

void OutputsNpy::add(const std::vector<OutputTensor> &outputs) {
  for (std::size_t i = 0; i < arrays_.size(); ++i) arrays_[i]->add(outputs.at(i));
}

void OutputsNpy::finish() {
  for (const auto &array : arrays_) array->finish();
}

void OutputsNpy::commit() {
  folder_.keep = true;
  for (const auto &array : arrays_) array->commit();
}

std::vector<std::string> npy_file_names(const std::vector<std::string> &output_names) {
  std::vector<std::string> files;
  std::set<std::string> taken;
  for (const std::string &output : output_names) {
    std::string name = output.substr(0, kMostName);
    for (char &c : name) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                         c == '.' || c == '_';
      if (!plain) c = '_';
    }
    if (name.empty() || name.front() == '.') name.insert(name.begin(), '_');
    std::string file = name;
    for (std::size_t number = 2; !taken.insert(file).second; ++number) file = fmt::format("{}-{}", name, number);
    files.push_back(file + ".npy");
  }
  return files;
}

}  // namespace halftone::pipeline
