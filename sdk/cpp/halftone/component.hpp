// From a C++ class to a component of a plug-in.
//
//   class Mine final : public sdk::Pass {
//    public:
//     static void describe(sdk::Description &d) { d.id("mine").title("...").capabilities(...); d.params.flag(...); }
//     explicit Mine(const sdk::Args &args);
//     void run(const sdk::Context &ctx) override;
//   };
//   HALFTONE_PASS(Mine)
//
// and once in each plug-in: HALFTONE_PLUGIN("vendor.name", "1.0", "Apache-2.0")
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "halftone/host.hpp"
#include "halftone/param.hpp"

namespace halftone::sdk {

// Everything static about a component. Texts are string literals.
class Description {
 public:
  explicit Description(std::uint32_t kind) {
    component.struct_size = sizeof(ht_component);
    component.kind = kind;
    component.determinism = HT_DETERMINISM_EXACT;
    component.threading = HT_THREADING_INSTANCE;
    component.version = "0.1.0";
    component.doc = "";
  }
  Description &id(const char *text) { return set(component.id, text); }
  Description &version(const char *text) { return set(component.version, text); }
  Description &title(const char *text) { return set(component.title, text); }
  Description &doc(const char *text) { return set(component.doc, text); }
  Description &capabilities(std::uint64_t bits) { return set(component.capabilities, bits); }
  Description &determinism(std::uint32_t value) { return set(component.determinism, value); }
  Description &threading(std::uint32_t value) { return set(component.threading, value); }
  Description &after(std::initializer_list<const char *> facts) { return set(after_, facts); }
  Description &provides(std::initializer_list<const char *> facts) { return set(provides_, facts); }
  Description &invalidates(std::initializer_list<const char *> facts) { return set(invalidates_, facts); }
  Description &needs(std::initializer_list<const char *> services) { return set(needs_, services); }
  Description &role(const char *role_id, const void *table) {
    role_ = {sizeof(ht_role), 0, role_id, table};
    return *this;
  }
  // Points the component at what was collected here; the description must stay where it is afterwards.
  void seal() {
    component.params = params.schema().data();
    component.param_count = params.schema().size();
    component.after = after_.data();
    component.after_count = after_.size();
    component.provides = provides_.data();
    component.provide_count = provides_.size();
    component.invalidates = invalidates_.data();
    component.invalidate_count = invalidates_.size();
    component.needs = needs_.data();
    component.need_count = needs_.size();
    role_pointer_ = &role_;
    component.roles = &role_pointer_;
    component.role_count = 1;
  }

  ht_component component{};
  Params params;

 private:
  template <typename T, typename V>
  Description &set(T &field, V value) {
    field = value;
    return *this;
  }
  std::vector<const char *> after_, provides_, invalidates_, needs_;
  ht_role role_{};
  const ht_role *role_pointer_ = nullptr;
};

// An instance: the C++ object with its host. Role trampolines cast the instance pointer to this.
template <typename T>
struct Instance {
  Instance(const ht_host *raw, const Args &args) : host(raw), object(args) {}
  Host host;
  T object;
};

template <typename T>
class ComponentOf {
 public:
  static Description &description() {
    static Description *d = [] {
      auto *made = new Description(T::kKind);
      T::describe(*made);
      made->role(T::kRole, T::template role_table<T>());
      made->component.create = &create;
      made->component.destroy = &destroy;
      made->seal();
      return made;
    }();
    return *d;
  }

 private:
  static ht_status HT_CALL create(const ht_host *host, ht_ctx *ctx, const ht_value *args, std::uint64_t count,
                                  void **instance) noexcept {
    return guarded(host, ctx,
                   [&] { *instance = new Instance<T>(host, Args(description().params.schema(), args, count)); });
  }
  static void HT_CALL destroy(void *instance) noexcept { delete static_cast<Instance<T> *>(instance); }
};

// Copies a component's description into the plug-in's list while the library is loaded.
template <typename T>
struct Registrar {
  explicit Registrar(ht_component &slot) { slot = ComponentOf<T>::description().component; }
};

}  // namespace halftone::sdk

// One entry in the plug-in's component list, from any of its source files. The list is a section of its own that the
// linker delimits, so that no file has to name all components.
#define HALFTONE_COMPONENT(Class)                                                                    \
  namespace {                                                                                        \
  ht_component halftone_component_##Class;                                                           \
  const ::halftone::sdk::Registrar<Class> halftone_registrar_##Class{halftone_component_##Class};    \
  __attribute__((used, section("ht_components"))) const ht_component *const halftone_entry_##Class = \
      &halftone_component_##Class;                                                                   \
  }

// The lowest minor of the host's ABI that the plug-in works with. Not the minor of these headers: they ask for what
// came later only where it is there. A plug-in that cannot do without it defines a higher one.
#ifndef HALFTONE_NEEDS_HOST_MINOR
#define HALFTONE_NEEDS_HOST_MINOR 0u
#endif

#define HALFTONE_PLUGIN(plugin_id, plugin_version, plugin_license)                                        \
  extern "C" {                                                                                            \
  __attribute__((visibility("hidden"))) extern const ht_component *const __start_ht_components[];         \
  __attribute__((visibility("hidden"))) extern const ht_component *const __stop_ht_components[];          \
  const ht_plugin ht_plugin_entry = {sizeof(ht_plugin),                                                   \
                                     HT_ABI_MAJOR,                                                        \
                                     HT_ABI_MINOR,                                                        \
                                     HALFTONE_NEEDS_HOST_MINOR,                                           \
                                     plugin_id,                                                           \
                                     plugin_version,                                                      \
                                     plugin_license,                                                      \
                                     __VERSION__,                                                         \
                                     __start_ht_components,                                               \
                                     static_cast<uint64_t>(__stop_ht_components - __start_ht_components), \
                                     nullptr,                                                             \
                                     nullptr};                                                            \
  }
