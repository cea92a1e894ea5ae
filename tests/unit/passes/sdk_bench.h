// A working model with the C++ layer of the SDK over it, as a pass sees it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "core/host/context.h"
#include "core/host/service/services.h"
#include "core/model/verify.h"
#include "halftone/rewire.hpp"
#include "tests/unit/model/graph_maker.h"

namespace halftone::test {

using model::test::GraphMaker;

inline const void *HT_CALL graph_service(const ht_host *, const char *id) {
  return host::find_service(id, HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT);
}

// A working model and the SDK over it.
struct Bench {
  explicit Bench(GraphMaker maker) : graph_(maker.graph) {
    working.model = std::move(maker.model);
    raw.working = &working;
  }
  ~Bench() {
    for (const std::string &fault : model::find_faults(working.model)) FAIL_CHECK(fault);
  }
  Bench(const Bench &) = delete;
  Bench &operator=(const Bench &) = delete;

  model::Handle value(std::string_view name) const { return working.model.find_value(graph_, name); }
  model::Handle node(std::string_view name) const { return working.model.find_node(graph_, name); }
  std::string reads(std::string_view name, std::size_t slot = 0) const {
    return working.model.value(working.model.node(node(name)).inputs[slot]).name;
  }
  std::string ops() const { return model::test::ops_in_order(working.model); }

  host::WorkingModel working;
  ht_host raw_host = {sizeof(ht_host), 0, 0, 0, "test", "1", &graph_service, nullptr, nullptr};
  sdk::Host host{&raw_host};
  host::Context raw;
  sdk::Context ctx{host, &raw};
  sdk::Graph graph{ctx};
  sdk::GraphEdit edit{ctx};
  sdk::Rewire rewire{graph, edit};

 private:
  model::Handle graph_;
};

}  // namespace halftone::test
