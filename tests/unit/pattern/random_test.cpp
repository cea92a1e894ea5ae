// The matcher against the plain one, and the parser against damaged texts.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <random>

#include "core/base/error.h"
#include "core/pattern/matcher.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/pattern/naive_match.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;
using Random = std::mt19937;

std::size_t below(Random &random, std::size_t bound) {
  return random() % bound;
}

// Nodes of few types that read what came shortly before, mostly what nothing has read yet, so that patterns occur and
// overlap and some values are shared.
class RandomGraph {
 public:
  explicit RandomGraph(Random &random) : random_(random) {
    const std::size_t count = 5 + below(random_, 40);
    while (values_.size() < count) {
      if (below(random_, 3) == 0) add_gate();
      add_node();
    }
    maker.output(values_.back());
    if (below(random_, 2) == 0) maker.output(values_[2 + below(random_, values_.size() - 2)]);
  }
  GraphMaker maker;

 private:
  std::string recent() {
    if (!unread_.empty() && below(random_, 4) != 0) {
      const std::size_t at = unread_.size() - 1 - below(random_, std::min<std::size_t>(unread_.size(), 2));
      const std::string value = unread_[at];
      unread_.erase(unread_.begin() + static_cast<std::ptrdiff_t>(at));
      return value;
    }
    return values_[values_.size() - 1 - below(random_, std::min<std::size_t>(values_.size(), 4))];
  }

  std::string made(const char *type, const std::vector<std::string> &inputs) {
    const std::string output = fmt::format("v{}", values_.size());
    maker.node(type, inputs, {output}, fmt::format("n{}", values_.size()));
    values_.push_back(output);
    return output;
  }
  const char *unary() { return below(random_, 2) == 0 ? "Relu" : "Sigmoid"; }
  const char *binary() {
    const char *types[] = {"Add", "Add", "Mul", "Sub"};
    return types[below(random_, 4)];
  }

  void add_node() {
    if (below(random_, 2) == 0) {
      unread_.push_back(made(unary(), {recent()}));
    } else if (below(random_, 4) == 0) {
      unread_.push_back(made("Max", {recent(), recent(), recent()}));
    } else {
      unread_.push_back(made(binary(), {recent(), recent()}));
    }
  }

  // Two ways from one value that come together again.
  void add_gate() {
    const std::string from = recent();
    const bool pairs = below(random_, 3) == 0;
    const std::string left = pairs ? made(binary(), {from, recent()}) : made(unary(), {from});
    const std::string right =
        pairs ? made(binary(), {recent(), from}) : (below(random_, 2) == 0 ? from : made(unary(), {from}));
    std::vector<std::string> inputs = {left, right};
    if (below(random_, 2) == 0) std::swap(inputs[0], inputs[1]);
    if (below(random_, 4) == 0) inputs.push_back(recent());
    unread_.push_back(made(inputs.size() == 3 ? "Max" : binary(), inputs));
  }

  Random &random_;
  std::vector<std::string> values_ = {"x", "z"}, unread_;
};

const char *const kTexts[] = {
    "Relu(Sigmoid(_))",
    "Mul(t, Sigmoid(t))",
    "Mul(t, Sigmoid(t)) where t = Add(_, _)",
    "Add(Relu(x), Relu(y))",
    "Add(Relu(x), Relu(x))",
    "Add(t, t) where t = Relu(_)",
    "{Add|Sub}(Mul(a, b), a)",
    "Sub(Mul(a, b), Mul(b, c))",
    "Add(Add(Add(_, _), _), _)",
    "Add(Add(_, _), Add(_, _))",
    "Max(Relu(_), *)",
    "Max(t, a, Sigmoid(t)) where t = _(*)",
    "Max(s, Relu(s), t) where s = {Sigmoid|Add}(t, u?)",
    "_(_(_(*)))",
    "Mul(t, u) where t = Relu(x), u = Sigmoid(x)",
    "Add(Mul(_, s), Mul(s, _)) where s = _(_, *)",
};

// Occurrences are disjoint, each is one for the plain matcher and accepted, and no further root is one beside them.
void check(const model::Model &model, const std::vector<Pattern> &patterns,
           const std::function<bool(std::size_t, Handle)> &accepted) {
  const std::vector<Match> matches =
      find(model, patterns, [&](const Match &match) { return accepted(match.pattern, match.nodes.front()); });
  std::set<Handle> taken, roots;
  for (const Match &match : matches) {
    roots.insert(match.nodes[0]);
    for (const Handle node : match.nodes) CHECK(taken.insert(node).second);
  }
  for (const Match &match : matches) {
    std::set<Handle> others = taken;
    for (const Handle node : match.nodes) others.erase(node);
    CHECK(accepted(match.pattern, match.nodes.front()));
    CHECK(occurs(model, patterns[match.pattern], match.nodes[0], others));
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    for (const Handle node : model.topological_order(model.main_graph())) {
      if (roots.count(node) == 0 && accepted(i, node)) CHECK_FALSE(occurs(model, patterns[i], node, taken));
    }
  }
}

bool any(std::size_t, Handle) {
  return true;
}

// Refuses some roots of each pattern, always the same.
bool some(std::size_t pattern, Handle root) {
  return (root * 7 + pattern * 3) % 5 < 3;
}

TEST_CASE("random graphs: each pattern alone, and two at a time") {
  Random random(20);
  std::map<std::string, std::size_t> found;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const RandomGraph graph(random);
    const model::Model &m = graph.maker.model;
    for (const std::string text : kTexts) {
      CAPTURE(text);
      const std::vector<Pattern> patterns = {parse(text)};
      check(m, patterns, any);
      found[text] += find(m, patterns).size();
    }
    const std::string first = kTexts[below(random, std::size(kTexts))],
                      second = kTexts[below(random, std::size(kTexts))];
    CAPTURE(first);
    CAPTURE(second);
    check(m, {parse(first), parse(second)}, any);
    check(m, {parse(first), parse(second)}, some);
  }
  for (const std::string text : kTexts) {  // the comparison was about something
    CAPTURE(text);
    CHECK(found[text] > 0);
  }
}

TEST_CASE("damaged texts are refused in words, or are other patterns") {
  Random random(21);
  const std::string_view alphabet = "(){}[]|,=!*?._#'\"-+ \nabxwhere019R\xc3\x7f";
  for (int round = 0; round < 20000; ++round) {
    std::string text = kTexts[below(random, std::size(kTexts))];
    if (below(random, 4) == 0) text = "y = Conv[group=1, kernel_shape=[3, 3], auto_pad='b'](x, 0.5, b?, ...) # end";
    for (std::size_t edits = 1 + below(random, 4); edits > 0; --edits) {
      const std::size_t at = below(random, text.size());
      const char letter = alphabet[below(random, alphabet.size())];
      if (below(random, 2) == 0) {
        text[at] = letter;
      } else if (below(random, 2) == 0 && text.size() > 1) {
        text.erase(at, 1 + below(random, 3));
        if (text.empty()) text = letter;
      } else {
        text.insert(at, 1, letter);
      }
    }
    CAPTURE(text);
    try {
      const Pattern pattern = parse(text);
      CHECK(pattern.operations.size() <= kMostOperations);
    } catch (const Error &error) {
      CHECK(error.status() == Status::kInvalidArgument);
      CHECK(error.message().starts_with("pattern '"));
    }
  }
}

}  // namespace
}  // namespace halftone::pattern::test
