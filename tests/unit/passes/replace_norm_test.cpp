// replace-batch-norm, split-parameters, and the functions that put nodes in and take them out.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;

Handle batch_norm(Sketch &s, Handle x, std::int64_t channels) {
  const auto c = [&](float scale, float offset) { return s.weight({channels}, scale, offset); };
  return s.node("BatchNormalization", {x, c(1, 0), c(1, 0), c(1, 0), c(0.4F, 1)});
}

TEST_CASE("replace-batch-norm: two to five axes, as convolution and as scale") {
  const std::vector<model::Shape> shapes = {{2, 3}, {2, 3, 5}, {2, 3, 5, 4}, {1, 3, 4, 3, 2}};
  for (const char *as : {"{as: conv}", "{as: scale}"}) {
    Sketch s(3);
    for (const model::Shape &shape : shapes) s.output(batch_norm(s, s.input(shape), 3));
    PassRunner r(s.done());
    run_and_compare(r, "replace-batch-norm", as);
    const bool conv = std::string_view(as) == "{as: conv}";
    CHECK(count_of(r, "BatchNormalization") == 0);
    CHECK(count_of(r, "Conv") == (conv ? 3 : 0));
    CHECK(count_of(r, "Mul") == (conv ? 1 : 4));
    CHECK(count_of(r, "Add") == (conv ? 1 : 4));
  }
}

TEST_CASE("replace-batch-norm: training form and computed statistics stay") {
  Sketch s(4);
  const Handle x = s.input({2, 3, 4}), mean = s.input({3});
  const Handle g = s.weight({3}), b = s.weight({3}), v = s.weight({3}, 0.3F, 1);
  s.output(s.node("BatchNormalization", {x, g, b, mean, v}));
  PassRunner r(s.done());
  run_and_compare(r, "replace-batch-norm", {}, 1e-6);
  CHECK(r.row("left") == "1 nodes (training form, constants or rank not known)");
  CHECK(count_of(r, "BatchNormalization") == 1);
}

TEST_CASE("split-parameters: one copy for each slot, also twice in one node") {
  Sketch s(5);
  const Handle x = s.input({2, 3}), w = s.weight({3, 3});
  const Handle a = s.node("MatMul", {x, w}), b = s.node("MatMul", {a, w});
  s.output(s.node("Add", {b, s.node("ReduceSum", {s.node("Mul", {w, w})})}));
  const Handle shape = s.integers({3, 2});
  s.output(s.node("Reshape", {x, shape}));
  s.output(s.node("Reshape", {a, shape}));
  PassRunner r(s.done());
  run_and_compare(r, "split-parameters", {}, 1e-6);
  CHECK(r.row("split") == "1 parameters, 3 copies");
  CHECK(r.working.model.value(w).consumers.size() == 1);
  CHECK(r.working.model.value(shape).consumers.size() == 2);
  run_and_compare(r, "split-parameters", "{floats_only: false, max_bytes: 15}", 1e-6);
  CHECK(r.row("shared") == "1 parameters larger than max_bytes");
}

}  // namespace
}  // namespace halftone::test
