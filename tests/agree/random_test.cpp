// Random small graphs: the executor onednn gives what plain kernels give, for every value and with post-ops fused.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#include "tests/agree/net.h"

namespace halftone::test {
namespace {

constexpr std::uint64_t kNets = 400;

void compare(Net &net, host::Mode mode, const Tolerance &tolerance, const std::string &what) {
  const auto all = made_values(net.working.model);
  const auto sample = net.sample(77);
  const Emitted want = Runner(net.working, {.executor = "reference", .mode = mode, .emits = all}).run(sample);
  const Emitted tapped = Runner(net.working, {.mode = mode, .emits = all}).run(sample);
  const std::string first = disagreement(net.working.model, tapped, want, tolerance);
  CHECK_MESSAGE(first.empty(), what, ", all values tapped: ", first);
  Emitted outputs;
  for (const auto &[value, tensor] : want) {
    if (net.working.model.value(value).is_output) outputs[value] = tensor;
  }
  const Emitted fused = Runner(net.working, {.mode = mode}).run(sample);
  const std::string second = disagreement(net.working.model, fused, outputs, tolerance);
  CHECK_MESSAGE(second.empty(), what, ", outputs only: ", second);
}

// Sums and products of numbers with few bits, and choices among them.
bool is_exact(const model::Model &m) {
  static const std::set<std::string> operators = {"Conv",    "Relu", "LeakyRelu", "Clip",
                                                  "MaxPool", "Add",  "Concat",    "GlobalMaxPool"};
  return std::ranges::all_of(m.graph(m.main_graph()).nodes,
                             [&](model::Handle h) { return operators.contains(m.node(h).op_type); });
}

bool same_bits(const Emitted &a, const Emitted &b) {
  if (a.size() != b.size()) return false;
  for (const auto &[value, tensor] : a) {
    if (!std::ranges::equal(tensor.bytes(), b.at(value).bytes())) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("random graphs agree in float") {
  for (std::uint64_t seed = 1; seed <= kNets; ++seed) {
    Net net = random_net(seed);
    compare(net, host::Mode::kFloat, {}, fmt::format("net {}", seed));
  }
}

TEST_CASE("random graphs agree under simulated quantization") {
  int exact_nets = 0;
  for (std::uint64_t seed = 1; seed <= kNets; ++seed) {
    Net net = random_net(seed);
    quantize(net, seed);
    // Quantized with powers of two, most operators are exact in any order and must agree everywhere. A mean or a
    // logistic function that rounds differently may fall on the other side of a step, and what follows then differs
    // by a step too.
    const bool exact = is_exact(net.working.model);
    compare(net, host::Mode::kSimulated, exact ? Tolerance{1e-6, 0} : Tolerance{0.08, 0.1},
            fmt::format("net {}", seed));
    exact_nets += exact ? 1 : 0;
  }
  CHECK(exact_nets >= 5);
}

TEST_CASE("float mode can take parameters in quantized form") {
  Net net = random_net(3);
  quantize(net, 3);
  const auto all = made_values(net.working.model);
  RunRequest request{.quantized_weights = true, .emits = all};
  const Emitted got = Runner(net.working, request).run(net.sample(5));
  request.executor = "reference";
  const Emitted want = Runner(net.working, request).run(net.sample(5));
  CHECK(disagreement(net.working.model, got, want, {}) == "");
}

TEST_CASE("a sample has the same bits whatever the number of workers") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Net net = random_net(seed);
    quantize(net, seed);
    for (const host::Mode mode : {host::Mode::kFloat, host::Mode::kSimulated}) {
      std::vector<Emitted> alone(4), together(4);
      Runner one(net.working, {.mode = mode}), two(net.working, {.mode = mode, .workers = 2});
      for (std::uint64_t s = 0; s < 4; ++s) alone[s] = one.run(net.sample(s));
      const auto work = [&](std::uint32_t worker) {
        for (std::uint64_t s = worker; s < 4; s += 2) together[s] = two.run(net.sample(s), worker);
      };
      std::thread other(work, 1);
      work(0);
      other.join();
      for (std::size_t s = 0; s < 4; ++s) CHECK_MESSAGE(same_bits(alone[s], together[s]), "net ", seed, " sample ", s);
    }
  }
}

}  // namespace halftone::test
