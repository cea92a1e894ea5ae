#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

#include "core/base/file.h"
#include "core/model/onnx_io.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
namespace {

using halftone::test::expect_error;
using halftone::test::TempFolder;

// y = x + w, where w has `count` floats in the file that the entries name.
std::string model_with(std::string_view location, std::string_view more, int count = 4) {
  return test::model_bytes(fmt::format(R"(
    node {{ input: "x" input: "w" output: "y" op_type: "Add" }} input {{ name: "x" }} output {{ name: "y" }}
    initializer {{ name: "w" dims: {} data_type: 1 data_location: EXTERNAL external_data {{ key: "location" value: "{}" }} {} }})",
                                       count, location, more));
}

std::string entry(std::string_view key, std::string_view value) {
  return fmt::format(R"(external_data {{ key: "{}" value: "{}" }})", key, value);
}

std::string floats(std::initializer_list<float> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

Tensor weight(const Model &model, std::string_view name = "w") {
  return *model.value(model.find_value(model.main_graph(), name)).initializer;
}

}  // namespace

TEST_CASE("external data is read from where it says") {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "sub");
  folder.write("sub/w.bin", fmt::format("#{}{}", floats({1, 2, 3, 4}), floats({5})));
  const auto aligned = folder.write("a.onnx", model_with("sub/w.bin", entry("offset", "5") + entry("length", "16")));
  CHECK(weight(import_onnx(aligned).model).to_floats() == std::vector<float>{2, 3, 4, 5});  // an odd offset is copied
  folder.write("w.bin", floats({1, 2, 3, 4}));
  CHECK(weight(import_onnx(folder.write("b.onnx", model_with("./w.bin", ""))).model).floats()[3] == 4.0F);
  CHECK(weight(import_onnx_bytes(model_with("w.bin", ""), folder.path()).model).floats()[0] == 1.0F);
}

TEST_CASE("paths that leave the model's folder are refused") {
  const TempFolder folder, elsewhere;
  elsewhere.write("secret", floats({1, 2, 3, 4}));
  std::filesystem::create_symlink(elsewhere / "secret", folder / "link");
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink(folder / "inside", folder / "good_link");
  folder.write("inside", floats({1, 2, 3, 4}));
  const auto refused = [&](const std::string &location) {
    INFO(location);
    const auto path = folder.write("m.onnx", model_with(location, ""));
    expect_error(Status::kPermissionDenied, {path.string(), "'w'", location, "outside"}, [&] { import_onnx(path); });
  };
  refused((elsewhere / "secret").string());
  refused("../" + elsewhere.path().filename().string() + "/secret");
  refused("sub/../inside");
  refused("link");
  refused("");
  CHECK_NOTHROW(import_onnx(folder.write("ok.onnx", model_with("good_link", ""))));
}

TEST_CASE("missing and short files are named") {
  const TempFolder folder;
  const auto import = [&](const std::string &more, int count = 4) {
    import_onnx(folder.write("m.onnx", model_with("w.bin", more, count)));
  };
  expect_error(Status::kNotFound, {"w.bin", "'w'", "missing"}, [&] { import(""); });
  folder.write("w.bin", floats({1, 2, 3, 4}));
  CHECK_NOTHROW(import(""));
  expect_error(Status::kDataLoss, {"'w'", "0 to 20", "w.bin", "only 16"}, [&] { import("", 5); });
  expect_error(Status::kDataLoss, {"'w'", "w.bin"}, [&] { import(entry("offset", "17")); });
  expect_error(Status::kDataLoss, {"'w'", "w.bin"}, [&] { import(entry("offset", "18446744073709551615")); });
  expect_error(Status::kDataLoss, {"'w'", "8 bytes", "need 16"}, [&] { import(entry("length", "8")); });
  expect_error(Status::kDataLoss, {"offset", "'-4'"}, [&] { import(entry("offset", "-4")); });
  std::filesystem::remove(folder / "w.bin");
  std::filesystem::create_directory(folder / "w.bin");
  expect_error(Status::kInvalidArgument, {"w.bin", "a folder"}, [&] { import(""); });
}

TEST_CASE("weights above the threshold go beside the model, each on a page of its own") {
  const TempFolder folder;
  test::GraphMaker m;
  m.input("x", {1000});
  const std::vector<float> one(1000, 1.5F), two(1000, -2.0F), small(2, 3.0F);
  m.constant("a", Tensor::from_floats({1000}, one));
  m.constant("b", Tensor::from_floats({1000}, two));
  m.constant("s", Tensor::from_floats({2}, small));
  m.node("Add", {"x", "a"}, {"h"});
  m.node("Add", {"h", "b"}, {"y"});
  m.output("y");
  export_onnx(m.model, folder / "m.onnx", {.external_threshold = 4000});
  const onnx::ModelProto proto = test::parse_bytes(read_file(folder / "m.onnx"));
  CHECK(proto.ByteSizeLong() < 1000);
  for (const onnx::TensorProto &t : proto.graph().initializer()) {
    CHECK((t.data_location() == onnx::TensorProto::EXTERNAL) == (t.name() != "s"));
    for (const auto &e : t.external_data()) {
      if (e.key() == "offset") CHECK(std::stoll(e.value()) % 4096 == 0);
      if (e.key() == "location") CHECK(e.value() == "m.onnx.data");
    }
  }
  Model back = import_onnx(folder / "m.onnx").model;
  CHECK(weight(back, "a").to_floats() == one);
  CHECK(weight(back, "b").to_floats() == two);
  CHECK(weight(back, "s").to_floats() == small);
  // Writing over the files that are mapped right now is safe: the old ones live on until they are let go.
  export_onnx(back, folder / "m.onnx", {.external_threshold = 0});
  CHECK(weight(back, "b").to_floats() == two);
  CHECK(weight(import_onnx(folder / "m.onnx").model, "b").to_floats() == two);
  export_onnx(back, folder / "whole.onnx");
  CHECK(folder.entries() == 3);
  CHECK(weight(import_onnx(folder / "whole.onnx").model, "a").to_floats() == one);
}

TEST_CASE("data of unknown types moves into the model") {
  const TempFolder folder;
  folder.write("w.bin", "abc");
  const Model model =
      import_onnx_bytes(
          test::model_bytes(R"(node { input: "w" output: "y" op_type: "X" domain: "d" } output { name: "y" }
    initializer { name: "w" dims: 3 data_type: 99 data_location: EXTERNAL external_data { key: "location" value: "w.bin" } })"),
          folder.path())
          .model;
  const onnx::ModelProto proto = test::parse_bytes(export_onnx_bytes(model));
  CHECK(proto.graph().initializer(0).raw_data() == "abc");
  CHECK(proto.graph().initializer(0).data_type() == 99);
  CHECK_FALSE(proto.graph().initializer(0).has_data_location());
}

}  // namespace halftone::model
