#include <doctest/doctest.h>

#include <random>

#include "core/base/file.h"
#include "core/model/onnx_io.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
namespace {

using halftone::test::expect_error;
using halftone::test::TempFolder;
using test::model_bytes;

void expect_refused(Status status, std::initializer_list<std::string_view> words, std::string_view content) {
  const TempFolder folder;
  const auto path = folder.write("given.onnx", content);
  expect_error(status, {path.string()}, [&] { import_onnx(path); });  // the file is always named
  expect_error(status, words, [&] { import_onnx(path); });
}

const std::string kEnds = R"( input { name: "x" } output { name: "y" } )";

}  // namespace

TEST_CASE("files that are no models") {
  const TempFolder folder;
  expect_error(Status::kNotFound, {"absent.onnx", "does not exist"}, [&] { import_onnx(folder / "absent.onnx"); });
  expect_error(Status::kInvalidArgument, {"a folder"}, [&] { import_onnx(folder.path()); });
  expect_refused(Status::kDataLoss, {"empty"}, "");
  expect_refused(Status::kDataLoss, {"text file"}, "halftone: 1\nmodel: m.onnx\n");
  expect_refused(Status::kDataLoss, {"PNG"}, "\x89PNG\r\n\x1A\n\x01\x02\x03");
  expect_refused(Status::kDataLoss, {"ZIP", "torch.onnx.export"}, "PK\x03\x04 and so on");
  expect_refused(Status::kDataLoss, {"Git LFS", "git lfs pull"},
                 "version https://git-lfs.github.com/spec/v1\noid sha256:1\n");
  expect_refused(Status::kDataLoss, {"TensorFlow Lite"}, std::string_view("\x1C\0\0\0TFL3\0\0\0\0", 12));
  expect_refused(Status::kDataLoss, {"no ONNX model", "cut off"}, std::string_view("\xFF\xFE\0\x01", 4));
  expect_refused(Status::kDataLoss, {"no graph"}, test::parse_text("ir_version: 8").SerializeAsString());
}

TEST_CASE("a file cut off anywhere is refused, or is whole enough to be sound") {
  const std::string whole = model_bytes(R"(node { input: "x" input: "w" output: "y" op_type: "Add" name: "add" }
    initializer { name: "w" dims: 4 data_type: 1 float_data: [1, 2, 3, 4] })" +
                                        kEnds);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_THROWS_AS(import_onnx_bytes(std::string_view(whole).substr(0, size), {}), Error);
  }
  CHECK_NOTHROW(import_onnx_bytes(whole, {}));
}

TEST_CASE("damaged bytes never do worse than an error") {
  const std::string whole = model_bytes(R"(node { input: "x" input: "w" output: "h" op_type: "Conv" name: "c"
      attribute { name: "pads" ints: [1, 1, 1, 1] type: INTS } }
    node { input: "h" output: "y" op_type: "Softmax" attribute { name: "axis" i: 1 type: INT } }
    initializer { name: "w" dims: [1, 1, 3, 3] data_type: 1 float_data: [1, 2, 3, 4, 5, 6, 7, 8, 9] })" +
                                            kEnds,
                                        11);
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = whole;
    for (int k = 0; k < 1 + i % 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      import_onnx_bytes(damaged, {});
    } catch (const Error &) {
    }
  }
}

TEST_CASE("unknown operators are named with node, operator and opset") {
  const auto model = [](std::string_view op) {
    return fmt::format(R"(node {{ input: "x" output: "y" op_type: "{}" name: "n1" }})", op) + kEnds;
  };
  expect_refused(Status::kInvalidArgument, {"'n1'", "'Rleu'", "opset 13 of ai.onnx", "did you mean 'Relu'"},
                 model_bytes(model("Rleu")));
  expect_refused(Status::kInvalidArgument, {"'Trilu'", "exists since opset 14"}, model_bytes(model("Trilu")));
  expect_refused(Status::kInvalidArgument, {"'n1'", "opset_import"},
                 test::parse_text("ir_version: 8 graph { name: 'g' " + model("Relu") + "}").SerializeAsString());
  expect_refused(Status::kUnimplemented, {"'n1'", "opset 5", "repeats one axis"}, model_bytes(model("Tile"), 5));
}

TEST_CASE("broken graphs are named by what is broken") {
  expect_refused(Status::kFailedPrecondition, {"cycle", "'n"},
                 model_bytes(R"(
    node { input: "b" output: "a" op_type: "Relu" name: "n1" } node { input: "a" output: "b" op_type: "Relu" name: "n2" })" +
                             kEnds + R"(node { input: "a" output: "y" op_type: "Relu" })"));
  expect_refused(Status::kInvalidArgument, {"'n1'", "(Add)", "'lost'"},
                 model_bytes(R"(node { input: "x" input: "lost" output: "y" op_type: "Add" name: "n1" })" + kEnds));
  expect_refused(Status::kInvalidArgument, {"output 'y'", "no node"},
                 model_bytes(R"(node { input: "x" output: "z" op_type: "Relu" })" + kEnds));
  expect_refused(Status::kInvalidArgument, {"'y'", "defined twice", "'n2'"},
                 model_bytes(R"(
    node { input: "x" output: "y" op_type: "Relu" name: "n1" } node { input: "x" output: "y" op_type: "Neg" name: "n2" })" +
                             kEnds));
  expect_refused(Status::kInvalidArgument, {"'x'", "defined twice"},
                 model_bytes(R"(node { input: "x" output: "x" op_type: "Relu" })" + kEnds));
  expect_refused(Status::kInvalidArgument, {"'y'", "listed twice"},
                 model_bytes(R"(node { input: "x" output: "y" op_type: "Relu" } output { name: "y" })" + kEnds));
  expect_refused(Status::kInvalidArgument, {"no operator type"},
                 model_bytes(R"(node { input: "x" output: "y" name: "n1" })" + kEnds));
}

TEST_CASE("constants whose data does not fit their shape") {
  const auto model = [](std::string_view tensor) {
    return model_bytes(
        fmt::format(R"(node {{ input: "x" input: "w" output: "y" op_type: "Add" }} initializer {{ name: "w" {} }})",
                    tensor) +
        kEnds);
  };
  expect_refused(Status::kDataLoss, {"'w'", "4 bytes", "12"}, model("dims: 3 data_type: 1 float_data: 1"));
  expect_refused(Status::kDataLoss, {"'w'", "3 bytes", "need 4"}, model(R"(dims: 1 data_type: 1 raw_data: "abc")"));
  expect_refused(Status::kDataLoss, {"'w'", "-2"}, model("dims: -2 data_type: 1"));
  expect_refused(Status::kInvalidArgument, {"more elements"}, model("dims: [4611686018427387904, 4] data_type: 1"));
}

}  // namespace halftone::model
