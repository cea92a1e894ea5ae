#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/model/onnx_io.h"
#include "core/model/verify.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
namespace {

using namespace test;

const ImportOptions kAsItIs{false, false};
const ExportOptions kNothingAdded{std::int64_t{2000} << 20, false};

// Everything that the kernel does not model, beside what it does.
const std::string kRichModel = R"pb(
  ir_version: 8
  producer_name: "maker"
  producer_version: "1.2"
  domain: "org.example"
  model_version: 42
  doc_string: "a model"
  opset_import { version: 13 }
  opset_import { domain: "com.example" version: 3 }
  opset_import { domain: "ai.onnx.ml" version: 2 }
  metadata_props { key: "b" value: "2" }
  metadata_props { key: "a" value: "1" }
  training_info {
    initialization { name: "init" }
    update_binding { key: "w" value: "w2" }
  }
  functions {
    name: "Twice"
    domain: "com.example"
    input: "a"
    output: "b"
    attribute: "k"
    node {
      input: "a"
      input: "a"
      output: "b"
      op_type: "Add"
      attribute { name: "v" ref_attr_name: "k" type: INT }
    }
    opset_import { version: 13 }
  }
  graph {
    name: "main graph"
    doc_string: "what it does"
    node {
      input: "x"
      input: "w"
      input: ""
      output: "h"
      op_type: "Conv"
      domain: "ai.onnx"
      doc_string: "doc"
      attribute { name: "pads" ints: 1 ints: 1 ints: 1 ints: 1 type: INTS doc_string: "padding" }
      attribute { name: "auto_pad" s: "NOTSET" type: STRING }
    }
    node { name: "same" input: "h" output: "t" op_type: "Twice" domain: "com.example" }
    node {
      name: "same"
      input: "t"
      output: "u"
      output: ""
      op_type: "Mystery"
      domain: "com.example"
      attribute { name: "f" f: 1.5 type: FLOAT }
      attribute { name: "fs" floats: 1 floats: 2 type: FLOATS }
      attribute { name: "ss" strings: "a" strings: "b" type: STRINGS }
      attribute { name: "none" type: INTS }
      attribute {
        name: "ts"
        tensors { dims: 1 data_type: 1 float_data: 3 }
        type: TENSORS
      }
      attribute {
        name: "tp"
        tp { tensor_type { elem_type: 1 } }
        type: TYPE_PROTO
      }
      attribute {
        name: "sp"
        type: SPARSE_TENSOR
        sparse_tensor {
          values { dims: 1 data_type: 1 float_data: 3 }
          indices { dims: 1 data_type: 7 int64_data: 0 }
          dims: 4
        }
      }
    }
    node {
      output: "k"
      op_type: "Constant"
      attribute {
        name: "value"
        type: TENSOR
        t { dims: 2 data_type: 8 string_data: "abc" string_data: "" name: "strings" doc_string: "d" }
      }
    }
    node {
      output: "k2"
      op_type: "Constant"
      attribute {
        name: "value"
        type: TENSOR
        t { dims: 2 data_type: 6 int32_data: -1 int32_data: 5 }
      }
    }
    node {
      input: "cond"
      output: "y"
      op_type: "If"
      name: "If_3"
      attribute {
        name: "then_branch"
        type: GRAPH
        g {
          name: "then"
          doc_string: "inner"
          node { input: "u" input: "iw" output: "z" op_type: "Add" }
          initializer { name: "iw" dims: 1 data_type: 1 float_data: 3 }
          output {
            name: "z"
            type { tensor_type { elem_type: 1 } }
          }
          value_info { name: "iw" }
        }
      }
      attribute {
        name: "else_branch"
        type: GRAPH
        g {
          name: "else"
          node { input: "u" output: "ez" op_type: "Identity" }
          output { name: "ez" doc_string: "o" }
        }
      }
    }
    node { input: "x" output: "sq" op_type: "SequenceConstruct" }
    initializer {
      name: "w"
      dims: 1
      dims: 1
      dims: 3
      dims: 3
      data_type: 1
      doc_string: "weights"
      float_data: [ 1, 2, 3, 4, 5, 6, 7, 8, 9 ]
    }
    initializer { name: "names" dims: 2 data_type: 8 string_data: "n1" string_data: "n2" }
    initializer { name: "half" dims: 2 data_type: 10 int32_data: 15360 int32_data: 48128 }
    initializer { name: "brain" dims: 1 data_type: 16 int32_data: 16256 }
    initializer { name: "octet" dims: 3 data_type: 2 int32_data: 255 int32_data: 0 int32_data: 7 }
    initializer { name: "flag" dims: 2 data_type: 9 int32_data: 1 int32_data: 0 }
    initializer { name: "d" dims: 1 data_type: 11 double_data: 0.1 }
    initializer { name: "u32" dims: 1 data_type: 12 uint64_data: 4000000000 }
    initializer { name: "u64" dims: 1 data_type: 13 uint64_data: 10000000000000000000 }
    initializer { name: "i64" dims: 0 data_type: 7 }
    initializer { name: "c64" dims: 1 data_type: 14 float_data: 1 float_data: 2 }
    initializer { name: "nibbles" dims: 3 data_type: 22 int32_data: 33 int32_data: 3 }
    initializer { name: "future" dims: 3 data_type: 4711 raw_data: "xyz" }
    initializer { name: "e4m3" dims: 2 data_type: 17 raw_data: "ab" }
    sparse_initializer {
      values { name: "sparse" dims: 1 data_type: 1 float_data: 3 }
      indices { dims: 1 data_type: 7 int64_data: 2 }
      dims: 4
    }
    input {
      name: "x"
      doc_string: "image"
      type {
        denotation: "IMAGE"
        tensor_type {
          elem_type: 1
          shape {
            dim { dim_param: "N" denotation: "DATA_BATCH" }
            dim { dim_value: 1 }
            dim {}
            dim { dim_value: 8 }
          }
        }
      }
    }
    input {
      name: "cond"
      type {
        tensor_type {
          elem_type: 9
          shape {}
        }
      }
    }
    input {
      name: "d"
      type {
        tensor_type {
          elem_type: 11
          shape { dim { dim_param: "D" } }
        }
      }
    }
    input {
      name: "seq"
      type { sequence_type { elem_type { tensor_type { elem_type: 1 } } } }
    }
    output {
      name: "y"
      doc_string: "result"
      type { tensor_type { elem_type: 1 } }
    }
    output {
      name: "sq"
      type { sequence_type { elem_type { tensor_type { elem_type: 1 } } } }
    }
    value_info {
      name: "u"
      type {
        tensor_type {
          elem_type: 1
          shape { dim { dim_param: "N" } }
        }
      }
      doc_string: "hidden"
    }
    value_info {
      name: "nobody"
      type { tensor_type { elem_type: 1 } }
    }
    quantization_annotation {
      tensor_name: "u"
      quant_parameter_tensor_names { key: "SCALE_TENSOR" value: "half" }
    }
  })pb";

std::vector<std::filesystem::path> shared_models() {
  const char *source = std::getenv("HALFTONE_SOURCE_DIR"), *shared = std::getenv("HALFTONE_SHARED");
  std::filesystem::path root = shared != nullptr ? shared : "../shared";
  if (root.is_relative()) root = std::filesystem::path(source != nullptr ? source : ".") / root;
  std::vector<std::filesystem::path> found;
  for (const auto &folder : {root / "models", std::filesystem::path("/usr/share/libonnx-testdata/data")}) {
    if (!std::filesystem::is_directory(folder)) {
      MESSAGE("skipped: there is no folder ", folder.string());
      continue;
    }
    for (const auto &entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".onnx") found.push_back(entry.path());
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a model with everything in it comes back as it was") {
  const onnx::ModelProto original = parse_text(kRichModel);
  const ImportResult read = import_onnx_bytes(original.SerializeAsString(), {}, kAsItIs);
  verify(read.model);
  CHECK(difference(original, parse_bytes(export_onnx_bytes(read.model))) == "");
  const halftone::test::TempFolder folder;
  export_onnx(read.model, folder / "m.onnx", kNothingAdded);
  CHECK(difference(original, parse_bytes(read_file(folder / "m.onnx"))) == "");
}

TEST_CASE("fields newer than the linked onnx are kept") {
  onnx::ModelProto original = parse_text(kRichModel);
  const auto mark = [](google::protobuf::Message &message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(900, "newer");
  };
  mark(original);
  mark(*original.mutable_graph());
  mark(*original.mutable_graph()->mutable_node(0));
  mark(*original.mutable_graph()->mutable_node(0)->mutable_attribute(0));
  mark(*original.mutable_graph()->mutable_initializer(0));
  mark(*original.mutable_graph()->mutable_input(0));
  mark(*original.mutable_graph()->mutable_node(5)->mutable_attribute(0)->mutable_g());
  const ImportResult read = import_onnx_bytes(original.SerializeAsString(), {}, kAsItIs);
  CHECK(difference(original, parse_bytes(export_onnx_bytes(read.model))) == "");
}

TEST_CASE("typed data of every kind is decoded") {
  const Model model = import_onnx_bytes(parse_text(kRichModel).SerializeAsString(), {}, kAsItIs).model;
  const auto tensor = [&](std::string_view name) {
    return *model.value(model.find_value(model.main_graph(), name)).initializer;
  };
  CHECK(tensor("w").floats()[8] == 9.0F);
  CHECK(tensor("half").to_floats() == std::vector<float>{1, -1});
  CHECK(tensor("brain").to_floats() == std::vector<float>{1});
  CHECK(tensor("octet").to_ints() == std::vector<std::int64_t>{255, 0, 7});
  CHECK(tensor("flag").to_ints() == std::vector<std::int64_t>{1, 0});
  CHECK(tensor("u32").to_ints() == std::vector<std::int64_t>{4000000000});
  CHECK(tensor("nibbles").to_ints() == std::vector<std::int64_t>{1, 2, 3});
  CHECK(tensor("i64").ints().empty());
  CHECK(tensor("names").dtype() == HT_STRING);
  CHECK(tensor("d").dtype() == HT_F64);
  const Value &default_input = model.value(model.find_value(model.main_graph(), "d"));
  CHECK(default_input.is_input);
  CHECK(default_input.type.dims.at(0).symbol == "D");
}

TEST_CASE("every model at hand comes back as it was") {
  const halftone::test::TempFolder folder;
  std::size_t count = 0;
  for (const auto &path : shared_models()) {
    INFO(path.string());
    const std::string bytes = read_file(path);
    const ImportResult first = import_onnx(path, kAsItIs);
    CHECK(find_faults(first.model).empty());
    export_onnx(first.model, folder / "m.onnx", kNothingAdded);
    const std::string written = read_file(folder / "m.onnx");
    CHECK(difference(parse_bytes(bytes), parse_bytes(written)) == "");
    const ImportResult second = import_onnx(folder / "m.onnx", kAsItIs);
    CHECK(export_onnx_bytes(second.model) == written);
    ++count;
  }
  MESSAGE("compared ", count, " models");
}

TEST_CASE("lifting and inference keep every model at hand sound") {
  for (const auto &path : shared_models()) {
    INFO(path.string());
    try {
      const ImportResult read = import_onnx(path);
      CHECK(find_faults(read.model).empty());
      CHECK(find_faults(import_onnx_bytes(export_onnx_bytes(read.model), {}).model).empty());
    } catch (const Error &error) {
      CHECK(error.status() == Status::kUnimplemented);  // opsets below 7, the Scan of opset 8
    }
  }
}

}  // namespace halftone::model
