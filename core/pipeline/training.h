// The training service of a run: its trainer, and the gradients of operators that the loaded plug-ins have.
#pragma once

#include <memory>
#include <string>

#include "core/host/gradient_index.h"
#include "core/host/service/training_service.h"

namespace halftone::pipeline {

class Training final : public host::TrainingService {
 public:
  // `trainer`: a component's id.
  Training(const host::Registry &registry, std::string trainer) : registry_(registry), name_(std::move(trainer)) {}

  const ht_op_gradient &gradient(std::string_view domain, std::string_view op_type, std::int64_t opset) override;
  const host::Instance &trainer(host::Context &ctx) override;

 private:
  const host::Registry &registry_;
  std::string name_;
  std::unique_ptr<host::GradientIndex> gradients_;  // most runs train nothing
  std::unique_ptr<host::Instance> trainer_;
};

}  // namespace halftone::pipeline
