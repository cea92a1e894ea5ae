#include "tests/agree/integer_net.h"

#include <algorithm>

#include "core/quant/arithmetic.h"

namespace halftone::test {

using model::Handle;

std::string differing(Net &net, std::uint64_t sample) {
  const auto inputs = net.sample(sample);
  const auto all = made_values(net.working.model);
  for (const auto &emits : {all, std::vector<Handle>{}}) {
    RunRequest request{.mode = host::Mode::kInteger, .emits = emits};
    const Emitted got = Runner(net.working, request).run(inputs);
    request.executor = "reference";
    const Emitted want = Runner(net.working, request).run(inputs);
    for (const auto &[value, tensor] : want) {
      if (std::ranges::equal(tensor.bytes(), got.at(value).bytes())) continue;
      return fmt::format("'{}': {}", net.working.model.value(value).name, difference(got.at(value), tensor, {0, 0}));
    }
  }
  return {};
}

void put(Net &net, Handle node, bool is_output, std::uint32_t slot, const Grid &grid, std::size_t channels,
         std::int32_t axis) {
  ht_quant_spec spec = quant::make_spec(grid.bits, grid.is_signed, grid.zero == 0 ? HT_SYMMETRIC : HT_ASYMMETRIC);
  std::vector<float> scales(std::max<std::size_t>(channels, 1), grid.scale);
  if (channels != 0) {
    spec.granularity = HT_PER_CHANNEL;
    spec.axis = axis;
    for (std::size_t c = 0; c < channels; ++c) scales[c] *= 1 + 0.01F * static_cast<float>(c % 50);
  }
  const std::vector<std::int32_t> zeros(scales.size(), grid.zero);
  const Handle config = net.working.configs.create({node, is_output, slot}, spec, quant::State::kInitial);
  net.working.configs.set_scales(config, scales, zeros, {});
}

std::map<std::string, std::string> ways(Net &net, std::uint64_t sample) {
  Runner runner(net.working, {.mode = host::Mode::kInteger, .timed = true});
  runner.run(net.sample(sample));
  std::map<std::string, std::string> out;
  for (const host::StepTime &step : runner.profile()) out[net.working.model.node(step.node).op_type] = step.how;
  return out;
}

}  // namespace halftone::test
