// What the descriptor says, before any component is made.
#include <algorithm>
#include <string_view>

#include "core/base/error.h"
#include "core/check/checks.h"
#include "core/check/exported_symbols.h"
#include "core/host/schema.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::check {

namespace {

constexpr const char *kEntry = "ht_plugin_entry";

std::string_view text_of(const char *text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

const ht_plugin *plugin_of(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    if (subject.component != nullptr) return subject.component->plugin->plugin;
  }
  return nullptr;
}

bool is_version(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

// Sizes are data of the plug-in: they are of the SDK it was built with, whole words, without a tail.
void check_size(Workbench &bench, const char *what, std::uint32_t size) {
  if (size % 8 == 0) return;
  bench.fail(fmt::format("{} says that it has {} bytes, which is no multiple of 8", what, size),
             "set struct_size to sizeof of the struct");
}

void check_promises(Workbench &bench, const ht_component &d) {
  if (d.determinism == HT_DETERMINISM_NONE) {
    bench.warn("it promises no determinism, so that no result of a run with it can be made again",
               "draw random numbers from a seed that is a parameter");
  }
  const bool writes = (d.capabilities & HT_CAP_FILE_WRITE) != 0;
  if (d.kind == HT_KIND_EXPORTER && !writes)
    bench.warn("an exporter without HT_CAP_FILE_WRITE cannot use the services that write files",
               "declare the capability");
  const std::uint64_t edits = d.capabilities & (HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_EDIT);
  if (d.kind != HT_KIND_PASS && d.kind != HT_KIND_EXPORTER && edits != 0)
    bench.warn("it declares that it edits models, which its kind never does", "declare only what is used");
}

void check_number(Workbench &bench, const ht_param &param) {
  if (param.kind != HT_VALUE_I64 && param.kind != HT_VALUE_F64) return;
  if (param.low.kind != HT_VALUE_NONE && param.high.kind != HT_VALUE_NONE) return;
  bench.warn(fmt::format("parameter '{}' has no lower or no upper bound", param.name),
             "declare both, so that values that make no sense never arrive");
}

}  // namespace

namespace {

// What --set names must be there.
void check_given(Workbench &bench, const std::vector<Subject> &subjects) {
  if (!bench.options().parameters.is_map()) return;
  for (const auto &[id, fields] : bench.options().parameters.map()) {
    const auto subject = std::ranges::find(subjects, id, &Subject::id);
    if (subject == subjects.end() || subject->component == nullptr) {
      bench.fail(fmt::format("--set names component '{}', which it does not have", id), "see `halftone plugins`");
      continue;
    }
    const host::Schema schema(subject->component->description->params, subject->component->description->param_count);
    const std::vector<std::string> known = schema.names();
    for (const auto &[name, value] : fields.map()) {
      if (std::ranges::find(known, name) != known.end()) continue;
      bench.fail(fmt::format("--set names parameter '{}', which {} does not have", name, subject->label()),
                 "`halftone help` lists the parameters");
    }
  }
}

}  // namespace

void check_load(Workbench &bench) {
  if (!bench.reporter().begin({}, {})) return;
  const std::vector<Subject> subjects = bench.subjects();
  if (subjects.empty()) bench.fail("it offers no component", "list the components in ht_plugin_entry");
  check_given(bench, subjects);
  for (const Subject &subject : subjects) {
    if (subject.kind != HT_KIND_PLATFORM || !bench.begin(subject, {})) continue;
    const pipeline::PlatformDescriptor platform = pipeline::find_platform(bench.registry(), subject.id, {});
    if (const Setting *passes = platform.pipeline())
      (void)pipeline::make_plan(bench.registry(), pipeline::parse_passes(*passes), true);
  }
}

void check_symbols(Workbench &bench) {
  if (!bench.reporter().begin({}, {})) return;
  if (bench.options().file.extension() != ".so") return;  // a platform that is a file
  std::vector<std::string> others = exported_symbols(bench.options().file);
  std::erase(others, kEntry);
  if (others.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(others.size(), 5); ++i)
    names += (i == 0 ? "'" : ", '") + others[i] + "'";
  bench.fail(fmt::format("it exports {} symbols beside {}: {}", others.size(), kEntry, names),
             "build it with halftone_add_plugin(), which hides them");
}

void check_descriptor(Workbench &bench) {
  if (const ht_plugin *plugin = plugin_of(bench); plugin != nullptr && bench.reporter().begin({}, {})) {
    check_size(bench, "ht_plugin", plugin->struct_size);
    if (!is_version(text_of(plugin->version)))
      bench.fail(fmt::format("its version '{}' does not begin with a number", plugin->version), "such as \"1.0.2\"");
    if (text_of(plugin->license).empty()) bench.warn("it names no licence", "such as \"Apache-2.0\"");
    if (text_of(plugin->id).find('.') == std::string_view::npos)
      bench.warn(fmt::format("its id '{}' has no vendor in front", plugin->id), "such as \"com.example.NAME\"");
  }
  for (const Subject &subject : bench.subjects()) {
    if (subject.component == nullptr || !bench.begin(subject, {})) continue;
    const ht_component &d = *subject.component->description;
    check_size(bench, "ht_component", d.struct_size);
    for (std::uint64_t i = 0; i < d.role_count; ++i) {
      check_size(bench, "ht_role", d.roles[i]->struct_size);
      check_size(bench, d.roles[i]->id, *static_cast<const std::uint32_t *>(d.roles[i]->table));
    }
    if (d.param_count > 0) check_size(bench, "ht_param", d.params->struct_size);
    if (!is_version(d.version))
      bench.fail(fmt::format("its version '{}' does not begin with a number", d.version), "such as \"1.0.2\"");
    check_promises(bench, d);
  }
}

void check_documentation(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    if (!bench.begin(subject, {})) continue;
    if (subject.component == nullptr) {
      const pipeline::PlatformDescriptor platform = pipeline::find_platform(bench.registry(), subject.id, {});
      if (platform.title.empty()) bench.fail("it has no title", "say in one line which device it is for");
      if (platform.doc.empty()) bench.fail("it has no doc", "say what the device demands, and where that is written");
      continue;
    }
    const ht_component &d = *subject.component->description;
    if (text_of(d.title).empty()) bench.fail("it has no title", "say in one line what it does");
    if (text_of(d.doc).empty()) bench.fail("it has no doc", "say what it does, and where the method comes from");
    const host::Schema schema(d.params, d.param_count);
    for (std::uint64_t i = 0; i < schema.size(); ++i) {
      const ht_param &param = schema[i];
      if (text_of(param.doc).empty())
        bench.fail(fmt::format("parameter '{}' has no doc", param.name), "say what a larger or another value does");
      check_number(bench, param);
    }
  }
}

}  // namespace halftone::check
