// What "ht.training/1" and "ht.op_gradient/1" stand for inside the kernel; core/pipeline implements it for a run.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/host/context.h"
#include "core/host/instance.h"
#include "halftone/op_gradient.h"

namespace halftone::host {

class TrainingService {
 public:
  virtual ~TrainingService() = default;
  // Throws Unimplemented when no plug-in has one.
  virtual const ht_op_gradient &gradient(std::string_view domain, std::string_view op_type, std::int64_t opset) = 0;
  // The run's trainer, created when it is first asked for; lives as long as the service. Throws when there is none.
  virtual const Instance &trainer(Context &ctx) = 0;
};

}  // namespace halftone::host
