#include "core/cli/plan_table.h"

#include "core/host/arguments.h"

namespace halftone::cli {

Table plan_table(const pipeline::Runner &runner) {
  Table table({"step", "pass", "parameters", "from"});
  std::size_t number = 0;
  for (const pipeline::PlannedStep &step : runner.plan()) {
    const host::Arguments arguments(step.component->description->params, step.component->description->param_count,
                                    &step.settings, std::string(step.component->id()));
    std::string text = arguments.canonical();
    for (char &c : text) {
      if (c == '\n') c = ' ';
    }
    table.add({std::to_string(++number), std::string(step.component->id()), text,
               step.inserted ? "added: a later pass needs it" : (step.where.line == 0 ? "" : step.where.text())});
  }
  return table;
}

}  // namespace halftone::cli
