// The executor "onednn": float and simulated quantization at the speed of oneDNN.
#include "halftone/executor.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>

#include <string>

#include "engine.h"

namespace halftone::onednn {
namespace {

// Beside the folder of plug-ins, because it is none. Stays loaded: oneDNN's threads and caches outlive an executor.
const Engine &load_engine() {
  const auto file = boost::dll::this_line_location().parent_path().parent_path() / "engines" / kEngineFile;
  static auto *library = new boost::dll::shared_library;
  boost::dll::fs::error_code error;
  ::dlerror();  // forgets an older failure
  if (!library->is_loaded())
    library->load(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, error);
  if (error || !library->has(kEngineSymbol)) {
    const char *reason = ::dlerror();  // Boost's error codes carry nothing of it
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the kernels of executor onednn cannot be loaded: " +
                           (reason == nullptr ? "'" + file.string() + "' is not the library of this build" : reason) +
                           "; install oneDNN and the whole of Halftone, or choose the executor reference");
  }
  return library->get<const Engine>(kEngineSymbol);
}

}  // namespace

class Executor final : public sdk::Executor {
 public:
  static constexpr std::uint32_t kModes = (1U << HT_MODE_FLOAT) | (1U << HT_MODE_SIMULATED);
  static void describe(sdk::Description &d) {
    d.id("onednn")
        .title("oneDNN primitives in blocked layouts, one sample on one thread")
        .doc(
            "Compiles the model once for each set of input shapes: convolutions and poolings keep their results in the "
            "layout that suits them, element-wise operators run inside the step before, memory is planned by liveness. "
            "Operators without a form of its own run through plain kernels. A sample gives the same bits whatever the "
            "number of workers; results agree with the executor reference within float32 rounding.")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_EXECUTE)
        .determinism(HT_DETERMINISM_EXACT)
        .threading(HT_THREADING_FREE)
        .needs({HT_GRAPH_1, HT_CONFIG_1, HT_ARITHMETIC_1, HT_OP_KERNEL_1, HT_MEMORY_1});
  }
  explicit Executor(const sdk::Args &) : engine_(load_engine()) {}

  void supports(const sdk::Context &ctx, ht_handle node, std::uint32_t mode) override {
    require_mode(mode);
    engine_.supports(ctx, node);
  }
  std::unique_ptr<sdk::Session> open(const sdk::Context &ctx, const ht_session_options &options) override {
    require_mode(options.mode);
    return engine_.open(ctx, options);
  }

 private:
  static void require_mode(std::uint32_t mode) {
    if (mode < 32 && (kModes >> mode & 1U) != 0) return;
    throw sdk::Failure(HT_UNIMPLEMENTED, "executor onednn runs the modes float and simulated");
  }
  const Engine &engine_;
};

}  // namespace halftone::onednn

using halftone::onednn::Executor;
HALFTONE_EXECUTOR(Executor)
HALFTONE_PLUGIN("halftone.onednn", "0.1.0", "Apache-2.0")
