#include "core/model/opset_lift.h"

#include <doctest/doctest.h>

#include "core/model/onnx_io.h"
#include "core/model/verify.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::model {
namespace {

using namespace test;
using halftone::test::expect_error;

struct Old : GraphMaker {
  explicit Old(std::int64_t opset) { model.set_opset("", opset); }
  void lift() {
    lift_opset(model);
    verify(model);
    CHECK(model.opset() == 13);
  }
  std::vector<std::int64_t> ints(Handle n, std::size_t slot) const {
    return model.value(model.node(n).inputs.at(slot)).initializer->to_ints();
  }
  std::vector<float> floats(Handle n, std::size_t slot) const {
    return model.value(model.node(n).inputs.at(slot)).initializer->to_floats();
  }
};

using Ints = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("attributes become inputs") {
  Old m(7);
  m.input("x", {1, 4, 8, 8});
  const Handle squeeze = m.node("Squeeze", {"x"}, {"a"}, "squeeze"), unsqueeze = m.node("Unsqueeze", {"a"}, {"b"}),
               sum = m.node("ReduceSum", {"x"}, {"c"}), all = m.node("ReduceSum", {"x"}, {"c2"}),
               split = m.node("Split", {"x"}, {"d", "e"}), slice = m.node("Slice", {"x"}, {"f"}),
               top = m.node("TopK", {"x"}, {"g", "h"}), pad = m.node("Pad", {"x"}, {"i"}),
               clip = m.node("Clip", {"x"}, {"j"}), dropout = m.node("Dropout", {"x"}, {"k", "mask"});
  m.model.set_attribute(squeeze, "axes", {Ints{0}});
  m.model.set_attribute(unsqueeze, "axes", {Ints{0, 1}});
  m.model.set_attribute(sum, "axes", {Ints{2, 3}});
  m.model.set_attribute(sum, "keepdims", {std::int64_t{0}});
  m.model.set_attribute(split, "split", {Ints{1, 3}});
  m.model.set_attribute(slice, "starts", {Ints{1}});
  m.model.set_attribute(slice, "ends", {Ints{3}});
  m.model.set_attribute(slice, "axes", {Ints{2}});
  m.model.set_attribute(top, "k", {std::int64_t{5}});
  m.model.set_attribute(pad, "pads", {Ints{0, 0, 1, 1, 0, 0, 1, 1}});
  m.model.set_attribute(pad, "value", {0.5F});
  m.model.set_attribute(clip, "max", {6.0F});
  m.model.set_attribute(dropout, "ratio", {0.25F});
  m.lift();
  CHECK(m.ints(squeeze, 1) == Ints{0});
  CHECK(m.ints(unsqueeze, 1) == Ints{0, 1});
  CHECK(m.ints(sum, 1) == Ints{2, 3});
  CHECK(m.model.node(sum).attributes.size() == 1);
  CHECK(m.model.node(all).inputs.size() == 1);
  CHECK(m.ints(split, 1) == Ints{1, 3});
  CHECK(m.ints(slice, 1) == Ints{1});
  CHECK(m.ints(slice, 2) == Ints{3});
  CHECK(m.ints(slice, 3) == Ints{2});
  CHECK(m.ints(top, 1) == Ints{5});
  CHECK(m.ints(pad, 1).size() == 8);
  CHECK(m.floats(pad, 2) == std::vector<float>{0.5F});
  CHECK(m.model.node(clip).inputs.at(1) == HT_NONE);
  CHECK(m.floats(clip, 2) == std::vector<float>{6.0F});
  CHECK(m.model.value(m.model.node(clip).inputs[2]).initializer->shape().empty());
  CHECK(m.floats(dropout, 1) == std::vector<float>{0.25F});
  CHECK(m.model.node(dropout).outputs.size() == 1);
  CHECK(m.model.find_value(m.graph, "mask") == HT_NONE);
  CHECK(m.model.value(m.model.node(squeeze).inputs[1]).name == "squeeze_axes");
}

TEST_CASE("scalars take the type of the data") {
  Old m(9);
  const Handle x = m.input("x", {4});
  ValueType half = float_type({4});
  half.dtype = HT_F16;
  m.model.set_type(x, half);
  const Handle clip = m.node("Clip", {"x"}, {"y"});
  m.model.set_attribute(clip, "min", {-1.5F});
  m.lift();
  const Tensor &minimum = *m.model.value(m.model.node(clip).inputs.at(1)).initializer;
  CHECK(minimum.dtype() == HT_F16);
  CHECK(minimum.to_floats() == std::vector<float>{-1.5F});
}

TEST_CASE("a mask that is read keeps its type") {
  Old m(7);
  m.input("x", {4});
  m.node("Dropout", {"x"}, {"y", "mask"});
  m.node("Mul", {"y", "mask"}, {"z"});
  m.output("z");
  m.lift();
  const Handle mask = m.model.find_value(m.graph, "mask");
  CHECK(m.model.node(m.model.value(mask).producer).op_type == "Cast");
}

TEST_CASE("a softmax over one axis only changes its attribute") {
  const auto axis_after = [](std::initializer_list<std::int64_t> shape, std::optional<std::int64_t> axis,
                             const char *op = "Softmax") {
    Old m(11);
    m.input("x", shape);
    const Handle n = m.node(op, {"x"}, {"y"});
    if (axis) m.model.set_attribute(n, "axis", {*axis});
    m.lift();
    CHECK(m.model.graph(m.graph).nodes.size() == 1);
    return attribute<std::int64_t>(m.model, n, "axis");
  };
  CHECK(axis_after({1, 10}, std::nullopt) == -1);
  CHECK(axis_after({1, 10, 4}, 2) == -1);
  CHECK(axis_after({1, 10, 4}, -1, "LogSoftmax") == -1);
  CHECK(axis_after({-1, 10, 1, 1}, std::nullopt) == 1);  // the extents after it are 1: still one axis
  CHECK(axis_after({1, -1}, 0) == -1);
  CHECK(axis_after({1, 1}, std::nullopt, "Hardmax") == -1);
}

TEST_CASE("a softmax over several axes is flattened around, for any rank") {
  for (const bool known_rank : {true, false}) {
    Old m(12);
    const Handle x = m.input("x", {2, 3, 4});
    if (!known_rank) m.model.set_type(x, {});
    const Handle n = m.node("Softmax", {"x"}, {"y"}, "soft");
    m.output("y");
    m.lift();
    CHECK(ops_in_order(m.model) == "Flatten Softmax Shape Reshape");
    CHECK(attribute<std::int64_t>(m.model, n, "axis") == -1);
    CHECK(attribute<std::int64_t>(m.model, m.model.find_node(m.graph, "soft_flatten"), "axis") == 1);
    CHECK(m.model.value(m.model.find_value(m.graph, "y")).producer == m.model.find_node(m.graph, "soft_reshape"));
    infer_shapes(m.model);
    if (known_rank) CHECK(m.model.value(m.model.node(n).inputs[0]).type.dims.at(1).extent == 12);
  }
}

TEST_CASE("resizing keeps its old coordinates") {
  Old m(9);
  m.input("x", {1, 1, 2, 2});
  m.constant("s", Tensor::from_floats({4}, std::vector<float>{1, 1, 2, 2}));
  const Handle nearest = m.node("Upsample", {"x", "s"}, {"y"}), linear = m.node("Upsample", {"x", "s"}, {"z"});
  m.model.set_attribute(linear, "mode", {std::string("linear")});
  m.lift();
  CHECK(m.model.node(nearest).op_type == "Resize");
  CHECK(m.model.node(nearest).inputs == std::vector<Handle>{m.at("x"), HT_NONE, m.at("s")});
  CHECK(attribute<std::string>(m.model, nearest, "coordinate_transformation_mode") == "asymmetric");
  CHECK(attribute<std::string>(m.model, nearest, "nearest_mode") == "floor");
  CHECK(attribute<std::string>(m.model, linear, "mode") == "linear");
  CHECK(m.model.node(linear).attributes.count("nearest_mode") == 0);

  Old seven(7);
  seven.input("x", {1, 1, 2, 2});
  const Handle up = seven.node("Upsample", {"x"}, {"y"});
  seven.model.set_attribute(up, "scales", {std::vector<float>{1, 1, 2, 2}});
  seven.lift();
  CHECK(seven.floats(up, 2) == std::vector<float>{1, 1, 2, 2});
  CHECK(seven.model.node(up).attributes.count("scales") == 0);

  Old ten(10);
  ten.input("x", {1, 1, 2, 2});
  ten.constant("s", Tensor::from_floats({4}, std::vector<float>{1, 1, 2, 2}));
  const Handle resize = ten.node("Resize", {"x", "s"}, {"y"});
  ten.lift();
  CHECK(ten.model.node(resize).inputs == std::vector<Handle>{ten.at("x"), HT_NONE, ten.at("s")});

  Old eleven(11);
  eleven.input("x", {1, 1, 2, 2});
  eleven.constant("none", Tensor(HT_F32, {0}));
  eleven.constant("sizes", Tensor::from_ints({4}, std::vector<std::int64_t>{1, 1, 4, 4}));
  const Handle sized = eleven.node("Resize", {"x", "none", "none", "sizes"}, {"y"});
  eleven.lift();
  CHECK(eleven.model.node(sized).inputs == std::vector<Handle>{eleven.at("x"), HT_NONE, HT_NONE, eleven.at("sizes")});
}

TEST_CASE("batch normalization loses what only training needs") {
  Old m(7);
  m.input("x", {1, 2, 4, 4});
  for (const char *name : {"s", "b", "m", "v"}) m.constant(name, Tensor(HT_F32, {2}));
  const Handle bn = m.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y", "m1", "v1", "m2", "v2"});
  m.model.set_attribute(bn, "spatial", {std::int64_t{1}});
  m.lift();
  CHECK(m.model.node(bn).outputs.size() == 1);
  CHECK(m.model.node(bn).attributes.empty());
  CHECK(m.model.find_value(m.graph, "v2") == HT_NONE);
}

TEST_CASE("what has no equal is refused with a way out") {
  Old spatial(8);
  spatial.input("x", {1});
  spatial.model.set_attribute(spatial.node("BatchNormalization", {"x"}, {"y"}, "bn"), "spatial", {std::int64_t{0}});
  expect_error(Status::kUnimplemented, {"spatial=0", "'bn'", "opset 8"}, [&] { spatial.lift(); });
  Old training(9);
  training.input("x", {1});
  training.node("BatchNormalization", {"x"}, {"y", "mean"}, "bn");
  training.output("mean");
  expect_error(Status::kUnimplemented, {"'mean'", "inference"}, [&] { training.lift(); });
  Old scan(8);
  scan.node("Scan", {}, {}, "scan");
  expect_error(Status::kInvalidArgument, {"'scan'", "num_scan_inputs"}, [&] { scan.lift(); });
}

TEST_CASE("newer and foreign models are left alone") {
  GraphMaker m;
  m.model.set_opset("", 17);
  m.input("x", {2, 3, 4});
  m.node("Softmax", {"x"}, {"y"});
  const std::uint64_t revision = m.model.revision();
  lift_opset(m.model);
  CHECK(m.model.revision() == revision);
  Model foreign;
  foreign.set_opset("com.example", 1);
  lift_opset(foreign);
  CHECK(foreign.opset() == 0);
}

TEST_CASE("nodes of subgraphs are lifted where they are") {
  Old m(11);
  m.input("c", {});
  const Handle x = m.input("x", {1, 2});
  const Handle branch = m.node("If", {"c"}, {"y"});
  const Handle inner = m.model.add_graph("then", branch);
  m.model.set_attribute(branch, "then_branch", {inner});
  const Handle t = m.model.add_value(inner, "t");
  const Handle n = m.model.add_node(inner, "Squeeze", "", "s", {&x, 1}, {&t, 1});
  m.model.set_attribute(n, "axes", {Ints{0}});
  m.lift();
  CHECK(m.model.value(m.model.node(n).inputs.at(1)).graph == inner);
}

TEST_CASE("scatter got a new name") {
  Old m(9);
  m.input("x", {1});
  const Handle n = m.node("Scatter", {"x", "x", "x"}, {"y"});
  m.lift();
  CHECK(m.model.node(n).op_type == "ScatterElements");
}

TEST_CASE("broadcasting from an axis on becomes an Unsqueeze, below opset 7") {
  Old m(6);
  m.input("x", {2, 3, 4, 5});
  m.input("c", {3});
  m.input("last", {5});
  const Handle add = m.node("Add", {"x", "c"}, {"a"}), mul = m.node("Mul", {"x", "last"}, {"b"}),
               prelu = m.node("PRelu", {"x", "c"}, {"d"});
  for (const Handle n : {add, mul}) m.model.set_attribute(n, "broadcast", {std::int64_t{1}});
  m.model.set_attribute(add, "axis", {std::int64_t{1}});
  m.lift();
  for (const Handle n : {add, prelu}) {
    const Handle wide = m.model.value(m.model.node(n).inputs.at(1)).producer;
    REQUIRE(wide != HT_NONE);
    CHECK(m.model.node(wide).op_type == "Unsqueeze");
    CHECK(m.ints(wide, 1) == Ints{1, 2});
    CHECK(m.model.node(n).attributes.empty());
  }
  CHECK(m.model.value(m.model.node(mul).inputs.at(1)).name == "last");
}

TEST_CASE("names, hints and defaults of the first opsets") {
  Old m(1);
  m.input("x", {1, 2, 4, 4});
  const Handle cast = m.node("Cast", {"x"}, {"a"}), join = m.node("Concat", {"x", "x"}, {"b"}),
               reshape = m.node("Reshape", {"x"}, {"c"}), pad = m.node("Pad", {"x"}, {"d"}),
               up = m.node("Upsample", {"x"}, {"e"}), relu = m.node("Relu", {"x"}, {"f"}),
               selu = m.node("Selu", {"x"}, {"g"});
  m.model.set_attribute(cast, "to", {std::string("INT64")});
  m.model.set_attribute(reshape, "shape", {Ints{1, 32}});
  m.model.set_attribute(pad, "paddings", {Ints{0, 0, 1, 1, 0, 0, 1, 1}});
  m.model.set_attribute(up, "height_scale", {2.0F});
  m.model.set_attribute(up, "width_scale", {3.0F});
  m.model.set_attribute(relu, "consumed_inputs", {Ints{0}});
  m.lift();
  const auto integer = [&](Handle n, const char *key) {
    return std::get<std::int64_t>(m.model.node(n).attributes.find(key)->second.data);
  };
  CHECK(integer(cast, "to") == 7);
  CHECK(integer(join, "axis") == 1);
  CHECK(m.ints(reshape, 1) == Ints{1, 32});
  CHECK(m.ints(pad, 1) == Ints{0, 0, 1, 1, 0, 0, 1, 1});
  CHECK(m.floats(up, 2) == std::vector<float>{1, 1, 2, 3});
  CHECK(m.model.node(relu).attributes.empty());
  CHECK(std::get<float>(m.model.node(selu).attributes.find("alpha")->second.data) == 1.6732F);
}

TEST_CASE("what opset 6 said and no newer opset can say") {
  Old m(6);
  m.input("x", {1, 2, 4, 4});
  for (const char *name : {"scale", "bias", "mean", "var"}) m.input(name, {2});
  m.node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"y"}, "norm");
  expect_error(Status::kUnimplemented, {"training mode (is_test=0)"}, [&] { m.lift(); });
  Old tile(5);
  tile.input("x", {1, 2});
  tile.node("Tile", {"x"}, {"y"}, "tile");
  expect_error(Status::kUnimplemented, {"repeats one axis"}, [&] { tile.lift(); });
}

}  // namespace halftone::model
