// Quantization configs in C++, over "ht.config/1" and "ht.config_edit/1". Failures throw.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

class Configs {
 public:
  explicit Configs(const Context &ctx) : ctx_(ctx), api_(ctx.host.config), edit_(ctx.host.config_edit) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_CONFIG_READ");
  }
  std::vector<ht_handle> all() const {
    ht_handles h{};
    check(api_->all(ctx_.raw, &h));
    return {h.data, h.data + h.size};
  }
  ht_handle input(ht_handle node, std::uint32_t slot) const { return find(node, HT_SLOT_INPUT, slot); }
  ht_handle output(ht_handle node, std::uint32_t slot) const { return find(node, HT_SLOT_OUTPUT, slot); }
  ht_handle find(ht_handle node, std::uint32_t direction, std::uint32_t slot) const {
    ht_handle h = HT_NONE;
    check(api_->find(ctx_.raw, node, direction, slot, &h));
    return h;
  }
  ht_config_info info(ht_handle config) const {
    // Not zeroed: every host fills all of it, and zeroing it costs more than the call.
    static_assert(offsetof(ht_config_info, zero_points) + sizeof(void *) == sizeof(ht_config_info),
                  "zero what hosts of ABI 1.0 do not fill");
    ht_config_info info;
    info.struct_size = sizeof(info);
    check(api_->infos(ctx_.raw, &config, 1, &info));
    return info;
  }
  // HT_STATE_FP32 for a slot without config.
  std::uint32_t state(ht_handle config) const { return config == HT_NONE ? HT_STATE_FP32 : info(config).state; }
  // Pointers live until the next edit of configs.
  std::optional<ht_quantizer> quantizer(ht_handle config, bool stored = false) const {
    if (config == HT_NONE) return std::nullopt;
    ht_quantizer q{};
    q.struct_size = sizeof(q);
    const ht_status status = api_->quantizer(ctx_.raw, config, stored ? 1 : 0, &q);
    if (status == HT_NOT_FOUND) return std::nullopt;
    check(status);
    return q;
  }

  ht_handle create(ht_handle node, std::uint32_t direction, std::uint32_t slot, const ht_quant_spec &spec,
                   std::uint32_t state) const {
    ht_handle h = HT_NONE;
    check(edit()->create(ctx_.raw, node, direction, slot, &spec, state, &h));
    return h;
  }
  void set_spec(ht_handle config, const ht_quant_spec &spec) const { check(edit()->set_spec(ctx_.raw, config, &spec)); }
  void set_state(ht_handle config, std::uint32_t state, std::string_view reason) const {
    const ht_str r = view(reason);
    check(edit()->set_state(ctx_.raw, config, state, &r));
  }
  void set_scales(ht_handle config, std::span<const float> scales, std::span<const std::int32_t> zero_points,
                  std::string_view rule) const {
    const ht_str r = view(rule);
    check(edit()->set_scales(ctx_.raw, config, scales.data(), zero_points.data(), scales.size(), &r));
  }
  void dominate(ht_handle child, ht_handle by, std::string_view reason) const {
    const ht_str r = view(reason);
    check(edit()->dominate(ctx_.raw, child, by, &r));
  }
  void set_master(ht_handle config, ht_handle master, std::string_view reason) const {
    const ht_str r = view(reason);
    check(edit()->set_master(ctx_.raw, config, master, &r));
  }
  void set_observer(ht_handle config, std::string_view observer, std::span<const ht_field> parameters = {}) const {
    const ht_str o = view(observer);
    check(edit()->set_observer(ctx_.raw, config, &o, parameters.data(), parameters.size()));
  }
  void release(ht_handle config) const { check(edit()->release(ctx_.raw, config)); }
  // Before configs are assigned: HT_DISPATCH_*, and what `halftone explain` prints of a node that stays in float.
  void set_dispatch(ht_handle node, std::uint32_t verdict, std::string_view reason) const {
    const ht_str r = view(reason);
    check(edit()->set_dispatch(ctx_.raw, node, verdict, &r));
  }
  void bake(ht_handle config) const { check(edit()->bake(ctx_.raw, config)); }

 private:
  const ht_config_edit *edit() const {
    if (edit_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_CONFIG_EDIT");
    return edit_;
  }
  const Context &ctx_;
  const ht_config_read *api_;
  const ht_config_edit *edit_;
};

}  // namespace halftone::sdk
