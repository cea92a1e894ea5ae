// The executor "onednn": float and simulated quantization at the speed of oneDNN, and integer mode.
#include "halftone/executor.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <elf.h>
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "engine.h"

namespace halftone::onednn {
namespace {

[[noreturn]] void refuse(std::string_view file, std::string_view reason) {
  std::string text = "the kernels of executor onednn cannot be loaded: ";
  text.append(file).append(reason);
  text +=
      "; install oneDNN and the whole of Halftone (its folders plugins and engines belong side by side), or choose the "
      "executor reference";
  throw sdk::Failure(HT_FAILED_PRECONDITION, std::move(text));
}

// The loader dies on a library that was cut off, instead of refusing it.
void require_whole(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  Elf64_Ehdr header{};
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (error) refuse(file.native(), " cannot be read: " + error.message());
  in.read(reinterpret_cast<char *>(&header), sizeof(header));
  const bool elf = in.good() && std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  if (!elf || header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize > size) {
    refuse(file.native(), " is no library, or was cut off");
  }
}

// The library stays loaded: oneDNN's threads and caches outlive an executor.
struct LoadedEngine {
  const boost::dll::shared_library *library = nullptr;
  const Engine *engine = nullptr;
};

// Beside the folder of plug-ins, because it is none.
LoadedEngine load_engine_once() {
  const std::filesystem::path file =
      boost::dll::this_line_location().parent_path().parent_path() / "engines" / kEngineFile;
  require_whole(file);
  auto library = std::make_unique<boost::dll::shared_library>();
  boost::dll::fs::error_code error;
  ::dlerror();  // forgets an older failure
  library->load(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, error);
  if (error) {
    const char *reason = ::dlerror();  // Boost's error codes carry nothing of it
    refuse("", reason == nullptr ? "the system's loader refuses it" : reason);
  }
  const Engine *engine = library->has(kEngineSymbol) ? &library->get<const Engine>(kEngineSymbol) : nullptr;
  if (engine == nullptr || std::string_view(engine->build) != kBuild) {
    refuse(file.native(), " is not of this build");
  }
  return {library.release(), engine};
}

const Engine &load_engine() {
  static const LoadedEngine loaded = load_engine_once();  // a failure is tried again by the next executor
  return *loaded.engine;
}

}  // namespace

class Executor final : public sdk::Executor {
 public:
  static constexpr std::uint32_t kModes = (1U << HT_MODE_FLOAT) | (1U << HT_MODE_SIMULATED) | (1U << HT_MODE_INTEGER);
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
    integer::describe_multiplier(d.params);
  }
  explicit Executor(const sdk::Args &args) : engine_(load_engine()), multiplier_(integer::multiplier_of(args)) {}

  void supports(const sdk::Context &ctx, ht_handle node, std::uint32_t mode) override {
    require_mode(mode);
    engine_.supports(ctx, node);
  }
  std::unique_ptr<sdk::Session> open(const sdk::Context &ctx, const ht_session_options &options) override {
    require_mode(options.mode);
    if (options.mode == HT_MODE_INTEGER) return engine_.open_integer(ctx, options, multiplier_);
    return engine_.open(ctx, options);
  }

 private:
  static void require_mode(std::uint32_t mode) {
    if (mode < 32 && (kModes >> mode & 1U) != 0) return;
    throw sdk::Failure(HT_UNIMPLEMENTED, "executor onednn runs the modes float, simulated and integer");
  }
  const Engine &engine_;
  integer::Multiplier multiplier_;
};

}  // namespace halftone::onednn

using halftone::onednn::Executor;
HALFTONE_EXECUTOR(Executor)
HALFTONE_PLUGIN("halftone.onednn", "0.1.0", "Apache-2.0")
