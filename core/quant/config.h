// Tensor quantization configs (TQC): one for each (node, input slot) and (node, output slot) that quantization
// concerns.
//
// The table owns all configs of a model and keeps the rules: legal state transitions only, domination as a union-find
// without cycles, reading a scale gives the root's or the master's, and every scale says who set it.
//
// Legal transitions (x); a config may always stay in its state.
//
//   from \ to      initial activated passive-init passive overlapped baked passive-baked fp32
//   initial           .        x          x                    x                          x
//   activated         x        .                      x        x        x                 x
//   passive-init      x                   .           x        x                          x
//   passive           x                   x           .        x              x           x
//   overlapped        x                                        .                          x
//   baked                                                               .
//   passive-baked                                                              .
//   fp32              x                                                                   .
//
// - Baking is final: what reads the parameter reads the quantized value, which must not be calibrated or quantized
//   again. Only remove() ends a baked config.
// - fp32 and overlapped lead back through initial, so that a scale is always chosen anew.
// - passive to passive-init: the master lost its scale.
// - Entering initial drops the config's own scales. A dominator lasts as long as the state is overlapped, a master as
//   long as it is passive-init, passive or passive-baked; leaving those states ends the relation.
// - Becoming activated, passive, baked or passive-baked needs a scale to read, unless the range is taken at run time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/model.h"
#include "core/quant/slot_index.h"
#include "halftone/quant.h"

namespace halftone::quant {

using model::Handle;

enum class State : std::uint32_t {
  kInitial = HT_STATE_INITIAL,
  kActivated = HT_STATE_ACTIVATED,
  kPassiveInit = HT_STATE_PASSIVE_INIT,
  kPassive = HT_STATE_PASSIVE,
  kOverlapped = HT_STATE_OVERLAPPED,
  kBaked = HT_STATE_BAKED,
  kPassiveBaked = HT_STATE_PASSIVE_BAKED,
  kFp32 = HT_STATE_FP32,
};
std::string_view state_name(State state);  // "activated", "passive-init" ...
std::optional<State> state_from_name(std::string_view name);
bool is_live(State state);  // activated or passive: the executor quantizes here
bool is_legal_transition(State from, State to);

// Who set a scale, by which rule, from what.
struct Provenance {
  std::string pass;        // "runtime-calibration"
  std::string rule;        // "percentile 0.9999 over [-1.2, 3.4]"
  std::string statistics;  // digest of the statistics, or empty
};

struct Config {
  SlotKey key;
  ht_quant_spec spec{};
  State state = State::kInitial;
  std::vector<float> scales;  // own; read through ConfigTable::scales()
  std::vector<std::int32_t> zero_points;
  Handle dominator = HT_NONE;  // union-find parent, HT_NONE for a root
  Handle master = HT_NONE;     // borrows scale and zero point, stays live
  std::string observer;        // component id, empty: the platform's or pass's choice
  std::map<std::string, std::string> observer_parameters;
  std::string reason;  // why this state: "fused into Relu 'relu1'", "no quantized form on this platform"
  Provenance provenance;
};

// Handles are deterministic: configs are numbered in the order they are created, and a number is never used again.
// A table is a value, and copying one is cheap: copies share configs until one of them is edited. Distinct tables may
// be used by distinct threads; one table, as usual, by one thread at a time while it is edited.
class ConfigTable {
 public:
  // ---- reading
  Handle find(const SlotKey &key) const noexcept;  // HT_NONE when the slot has no config
  const Config &get(Handle config) const;          // throws NotFound for a stale handle
  Handle root(Handle config) const;                // the dominator at the end of the chain; itself for a root
  Handle source(Handle config) const;              // whose scale is read: root, then its master, that one's root ...
  std::span<const float> scales(Handle config) const;  // of the source; empty when not set yet
  std::span<const std::int32_t> zero_points(Handle config) const;
  // Ready to apply when the config is live (or baked, with `even_if_baked`) and its source has a scale; nullopt
  // otherwise. The pointers live as long as the table is not edited. This config's own kind, range and rounding with
  // the source's scales and their granularity.
  std::optional<ht_quantizer> quantizer(Handle config, bool even_if_baked = false) const;
  std::vector<Handle> all() const;  // in creation order

  // ---- editing; each throws FailedPrecondition or InvalidArgument with the config's slot in the message
  // Replaces an existing one's content, but not a baked one's. Begins as initial, passive-init, overlapped or fp32,
  // and, when the range is taken at run time, activated or passive; the other states are reached by edits.
  Handle create(const SlotKey &key, const ht_quant_spec &spec, State state);
  void remove(Handle config);  // what it dominated becomes roots, its slaves are released; baked slaves keep the scale
  // Clears scales; not when baked. An activated config becomes initial, a passive one without master passive-init, as
  // neither has a scale any more.
  void set_spec(Handle config, const ht_quant_spec &spec);
  void set_state(Handle config, State state, std::string reason = {});  // an empty reason keeps the present one
  // One entry per tensor, channel or block; scales finite and positive, zero points inside the range (for float8: 0).
  // Only for a config that has no dominator and no master and is initial, activated, passive-init, passive or fp32;
  // moves initial to activated, passive-init to passive.
  void set_scales(Handle config, std::span<const float> scales, std::span<const std::int32_t> zero_points,
                  Provenance provenance);
  // Merges the child's tree under by's root; both child and its root become overlapped. Nothing happens when they have
  // the same root already. Refused when by's scale is, directly or through masters, the child's.
  void dominate(Handle child, Handle by);
  // Passive once the master has a scale, passive-init before; no cycles. A dominated config must be released first.
  void set_master(Handle config, Handle master);
  // Makes a dominated or slaved config its own root again, state initial. What it dominates stays with it.
  void release(Handle config);
  void set_observer(Handle config, std::string observer, std::map<std::string, std::string> parameters);
  void set_reason(Handle config, std::string reason);
  // Masters that got a scale make their passive-init slaves passive; those that lost it make passive slaves
  // passive-init.
  void settle_slaves();
  // Drops the configs of slots [from, until) of a node, as remove() does. Costs time in the number of all configs only
  // when there are any.
  void remove_slots(Handle node, bool outputs, std::size_t from, std::size_t until);

 private:
  friend class ConfigImage;  // config_image.h: every number as it is

  const Config *look_up(Handle config) const noexcept;
  Config &at(Handle config);  // the config for writing: a copy of its own when it is shared with another table
  void move_to(Handle config, State state);
  void remove_all(const std::vector<Handle> &gone);
  bool has_scale(Handle config) const;
  bool reads_scale_of(Handle config, Handle other) const;
  SlotIndex &index_for_writing();

  std::vector<std::shared_ptr<Config>> configs_;  // by number; empty where the config was removed
  std::shared_ptr<SlotIndex> index_;
};

// "input 1 of Conv 'conv1'" for messages.
std::string describe(const SlotKey &key, const model::Model &model);

// Broken rules as sentences: non-positive or non-finite scales, scales that are not powers of two where the spec asks
// for them, zero points out of the config's own range, dangling configs, live configs without scale, more than one
// scale for a per-tensor config, float8 and integer sharing a scale.
std::vector<std::string> find_faults(const ConfigTable &table, const model::Model &model);

}  // namespace halftone::quant
