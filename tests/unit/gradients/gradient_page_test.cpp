// docs/gradients.md says which operators have a gradient in this build. HALFTONE_UPDATE_DOCS=1 writes it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "tests/unit/gradients/op_case.h"

namespace halftone::test {
namespace {

constexpr const char *kHead =
    R"(<!-- Made by: HALFTONE_UPDATE_DOCS=1 ctest -R unit_gradients (in the build folder). Never edited by hand. -->
# Gradients of operators

What a trainer can go back through, by the plug-in `ht_gradients` (component `plain-gradients`). Every row is proved by a test:
all inputs against central differences of the plain kernel in float64, with many shapes and attributes, and, where PyTorch has
the function, against PyTorch's values (`tests/acceptance/gradients`). A gradient that read data it does not declare would fail.

Slots are counted from 0; "all" goes for every input of an operator with any number of them. "of inputs" are the inputs that
have a gradient: what flows into others, such as indices and shapes, is taken as constant. "keeps" is what a trainer keeps of
the forward run until the backward run has passed the node. Arithmetic is in float32 with sums in float64, in a fixed order, so
that the bytes of a gradient depend on its inputs alone.

Where a function has no derivative, its subgradient is PyTorch's:

| operator | where | subgradient |
|---|---|---|
| Relu, Abs, ReduceL1 | 0 | 0 |
| LeakyRelu, PRelu, Elu, Selu, ThresholdedRelu | the bend | the derivative from below |
| Clip | the bounds | 1 by the input, 0 by the bounds |
| HardSigmoid, Shrink | both bends | 0 |
| HardSwish | -3, 3 | -0.5, 1.5 |
| Floor, Ceil, Round, Sign, Hardmax | everywhere | 0 |
| Max, Min, ReduceMax, ReduceMin, ScatterElements and ScatterND with `max` or `min` | several equal | equal parts |
| MaxPool, GlobalMaxPool | several equal | the first |
| ReduceL2, LpPool, GlobalLpPool, LpNormalization | all zero | 0 |
| Pow | by the base, where the exponent is 0; by the exponent, where the base is 0 and the exponent is not negative | 0 |
| GridSample | where `border` or `reflection` clamps a position | 0 by that coordinate |
| ScatterElements, ScatterND without a reduction | an element written twice | the update that was written last |

Dropout is the identity, as it is in the forward run. Casts between floats are the identity; casts to integers are constant.
A plug-in can bring gradients of further operators: see [gradients of your own operators](op-gradients.md).

)";

std::string slots_text(std::uint64_t set) {
  if (set == ~std::uint64_t{0}) return "all";
  std::string out;
  for (int slot = 0; slot < 64; ++slot) {
    if ((set >> slot & 1) != 0) out += (out.empty() ? "" : ", ") + std::to_string(slot);
  }
  return out;
}

std::string kept_text(const ht_op_gradient &gradient) {
  std::string out;
  if (gradient.reads_inputs != 0) out = "inputs " + slots_text(gradient.reads_inputs);
  if (gradient.reads_outputs != 0) {
    out += (out.empty() ? "outputs " : "; outputs ") + slots_text(gradient.reads_outputs);
  }
  return out;
}

std::string page() {
  std::map<std::string, std::map<std::string, std::string>> rows;  // by domain and operator
  std::map<std::string, std::set<std::string>> constant, missing;
  for (const ht_op_gradient *gradient : all_gradients()) {
    if (std::string_view(gradient->domain) == "com.example") continue;  // an example's
    if (gradient->differentiates == 0) {
      constant[gradient->domain].insert(gradient->op_type);
      continue;
    }
    const std::string opsets = gradient->since_opset == gradient->until_opset
                                   ? std::to_string(gradient->since_opset)
                                   : fmt::format("{} to {}", gradient->since_opset, gradient->until_opset);
    rows[gradient->domain][gradient->op_type] = fmt::format("| {} | {} | {} | {} |\n", gradient->op_type, opsets,
                                                            slots_text(gradient->differentiates), kept_text(*gradient));
  }
  for (const auto &[domain, op] : kernel_names()) {
    if (domain != "com.example" && !rows[domain].contains(op) && !constant[domain].contains(op))
      missing[domain].insert(op);
  }
  std::string out = kHead;
  for (const auto &[domain, ops] : rows) {
    const std::string name = domain.empty() ? "ai.onnx" : domain;
    if (!ops.empty()) out += "## " + name + "\n\n| operator | opsets | of inputs | keeps |\n|---|---|---|---|\n";
    for (const auto &[op, row] : ops) out += row;
    const auto sentence = [&](const char *what, const std::set<std::string> &names) {
      if (names.empty()) return;
      out += fmt::format("{}{}: {}.\n", ops.empty() ? "" : "\n", what, fmt::join(names, ", "));
    };
    if (ops.empty()) out += "## " + name + "\n\n";
    sentence("Constant, so that nothing in front of them is trained", constant[domain]);
    sentence("Without a gradient, although they run", missing[domain]);
    out += "\n";
  }
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("docs/gradients.md is up to date") {
  const char *source = std::getenv("HALFTONE_SOURCE_DIR");
  REQUIRE(source != nullptr);
  const auto file = std::filesystem::path(source) / "docs" / "gradients.md";
  if (std::getenv("HALFTONE_UPDATE_DOCS") != nullptr) std::ofstream(file, std::ios::binary) << page();
  std::ifstream in(file, std::ios::binary);
  const std::string written{std::istreambuf_iterator<char>(in), {}};
  CHECK_MESSAGE(written == page(), "run: HALFTONE_UPDATE_DOCS=1 ctest -R unit_gradients");
}

}  // namespace halftone::test
