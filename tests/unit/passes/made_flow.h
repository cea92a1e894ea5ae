// Graphs of data flow built by hand: values by name, nodes in the order in which they are added.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "passes/training/block_finder.h"

namespace halftone::test {

class MadeFlow {
 public:
  passes::FlowGraph graph;

  std::size_t value(const std::string &name) {
    const auto [at, fresh] = values_.emplace(name, graph.values.size());
    if (fresh) graph.values.emplace_back();
    return at->second;
  }
  // One output, named as the node.
  MadeFlow &node(const std::string &name, const std::vector<std::string> &reads, bool learns = false) {
    passes::FlowNode node;
    for (const std::string &read : reads) node.reads.push_back(value(read));
    node.writes = {value(name)};
    node.learns = learns;
    graph.nodes.push_back(node);
    names_.push_back(name);
    return *this;
  }
  MadeFlow &layer(const std::string &name, const std::vector<std::string> &reads) { return node(name, reads, true); }
  MadeFlow &mover(const std::string &name, const std::vector<std::string> &reads) {
    node(name, reads);
    graph.nodes.back().length = 0;
    return *this;
  }
  MadeFlow &output(const std::string &name) {
    graph.values[value(name)].kept = true;
    return *this;
  }

  // "entries > nodes > exit" of each block.
  std::vector<std::string> blocks(unsigned size) {
    graph.link();
    std::vector<std::string> texts;
    for (const passes::Block &block : passes::find_blocks(graph, {size, 12})) texts.push_back(text(block));
    return texts;
  }
  std::string name_of(std::size_t wanted) const {
    for (const auto &[name, value] : values_) {
      if (value == wanted) return name;
    }
    return "?";
  }

 private:
  std::string text(const passes::Block &block) const {
    std::string text;
    for (const std::size_t v : block.entries) text.append(name_of(v)).append(" ");
    text += ">";
    for (const std::size_t n : block.nodes) text.append(" ").append(names_[n]);
    return text.append(" > ").append(name_of(block.exit));
  }
  std::map<std::string, std::size_t> values_;
  std::vector<std::string> names_;
};

}  // namespace halftone::test
