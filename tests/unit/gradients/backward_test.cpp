// What sdk::Backward and its trampoline refuse, and what they do on their own.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <stdexcept>

#include "halftone/op_gradient.hpp"
#include "tests/unit/gradients/cases.h"

namespace halftone::test {
namespace {

struct Views {
  std::array<std::int64_t, 1> shape = {2};
  std::array<float, 2> data = {1.0F, 2.0F}, gradient = {};

  ht_tensor_view view(ht_dtype dtype, void *where) const {
    ht_tensor_view out{};
    out.struct_size = sizeof(out);
    out.dtype = dtype;
    out.rank = 1;
    out.shape = shape.data();
    out.data = where;
    return out;
  }
};

std::string failure_of(const std::function<void()> &body) {
  try {
    body();
  } catch (const sdk::Failure &failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("sets of slots") {
  static_assert(sdk::slots() == 0 && sdk::slots(0, 2) == 5 && sdk::slots(63, 70) == std::uint64_t{1} << 63);
  static_assert(sdk::slots_from(0) == ~std::uint64_t{0} && sdk::slots_from(80) == std::uint64_t{1} << 63);
  CHECK(sdk::has_slot(sdk::slots_from(2), 100));
  CHECK(!sdk::has_slot(sdk::slots(1, 2), 0));
}

TEST_CASE("data that is not declared is refused even where it is there") {
  Views v;
  const std::array<ht_tensor_view, 2> in = {v.view(HT_F32, v.data.data()), v.view(HT_F32, nullptr)};
  const std::array<ht_tensor_view, 1> out = {v.view(HT_F64, v.data.data())};
  const std::array<ht_tensor_view, 1> dy = {v.view(HT_DTYPE_NONE, nullptr)};
  const std::array<ht_tensor_view, 2> dx = {v.view(HT_F32, v.gradient.data()), v.view(HT_F32, v.gradient.data())};
  const sdk::GradientUse use = {
      .reads_inputs = sdk::slots(1, 2), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  const sdk::Backward pass(use, {in.data(), 2}, {out.data(), 1}, dy.data(), dx.data());
  CHECK(failure_of([&] { pass.x(0); }) == "its gradient reads input 0, which it does not declare");
  CHECK(failure_of([&] { pass.x(1); }) == "its gradient needs the data of input 1, which is not there");
  CHECK(failure_of([&] { pass.x(2); }) == "it has no input 2, which the operator needs (counted from 0)");
  CHECK(failure_of([&] { pass.y(0); }) == "gradients are computed of float32 alone");
  CHECK(failure_of([&] { pass.dy(0); }) == "no gradient arrives at output 0");
  CHECK(!pass.arrives(0));
  CHECK(!pass.arrives(3));
  CHECK(pass.wants(0));
  CHECK(!pass.wants(1));  // asked for, and constant
  CHECK(pass.dx(0).size() == 2);
}

TEST_CASE("where nothing arrives all gradients are zeros") {
  const OpCase op = {.op_type = "Mul", .inputs = {noise({2}, 1), noise({2}, 2)}};
  CHECK(gradients(op, {{}}) == std::vector<std::vector<float>>{{0, 0}, {0, 0}});
}

TEST_CASE("a failure names the node") {
  const OpCase broken = {.op_type = "Gather", .inputs = {noise({3}, 1), ints({2})}};
  OpCase other = broken;
  other.attributes = {{"axis", text("first")}};
  CHECK_THROWS_WITH(
      gradients(other, {{1.0F}}),
      doctest::Contains("node 'node' (ai.onnx Gather, opset 17): its attribute 'axis' is not an integer"));
}

}  // namespace halftone::test
