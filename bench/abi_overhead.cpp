// What the plug-in ABI costs: a pass that visits all nodes and configs of a model of 10,000 nodes through the services,
// one object a call and many objects a call, beside the same visit through the kernel's own classes. Prints medians and
// their ratio; one thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
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

constexpr int kNodes = 10000, kRuns = 41;

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

double median_milliseconds(const std::function<void()> &body) {
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + kRuns / 2);
  return times[kRuns / 2];
}

}  // namespace

HALFTONE_PASS(OneByOne)
HALFTONE_PASS(Together)
HALFTONE_PLUGIN("halftone.bench.abi", "1.0", "Apache-2.0")

int main() {
  host::WorkingModel working;
  make(working);
  host::Registry registry;
  registry.add(&ht_plugin_entry, {});
  visit(working);
  const Seen want = seen;
  const double plain = median_milliseconds([&] { visit(working); });
  std::printf("%d nodes, %zu configs\n%-40s %8.3f ms\n", kNodes, working.configs.all().size(),
              "the kernel's own classes", plain);
  for (const char *id : {"one-by-one", "together"}) {
    host::Context ctx;
    ctx.working = &working;
    const host::Instance instance(registry.get(HT_KIND_PASS, id), nullptr, ctx);
    const auto &pass = instance.role<ht_pass>(HT_PASS_1);
    const double through = median_milliseconds([&] {
      host::call_component(ctx, [&] { return pass.run(instance.raw(), &ctx); });
      ctx.arena.reset();
    });
    if (seen != want) throw std::runtime_error("the pass saw another model");
    std::printf("%-40s %8.3f ms  %5.2f x\n", (std::string("a pass, ") + id).c_str(), through, through / plain);
  }
}
