#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <exception>
#include <filesystem>
#include <optional>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/resident_window.h"
#include "core/model/onnx_build.h"
#include "core/model/onnx_io.h"
#include "core/model/onnx_tensor.h"

namespace halftone::model {
namespace {

constexpr std::int64_t kLargestMessage = INT32_MAX;  // protobuf's limit
constexpr std::size_t kAlignment = 4096;             // of each tensor in FILE.data, so that it can be mapped by itself
constexpr std::size_t kSmallest = 1024;              // bytes of a tensor worth moving to FILE.data

// Serialization straight into the file: a second copy of the weights is never made.
class FileStream : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit FileStream(AtomicFile &file) : file_(file) {}
  bool Write(const void *data, int size) override {
    try {
      file_.write(std::span(static_cast<const std::byte *>(data), static_cast<std::size_t>(size)));
      return true;
    } catch (...) {
      failure_ = std::current_exception();  // protobuf's frames are between us and who handles it
      return false;
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  AtomicFile &file_;
  std::exception_ptr failure_;
};

void write_message(const onnx::ModelProto &proto, AtomicFile &file) {
  FileStream stream(file);
  bool written = false;
  {
    google::protobuf::io::CopyingOutputStreamAdaptor adaptor(&stream, 1 << 20);
    written = proto.SerializeToZeroCopyStream(&adaptor) && adaptor.Flush();
  }
  stream.rethrow();
  if (!written) fail(Status::kInternal, "the model could not be serialized to '{}'", file.target().string());
}

std::int64_t weight_bytes(const Model &model) {
  std::int64_t total = 0;
  for (const Handle g : model.graphs()) {
    for (const Handle v : model.graph(g).values) {
      const Value &value = model.value(v);
      if (value.initializer) total += static_cast<std::int64_t>(value.initializer->bytes().size());
    }
  }
  return total;
}

void write_inline(const Tensor &tensor, onnx::TensorProto &proto, ConstantPlace) {
  announce_read(tensor.bytes());
  put_tensor(tensor, proto);
}

// Weights beside the model, each on a page boundary.
class WeightFile {
 public:
  explicit WeightFile(const std::filesystem::path &path) : file_(path), location_(path.filename().string()) {}

  void write(const Tensor &tensor, onnx::TensorProto &proto, ConstantPlace place) {
    if (place == ConstantPlace::kAttribute || tensor.dtype() == HT_STRING || tensor.bytes().size() < kSmallest) {
      put_tensor(tensor, proto);
      return;
    }
    put_tensor_header(tensor, proto);
    const std::size_t padding = (kAlignment - offset_ % kAlignment) % kAlignment;
    file_.write(std::string(padding, '\0'));
    offset_ += padding;
    announce_read(tensor.bytes());
    file_.write(tensor.bytes());
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    add_entry(proto, "location", location_);
    add_entry(proto, "offset", std::to_string(offset_));
    add_entry(proto, "length", std::to_string(tensor.bytes().size()));
    offset_ += tensor.bytes().size();
  }
  void commit() { file_.commit(); }

 private:
  static void add_entry(onnx::TensorProto &proto, std::string key, std::string value) {
    auto &entry = *proto.add_external_data();
    entry.set_key(std::move(key));
    entry.set_value(std::move(value));
  }

  AtomicFile file_;
  std::string location_;
  std::size_t offset_ = 0;
};

bool fits(const onnx::ModelProto &proto) {
  return static_cast<std::int64_t>(proto.ByteSizeLong()) <= kLargestMessage;
}

void export_with_weight_file(const Model &model, const std::filesystem::path &path) {
  AtomicFile file(path);  // first, so that an unwritable folder is told before the weights are written
  WeightFile weights(std::filesystem::path(path) += ".data");
  onnx::ModelProto proto;
  build_proto(
      model, [&](const Tensor &t, onnx::TensorProto &p, ConstantPlace place) { weights.write(t, p, place); }, proto);
  if (!fits(proto)) {
    fail(Status::kResourceExhausted,
         "model '{}' is over 2 GiB even with its weights in a file of their own; turn its large Constant nodes into "
         "initializers",
         path.string());
  }
  write_message(proto, file);
  weights.commit();
  file.commit();
}

}  // namespace

void export_onnx(const Model &model, const std::filesystem::path &path, const ExportOptions &options) {
  Model working = model;
  if (options.infer_shapes) infer_shapes(working);
  const std::int64_t bytes = weight_bytes(working);
  if (bytes <= options.external_threshold && bytes <= kLargestMessage) {
    onnx::ModelProto proto;
    build_proto(working, write_inline, proto);
    if (fits(proto)) {
      AtomicFile file(path);
      write_message(proto, file);
      file.commit();
      return;
    }
  }
  export_with_weight_file(working, path);
}

std::string export_onnx_bytes(const Model &model) {
  if (weight_bytes(model) > kLargestMessage) {
    fail(Status::kResourceExhausted, "the model is over 2 GiB; export it to a file, which puts the weights beside it");
  }
  onnx::ModelProto proto;
  build_proto(model, write_inline, proto);
  std::string bytes;
  if (!fits(proto) || !proto.SerializeToString(&bytes)) {
    fail(Status::kResourceExhausted, "the model is over 2 GiB; export it to a file, which puts the weights beside it");
  }
  return bytes;
}

}  // namespace halftone::model
