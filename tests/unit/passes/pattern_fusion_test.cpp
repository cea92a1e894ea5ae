// Patterns that a platform or a pipeline has fused.
#include <doctest/doctest.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

std::string platform(const std::string &fusion) {
  return "halftone-platform: 1\n"
         "id: test\n"
         "types:\n"
         "  activation: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}\n"
         "  weight: {bits: 8, signed: true, symmetry: symmetric, granularity: channel, observer: minmax}\n"
         "operators:\n"
         "  - {types: [Conv, Gemm, MatMul], computing: true}\n"
         "  - types: [Relu, Clip, Sigmoid, Mul, Add, HardSigmoid]\n"
         "  - {types: [MaxPool, Reshape, Split], passive: true}\n"
         "  - {types: [Erf], float: it is too fine}\n"
         "fusion: {" +
         fusion + "}\n";
}

// conv and conv2 -> add -> relu -> pool
GraphMaker residual() {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Conv", {"x", "w"}, {"b"}, "conv2");
  g.node("Add", {"a", "b"}, {"s"}, "add");
  g.node("Relu", {"s"}, {"r"}, "relu");
  g.node("MaxPool", {"r"}, {"y"}, "pool");
  g.output("y");
  return g;
}

PassRunner fused_by(GraphMaker g, const std::string &fusion, std::string_view settings = {}) {
  PassRunner r(std::move(g.model), platform(fusion));
  r.run("assign-configs");
  r.run("quantize-fusion", settings);
  return r;
}

bool under(const PassRunner &r, model::Handle config, model::Handle root) {
  return config != HT_NONE && config != root && r.working.configs.root(config) == root;
}

TEST_CASE("inner values of a platform's pattern follow the output of the root") {
  const PassRunner r = fused_by(residual(), "patterns: ['y = Relu(Add(Conv(*), _))'], passive: false");
  const model::Handle out = r.output("relu");
  for (const model::Handle config : {r.output("conv"), r.input("add", 0), r.output("add"), r.input("relu", 0)}) {
    CHECK(under(r, config, out));
    CHECK(r.state(config) == "overlapped");
    CHECK(r.working.configs.get(config).reason == "fused by pattern 'y = Relu(Add(Conv(*), _))'");
  }
  CHECK(r.state(out) == "initial");
  CHECK(r.state(r.output("conv2")) == "initial");  // the other input comes from outside
  CHECK(r.state(r.input("add", 1)) == "initial");
  CHECK(r.row("pattern 'y = Relu(Add(Conv(*), _))'") == "1 place");
}

TEST_CASE("the pass's own patterns replace the platform's; an empty list has none") {
  const std::string fusion = "patterns: ['y = Add(Conv(*), _)'], passive: false";
  const PassRunner own = fused_by(residual(), fusion, "{patterns: ['y = MaxPool(Relu(_))'], relu_clip: false}");
  CHECK(under(own, own.output("relu"), own.output("pool")));
  CHECK(own.state(own.output("conv")) == "initial");
  CHECK(own.row("pattern 'y = Add(Conv(*), _)'") == "");
  const PassRunner none = fused_by(residual(), fusion, "{patterns: [], relu_clip: false}");
  CHECK(none.state(none.output("conv")) == "initial");
  const PassRunner platforms = fused_by(residual(), fusion, "{relu_clip: false}");
  CHECK(under(platforms, platforms.output("conv"), platforms.output("add")));
}

TEST_CASE("a pattern that occurs nowhere is reported") {
  const PassRunner r = fused_by(residual(), "patterns: ['y = Relu(Conv(*))', \"y =  Relu( # sum\\n Add(_, _))\"]");
  CHECK(r.row("pattern 'y = Relu(Conv(*))'") == "0 places");
  CHECK(r.row("pattern 'y = Relu( Add(_, _))'") == "1 place");
}

TEST_CASE("for a pattern that occurs nowhere the report names the operators that the model does not have") {
  const PassRunner r =
      fused_by(residual(), "patterns: ['y = Rleu(Conv(*))', 'y = {Elu|Relu}(Tanh(_))', '{Elu|Celu}(Add(*))']");
  CHECK(r.row("pattern 'y = Rleu(Conv(*))'") == "0 places; the model has no Rleu (did you mean 'Relu'?)");
  CHECK(r.row("pattern 'y = {Elu|Relu}(Tanh(_))'") == "0 places; the model has no Tanh");
  CHECK(r.row("pattern '{Elu|Celu}(Add(*))'") == "0 places; the model has no Elu or Celu");
}

TEST_CASE("reports and reasons quote a pattern with what its quotes hold") {
  const PassRunner r = fused_by(residual(), "patterns: [\"y = Relu(Add(Conv[auto_pad!='#  a'](*), _)) # b\"]");
  CHECK(r.row("pattern 'y = Relu(Add(Conv[auto_pad!='#  a'](*), _))'") == "1 place");
}

TEST_CASE("longest pattern first") {
  const PassRunner r =
      fused_by(residual(), "patterns: ['Add(Conv(*), Conv(*))', 'Relu(Add(Conv(*), Conv(*)))'], passive: false");
  CHECK(r.row("pattern 'Add(Conv(*), Conv(*))'") == "0 places");
  CHECK(r.row("pattern 'Relu(Add(Conv(*), Conv(*)))'") == "1 place");
  CHECK(under(r, r.output("conv2"), r.output("relu")));
}

TEST_CASE("what an operator absorbs takes part in no other rule") {
  GraphMaker g = residual();
  g.node("Sigmoid", {"y"}, {"e"}, "entry");
  g.node("MaxPool", {"e"}, {"p"}, "inner_pool");
  g.node("Mul", {"p", "x"}, {"z"}, "mul");
  g.output("z");
  const PassRunner r = fused_by(std::move(g), "patterns: ['y = Mul(MaxPool(_), _)'], passive: true");
  CHECK(under(r, r.output("inner_pool"), r.output("mul")));
  // The pool moves values, but inside of another operator: its input keeps a point of its own.
  CHECK(r.state(r.input("inner_pool", 0)) == "initial");
  CHECK(r.state(r.output("mul")) == "initial");
  CHECK(under(r, r.output("pool"), r.input("pool", 0)));  // this one is alone
}

TEST_CASE("a Relu inside of a pattern does not take what comes before along") {
  GraphMaker g = residual();
  g.node("Sigmoid", {"y"}, {"e"}, "sigmoid");
  g.node("Relu", {"e"}, {"p"}, "inner_relu");
  g.node("Mul", {"p", "x"}, {"z"}, "mul");
  g.output("z");
  const PassRunner r = fused_by(std::move(g), "patterns: ['y = Mul(Relu(_), _)']");
  CHECK(under(r, r.output("inner_relu"), r.output("mul")));
  CHECK(r.state(r.output("sigmoid")) == "initial");
  CHECK(r.state(r.input("inner_relu", 0)) == "initial");
}

TEST_CASE("nothing is fused where the root or an inner value is in float") {
  GraphMaker g = residual();
  g.node("Erf", {"y"}, {"e"}, "erf");
  g.node("Mul", {"e", "x"}, {"m"}, "mul");
  g.node("Sigmoid", {"m"}, {"n"}, "sigmoid");
  g.node("Erf", {"n"}, {"z"}, "erf2");
  g.output("z");
  const PassRunner r = fused_by(std::move(g), "patterns: ['y = Mul(Erf(_), _)', 'y = Erf(Sigmoid(_))']");
  CHECK(r.state(r.input("mul", 0)) == "initial");
  CHECK(r.state(r.output("sigmoid")) == "initial");
  CHECK(r.row("pattern 'y = Mul(Erf(_), _)'") == "1 place (1 not fused: Erf 'erf' is in float)");
  CHECK(r.row("pattern 'y = Erf(Sigmoid(_))'") == "1 place (1 not fused: Erf 'erf2' is in float)");
}

// relu -> split -> two Sigmoid
GraphMaker halves(bool second_is_read) {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Relu", {"x"}, {"r"}, "relu");
  g.node("Split", {"r"}, {"a", "b"}, "split");
  g.node("Sigmoid", {"a"}, {"y"}, "left");
  g.output("y");
  if (second_is_read) {
    g.node("Sigmoid", {"b"}, {"z"}, "right");
    g.output("z");
  }
  return g;
}

TEST_CASE("nothing is fused into a root with several outputs, which all keep their points") {
  const PassRunner r = fused_by(halves(true), "patterns: ['y = Split(Relu(_))'], passive: false");
  for (const std::uint32_t slot : {0U, 1U}) CHECK(r.state(r.output("split", slot)) == "initial");
  CHECK(r.state(r.output("relu")) == "initial");
  CHECK(r.row("pattern 'y = Split(Relu(_))'") == "1 place (1 not fused: Split 'split' has several outputs)");
}

TEST_CASE("an output that nothing reads does not count, and the one that is read need not be the first") {
  const PassRunner first = fused_by(halves(false), "patterns: ['y = Split(Relu(_))'], passive: false");
  CHECK(under(first, first.output("relu"), first.output("split", 0)));
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Relu", {"x"}, {"r"}, "relu");
  g.node("Split", {"r"}, {"a", "b"}, "split");
  g.output("b");
  const PassRunner second = fused_by(std::move(g), "patterns: ['y = Split(Relu(_))'], passive: false");
  CHECK(under(second, second.output("relu"), second.output("split", 1)));
}

TEST_CASE("a point that was put into float by hand stays there") {
  PassRunner r(std::move(residual().model), platform("patterns: ['y = Relu(Add(_, _))'], passive: false"));
  r.run("assign-configs");
  r.working.configs.set_state(r.output("add"), quant::State::kFp32, "by hand");
  r.run("quantize-fusion");
  CHECK(r.state(r.output("add")) == "fp32");
  CHECK(r.state(r.input("relu", 0)) == "initial");
  CHECK(r.row("pattern 'y = Relu(Add(_, _))'") == "1 place (1 not fused: Add 'add' is in float)");
}

TEST_CASE("hard-swish as a pattern, with constants and in either order") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("HardSigmoid", {"t"}, {"h"}, "gate");
  g.node("Mul", {"h", "t"}, {"y"}, "mul");
  g.output("y");
  const PassRunner r = fused_by(std::move(g), "patterns: ['y = Mul(t, HardSigmoid[alpha=0.2](t)) where t = Conv(*)']");
  for (const model::Handle config :
       {r.output("conv"), r.input("gate", 0), r.output("gate"), r.input("mul", 0), r.input("mul", 1)}) {
    CHECK(under(r, config, r.output("mul")));
  }
  CHECK(r.state(r.input("conv", 0)) == "initial");
}

TEST_CASE("a wrong pattern stops the pass before it begins") {
  PassRunner r(std::move(residual().model), platform(""));
  expect_error(Status::kInvalidArgument,
               {"test:1:", "parameter 'patterns' of pass 'quantize-fusion'", "pattern 'Relu(' at 1:6"},
               [&] { r.run("quantize-fusion", "{patterns: ['Relu(']}"); });
  expect_error(Status::kInvalidArgument, {"test:1:", "pattern 'y = Relu(_)' at 1:1", "a fusion needs two or more"},
               [&] { r.run("quantize-fusion", "{patterns: ['y = Relu(_)']}"); });
  expect_error(Status::kInvalidArgument, {"'fusion.patterns'", "pattern 'Relu(*)' at 1:1", "a fusion needs two"},
               [&] { PassRunner(std::move(residual().model), platform("patterns: ['Relu(*)']")); });
}

}  // namespace
}  // namespace halftone::test
