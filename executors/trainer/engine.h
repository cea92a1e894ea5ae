// The library that holds the trainer's sessions, as its plug-in sees it. oneDNN is large: the plug-in loads this
// library when a session is opened, so that programs which train nothing never read oneDNN.
#pragma once

#include <memory>

#include "halftone/trainer.hpp"

namespace halftone::trainer {

// What crosses is C++, so both must come from one build.
struct Engine {
  const char *build;  // equals kBuild of the plug-in
  void (*supports)(const sdk::Context &ctx, ht_handle node);
  std::unique_ptr<sdk::TrainSession> (*open)(const sdk::Context &ctx, const ht_train_options &options);
};

inline constexpr const char *kBuild = HALFTONE_TRAINER_BUILD " " __VERSION__;
inline constexpr const char *kEngineFile = "ht_trainer_engine.so";
inline constexpr const char *kEngineSymbol = "halftone_trainer_engine";

}  // namespace halftone::trainer
