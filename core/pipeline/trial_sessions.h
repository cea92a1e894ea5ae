// Sessions over what lies behind single operators, each with a few slots quantized and all else in float.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/host/service/execution_service.h"
#include "core/host/session.h"
#include "core/pipeline/analysis/layer.h"

namespace halftone::pipeline {

// A trial that can be run.
struct TrialSession {
  std::uint32_t number = 0;
  Cut cut;                  // nothing to emit: the trial reaches none of the values
  std::uint64_t bytes = 0;  // of the parameters behind it
  std::unique_ptr<host::Session> session;
};

class TrialOpener {
 public:
  TrialOpener(const host::Instance &executor, const host::Context &ctx, std::uint32_t workers);

  // Checks the slots of every trial and finds what lies behind them. Throws InvalidArgument.
  std::vector<TrialSession> plan(const host::TrialRequest &request) const;
  void open(const host::TrialRequest &request, TrialSession &trial);
  // The whole model in float, that hands over these values.
  std::unique_ptr<host::Session> whole(std::vector<model::Handle> emits, std::optional<host::Sequence> sequence);

 private:
  std::unique_ptr<host::Session> open(quant::ConfigTable configs, host::SessionRequest request);
  const host::Instance &executor_;
  const host::Context &ctx_;
  std::uint32_t workers_;
  host::WorkingModel copy_;  // its configs are those of the session being opened
};

}  // namespace halftone::pipeline
