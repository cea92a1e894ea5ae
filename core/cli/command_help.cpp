// `halftone help`: commands, and components with their parameters.
#include <cstdio>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/help_page.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::cli {

namespace {

void print_commands() {
  std::puts("halftone quantizes neural networks: a float ONNX model in, a quantized one for a named target out.\n");
  std::puts("usage: halftone COMMAND [arguments]      (halftone COMMAND --help for the options)\n");
  Table table({"command", "what it does"});
  for (const Command &command : commands()) table.add({command.name, command.summary});
  std::fputs(table.text().c_str(), stdout);
}

std::uint32_t kind_of(const std::string &word) {
  for (std::uint32_t kind = HT_KIND_PASS; kind <= HT_KIND_OP_GRADIENTS; ++kind) {
    if (word == host::kind_name(kind)) return kind;
  }
  fail(Status::kInvalidArgument,
       "`halftone help` takes a command, or a kind and a name: pass, executor, platform, observer, exporter, reader, "
       "trainer");
}

}  // namespace

int command_help(const std::vector<std::string> &arguments) {
  namespace po = boost::program_options;
  if (arguments.empty()) {
    print_commands();
    return kExitOk;
  }
  for (const Command &command : commands()) {
    if (arguments.size() == 1 && arguments.front() == command.name) return command.run({"--help"});
  }
  po::options_description options("options");
  options.add_options()("topic", po::value<std::vector<std::string>>(), "kind and name")(
      "markdown", po::bool_switch(), "a page in Markdown instead of text");
  po::positional_options_description positional;
  positional.add("topic", 2);
  po::variables_map values;
  if (!parse_arguments("help", "KIND NAME", options, positional, arguments, values)) return kExitOk;
  const auto topic = values["topic"].as<std::vector<std::string>>();
  const std::uint32_t kind = kind_of(topic.front());
  if (topic.size() < 2)
    fail(Status::kInvalidArgument, "name the {}: halftone help {} NAME", topic.front(), topic.front());
  const host::Registry registry = open_registry(values);
  const bool page = values["markdown"].as<bool>();
  std::string text;
  if (kind == HT_KIND_PLATFORM) {
    const pipeline::PlatformDescriptor platform = pipeline::find_platform(registry, topic[1], {});
    text = page ? help_page(platform) : help_text(platform);
  } else {
    const host::Component &component = pipeline::named_component(registry, kind, topic[1]);
    text = page ? help_page(component) : help_text(component);
  }
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
