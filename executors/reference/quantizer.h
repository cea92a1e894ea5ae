// A quantizer of the session's own, applied through "ht.arithmetic/1".
#pragma once

#include <optional>
#include <vector>

#include "halftone/config.hpp"

namespace halftone::reference {

class Quantizer {
 public:
  // The live quantizer of a config, copied; nullopt where nothing is quantized. `baked` takes that of a baked parameter
  // too.
  static std::optional<Quantizer> of(const sdk::Configs &configs, ht_handle config, bool baked = false);

  // `from` and `to` may be the same tensor. Tensors of another type than float32 are left alone.
  void apply(const sdk::Context &ctx, const ht_tensor_view &from, ht_tensor_view &to) const;

 private:
  ht_quantizer quantizer_{};  // its arrays are set when it is applied
  std::vector<float> scales_;
  std::vector<std::int32_t> zero_points_;
  std::optional<ht_quant_spec> dynamic_;  // the range is taken from the tensor at hand
};

}  // namespace halftone::reference
