#include "candidate_scales.h"

#include <algorithm>

#include "halftone/graph.hpp"

namespace halftone::passes {
namespace {

sdk::TrialSlot slot_of(const ht_config_info &info) {
  sdk::TrialSlot slot;
  slot.node = info.node;
  slot.direction = info.direction;
  slot.slot = info.slot;
  slot.spec = info.spec;
  slot.scales.assign(info.scales, info.scales + info.scale_count);
  slot.zero_points.assign(info.zero_points, info.zero_points + info.scale_count);
  return slot;
}

// Lets observers find scales for a while. `observer` null: that of each config.
void find(const sdk::Context &ctx, const std::vector<ht_handle> &handles, std::uint32_t bits, const ht_str *observer,
          bool from_data, Quantizers &out) {
  if (handles.empty()) return;
  const sdk::Configs configs(ctx);
  std::vector<ht_quant_spec> before;
  for (const ht_handle config : handles) {
    before.push_back(configs.info(config).spec);
    configs.set_spec(config, with_bits(before.back(), bits));
  }
  if (from_data) {
    ht_collect_options options{};
    options.struct_size = sizeof(options);
    sdk::check(ctx.host.calibration->observe_all(ctx.raw, handles.data(), handles.size(), observer, &options));
  }
  std::vector<std::uint32_t> rendered(handles.size());
  sdk::check(ctx.host.calibration->render_all(ctx.raw, handles.data(), handles.size(), observer, rendered.data()));
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (rendered[i] != 0) out[{handles[i], bits}] = slot_of(configs.info(handles[i]));
    configs.set_spec(handles[i], before[i]);
  }
}

void add_new(const std::vector<ht_handle> &from, std::vector<ht_handle> &to) {
  for (const ht_handle config : from) {
    if (std::find(to.begin(), to.end(), config) == to.end()) to.push_back(config);
  }
}

}  // namespace

std::vector<Sensitivity> candidate_rows(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                                        const std::vector<Width> &candidates) {
  const sdk::Graph graph(ctx);
  std::vector<Sensitivity> rows;
  for (const WeightedOperator &of : operators) {
    Sensitivity &row = rows.emplace_back();
    row.weight = of.weight;
    row.elements = of.elements;
    for (const ht_handle node : of.nodes) row.nodes.emplace_back(graph.node(node).name());
    if (of.by_user) {
      row.candidates.push_back({{of.weight_bits, 0}, 0});
    } else {
      for (const Width &width : candidates) row.candidates.push_back({width, 0});
    }
  }
  return rows;
}

Quantizers weight_quantizers(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                             const std::vector<Sensitivity> &rows, const std::string &observer) {
  const ht_str named = sdk::view(std::string_view(observer));
  std::map<std::pair<std::uint32_t, bool>, std::vector<ht_handle>> wanted;  // width, whether it is the present one
  for (std::size_t i = 0; i < operators.size(); ++i) {
    for (const WidthError &candidate : rows[i].candidates) {
      const std::uint32_t bits = candidate.width.weights;
      add_new(operators[i].weight_configs, wanted[{bits, bits == operators[i].weight_bits}]);
    }
  }
  Quantizers found;
  for (const auto &[width, list] : wanted) {
    const bool own = width.second || observer.empty();
    find(ctx, list, width.first, own ? nullptr : &named, false, found);
  }
  return found;
}

Quantizers input_quantizers(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                            const std::vector<Sensitivity> &rows) {
  std::map<std::uint32_t, std::vector<ht_handle>> wanted;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    for (const WidthError &candidate : rows[i].candidates) {
      if (candidate.width.activations != 0) add_new(operators[i].input_configs, wanted[candidate.width.activations]);
    }
  }
  Quantizers found;
  for (const auto &[bits, list] : wanted) find(ctx, list, bits, nullptr, true, found);
  return found;
}

}  // namespace halftone::passes
