// The library that holds the kernels of the executor "onednn", as its plug-in sees it. oneDNN is large: the plug-in
// loads this library when an executor is made, so that programs which only list what there is never read oneDNN.
#pragma once

#include <memory>

#include "halftone/executor.hpp"
#include "integer/session.h"

namespace halftone::onednn {

// What crosses is C++, so both must come from one build.
struct Engine {
  const char *build;  // equals kBuild of the plug-in
  // Throws sdk::Failure for a node that cannot run.
  void (*supports)(const sdk::Context &ctx, ht_handle node);
  std::unique_ptr<sdk::Session> (*open)(const sdk::Context &ctx, const ht_session_options &options);
  // Integer mode: the shared form of it, with sums of our own.
  std::unique_ptr<sdk::Session> (*open_integer)(const sdk::Context &ctx, const ht_session_options &options,
                                                integer::Multiplier multiplier);
};

inline constexpr const char *kBuild = HALFTONE_ONEDNN_BUILD " " __VERSION__;
inline constexpr const char *kEngineFile = "ht_onednn_engine.so";
inline constexpr const char *kEngineSymbol = "halftone_onednn_engine";

}  // namespace halftone::onednn
