#include <string>

#include "network_training.h"
#include "norm_epochs.h"

namespace halftone::passes {
namespace {

void describe_losses(sdk::Params &params) {
  params
      .number("labels", "weight of the cross-entropy of the samples' classes, which `labels` of the data names", 0, 0,
              1e6)
      .number("teacher", "weight of the divergence from the classes' distribution in the float network", 0, 0, 1e6)
      .number("temperature", "that both distributions are softened by", 1, 0.01, 1000)
      .number("error", "weight of the squared error over the power of the float network's outputs", 1, 0, 1e6)
      .number("gamma", "weight of the error of quantized weights alone, added to the loss", 0, 0, 1e6)
      .texts("outputs", "names of values that losses are taken of; empty: the results of the model", {});
}

void describe_methods(sdk::Params &params) {
  params
      .choice("weights", "how weights are fake-quantized", "lsq",
              {"fixed", "lsq", "lsq-plus", "dsq", "tqt", "dorefa", "power-of-two", "adaround"})
      .texts("weight_parameters", "parameters of that method, each as NAME=VALUE", {})
      .choice("activations", "how activations are fake-quantized", "lsq",
              {"fixed", "lsq", "lsq-plus", "pact", "dsq", "tqt", "power-of-two", "qdrop"})
      .texts("activation_parameters", "parameters of that method, each as NAME=VALUE", {})
      .texts("learn", "what is learned, of weights, biases, scales and offsets",
             {"weights", "biases", "scales", "offsets"})
      .choice("batch_norm",
              "normalizations that fold-batch-norm folded: `freeze` trains what they became, `train` normalizes by the "
              "batch again and folds anew at the end, `declared` does what `trainable` of a fusion says and freezes "
              "others",
              "declared", {"declared", "freeze", "train"})
      .integer("batch_norm_epochs",
               "epochs in which normalizations go by the batch; then they are frozen: running statistics are used and "
               "not updated. 0: all epochs",
               0, 0, 1000000, "epochs")
      .texts("layers", "names of nodes, `*` for any text, whose parameters are learned; empty: all", {});
}

void describe_steps(sdk::Params &params) {
  params.integer("epochs", "times that all samples are gone through", 10, 1, 1000000)
      .integer("steps", "optimizer steps in place of `epochs`; 0: by epochs", 0, 0, 1 << 30)
      .integer("batch", "samples of each step", 32, 1, 65536, "samples")
      .integer("accumulate", "batches whose gradients are added before a step", 1, 1, 65536)
      .number("lr", "learning rate of weights and biases", 1e-4, 0, 10)
      .number("scale_lr", "learning rate of scales", 1e-4, 0, 10)
      .number("offset_lr", "learning rate of zero points", 0.01, 0, 100, "codes")
      .number("rounding_lr", "learning rate of roundings (adaround)", 0.01, 0, 10)
      .choice("optimizer", "what makes steps of gradients", "adam", {"adam", "sgd"})
      .number("momentum", "of sgd", 0.9, 0, 1)
      .number("weight_decay", "added to the gradients of weights of rank above 1, times the weight", 0, 0, 1)
      .number("clip", "largest norm of all gradients of a kind together; 0: not clipped", 0, 0, 1e9)
      .choice("schedule", "of the learning rates over the steps", "cosine", {"constant", "step", "cosine"})
      .integer("warm_up", "steps in which the rates grow to what they are", 0, 0, 1 << 30)
      .integer("decay_epochs", "epochs after which `schedule: step` multiplies the rates", 10, 1, 1000000)
      .number("decay", "by this", 0.1, 0, 1)
      .number("regularization", "weight of the term that makes rounding decide (adaround)", 0.01, 0, 1e6)
      .advanced();
}

void describe_rest(sdk::Params &params) {
  params
      .number("validation",
              "samples held out to judge epochs by: below 1 a share, else their number; 0: none, all judge", 0.1, 0,
              1 << 24)
      .choice("measure", "by which the best epoch is kept: the losses, the winner among classes, or noise/signal",
              "loss", {"loss", "top1", "noise"})
      .integer("samples", "calibration samples used; 0: all", 0, 0, 1 << 24, "samples")
      .text("checkpoint", "file that the training goes on from when it was stopped, written after each epoch")
      .integer("checkpoint_steps", "steps after which it is written besides; 0: after epochs only", 0, 0, 1 << 30)
      .flag("resume", "go on from that file where it is there; false: begin anew", true)
      .integer("seed", "of the order of samples and all that is random", 0, 0, INT64_MAX)
      .integer("memory", "most that samples take in memory; the rest goes to a temporary file", 1024, 1, 1 << 20, "MiB")
      .advanced();
}

FakeQuantizerChoice choice_of(const sdk::Args &args, const char *method, const char *parameters) {
  FakeQuantizerChoice choice;
  choice.method = args.text(method);
  for (const std::string &text : args.texts(parameters)) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "`" + std::string(parameters) + "`: '" + text + "' is no NAME=VALUE such as alpha=0.2");
    }
    choice.parameters.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return choice;
}

LearnedKinds kinds_of(const std::vector<std::string> &names) {
  LearnedKinds kinds{false, false, false, false};
  for (const std::string &name : names) {
    bool *kind = name == "weights"   ? &kinds.weights
                 : name == "biases"  ? &kinds.biases
                 : name == "scales"  ? &kinds.scales
                 : name == "offsets" ? &kinds.offsets
                                     : nullptr;
    if (kind == nullptr) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "`learn` names '" + name + "'; choose of: weights, biases, scales, offsets");
    }
    *kind = true;
  }
  return kinds;
}

std::uint64_t count_of(const sdk::Args &args, const char *name) {
  return static_cast<std::uint64_t>(args.integer(name));
}

}  // namespace

class QuantizationAwareTraining final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("quantization-aware-training")
        .title("trains the whole quantized network, by labels or towards the float network")
        .capabilities(kNetworkTrainingCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Goes through the calibration data epoch by epoch and learns weights, biases, scales and zero points of "
            "all layers together, every live config fake-quantizing as it will be exported. Losses are the classes "
            "of the samples (`labels` below `calibration`), the divergence from the float network, the squared error "
            "from it, or a weighted sum. The float network runs once over the data. After each epoch the network is "
            "judged on samples that were held out, rounded as it will be stored, and the best epoch is kept; where "
            "none is "
            "better than the model before, nothing of it is changed.\n"
            "\n"
            "`weights` and `activations` are methods of the trainer (docs/fake-quantizers.md). With `checkpoint` a "
            "run that was stopped goes on from there and ends with the same bytes.\n"
            "\n"
            "Source: Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko, Quantization and Training of Neural "
            "Networks for Efficient Integer-Arithmetic-Only Inference, 2018; the loss `teacher`: Hinton, Vinyals, "
            "Dean, Distilling the Knowledge in a Neural Network, 2015; the loss `error`, taken of what goes into a "
            "softmax: Kim, Oh, Kim, Cho, Yun, Comparing Kullback-Leibler Divergence and Mean Squared Error Loss in "
            "Knowledge Distillation, 2021.\n"
            "MQBench counterpart: training of a model from prepare_by_platform, by a loop of the user's own.");
    describe_losses(d.params);
    describe_methods(d.params);
    describe_steps(d.params);
    describe_rest(d.params);
  }

  explicit QuantizationAwareTraining(const sdk::Args &args) {
    recipe_.outputs = args.texts("outputs");
    recipe_.layers = args.texts("layers");
    recipe_.label_weight = args.number("labels");
    recipe_.teacher_weight = args.number("teacher");
    recipe_.error_weight = args.number("error");
    recipe_.temperature = args.number("temperature");
    recipe_.quantization_weight = args.number("gamma");
    recipe_.weights = choice_of(args, "weights", "weight_parameters");
    recipe_.activations = choice_of(args, "activations", "activation_parameters");
    recipe_.learns = kinds_of(args.texts("learn"));
    const std::string norms = args.text("batch_norm");
    recipe_.batch_norm = norms == "train"    ? NormTraining::kTrain
                         : norms == "freeze" ? NormTraining::kFreeze
                                             : NormTraining::kDeclared;
    recipe_.batch_norm_epochs = count_of(args, "batch_norm_epochs");
    read_steps(args);
    recipe_.validation = args.number("validation");
    const std::string measure = args.text("measure");
    recipe_.measure = measure == "top1" ? Measure::kTop1 : measure == "noise" ? Measure::kNoise : Measure::kLoss;
    recipe_.samples = count_of(args, "samples");
    if (args.has("checkpoint")) recipe_.checkpoint = args.text("checkpoint");
    recipe_.checkpoint_steps = count_of(args, "checkpoint_steps");
    recipe_.resumes = args.flag("resume");
    recipe_.seed = count_of(args, "seed");
    recipe_.memory = count_of(args, "memory") << 20U;
    check_norm_epochs(recipe_);
  }
  void run(const sdk::Context &ctx) override { train_network(ctx, recipe_, "quantization-aware-training"); }

 private:
  void read_steps(const sdk::Args &args) {
    recipe_.epochs = count_of(args, "epochs");
    recipe_.steps = count_of(args, "steps");
    recipe_.batch = count_of(args, "batch");
    recipe_.accumulate = count_of(args, "accumulate");
    recipe_.rate = args.number("lr");
    recipe_.scale_rate = args.number("scale_lr");
    recipe_.offset_rate = args.number("offset_lr");
    recipe_.rounding_rate = args.number("rounding_lr");
    recipe_.sgd = args.text("optimizer") == "sgd";
    recipe_.momentum = args.number("momentum");
    recipe_.weight_decay = args.number("weight_decay");
    recipe_.clip = args.number("clip");
    const std::string schedule = args.text("schedule");
    recipe_.schedule = schedule == "cosine" ? sdk::RateShape::kCosine
                       : schedule == "step" ? sdk::RateShape::kStep
                                            : sdk::RateShape::kConstant;
    recipe_.warm_up = count_of(args, "warm_up");
    recipe_.decay_epochs = count_of(args, "decay_epochs");
    recipe_.decay = args.number("decay");
    recipe_.regularization = args.number("regularization");
  }

  NetworkRecipe recipe_;
};
HALFTONE_PASS(QuantizationAwareTraining)

}  // namespace halftone::passes
