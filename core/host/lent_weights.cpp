#include "core/host/lent_weights.h"

#include <algorithm>
#include <vector>

#include "core/model/model_image.h"

namespace halftone::host {

void LentWeights::lend(model::Model &model) {
  std::unordered_map<const std::byte *, model::Tensor> copies;  // tensors that share their bytes go on doing so
  model::ModelImage::exchange_tensors(model, [&](const model::Tensor &own) {
    if (own.bytes().empty()) return model::Tensor();
    model::Tensor &copy = copies[own.bytes().data()];
    if (copy.dtype() != own.dtype() || copy.shape() != own.shape()) {
      copy = {own.dtype(), own.shape(), std::vector<std::byte>(own.bytes().begin(), own.bytes().end())};
      lent_[copy.bytes().data()] = {copy, own};
    }
    return copy;
  });
}

bool LentWeights::take_back(model::Model &model) const {
  model::ModelImage::exchange_tensors(model, [&](const model::Tensor &now) {
    const auto found = lent_.find(now.bytes().data());
    return found == lent_.end() ? model::Tensor() : found->second.second;
  });
  return std::ranges::all_of(lent_, [](const auto &entry) {
    const auto &[copy, own] = entry.second;
    return std::ranges::equal(copy.bytes(), own.bytes());
  });
}

}  // namespace halftone::host
