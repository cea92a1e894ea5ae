// Random directions at the outputs of a network, for second derivatives of a loss that compares it with itself.
//
// Such a loss has its minimum where the network is: its Hessian is the sum over positions of J^T S J, J being the
// derivatives of the outputs and S the loss's second derivatives by them. With S = A A^T and z of +1 and -1 at random,
// the mean of |J^T A z|^2 is the trace, and J^T A z is a gradient.
#pragma once

#include <cstdint>
#include <span>

namespace halftone::passes {

// Targets by which the mean squared error of the outputs has the gradient A z. `kind`: HT_LOSS_MSE or HT_LOSS_KL, as
// the trainer has them; `axes` as in ht_train_loss; z depends on `key`. Rows along axis 0.
void probe_outputs(std::uint32_t kind, std::uint64_t axes, std::span<const float> outputs,
                   std::span<const std::int64_t> shape, std::uint64_t key, std::span<float> targets);

}  // namespace halftone::passes
