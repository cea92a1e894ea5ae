// Stored tensors that a component may read and must not write, lent as copies: what it does to them harms nobody and is
// found out.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

#include "core/model/model.h"

namespace halftone::host {

class LentWeights {
 public:
  // Puts copies in place of the model's own tensors.
  void lend(model::Model &model);
  // Puts the own tensors back wherever the copies still are. Returns false when a copy was written to.
  bool take_back(model::Model &model) const;

 private:
  std::unordered_map<const std::byte *, std::pair<model::Tensor, model::Tensor>>
      lent_;  // by a copy's bytes: it, its own
};

}  // namespace halftone::host
