// `halftone new`: the beginning of a plug-in as a folder that builds, with a test.
#include <array>
#include <cstdio>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/command.h"
#include "core/cli/scaffold.h"

namespace halftone::cli {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

constexpr const char *kNewUsage =
    "pass | platform | observer | exporter | executor | reader | op-kernels | op-gradients NAME [--language c | cpp] "
    "[--output FOLDER]";

struct NewKind {
  const char *name;
  std::uint32_t kind;
  const char *list;  // the command that shows it
};
constexpr std::array kKinds = {NewKind{"pass", HT_KIND_PASS, "passes"},
                               NewKind{"platform", HT_KIND_PLATFORM, "platforms"},
                               NewKind{"observer", HT_KIND_OBSERVER, "observers"},
                               NewKind{"exporter", HT_KIND_EXPORTER, "exporters"},
                               NewKind{"executor", HT_KIND_EXECUTOR, "executors"},
                               NewKind{"reader", HT_KIND_READER, "readers"},
                               NewKind{"op-kernels", HT_KIND_OP_KERNELS, "plugins"},
                               NewKind{"op-gradients", HT_KIND_OP_GRADIENTS, "plugins"}};

const NewKind &kind_of(const std::string &word) {
  std::vector<std::string> known;
  for (const NewKind &kind : kKinds) {
    if (word == kind.name) return kind;
    known.emplace_back(kind.name);
  }
  fail(Status::kInvalidArgument,
       "`halftone new` makes no '{}'{}; it makes a pass, platform, observer, exporter, executor, reader, op-kernels or "
       "op-gradients",
       word, nearest_hint(word, known));
}

Language language_of(const NewKind &kind, const std::string &word) {
  if (kind.kind == HT_KIND_PLATFORM && word.empty()) return Language::kNone;
  if (word.empty() || word == "cpp") return Language::kCpp;
  if (word == "c") return Language::kC;
  fail(Status::kInvalidArgument, "--language '{}' is none of c and cpp", word);
}

// Which plug-ins would then have two of the name.
void refuse_taken(const host::Registry &registry, const NewKind &kind, const std::string &id) {
  std::string file;
  if (const host::Component *component = registry.find(kind.kind, id)) file = component->plugin->file.string();
  if (kind.kind == HT_KIND_PLATFORM) {
    if (const auto found = registry.descriptors.find(id); found != registry.descriptors.end())
      file = found->second.string();
  }
  if (file.empty()) return;
  fail(Status::kInvalidArgument, "there is a {} '{}' already, in '{}'; choose another name", kind.name, id, file);
}

void refuse_existing(const fs::path &folder) {
  std::error_code error;
  if (fs::symlink_status(folder, error).type() != fs::file_type::not_found) {
    fail(Status::kInvalidArgument, "'{}' is there already, and nothing is overwritten; name another with --output",
         folder.string());
  }
}

// For a shell, where the path has anything that it would take for its own.
std::string shell_text(const std::string &text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,:@%";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

void print_next(const NewKind &kind, const std::string &id, const fs::path &folder,
                const std::vector<fs::path> &files) {
  std::printf("wrote %s:\n", folder.c_str());
  for (const fs::path &file : files) std::printf("  %s\n", file.c_str());
  const std::string source = shell_text(folder.string()), build = shell_text((folder / "build").string());
  std::printf("\nnext:\n");
  std::printf("  cmake -S %s -B %s -DCMAKE_PREFIX_PATH=%s\n", source.c_str(), build.c_str(),
              shell_text(prefix_folder().string()).c_str());
  std::printf("  cmake --build %s\n", build.c_str());
  std::printf("  ctest --test-dir %s\n", build.c_str());
  std::printf("\n`halftone %s --plugin-path %s` lists %s '%s' then; README.md says how to use it.\n", kind.list,
              build.c_str(), kind.name, id.c_str());
}

}  // namespace

int command_new(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("what", po::value<std::vector<std::string>>()->value_name("KIND NAME"),
                        "a kind of component, and what it will be called")(
      "language,l", po::value<std::string>()->value_name("LANGUAGE"),
      "c or cpp, cpp unless given; a platform has no code unless given")(
      "output,o", po::value<std::string>()->value_name("FOLDER"),
      "where to write; the folder NAME unless given. It must not be there")(
      "namespace", po::value<std::string>()->default_value("com.example")->value_name("NAME"),
      "what the plug-in's id begins with: a domain of yours, reversed");
  po::positional_options_description positional;
  positional.add("what", 2);
  po::variables_map values;
  if (!parse_arguments("new", kNewUsage, options, positional, arguments, values)) return kExitOk;
  const std::vector<std::string> what = texts_of(values, "what");
  if (what.empty()) fail(Status::kInvalidArgument, "say what to make; usage: halftone new {}", kNewUsage);
  const NewKind &kind = kind_of(what[0]);
  if (what.size() != 2)
    fail(Status::kInvalidArgument, "say what to call the {}: halftone new {} NAME", kind.name, kind.name);
  const Language language = language_of(kind, text_of(values, "language"));
  const ScaffoldNames names = scaffold_names(what[1], text_of(values, "namespace"));
  fs::path folder = values.count("output") == 0 ? fs::path(names.id) : fs::path(text_of(values, "output"));
  if (!folder.has_filename()) folder = folder.parent_path();  // "folder/"
  refuse_existing(folder);
  refuse_taken(open_registry(values), kind, names.id);
  print_next(kind, names.id, folder, write_scaffold(kind.name, language, names, folder));
  return kExitOk;
}

}  // namespace halftone::cli
