// The trainer "native": gradients and optimizer steps over oneDNN and plain gradients.
#include "halftone/trainer.hpp"

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
#include "method_listing.h"

namespace halftone::trainer {
namespace {

[[noreturn]] void refuse(const std::filesystem::path &file, std::string_view reason) {
  std::string text = "the library of the trainer native cannot be loaded: " + file.native() + " ";
  text += reason;
  text += "; install oneDNN and the whole of Halftone (its folders plugins and engines belong side by side)";
  throw sdk::Failure(HT_FAILED_PRECONDITION, std::move(text));
}

// The loader dies on a library that was cut off, instead of refusing it.
void require_whole(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  Elf64_Ehdr header{};
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (error) refuse(file, "cannot be read: " + error.message());
  in.read(reinterpret_cast<char *>(&header), sizeof(header));
  const bool elf = in.good() && std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  if (!elf || header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize > size) {
    refuse(file, "is no library, or was cut off");
  }
}

// Beside the folder of plug-ins, because it is none. It stays loaded: oneDNN's caches outlive a trainer.
const Engine &load_once() {
  const std::filesystem::path file =
      boost::dll::this_line_location().parent_path().parent_path() / "engines" / kEngineFile;
  require_whole(file);
  auto library = std::make_unique<boost::dll::shared_library>();
  boost::dll::fs::error_code error;
  ::dlerror();  // forgets an older failure
  library->load(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, error);
  if (error) {
    const char *reason = ::dlerror();
    refuse(file, reason == nullptr ? "is refused by the system's loader" : reason);
  }
  const Engine *engine = library->has(kEngineSymbol) ? &library->get<const Engine>(kEngineSymbol) : nullptr;
  if (engine == nullptr || std::string_view(engine->build) != kBuild) refuse(file, "is not of this build");
  library.release();
  return *engine;
}

// What passes can ask for; numbers are those of halftone/trainer.h.
const char *doc() {
  static const std::string text = std::string(
                                      "Computes a part of the model forward and backward as its configs quantize it, "
                                      "in shards of the batch on the threads of the run. Convolutions and products "
                                      "run through oneDNN's primitives of training; other operators through the "
                                      "kernels and gradients of the loaded plug-ins. The bytes of every result are "
                                      "the same for any number of threads.\n"
                                      "\n"
                                      "Fake quantizers, and what can be set of each:\n") +
                                  kMethodListing +
                                  "\n"
                                  "Losses:\n"
                                  "  mse: the mean of squared differences from the target.\n"
                                  "  power: the mean over positions of the sum over channels of |difference|^p.\n"
                                  "  cross-entropy: of class numbers.\n"
                                  "  kl: divergence from the softened probabilities of a teacher, by a temperature.\n"
                                  "\n"
                                  "Optimizers:\n"
                                  "  sgd: momentum, and Nesterov's look-ahead; weight decay.\n"
                                  "  adam: Kingma and Ba 2015, with bias correction; weight decay.";
  return text.c_str();
}

const Engine &engine() {
  static const Engine &loaded = load_once();  // a failure is tried again next time
  return loaded;
}

}  // namespace

class NativeTrainer final : public sdk::Trainer {
 public:
  static void describe(sdk::Description &d) {
    d.id("native")
        .title("gradients and optimizer steps over oneDNN")
        .doc(doc())
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_EXECUTE | HT_CAP_THREADS)
        .determinism(HT_DETERMINISM_EXACT)
        .threading(HT_THREADING_INSTANCE)
        .needs({HT_GRAPH_1, HT_CONFIG_1, HT_ARITHMETIC_1, HT_OP_KERNEL_1, HT_OP_GRADIENT_1, HT_PARALLEL_1});
  }
  explicit NativeTrainer(const sdk::Args &) {}

  void supports(const sdk::Context &ctx, ht_handle node) override { engine().supports(ctx, node); }
  std::unique_ptr<sdk::TrainSession> open(const sdk::Context &ctx, const ht_train_options &options) override {
    return engine().open(ctx, options);
  }
};

}  // namespace halftone::trainer

using halftone::trainer::NativeTrainer;
HALFTONE_TRAINER(NativeTrainer)
HALFTONE_PLUGIN("halftone.trainer", "0.1.0", "Apache-2.0")
