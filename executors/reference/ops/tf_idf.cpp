// TfIdfVectorizer over integers: how often each n-gram of a pool occurs, with gaps between its items. Strings are not
// offered. Source: ONNX operator TfIdfVectorizer, opset 9.
#include <map>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class TfIdfVectorizer {
 public:
  explicit TfIdfVectorizer(const sdk::OpNode &node)
      : mode_(node.text("mode", "TF")),
        shortest_(node.integer("min_gram_length", 1)),
        longest_(node.integer("max_gram_length", 1)),
        skips_(node.integer("max_skip_count", 0)),
        indexes_(node.integers("ngram_indexes")),
        weights_(node.numbers("weights")) {
    if (node.attribute("pool_strings")) throw sdk::Failure(HT_UNIMPLEMENTED, "it works on strings");
    if (mode_ != "TF" && mode_ != "IDF" && mode_ != "TFIDF") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "mode '" + mode_ + "' is none of TF, IDF and TFIDF");
    }
    if (shortest_ < 1 || longest_ < shortest_ || skips_ < 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "min_gram_length, max_gram_length or max_skip_count is out of range");
    }
    read_pool(node.integers("pool_int64s"), node.integers("ngram_counts"));
    if (grams_.size() > indexes_.size() || (!weights_.empty() && weights_.size() < indexes_.size())) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "ngram_indexes or weights has not one entry per n-gram");
    }
    for (const std::int64_t index : indexes_) {
      if (index < 0 || index >= std::int64_t{1} << 40) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "an ngram_index is " + std::to_string(index));
      }
      width_ = std::max(width_, index + 1);
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, Types<std::int32_t, std::int64_t>{});
    if (inputs[0].rank > 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has more than two axes");
    Shape shape = {width_};
    if (inputs[0].rank == 2) shape.insert(shape.begin(), inputs[0].shape[0]);
    sdk::set_type(outputs[0], HT_F32, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape items = integers_of(inputs[0]);
    const std::int64_t rows = inputs[0].rank == 2 ? inputs[0].shape[0] : 1;
    const std::int64_t length = rows == 0 ? 0 : static_cast<std::int64_t>(items.size()) / rows;
    float *y = out_data<float>(outputs[0]);
    std::fill_n(y, count_of(outputs[0]), 0.0F);
    for (std::int64_t r = 0; r < rows; ++r) {
      const Shape row(items.begin() + r * length, items.begin() + (r + 1) * length);
      for (const auto &[number, count] : counted(row)) {
        const double weight = weights_.empty() ? 1.0 : static_cast<double>(weights_[number]);
        const double value = mode_ == "TF" ? static_cast<double>(count)
                                           : (mode_ == "IDF" ? weight : weight * static_cast<double>(count));
        y[r * width_ + indexes_[number]] = static_cast<float>(value);
      }
    }
  }

 private:
  // ngram_counts says where in the pool the 1-grams, 2-grams, ... begin.
  void read_pool(const Shape &pool, const Shape &starts) {
    for (std::size_t n = 1; n <= starts.size(); ++n) {
      const std::int64_t end = n < starts.size() ? starts[n] : static_cast<std::int64_t>(pool.size());
      const auto width = static_cast<std::int64_t>(n);
      if (starts[n - 1] < 0 || starts[n - 1] > end || end > static_cast<std::int64_t>(pool.size()) ||
          (end - starts[n - 1]) % width != 0) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "ngram_counts does not divide the pool into n-grams");
      }
      for (std::int64_t at = starts[n - 1]; at < end; at += width) {
        grams_.emplace(Shape(pool.begin() + at, pool.begin() + at + width), grams_.size());
      }
    }
  }
  std::map<std::size_t, std::int64_t> counted(const Shape &row) const {
    std::map<std::size_t, std::int64_t> counts;
    const auto length = static_cast<std::int64_t>(row.size());
    // Longer n-grams and wider gaps than the row has items occur nowhere.
    for (std::int64_t n = shortest_; n <= std::min(longest_, length); ++n) {
      for (std::int64_t gap = 1; gap <= (n == 1 ? 1 : std::min(skips_, length) + 1); ++gap) {
        for (std::int64_t start = 0; start + (n - 1) * gap < length; ++start) {
          Shape gram;
          for (std::int64_t i = 0; i < n; ++i) gram.push_back(row[static_cast<std::size_t>(start + i * gap)]);
          if (const auto found = grams_.find(gram); found != grams_.end()) ++counts[found->second];
        }
      }
    }
    return counts;
  }
  std::string mode_;
  std::int64_t shortest_, longest_, skips_, width_ = 0;
  Shape indexes_;
  std::vector<float> weights_;
  std::map<Shape, std::size_t> grams_;
};

}  // namespace
HALFTONE_OP_KERNEL(TfIdfVectorizer, "TfIdfVectorizer", 9, kNewest)
}  // namespace halftone::reference
