// Constants between TensorProto and Tensor.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/model/onnx_proto.h"
#include "core/model/tensor.h"

namespace halftone::model {

// Files with external data of one model: each is mapped once, none outside the model's folder is touched.
class ExternalData {
 public:
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // The bytes that the message's external_data entries name; `wanted` of them, or up to the entry's length when the
  // element type is unknown (wanted below 0).
  std::span<const std::byte> find(const onnx::TensorProto &proto, std::int64_t wanted,
                                  std::shared_ptr<const void> &owner);
  // The files that were mapped, links resolved.
  const std::vector<std::filesystem::path> &paths() const noexcept { return paths_; }

 private:
  std::shared_ptr<const MappedFile> open(const std::string &location, const std::string &tensor);

  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  std::vector<std::filesystem::path> paths_;
};

// Moves the data out of the message; what stays behind says name, type, shape and documentation. Data of types that we
// do not model (strings, types newer than we know) becomes an HT_STRING tensor whose bytes are the whole message.
Tensor take_tensor(onnx::TensorProto &proto, ExternalData &external);

// Type and shape into the message, then either the data or nothing.
void put_tensor_header(const Tensor &tensor, onnx::TensorProto &proto);
void put_tensor(const Tensor &tensor, onnx::TensorProto &proto);

}  // namespace halftone::model
