#include "activation_calibration.h"

#include <utility>

namespace halftone::passes {

ObserverChoice::ObserverChoice(const sdk::Args &args) {
  if (args.has("observer")) name_ = args.text("observer");
  for (const std::string &text : args.texts("observer_parameters")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "observer_parameters: '" + text + "' is no NAME=VALUE such as percentile=0.999");
    }
    parameters_.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  if (!parameters_.empty() && !name_) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "observer_parameters has parameters, and no `observer` to take them");
  }
}

void ObserverChoice::declare(sdk::Params &params, const char *whose) {
  params.text("observer", whose).texts("observer_parameters", "parameters of that observer, each as NAME=VALUE", {});
}

const ht_str *ObserverChoice::prepare(const sdk::Configs &configs, const std::vector<ht_handle> &handles) const {
  if (!name_) return nullptr;
  if (parameters_.empty()) {
    view_ = sdk::view(std::string_view(*name_));
    return &view_;
  }
  std::vector<ht_str> texts;
  for (const auto &[name, value] : parameters_) texts.push_back(sdk::view(std::string_view(value)));
  std::vector<ht_field> fields;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    fields.push_back({sdk::view(std::string_view(parameters_[i].first)), {HT_VALUE_STR, 1, &texts[i], {0, 0}}});
  }
  for (const ht_handle config : handles) configs.set_observer(config, *name_, fields);
  return nullptr;
}

ht_handle data_value(const QuantizationPoints &points, const ht_config_info &info) {
  const ht_handle value = points.value_of(info);
  return value == HT_NONE || points.graph.value(value).is_initializer() ? HT_NONE : value;
}

std::size_t calibrate_activations(const sdk::Context &ctx, const QuantizationPoints &points,
                                  const std::vector<ht_handle> &configs, const ObserverChoice &observer,
                                  const CalibrationOptions &options) {
  if (configs.empty()) return 0;
  const ht_str *name = observer.prepare(points.configs, configs);
  const ht_collect_options how = {
      sizeof(ht_collect_options), options.quantized_weights ? 1U : 0U, options.group, 0, 0, 0};
  sdk::check(ctx.host.calibration->observe_all(ctx.raw, configs.data(), configs.size(), name, &how));
  std::vector<std::uint32_t> rendered(configs.size());
  sdk::check(ctx.host.calibration->render_all(ctx.raw, configs.data(), configs.size(), name, rendered.data()));
  std::size_t never_seen = 0;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    if (rendered[i] != 0) continue;
    ++never_seen;
    points.configs.set_state(configs[i], HT_STATE_FP32, "no calibration sample produced an element of it");
  }
  return never_seen;
}

}  // namespace halftone::passes
