#include "core/pipeline/training.h"

#include "core/base/error.h"

namespace halftone::pipeline {

const ht_op_gradient &Training::gradient(std::string_view domain, std::string_view op_type, std::int64_t opset) {
  if (!gradients_) gradients_ = std::make_unique<host::GradientIndex>(registry_);
  return gradients_->get(domain, op_type, opset);
}

const host::Instance &Training::trainer(host::Context &ctx) {
  if (trainer_) return *trainer_;
  if (registry_.all(HT_KIND_TRAINER).empty()) {
    fail(Status::kUnimplemented,
         "pass '{}' trains, and no plug-in offers a trainer; those that come with Halftone are in its plug-in folder",
         ctx.component);
  }
  trainer_ = std::make_unique<host::Instance>(registry_.get(HT_KIND_TRAINER, name_), nullptr, ctx);
  return *trainer_;
}

}  // namespace halftone::pipeline
