// ONNX files in and out, without loss. The only users of libonnx/protobuf are the .cpp files named onnx_*.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/model.h"

namespace halftone::model {

struct ImportOptions {
  bool lift_opset = true;  // opset 1..12 becomes 13 through our own adapters (opset_lift.h)
  bool infer_shapes = true;
};

struct ImportResult {
  Model model;
  std::vector<std::string> warnings;                  // newer opset than the linked onnx, and the like
  std::vector<std::filesystem::path> external_files;  // that hold weights of the model
};

// Throws with one clear message: missing, empty, truncated or non-ONNX file; unknown operator of a known domain; cycle;
// dangling input; duplicate name; missing external file; external path that escapes the model's folder.
ImportResult import_onnx(const std::filesystem::path &path, const ImportOptions &options = {});
ImportResult import_onnx_bytes(std::string_view bytes, const std::filesystem::path &folder,
                               const ImportOptions &options = {});

struct ExportOptions {
  std::int64_t external_threshold = std::int64_t{2000} << 20;  // total weight bytes above which weights go to FILE.data
  bool infer_shapes = true;
};
// Writes atomically: the file appears complete or not at all.
void export_onnx(const Model &model, const std::filesystem::path &path, const ExportOptions &options = {});
std::string export_onnx_bytes(const Model &model);

// TensorProto (or, in an input_0.pb file, the bare message) to a tensor and back.
Tensor parse_tensor_proto(std::string_view bytes);
std::string serialize_tensor_proto(const Tensor &tensor, std::string_view name);

// Static types of all values by ONNX's inference, on a copy without weights. Values with known types keep them.
void infer_shapes(Model &model);

// Whether the file declares this graph input optional, so that a run may leave it out.
bool is_optional_input(const Model &model, Handle value);

// Highest opset of ai.onnx that the linked libonnx knows.
std::int64_t linked_opset();

// True when the linked onnx knows an operator of this domain at all; false says nothing about foreign domains.
bool is_known_operator(std::string_view domain, std::string_view op_type, std::int64_t opset);

// How many inputs and outputs an operator takes, empty slots between others included.
struct SlotCounts {
  std::size_t least_inputs = 0, most_inputs = 0, most_outputs = 0;
};
// Nothing for what the linked onnx does not know: a foreign domain, a newer opset.
std::optional<SlotCounts> slot_counts(std::string_view domain, std::string_view op_type, std::int64_t opset);

// Attributes that an operator has in any opset that the linked onnx knows; nullopt for an operator that it does not.
std::optional<std::vector<std::string>> attribute_names(std::string_view domain, std::string_view op_type);

// What an attribute is when a node does not write it; without data when the linked onnx knows no default.
Attribute default_attribute(std::string_view domain, std::string_view op_type, std::int64_t opset,
                            std::string_view name);

}  // namespace halftone::model
