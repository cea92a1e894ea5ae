// Tensors that a pass reads, changes and stores by halftone/stored_tensor.hpp, and constants that leave the list of
// inputs.
#include <doctest/doctest.h>

#include <cstring>

#include "halftone/stored_tensor.hpp"
#include "tests/unit/passes/sdk_bench.h"

namespace halftone::test {
namespace {

using model::Tensor;

Tensor doubles(const std::vector<double> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(double));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return {HT_F64, {static_cast<std::int64_t>(values.size())}, std::move(bytes)};
}

// Two sums with constants in float32, one of which is read twice, and one that is listed as an input; a float64 one.
GraphMaker sums() {
  GraphMaker g;
  g.input("x", {2});
  g.constant("own", Tensor::from_floats({2}, std::vector<float>{1, 2}));
  g.constant("shared", Tensor::from_floats({1, 2}, std::vector<float>{3, 4}));
  g.input("listed", {2});
  g.model.set_initializer(g.at("listed"), Tensor::from_floats({2}, std::vector<float>{5, 6}));
  g.constant("wide", doubles({0.1, 1e300}));
  g.constant("whole", Tensor(HT_I64, {2}));
  g.node("Sum", {"x", "own", "shared", "listed"}, {"y"}, "sum");
  g.node("Add", {"x", "shared"}, {"z"}, "add");
  for (const char *name : {"y", "z"}) g.output(name);
  return g;
}

std::vector<float> floats(const Bench &b, std::string_view value) {
  return b.working.model.value(b.value(value)).initializer->to_floats();
}

TEST_CASE("tensors are read as doubles in float32 and float64 alone") {
  const Bench b(sums());
  const auto shared = sdk::read_tensor(b.graph, b.value("shared")), wide = sdk::read_tensor(b.graph, b.value("wide"));
  REQUIRE(shared);
  CHECK(shared->dtype == HT_F32);
  CHECK(shared->shape == std::vector<std::int64_t>{1, 2});
  CHECK(shared->data == std::vector<double>{3, 4});
  CHECK(shared->stride(0) == 2);
  CHECK(shared->extent(2) == 1);
  REQUIRE(wide);
  CHECK(wide->data == std::vector<double>{0.1, 1e300});
  CHECK_FALSE(sdk::read_tensor(b.graph, b.value("whole")));
  CHECK_FALSE(sdk::read_tensor(b.graph, b.value("x")));
  CHECK_FALSE(sdk::read_tensor(b.graph, HT_NONE));
  CHECK(sdk::read_floats(b.graph, b.value("own")) == std::vector<float>{1, 2});
  CHECK_FALSE(sdk::read_floats(b.graph, b.value("wide")));
}

TEST_CASE("a tensor is stored in place for its only reader, and beside what others read or may replace") {
  Bench b(sums());
  const sdk::StoredTensor given{HT_F32, {2}, {0.1, 7}};
  for (const std::uint32_t slot : {1U, 2U, 3U}) sdk::store_tensor(b.graph, b.edit, b.node("sum"), slot, "new", given);
  CHECK(b.reads("sum", 1) == "own");
  CHECK(floats(b, "own") == std::vector<float>{0.1F, 7});
  CHECK(b.reads("sum", 2) == "new");
  CHECK(b.reads("add", 1) == "shared");
  CHECK(floats(b, "shared") == std::vector<float>{3, 4});
  CHECK(b.reads("sum", 3) == "new_1");
  CHECK(floats(b, "new_1") == floats(b, "own"));
  CHECK(floats(b, "listed") == std::vector<float>{5, 6});
  // A slot that is not there yet, with a name that is the model's own text, and float64 as it is.
  sdk::store_tensor(b.graph, b.edit, b.node("sum"), 5, b.graph.node(b.node("sum")).name(), {HT_F64, {1}, {0.1}});
  const auto stored = sdk::read_tensor(b.graph, b.working.model.node(b.node("sum")).inputs[5]);
  REQUIRE(stored);
  CHECK(stored->data == std::vector<double>{0.1});
  b.working.model.resize_inputs(b.node("sum"), 4);
}

TEST_CASE("unlist_initializer takes a constant off the list of inputs, and no input that has to be fed") {
  Bench b(sums());
  const auto listed = [&] { return b.working.model.value(b.value("listed")).is_input; };
  CHECK(listed());
  b.edit.unlist_initializer(b.value("listed"));
  CHECK_FALSE(listed());
  CHECK(floats(b, "listed") == std::vector<float>{5, 6});
  b.edit.unlist_initializer(b.value("listed"));  // once more: nothing happens
  CHECK_THROWS_AS(b.edit.unlist_initializer(b.value("x")), sdk::Failure);
  CHECK(b.working.model.value(b.value("x")).is_input);
}

}  // namespace
}  // namespace halftone::test
