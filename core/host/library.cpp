#include "core/host/library.h"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <boost/dll/shared_library.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/host/elf.h"

namespace halftone::host {
namespace {

// Keeps a library loaded until the process ends. The list is never destroyed: its destructor would unload.
void keep_loaded(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto *kept = new std::vector<boost::dll::shared_library>;
  const std::scoped_lock lock(mutex);
  kept->push_back(std::move(library));
}

// The dynamic loader's own words; Boost's error codes carry nothing of them.
std::string loader_text() {
  const char *text = ::dlerror();
  return text == nullptr ? "the system's loader refuses it" : text;
}

}  // namespace

const ht_plugin *open_plugin(const std::filesystem::path &file) {
  if (!file.is_absolute()) fail(Status::kInternal, "plug-in '{}': its path is not absolute", file.string());
  check_elf(file);
  boost::dll::shared_library library;
  boost::dll::fs::error_code error;
  ::dlerror();  // forgets an older failure
  // Lazy binding would kill the process at the first call of a missing function.
  library.load(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, error);
  if (error) {
    fail(Status::kFailedPrecondition, "plug-in '{}': it cannot be loaded: {}; install what it needs or rebuild it",
         file.string(), loader_text());
  }
  const bool has_entry = library.has("ht_plugin_entry");
  const ht_plugin *plugin = has_entry ? &library.get<const ht_plugin>("ht_plugin_entry") : nullptr;
  keep_loaded(std::move(library));
  if (plugin == nullptr) {
    fail(Status::kInvalidArgument,
         "plug-in '{}': it exports no ht_plugin_entry, so it is no Halftone plug-in; build it with "
         "halftone_add_plugin()",
         file.string());
  }
  return plugin;
}

}  // namespace halftone::host
