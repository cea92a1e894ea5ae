#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "constants.h"
#include "halftone/pass.hpp"
#include "halftone/pattern.hpp"
#include "place.h"
#include "raise_opset.h"

namespace halftone::passes {
namespace {

using Extents = std::vector<std::int64_t>;

constexpr std::int64_t kSince = 17;  // LayerNormalization's first opset

// Ways to write (x - mean) / sqrt(variance + e). Names: x, e; `two`, `one` and `half` where they occur.
std::vector<std::string> plain_forms() {
  std::vector<std::string> texts;
  const std::string mean = "{ReduceMean|GlobalAveragePool}(x, *)";
  struct Centred {
    std::string first, second, where;
  };
  const std::array centred = {Centred{"d", "d", " where d = Sub(x, " + mean + ")"},
                              Centred{"Sub(x, m)", "q", " where q = Sub(x, m), m = " + mean},
                              Centred{"Sub(x, " + mean + ")", "q", " where q = Sub(x, " + mean + ")"}};
  for (const auto &[first, second, where] : centred) {
    for (const std::string &square : {"Pow(" + second + ", two)", "Mul(" + second + ", " + second + ")"}) {
      const std::string sum = "Add({ReduceMean|GlobalAveragePool}(" + square + ", *), e)";
      for (const std::string &root : {"Sqrt(" + sum + ")", "Pow(" + sum + ", half)"}) {
        texts.push_back("Div(" + first + ", " + root + ")" + where);
        texts.push_back("Mul(" + first + ", Reciprocal(" + root + "))" + where);
        texts.push_back("Mul(" + first + ", Div(one, " + root + "))" + where);
      }
    }
  }
  return texts;
}

// x * m + (beta - mean * m) where m = gamma / sqrt(variance + e), as TensorFlow writes it.
std::vector<std::string> folded_forms() {
  std::vector<std::string> texts;
  for (const std::string square : {"Pow(d, two)", "Mul(d, d)"}) {
    const std::string root = "Sqrt(Add(ReduceMean(" + square + ", *), e))";
    for (const std::string &inverse : {"Reciprocal(" + root + ")", "Div(one, " + root + ")"}) {
      for (const std::string &factor : {"Mul(" + inverse + ", gamma)", inverse}) {
        texts.push_back("Add(Mul(x, m), Sub(beta, Mul(a, m))) where m = " + factor +
                        ", d = Sub(x, a), a = ReduceMean(x, *)");
      }
    }
  }
  return texts;
}

// The axes of a mean, counted from the end (-1 is the last one); empty when they are not known. `rank` is 0 when that
// is not known.
Extents axes_of(const sdk::Graph &graph, const sdk::Node &mean, std::int64_t rank) {
  Extents axes;
  if (mean.is("GlobalAveragePool")) {
    for (std::int64_t i = 2; i < rank; ++i) axes.push_back(i - rank);
    return axes;
  }
  if (graph.attribute_int(mean.handle, "keepdims", 1) != 1) return axes;
  axes = graph.attribute_ints(mean.handle, "axes");
  if (mean.input(1) != HT_NONE) axes = read_integers(graph, mean.input(1)).value_or(axes);
  for (std::int64_t &axis : axes) {
    if (axis >= 0 && rank == 0) return {};
    axis -= axis >= 0 ? rank : 0;
  }
  std::ranges::sort(axes);
  return axes;
}

bool is_trailing(const Extents &axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[axes.size() - 1 - i] != -1 - static_cast<std::int64_t>(i)) return false;
  }
  return !axes.empty();
}

struct Place {
  ht_handle x = HT_NONE;
  std::size_t rank = 0, axes = 0;  // of x, as far as it is known, and of those normalized
  double epsilon = 0;
  Extents extents;  // of the normalized axes; empty where they are not known

  sdk::StoredTensor gamma, beta;
  bool has_beta = false;
  std::vector<ht_handle> tail;  // Mul and Add behind the normalization
};

}  // namespace

class FuseLayerNorm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-layer-norm")
        .title("joins the operators of a layer normalization into one")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "Before opset 17 exporters write LayerNormalization as means, differences, squares and a root. As such "
            "each of "
            "them would be quantized, and a squared difference has a range that eight bits cannot hold. One operator "
            "stays "
            "in float or is quantized at its ends only.\n"
            "\n"
            "Found are (x - mean) / sqrt(variance + e) with one or two differences, squares by Pow or Mul, a quotient, "
            "a "
            "reciprocal or a power, and x * m + (beta - mean * m); then a Mul and an Add of constants behind it. The "
            "axes "
            "have to be the last ones, the same in both means, of known extents; the constants 1, 2 and 0.5 are "
            "checked. "
            "Nothing between may be read elsewhere. A model below opset 17 is raised to it (`raise_opset`).\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_layernorm, one axis only. Method: J. L. Ba, J. R. Kiros, G. E. Hinton, "
            "Layer "
            "Normalization, 2016, equation 4.");
    d.params.flag("raise_opset", "bring a model below opset 17 to it; without, such a model is left alone", true);
  }
  explicit FuseLayerNorm(const sdk::Args &args) : raise_(args.flag("raise_opset")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::vector<std::string> texts = plain_forms();
    const std::size_t plain_count = texts.size();
    for (std::string &text : folded_forms()) texts.push_back(std::move(text));
    const auto matches = sdk::Patterns(ctx).find(texts);
    std::size_t fused = 0, left = 0, older = 0;
    for (std::size_t i = 0; i < matches.size(); ++i) {
      ctx.poll(i, matches.size());
      const bool is_plain = matches[i].pattern() < plain_count;
      auto place = examine(graph, matches[i], texts[matches[i].pattern()], !is_plain);
      if (!place) {
        ++left;
      } else if (graph.opset() < kSince && !raise_) {
        ++older;
      } else {
        if (is_plain) look_behind(graph, matches[i].root(), *place);
        if (place->extents.empty()) {
          ++left;
          continue;
        }
        replace(graph, edit, matches[i], *place);
        ++fused;
      }
    }
    if (fused > 0) raise_opset(graph, edit, kSince);
    ctx.report("fused", std::to_string(fused) + " layer normalizations");
    if (left > 0) ctx.report("left", std::to_string(left) + " places with other constants, axes or unknown extents");
    if (older > 0) ctx.report("older", std::to_string(older) + " places: the model's opset is below 17");
  }

 private:
  static std::optional<Place> examine(const sdk::Graph &graph, const sdk::PatternMatch &match, const std::string &text,
                                      bool has_factors) {
    const auto equals = [&](const char *name, double want) {
      return text.find(name) == std::string::npos || is_scalar(graph, match.value(name), match.nodes(), want);
    };
    if (!equals("two", 2) || !equals("one", 1) || !equals("half", 0.5)) return std::nullopt;
    Place place;
    place.x = match.value("x");
    const sdk::Value x = graph.value(place.x);
    const auto epsilon = read_scalar(graph, match.value("e"), match.nodes());
    if (!epsilon || *epsilon < 0) return std::nullopt;
    place.epsilon = *epsilon;
    const std::size_t rank = x.info.type.known_rank != 0 ? x.info.type.rank : 0;
    Extents axes;
    for (const ht_handle handle : match.nodes()) {
      const sdk::Node node = graph.node(handle);
      if (!node.is("ReduceMean") && !node.is("GlobalAveragePool")) continue;
      const Extents found = axes_of(graph, node, static_cast<std::int64_t>(rank));
      if (!is_trailing(found) || (!axes.empty() && axes != found)) return std::nullopt;
      axes = found;
    }
    place.axes = axes.size();
    if (rank != 0 && place.axes > rank) return std::nullopt;
    place.rank = rank != 0 ? rank : place.axes;
    // The type of epsilon is that of x.
    place.gamma.dtype = constant_tensor(graph, match.value("e"))->dtype;
    if (rank != 0) place.extents = extents_from(x, rank - place.axes).value_or(Extents{});
    if (!has_factors) return place;
    if (text.find("gamma") != std::string::npos && !take(graph, match.value("gamma"), place, place.gamma))
      return std::nullopt;
    if (!take(graph, match.value("beta"), place, place.beta)) return std::nullopt;
    place.has_beta = true;
    return place;
  }

  // A constant of the normalized axes becomes a parameter; false when the value is none. Where the model does not know
  // these axes' extents, a constant that names all of them does.
  static bool take(const sdk::Graph &graph, ht_handle value, Place &place, sdk::StoredTensor &into) {
    const auto constant = read_constant(graph, value);
    if (!constant) return false;
    if (place.extents.empty()) {
      if (constant->shape.size() < place.axes) return false;
      const Extents last(constant->shape.end() - static_cast<std::ptrdiff_t>(place.axes), constant->shape.end());
      if (std::ranges::any_of(last, [](std::int64_t extent) { return extent < 2; })) return false;
      place.extents = last;
    }
    auto values = spread(*constant, place.extents, place.rank);
    if (!values) return false;
    into = {constant->dtype, place.extents, std::move(*values)};
    return true;
  }

  // The operand of the only reader of a node's output, when that is `op_type` of this output and a constant that fits.
  static ht_handle follow(const sdk::Graph &graph, ht_handle node, const char *op_type, Place &place,
                          sdk::StoredTensor &into) {
    const sdk::Node from = graph.node(node);
    const auto use = graph.sole_consumer(from.output(0));
    if (!use) return HT_NONE;
    const sdk::Node next = graph.node(use->node);
    if (!next.is(op_type) || next.graph() != from.graph() || use->slot > 1) return HT_NONE;
    return take(graph, next.input(1 - use->slot), place, into) ? next.handle : HT_NONE;
  }

  static void look_behind(const sdk::Graph &graph, ht_handle root, Place &place) {
    ht_handle last = root;
    if (const ht_handle mul = follow(graph, last, "Mul", place, place.gamma); mul != HT_NONE) {
      place.tail.push_back(mul);
      last = mul;
    }
    if (const ht_handle add = follow(graph, last, "Add", place, place.beta); add != HT_NONE) {
      place.tail.push_back(add);
      place.has_beta = true;
    }
  }

  static void replace(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match,
                      const Place &place) {
    const Gap gap = clear_place(graph, edit, match, place.tail);
    sdk::StoredTensor scale = place.gamma;
    if (scale.data.empty()) {
      std::size_t count = 1;
      for (const std::int64_t extent : place.extents) count *= static_cast<std::size_t>(extent);
      scale = {scale.dtype, place.extents, std::vector<double>(count, 1.0)};
    }
    std::vector<ht_handle> inputs = {place.x, sdk::add_tensor(edit, gap.graph, gap.name + "_scale", scale)};
    if (place.has_beta) inputs.push_back(sdk::add_tensor(edit, gap.graph, gap.name + "_bias", place.beta));
    const ht_handle node = edit.add_node(gap.graph, "LayerNormalization", gap.name, inputs, {&gap.output, 1});
    edit.set_int(node, "axis", -static_cast<std::int64_t>(place.axes));
    edit.set_float(node, "epsilon", place.epsilon);
  }

  bool raise_;
};
HALFTONE_PASS(FuseLayerNorm)

}  // namespace halftone::passes
