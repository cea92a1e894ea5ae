// An exporter that writes a table of all scales and zero points, for a runtime that takes the float model and a table
// beside it. It shows what most exporters do: walk over the operators, read the quantizers, write a file.
#include <halftone/exporter.hpp>
#include <halftone/walk.hpp>

#include <cinttypes>
#include <cstdio>

namespace sdk = halftone::sdk;

class TemplateName final : public sdk::Exporter {
 public:
  static constexpr const char *kExtension = ".csv";  // what a path must end with; nullptr for any

  // Data, which the host reads before it runs anything: `halftone help exporter template-name` prints it.
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("a table of scales and zero points");
    d.doc("One line for each scale: operator, slot, index of the channel or block, scale, zero point.");
    d.capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_FILE_WRITE);
    d.params.flag("header", "Begins with a line of column names.", true);
  }
  explicit TemplateName(const sdk::Args &args) : header_(args.flag("header")) {}

  // The model is a copy that an exporter may edit (with HT_CAP_GRAPH_EDIT); nothing appears under `path` before the
  // whole run has succeeded.
  void write(const sdk::Context &ctx, const std::string &path) override {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    std::string text = header_ ? "operator,slot,index,scale,zero_point\n" : "";
    for (const ht_handle handle : sdk::every_node(graph)) {
      const sdk::Node node = graph.node(handle);
      for (const ht_handle config : sdk::configs_of(configs, node)) {
        // `true`: parameters whose stored values are quantized already have their quantizer here, too.
        const auto quantizer = configs.quantizer(config, true);
        if (!quantizer) continue;  // in float, or covered by another slot
        const ht_config_info info = configs.info(config);
        const char *direction = info.direction == HT_SLOT_INPUT ? "input" : "output";
        const std::string slot = std::string(node.name()) + "," + direction + std::to_string(info.slot) + ",";
        for (std::uint64_t i = 0; i < quantizer->count; ++i) {
          char line[80];
          std::snprintf(line, sizeof line, "%" PRIu64 ",%.9g,%" PRId32 "\n", i,
                        static_cast<double>(quantizer->scales[i]), quantizer->zero_points[i]);
          text += slot + line;
        }
      }
    }
    const ht_str name = sdk::view(path);
    sdk::check(ctx.host.model_io->write_file(ctx.raw, &name, text.data(), text.size()));
  }

 private:
  bool header_;
};

HALFTONE_EXPORTER(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
