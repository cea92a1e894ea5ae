// A model of one node of an operator, on stored inputs that are made: what kernels and gradients are tried on.
#pragma once

#include <cstddef>
#include <vector>

#include "core/check/exercise.h"
#include "core/check/made_tensors.h"
#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/plugin_host.h"

namespace halftone::check {

struct MadeNode {
  // `of`: an ht_op_kernel or ht_op_gradient, whose domain, type and first opset the node has.
  template <typename Operator>
  MadeNode(Workbench &bench, const Subject &subject, const Operator &of, std::size_t inputs)
      : host(subject.component->description->capabilities), kernels(bench.registry()) {
    model::Model &m = working.model;
    m.set_opset("", 13);
    m.set_opset(of.domain, of.since_opset);
    std::vector<model::Handle> values;
    for (std::size_t i = 0; i < inputs; ++i) {
      tensors.push_back(input_tensor(i));
      values.push_back(m.add_initializer(m.main_graph(), fmt::format("input{}", i), tensors.back()));
    }
    const model::Handle output = m.add_value(m.main_graph(), "output");
    handle = m.add_node(m.main_graph(), of.op_type, of.domain, "node", values, std::vector<model::Handle>{output});
    ctx.working = &working;
    ctx.kernels = &kernels;
    ctx.component = subject.id;
  }
  MadeNode(const MadeNode &) = delete;
  MadeNode &operator=(const MadeNode &) = delete;

  host::PluginHost host;
  host::KernelIndex kernels;
  host::WorkingModel working;
  std::vector<model::Tensor> tensors;  // of the inputs
  model::Handle handle = HT_NONE;
  host::Context ctx;
};

}  // namespace halftone::check
