#include "core/host/service/baked.h"

#include <algorithm>

#include "core/quant/arithmetic.h"

namespace halftone::host {

namespace {

bool is_baked(quant::State state) {
  return state == quant::State::kBaked || state == quant::State::kPassiveBaked;
}

bool same_quantizer(const ht_quantizer &a, const ht_quantizer &b) {
  return a.kind == b.kind && a.rounding == b.rounding && a.granularity == b.granularity && a.quant_min == b.quant_min &&
         a.quant_max == b.quant_max && a.axis == b.axis && a.block_size == b.block_size && a.count == b.count &&
         std::equal(a.scales, a.scales + a.count, b.scales) &&
         std::equal(a.zero_points, a.zero_points + a.count, b.zero_points);
}

}  // namespace

std::optional<ht_quantizer> baked_quantizer(const WorkingModel &working, model::Handle value) {
  for (const model::Use &use : working.model.value(value).consumers) {
    const model::Handle config = working.configs.find({use.node, false, use.slot});
    if (config != HT_NONE && is_baked(working.configs.get(config).state)) {
      return working.configs.quantizer(config, true);
    }
  }
  return std::nullopt;
}

model::Tensor fake_quantized(const model::Tensor &tensor, const ht_quantizer &quantizer) {
  const std::span<const float> in = tensor.floats();
  std::vector<std::byte> bytes(in.size_bytes());
  quant::fake_quantize(in, {reinterpret_cast<float *>(bytes.data()), in.size()}, tensor.shape(), quantizer);
  return model::Tensor(HT_F32, tensor.shape(), std::move(bytes));
}

void *fake_quantized(ht_ctx *ctx, const model::Tensor &tensor, const ht_quantizer &quantizer) {
  const std::span<const float> in = tensor.floats();
  float *out = static_cast<float *>(ctx->arena.allocate(in.size_bytes(), 64));
  quant::fake_quantize(in, {out, in.size()}, tensor.shape(), quantizer);
  return out;
}

void bake(WorkingModel &working, model::Handle handle) {
  const quant::Config config = working.configs.get(handle);
  const std::string slot = quant::describe(config.key, working.model);
  if (config.key.is_output) fail(Status::kInvalidArgument, "{} is no parameter; only an input slot can be baked", slot);
  const model::Node &node = working.model.node(config.key.node);
  const model::Handle value = config.key.slot < node.inputs.size() ? node.inputs[config.key.slot] : HT_NONE;
  if (value == HT_NONE || !working.model.value(value).initializer) {
    fail(Status::kInvalidArgument, "{} holds no initializer; only a stored parameter can be baked", slot);
  }
  const auto quantizer = working.configs.quantizer(handle);
  if (!quantizer)
    fail(Status::kFailedPrecondition, "{} has no scale yet; quantize the parameter before baking it", slot);

  const auto &uses = working.model.value(value).consumers;
  const bool shared_differently = std::ranges::any_of(uses, [&](const model::Use &use) {
    if (use.node == config.key.node && use.slot == config.key.slot) return false;
    const model::Handle other = working.configs.find({use.node, false, use.slot});
    const auto theirs = other == HT_NONE ? std::nullopt : working.configs.quantizer(other, true);
    return !theirs || !same_quantizer(*quantizer, *theirs);
  });
  if (shared_differently) {
    const model::Value &shared = working.model.value(value);
    const std::string name = working.model.unique_name(shared.graph, shared.name + "_own");
    const model::Tensor tensor = *shared.initializer;  // shares the bytes
    const model::Handle own = working.model.add_initializer(shared.graph, name, tensor);
    working.model.set_input(config.key.node, config.key.slot, own);
  }
  working.configs.set_state(handle,
                            config.state == quant::State::kPassive ? quant::State::kPassiveBaked : quant::State::kBaked,
                            "stored in quantized form");
}

}  // namespace halftone::host
