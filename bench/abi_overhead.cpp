// What the plug-in ABI costs: a pass that visits all nodes and configs of a model of 10,000 nodes through the services,
// one object a call and many objects a call, beside the same visit through the kernel's own classes: the same fields of
// the same objects. Prints medians and their ratio; one thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/host/context.h"
#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/quant/arithmetic.h"
#include "halftone/pass.hpp"

namespace {

namespace host = halftone::host;
namespace model = halftone::model;
namespace quant = halftone::quant;
namespace sdk = halftone::sdk;

constexpr int kNodes = 10000, kRuns = 101;

// What a visit finds out, so that both ways do the same work and can be compared.
struct Seen {
  std::uint64_t names = 0, inputs = 0, bits = 0, live = 0;
  double scales = 0;
  bool operator==(const Seen &) const = default;
};
Seen seen;

template <typename Info>
void look_at(Seen &all, const Info &config) {
  all.bits += config.spec.bits;
  all.live += config.state == HT_STATE_ACTIVATED ? 1 : 0;
  if (config.scale_count > 0) all.scales += double{config.scales[0]};
}

class OneByOne final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("one-by-one").title("Visits one by one").capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ);
  }
  explicit OneByOne(const sdk::Args &) {}
  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    seen = {};
    for (const ht_handle handle : graph.nodes()) {
      const sdk::Node node = graph.node(handle);
      seen.names += node.op_type().size();
      seen.inputs += node.inputs().size();
    }
    for (const ht_handle config : configs.all()) look_at(seen, configs.info(config));
  }
};

class Together final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("together").title("Visits all at once").capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ);
  }
  explicit Together(const sdk::Args &) {}
  void run(const sdk::Context &ctx) override {
    seen = {};
    const std::vector<ht_handle> nodes = sdk::Graph(ctx).nodes(), configs = sdk::Configs(ctx).all();
    std::vector<ht_node_info> node_infos(nodes.size());
    for (ht_node_info &info : node_infos) info.struct_size = sizeof(info);
    sdk::check(ctx.host.graph->node_infos(ctx.raw, nodes.data(), nodes.size(), node_infos.data()));
    for (const ht_node_info &info : node_infos) {
      seen.names += info.op_type.size;
      seen.inputs += info.inputs.size;
    }
    std::vector<ht_config_info> config_infos(configs.size());
    for (ht_config_info &info : config_infos) info.struct_size = sizeof(info);
    sdk::check(ctx.host.config->infos(ctx.raw, configs.data(), configs.size(), config_infos.data()));
    for (const ht_config_info &info : config_infos) look_at(seen, info);
  }
};

// A chain of nodes with a weight each, and a config on every input and output.
void make(host::WorkingModel &working) {
  model::Model &m = working.model;
  const ht_handle graph = m.main_graph();
  ht_handle value = m.add_value(graph, "x");
  for (int i = 0; i < kNodes; ++i) {
    const std::string name = std::to_string(i);
    const float one = 1;
    const ht_handle weight = m.add_initializer(graph, "w" + name, model::Tensor::from_floats({1}, {&one, 1}));
    const ht_handle next = m.add_value(graph, "v" + name);
    const ht_handle node =
        m.add_node(graph, i % 2 == 0 ? "Mul" : "Add", "", "n" + name, std::array{value, weight}, {&next, 1});
    for (std::uint32_t slot = 0; slot < 3; ++slot) {
      const ht_quant_spec spec = quant::make_spec(8, true, HT_SYMMETRIC);
      const auto config = working.configs.create({node, slot == 2, slot % 2}, spec, quant::State::kInitial);
      const float scale = 0.25F;
      const std::int32_t zero = 0;
      working.configs.set_scales(config, {&scale, 1}, {&zero, 1}, {});
    }
    value = next;
  }
}

// The same through the kernel's classes.
void visit(const host::WorkingModel &working) {
  seen = {};
  for (const ht_handle handle : working.model.topological_order(working.model.main_graph())) {
    const model::Node &node = working.model.node(handle);
    seen.names += node.op_type.size();
    seen.inputs += node.inputs.size();
  }
  for (const ht_handle handle : working.configs.all()) {
    const quant::Config &config = working.configs.get(handle);
    const auto scales = working.configs.scales(handle);
    seen.bits += config.spec.bits;
    seen.live += config.state == quant::State::kActivated ? 1 : 0;
    if (!scales.empty()) seen.scales += double{scales[0]};
  }
}

double milliseconds(const std::function<void()> &body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// The time that a tenth of the runs stay below: what the work costs where the machine does nothing else.
double lowest_tenth(std::vector<double> times) {
  std::ranges::nth_element(times, times.begin() + times.size() / 10);
  return times[times.size() / 10];
}

double median(std::vector<double> times) {
  std::ranges::nth_element(times, times.begin() + times.size() / 2);
  return times[times.size() / 2];
}

// A pass with the context of its calls.
class Visitor {
 public:
  Visitor(const host::Registry &registry, const char *id, host::WorkingModel &working)
      : instance_(registry.get(HT_KIND_PASS, id), nullptr, ctx_), pass_(instance_.role<ht_pass>(HT_PASS_1)) {
    ctx_.working = &working;
  }
  void run() {
    host::call_component(ctx_, [&] { return pass_.run(instance_.raw(), &ctx_); });
    ctx_.arena.reset();
  }

 private:
  host::Context ctx_;
  const host::Instance instance_;
  const ht_pass &pass_;
};

}  // namespace

HALFTONE_PASS(OneByOne)
HALFTONE_PASS(Together)
HALFTONE_PLUGIN("halftone.bench.abi", "1.0", "Apache-2.0")

// In turn, so that what else the machine does falls on all of them alike, each twice, so that the caches hold what the
// same way left there.
int main() {
  host::WorkingModel working;
  make(working);
  host::Registry registry;
  registry.add(&ht_plugin_entry, {});
  Visitor one_by_one(registry, "one-by-one", working), together(registry, "together", working);
  const std::array<std::pair<const char *, std::function<void()>>, 3> ways = {
      {{"the kernel's own classes", [&] { visit(working); }},
       {"a pass, one by one", [&] { one_by_one.run(); }},
       {"a pass, all at once", [&] { together.run(); }}}};
  std::array<std::vector<double>, 3> times;
  visit(working);
  const Seen want = seen;
  for (int i = 0; i < kRuns; ++i) {
    for (std::size_t way = 0; way < ways.size(); ++way) {
      ways[way].second();
      times[way].push_back(milliseconds(ways[way].second));
      if (seen != want) throw std::runtime_error("the pass saw another model");
    }
  }
  std::printf("%d nodes, %zu configs, %d runs in turn\n%-26s %20s %24s\n", kNodes, working.configs.all().size(), kRuns,
              "", "median", "lowest tenth");
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const double middle = median(times[way]), low = lowest_tenth(times[way]);
    std::printf("%-26s %10.3f ms %6.2f x %14.3f ms %6.2f x\n", ways[way].first, middle, middle / median(times[0]), low,
                low / lowest_tenth(times[0]));
  }
}
