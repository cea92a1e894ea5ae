#include "core/quant/config.h"

#include <atomic>
#include <cmath>
#include <unordered_set>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::quant {
namespace {

bool is_slave_state(State state) {
  return state == State::kPassiveInit || state == State::kPassive || state == State::kPassiveBaked;
}

bool is_baked(State state) {
  return state == State::kBaked || state == State::kPassiveBaked;
}

// Most configs have; they need no search for whose scale is read.
bool has_own_scale(const Config &config) {
  return config.dominator == HT_NONE && config.master == HT_NONE;
}

// The table does not know the model, so that messages name the node by its number; callers add the name.
std::string place(const SlotKey &key) {
  return fmt::format("{} {} of node #{}", key.is_output ? "output" : "input", key.slot, model::handle_index(key.node));
}

Handle handle_of(std::size_t number) {
  return model::make_handle(model::HandleKind::kConfig, 0, static_cast<std::uint32_t>(number));
}

void clear_scales(Config &config) {
  config.scales.clear();
  config.zero_points.clear();
  config.provenance = {};
}

void check_scales(const Config &config, std::span<const float> scales, std::span<const std::int32_t> zero_points) {
  const std::string where = place(config.key);
  if (scales.empty() || scales.size() != zero_points.size()) {
    fail(Status::kInvalidArgument, "{}: {} scales and {} zero points; give one of each per tensor, channel or block",
         where, scales.size(), zero_points.size());
  }
  if (config.spec.granularity == HT_PER_TENSOR && scales.size() != 1) {
    fail(Status::kInvalidArgument, "{}: {} scales for a per-tensor config; give one", where, scales.size());
  }
  const bool integer = config.spec.kind == HT_QUANT_INTEGER;
  const std::int64_t least = integer ? config.spec.quant_min : 0;
  const std::int64_t most = integer ? config.spec.quant_max : 0;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (!(scales[i] > 0) || std::isinf(scales[i])) {
      fail(Status::kInvalidArgument, "{}: scale {} of entry {} is not finite and positive", where, scales[i], i);
    }
    if (zero_points[i] < least || zero_points[i] > most) {
      fail(Status::kInvalidArgument, "{}: zero point {} of entry {} is outside [{}, {}]", where, zero_points[i], i,
           least, most);
    }
  }
}

}  // namespace

// ---- reading

const Config *ConfigTable::look_up(Handle config) const noexcept {
  const bool known = model::handle_kind(config) == model::HandleKind::kConfig &&
                     model::handle_generation(config) == 0 && model::handle_index(config) < configs_.size();
  return known ? configs_[model::handle_index(config)].get() : nullptr;
}

Handle ConfigTable::find(const SlotKey &key) const noexcept {
  return index_ == nullptr ? HT_NONE : index_->find(key);
}

const Config &ConfigTable::get(Handle config) const {
  const Config *found = look_up(config);
  if (found == nullptr) fail(Status::kNotFound, "no quantization config has handle {:#x}; it was removed", config);
  return *found;
}

Handle ConfigTable::root(Handle config) const {
  const Config *c = &get(config);
  for (; c->dominator != HT_NONE; c = &get(config)) config = c->dominator;
  return config;
}

Handle ConfigTable::source(Handle config) const {
  if (has_own_scale(get(config))) return config;
  config = root(config);
  for (Handle master = get(config).master; master != HT_NONE; master = get(config).master) config = root(master);
  return config;
}

std::span<const float> ConfigTable::scales(Handle config) const {
  const Config &own = get(config);
  return has_own_scale(own) ? own.scales : get(source(config)).scales;
}

std::span<const std::int32_t> ConfigTable::zero_points(Handle config) const {
  const Config &own = get(config);
  return has_own_scale(own) ? own.zero_points : get(source(config)).zero_points;
}

bool ConfigTable::has_scale(Handle config) const {
  return !scales(config).empty();
}

std::optional<ht_quantizer> ConfigTable::quantizer(Handle config, bool even_if_baked) const {
  const Config &own = get(config);
  if (!is_live(own.state) && !(even_if_baked && is_baked(own.state))) return std::nullopt;
  const Config &origin = has_own_scale(own) ? own : get(source(config));
  const bool at_run_time = origin.spec.dynamic != 0;
  if (origin.scales.empty() && !at_run_time) return std::nullopt;
  ht_quantizer q{};
  q.struct_size = sizeof(q);
  q.kind = own.spec.kind;
  q.rounding = own.spec.rounding;
  q.granularity = origin.spec.granularity;
  q.quant_min = own.spec.quant_min;
  q.quant_max = own.spec.quant_max;
  q.axis = origin.spec.axis;
  q.block_size = origin.spec.block_size;
  q.count = origin.scales.size();
  q.scales = origin.scales.data();
  q.zero_points = origin.zero_points.data();
  if (at_run_time) q.dynamic = &origin.spec;
  return q;
}

std::vector<Handle> ConfigTable::all() const {
  std::vector<Handle> handles;
  handles.reserve(configs_.size());
  for (std::size_t i = 0; i < configs_.size(); ++i) {
    if (configs_[i] != nullptr) handles.push_back(handle_of(i));
  }
  return handles;
}

// ---- editing

namespace {

// The last owner may write in place. Another table may have dropped its share on another thread just before; the fence
// orders what that thread read before what is written here.
template <class T>
void unshare(std::shared_ptr<T> &shared) {
  if (shared.use_count() == 1) {
    std::atomic_thread_fence(std::memory_order_acquire);
  } else {
    shared = shared == nullptr ? std::make_shared<T>() : std::make_shared<T>(*shared);
  }
}

}  // namespace

Config &ConfigTable::at(Handle config) {
  get(config);
  std::shared_ptr<Config> &shared = configs_[model::handle_index(config)];
  unshare(shared);
  return *shared;
}

SlotIndex &ConfigTable::index_for_writing() {
  unshare(index_);
  return *index_;
}

Handle ConfigTable::create(const SlotKey &key, const ht_quant_spec &spec, State state) {
  try {
    check_spec(spec);
  } catch (Error &error) {
    error.note("in " + place(key));
    throw;
  }
  const bool at_run_time = spec.dynamic != 0 && is_live(state);
  if (state != State::kInitial && state != State::kPassiveInit && state != State::kOverlapped &&
      state != State::kFp32 && !at_run_time) {
    fail(Status::kFailedPrecondition, "{}: a config cannot begin as {}; begin as initial and set its scales",
         place(key), state_name(state));
  }
  Handle handle = find(key);
  if (handle == HT_NONE) {
    handle = handle_of(configs_.size());
    configs_.push_back(std::make_shared<Config>());
    index_for_writing().insert(key, handle);
  } else if (is_baked(get(handle).state)) {
    fail(Status::kFailedPrecondition, "{}: its value is baked; remove the config before making a new one", place(key));
  }
  Config &config = at(handle);
  config = Config{};
  config.key = key;
  config.spec = spec;
  config.state = state;
  return handle;
}

void ConfigTable::remove(Handle config) {
  get(config);
  remove_all({config});
}

void ConfigTable::remove_all(const std::vector<Handle> &gone) {
  const std::unordered_set<Handle> dropped(gone.begin(), gone.end());
  if (dropped.empty()) return;
  for (const Handle handle : all()) {
    const Config &config = get(handle);
    if (dropped.contains(handle)) continue;
    const bool lost_dominator = dropped.contains(config.dominator);
    const bool lost_master = dropped.contains(config.master);
    if (lost_master && config.state == State::kPassiveBaked) {
      const Config &origin = get(source(handle));  // still there: nothing is dropped before the loop below
      Config &baked = at(handle);
      baked.spec.granularity = origin.spec.granularity;
      baked.spec.axis = origin.spec.axis;
      baked.spec.block_size = origin.spec.block_size;
      baked.scales = origin.scales;
      baked.zero_points = origin.zero_points;
      baked.provenance = origin.provenance;
      baked.master = HT_NONE;
    } else if (lost_dominator || lost_master) {
      move_to(handle, State::kInitial);
    }
  }
  SlotIndex &index = index_for_writing();
  for (const Handle handle : dropped) {
    index.erase(get(handle).key);
    configs_[model::handle_index(handle)].reset();
  }
}

void ConfigTable::set_spec(Handle config, const ht_quant_spec &spec) {
  const Config &before = get(config);
  if (is_baked(before.state)) {
    fail(Status::kFailedPrecondition, "{}: its value is baked, its scheme cannot change", place(before.key));
  }
  try {
    check_spec(spec);
  } catch (Error &error) {
    error.note("in " + place(before.key));
    throw;
  }
  Config &changed = at(config);
  changed.spec = spec;
  clear_scales(changed);
  if (spec.dynamic != 0) return;
  if (changed.state == State::kActivated) move_to(config, State::kInitial);
  if (changed.state == State::kPassive && changed.master == HT_NONE) move_to(config, State::kPassiveInit);
}

void ConfigTable::set_state(Handle config, State state, std::string reason) {
  const Config &before = get(config);
  if (!is_legal_transition(before.state, state)) {
    fail(Status::kFailedPrecondition, "{}: a config cannot go from {} to {}", place(before.key),
         state_name(before.state), state_name(state));
  }
  if ((is_live(state) || is_baked(state)) && before.spec.dynamic == 0 && !has_scale(config)) {
    fail(Status::kFailedPrecondition, "{}: it has no scale yet and cannot become {}", place(before.key),
         state_name(state));
  }
  if (before.state != state) move_to(config, state);
  if (!reason.empty()) at(config).reason = std::move(reason);
}

// A transition that is known to be legal, with what it means for relations and scales.
void ConfigTable::move_to(Handle config, State state) {
  Config &c = at(config);
  c.state = state;
  if (state != State::kOverlapped) c.dominator = HT_NONE;
  if (!is_slave_state(state)) c.master = HT_NONE;
  if (state == State::kInitial) clear_scales(c);
}

void ConfigTable::set_scales(Handle config, std::span<const float> scales, std::span<const std::int32_t> zero_points,
                             Provenance provenance) {
  const Config &before = get(config);
  const std::string where = place(before.key);
  if (before.dominator != HT_NONE) {
    fail(Status::kFailedPrecondition, "{}: it reads the scale of {}; set that one's", where,
         place(get(root(config)).key));
  }
  if (before.master != HT_NONE) {
    fail(Status::kFailedPrecondition, "{}: it borrows the scale of {}; set that one's or release this one", where,
         place(get(source(config)).key));
  }
  if (before.state == State::kOverlapped || is_baked(before.state)) {
    fail(Status::kFailedPrecondition, "{}: a config that is {} takes no scale", where, state_name(before.state));
  }
  check_scales(before, scales, zero_points);
  // Copied first: the spans may show this config's present entries.
  std::vector<float> new_scales(scales.begin(), scales.end());
  std::vector<std::int32_t> new_zero_points(zero_points.begin(), zero_points.end());
  Config &changed = at(config);
  changed.scales = std::move(new_scales);
  changed.zero_points = std::move(new_zero_points);
  changed.provenance = std::move(provenance);
  if (changed.state == State::kInitial) changed.state = State::kActivated;
  if (changed.state == State::kPassiveInit) changed.state = State::kPassive;
}

// Whether reading config's scale passes through `other`, which is a root.
bool ConfigTable::reads_scale_of(Handle config, Handle other) const {
  for (Handle at = root(config);; at = root(get(at).master)) {
    if (at == other) return true;
    if (get(at).master == HT_NONE) return false;
  }
}

void ConfigTable::dominate(Handle child, Handle by) {
  const Handle child_root = root(child);
  const Handle by_root = root(by);
  const std::string where = place(get(child).key);
  if (child == by) fail(Status::kFailedPrecondition, "{}: a config cannot dominate itself", where);
  if (child_root == by_root && child != by_root) return;
  if (reads_scale_of(by, child_root)) {
    fail(Status::kFailedPrecondition, "{}: it cannot be dominated by {}, which reads its scale", where,
         place(get(by).key));
  }
  const State state = get(child_root).state;
  if (!is_legal_transition(state, State::kOverlapped)) {
    fail(Status::kFailedPrecondition, "{}: a config that is {} cannot be dominated", where, state_name(state));
  }
  move_to(child_root, State::kOverlapped);
  at(child_root).dominator = by_root;
}

void ConfigTable::set_master(Handle config, Handle master) {
  const Config &before = get(config);
  const std::string where = place(before.key);
  if (before.dominator != HT_NONE) {
    fail(Status::kFailedPrecondition, "{}: it is dominated by {}; release it before giving it a master", where,
         place(get(root(config)).key));
  }
  if (reads_scale_of(master, config)) {
    fail(Status::kFailedPrecondition, "{}: it cannot borrow the scale of {}, which reads this one's", where,
         place(get(master).key));
  }
  if (is_baked(before.state) || before.state == State::kFp32) {
    fail(Status::kFailedPrecondition, "{}: a config that is {} cannot have a master", where, state_name(before.state));
  }
  // Every other state leads to passive-init through initial, if not directly.
  const bool ready = has_scale(master);
  Config &changed = at(config);
  changed.state = ready ? State::kPassive : State::kPassiveInit;
  clear_scales(changed);
  changed.master = master;
}

void ConfigTable::release(Handle config) {
  const Config &before = get(config);
  if (before.dominator == HT_NONE && before.master == HT_NONE) return;
  if (is_baked(before.state)) {
    fail(Status::kFailedPrecondition, "{}: its value is baked, it cannot be released", place(before.key));
  }
  move_to(config, State::kInitial);
}

void ConfigTable::set_observer(Handle config, std::string observer, std::map<std::string, std::string> parameters) {
  Config &changed = at(config);
  changed.observer = std::move(observer);
  changed.observer_parameters = std::move(parameters);
}

void ConfigTable::set_reason(Handle config, std::string reason) {
  at(config).reason = std::move(reason);
}

void ConfigTable::settle_slaves() {
  for (const Handle handle : all()) {
    const Config &config = get(handle);
    if (config.master == HT_NONE || is_baked(config.state)) continue;
    const State settled = has_scale(handle) ? State::kPassive : State::kPassiveInit;
    if (config.state != settled) at(handle).state = settled;
  }
}

void ConfigTable::remove_slots(Handle node, bool outputs, std::size_t from, std::size_t until) {
  std::vector<Handle> gone;
  for (std::size_t slot = from; slot < until; ++slot) {
    const Handle handle = find({node, outputs, static_cast<std::uint32_t>(slot)});
    if (handle != HT_NONE) gone.push_back(handle);
  }
  remove_all(gone);
}

}  // namespace halftone::quant
