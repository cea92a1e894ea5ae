// Losses and their gradients, of one shard of a batch. What they mean is in halftone/trainer.h.
//
// A loss of a batch is the sum of what loss_of_shard() returns for its shards: the shard's own sum, divided by the
// counts of the whole batch. Sums are in double and in an order that depends on the shape only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "halftone/trainer.h"

namespace halftone::trainer {

// A tensor as positions and classes: element (o, c, i) lies at (o * classes + c) * inner + i; (o, i) is a position.
struct ClassLayout {
  std::size_t outer = 1, classes = 1, inner = 1;
  std::size_t positions() const { return outer * inner; }
  std::size_t size() const { return outer * classes * inner; }
};

// Of an output of this shape, rows along axis 0. `axes` as in ht_train_loss. Without axis 1 there is one class. Throws
// sdk::Failure (HT_INVALID_ARGUMENT) for axes that the shape lacks, that contain axis 0 or that are not neighbours.
ClassLayout class_layout(std::span<const std::int64_t> shape, std::uint64_t axes);

// Throws sdk::Failure (HT_INVALID_ARGUMENT) for an unknown kind, an exponent below 1, a temperature that is not
// positive, and for the axes.
void check_loss(const ht_train_loss &loss, std::span<const std::int64_t> shape);

// What the target has to be: the output's shape in float32, or of a cross-entropy int64 and the shape without the axes
// of classes.
std::vector<std::int64_t> target_shape(const ht_train_loss &loss, std::span<const std::int64_t> shape);

// The rows [first_row, first_row + shape[0]) of a batch of `batch_rows`. Returns loss.weight times their part of the
// loss and adds the gradient with respect to the output to `gradient` (null: not wanted). Throws sdk::Failure
// (HT_INVALID_ARGUMENT) for a label that is no class, naming its row in the batch.
struct Shard {
  std::span<const std::int64_t> shape;
  std::uint64_t first_row = 0, batch_rows = 0;
};
double loss_of_shard(const ht_train_loss &loss, const Shard &shard, const float *output, const void *target,
                     float *gradient);

}  // namespace halftone::trainer
