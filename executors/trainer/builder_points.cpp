// Quantization points of the part: what shares a scale, how each is learned.
#include <algorithm>

#include "builder.h"
#include "parameters.h"

namespace halftone::trainer {
namespace {

bool is_shared_form(const ht_config_info &info) {
  return info.root != HT_NONE;
}

}  // namespace

bool Builder::is_live(ht_handle config) const {
  const std::uint32_t state = configs_.state(config);
  return state == HT_STATE_ACTIVATED || state == HT_STATE_PASSIVE;
}

// The config whose scale is read at this one.
ht_handle Builder::owner_of(ht_handle config) const {
  for (;;) {
    const ht_config_info info = configs_.info(config);
    ht_handle next = is_shared_form(info) ? info.root : config;
    if (next == config && info.master != HT_NONE) next = info.master;
    if (next == config) return config;
    config = next;
  }
}

void Builder::name_methods() {
  for (std::uint64_t i = 0; i < options_.quantizer_count; ++i) {
    const ht_train_quantizer &q = options_.quantizers[i];
    const ht_handle owner = owner_of(q.config);
    if (owner != q.config) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "a config that borrows its scale cannot be trained; name the one that it borrows from",
                         q.config);
    }
    if (!methods_.emplace(owner, &q).second) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "a config is named twice among the quantizers to train", q.config);
    }
  }
}

void Builder::check_all_methods_used() const {
  for (const auto &[owner, q] : methods_) {
    if (methods_used_.contains(owner)) continue;
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "a quantizer is to be trained that quantizes nothing between the inputs and outputs, or is not "
                       "live",
                       q->config);
  }
}

int Builder::point_of(ht_handle config) {
  const ht_handle owner = owner_of(config);
  if (const auto known = points_.find(owner); known != points_.end()) return known->second;
  auto point = std::make_unique<Point>();
  point->config = owner;
  const ht_config_info info = configs_.info(owner);
  const sdk::Node node = graph_.node(info.node);
  point->name = (info.direction == HT_SLOT_INPUT ? "input " : "output ") + std::to_string(info.slot) + " of " +
                sdk::label_of(node);
  if (const auto named = methods_.find(owner); named != methods_.end()) {
    const ht_train_quantizer &q = *named->second;
    methods_used_.insert(owner);
    if (q.method.size != 0) point->method = sdk::view(q.method);
    point->fields.assign(q.parameters, q.parameters + q.parameter_count);
    point->learns = q.learns;
  }
  const int number = static_cast<int>(program_->points.size());
  program_->points.push_back(std::move(point));
  return points_[owner] = number;
}

QuantUse Builder::use_of(ht_handle config, bool weight) {
  const ht_config_info info = configs_.info(config);
  QuantUse use;
  use.config = config;
  use.spec = info.spec;
  use.point = point_of(config);
  Point &point = *program_->points[static_cast<std::size_t>(use.point)];
  if (info.spec.dynamic != 0) {
    if (point.learns != 0 || point.method != "fixed") {
      throw sdk::Failure(HT_UNIMPLEMENTED, point.name + " takes its range at run time; nothing of it can be learned",
                         config);
    }
    if (info.spec.granularity != HT_PER_TENSOR) {
      throw sdk::Failure(HT_UNIMPLEMENTED, point.name + " takes a range at run time per channel or block", config);
    }
    return use;
  }
  const auto stored = configs_.quantizer(config);
  if (!stored) throw sdk::Failure(HT_FAILED_PRECONDITION, point.name + " has no scale yet; calibrate first", config);
  PointSpec spec;
  spec.quant_min = info.spec.quant_min;
  spec.quant_max = info.spec.quant_max;
  spec.rounding = info.spec.rounding;
  spec.symmetric = info.spec.symmetry == HT_SYMMETRIC;
  spec.power_of_two = info.spec.scale_form == HT_SCALE_POWER_OF_TWO;
  spec.is_weight = weight;
  spec.kind = info.spec.kind;
  use.quantizer = make_fake_quantizer(spec, point.method, point.fields);
  use.learned = point.learns;
  if (point.quantizer == nullptr) point.quantizer = use.quantizer;
  if ((point.learns & ~use.quantizer->learnable()) != 0) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       point.name + ": method '" + point.method + "' cannot learn all that is asked of it", config);
  }
  if (point.state.scales.empty()) {
    std::vector<float> offsets(stored->zero_points, stored->zero_points + stored->count);
    use.quantizer->load(point.state, {stored->scales, stored->count}, offsets);
  } else if (point.state.scales.size() != stored->count) {
    throw sdk::Failure(HT_INTERNAL, point.name + ": configs that share a scale differ in the number of scales", config);
  }
  return use;
}

// What is computed has no values before the first batch, and its calibrated scale is of all samples.
void Builder::start_without_values(Point &point) const {
  if (point.quantizer == nullptr) return;
  if (point.quantizer->starts_from_values()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       point.name + ": method '" + point.method +
                           "' is to start from the values of a weight, and no stored tensor is quantized here; leave "
                           "`initial` out for activations, which start as they were calibrated",
                       point.config);
  }
  point.quantizer->initialise(point.state, {}, {1, point.state.scales.size(), 1});
}

// Scales, offsets and roundings that are learned, after all uses are known.
void Builder::add_learned_of_points() {
  std::vector<bool> started(program_->points.size());
  for (Parameter &p : program_->parameters) {
    if (!p.quant || p.quant->quantizer == nullptr) continue;
    Point &point = *program_->points[static_cast<std::size_t>(p.quant->point)];
    const std::vector<float> values = folded_source(*program_, p);
    p.quant->quantizer->initialise(point.state, values, grouping_of(*p.quant, shape_of(*program_, p), point));
    started[static_cast<std::size_t>(p.quant->point)] = true;
  }
  for (std::size_t i = 0; i < started.size(); ++i) {
    if (!started[i]) start_without_values(*program_->points[i]);
  }
  for (std::size_t i = 0; i < program_->points.size(); ++i) {
    Point &point = *program_->points[i];
    const auto add = [&](std::uint32_t kind, std::vector<float> &values, int &number) {
      if ((point.learns >> kind & 1U) == 0 || values.empty()) return;
      number = static_cast<int>(program_->learned.size());
      Learned learned;
      learned.kind = kind;
      learned.handle = point.config;
      learned.shape = {static_cast<std::int64_t>(values.size())};
      learned.values = &values;
      learned.gradient.assign(values.size(), 0.0F);
      program_->learned.push_back(std::move(learned));
    };
    add(HT_LEARNED_SCALE, point.state.scales, point.scales);
    add(HT_LEARNED_OFFSET, point.state.offsets, point.offsets);
    add(HT_LEARNED_ROUNDING, point.state.rounding, point.rounding);
  }
}

}  // namespace halftone::trainer
