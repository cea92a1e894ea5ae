// Second derivatives of a loss along directions in the space of weights, by differences of its gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "curvature_loss.h"
#include "halftone/pass.hpp"
#include "halftone/training.hpp"
#include "row_batches.h"

namespace halftone::passes {

// The float network with its weights, at which gradients are taken.
class LossCurvature {
 public:
  struct Choices {
    std::uint64_t samples = 0, batch = 1;
    double step = 0.01;       // of the root mean square of a weight
    bool by_outputs = false;  // aim() instead of displace(); of losses that compare the network with itself
  };
  // `weights`: stored tensors of float32; those that the loss does not depend on are known as such. Throws Failure for
  // what the trainer cannot train.
  LossCurvature(const sdk::Context &ctx, const CurvatureLoss &loss, const std::vector<ht_handle> &weights,
                const Choices &choices);
  ~LossCurvature();
  LossCurvature(const LossCurvature &) = delete;
  LossCurvature &operator=(const LossCurvature &) = delete;

  std::size_t weights() const { return weights_.size(); }
  bool matters(std::size_t weight) const { return weights_[weight].in_part; }
  std::size_t elements(std::size_t weight) const { return weights_[weight].base.size(); }
  // How far an element moves where the direction is 1.
  double step(std::size_t weight) const { return weights_[weight].step; }
  std::uint64_t samples() const { return data_->samples(); }

  bool by_outputs() const { return choices_.by_outputs; }

  // Directions: element i of a weight.
  using Direction = std::function<float(std::size_t element)>;
  // What one batch tells: gradients of its mean loss with weights displaced. Displacements last until put_back().
  class Point {
   public:
    // The weight becomes what it is plus `side` * step * direction.
    void displace(std::size_t weight, double side, const Direction &direction) const;
    void put_back(std::size_t weight) const;
    // The loss becomes one whose gradient is that of a random direction at the outputs; see output_probe.h.
    void aim(std::uint64_t key) const;
    // Computes the gradients of all weights where they are.
    void differentiate() const;
    // Of the last differentiate(); valid until the next call.
    std::span<const float> gradient(std::size_t weight) const;
    double rows() const { return static_cast<double>(batch_.rows); }

   private:
    friend class LossCurvature;
    Point(const LossCurvature &of, const sdk::Context &ctx, const RowBatch &batch)
        : of_(of), ctx_(ctx), batch_(batch) {}
    const LossCurvature &of_;
    const sdk::Context &ctx_;
    const RowBatch &batch_;
    mutable sdk::TrainingBatch fed_;
    std::vector<RowTensor> targets_;
    mutable std::vector<RowTensor> aimed_;
  };
  // Reads the data once; weights are as they were before each batch.
  void for_each(const sdk::Context &ctx, const std::function<void(const Point &)> &see) const;

 private:
  struct Weight {
    ht_handle handle = HT_NONE;
    bool in_part = false;
    std::vector<float> base;
    std::vector<std::int64_t> shape;
    double step = 0;
  };
  void set_targets(const sdk::Context &ctx, Point &point) const;

  CurvatureLoss loss_;
  Choices choices_;
  std::vector<Weight> weights_;
  std::unique_ptr<RowBatches> data_;
  std::unique_ptr<sdk::TrainingSession> session_;
};

}  // namespace halftone::passes
