// The first training losses of the article's plans without dropout, from a framework's own initial weights and batches,
// beside the framework's losses: first_losses lstm|bilstm DIR [double], DIR written by
// benchmarks/peers/first_losses.py. Rounding is amplified a million times within 70 batches (PyTorch and Keras differ
// from themselves by 0.1 at batch 100 when the rows of a batch are reversed), so what is compared is the first 60
// losses in float, to 1e-3, or the first 80 in double, to 1e-6 (from there on `bilstm` amplifies by 1e5 in 10 batches).
// Prints the two losses of every tenth step and the largest difference; exits with 1 beyond it.
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>

#include <unroll/file/safetensors.hpp>
#include <unroll/unroll.hpp>

namespace {

using namespace unroll;

std::vector<std::int32_t> integers(const SafeTensors& file, std::string_view name) {
  const Tensor& tensor = file.tensor(name);
  require<FormatError>(tensor.dtype == Dtype::i32, file.source, ": ", name, " is not I32");
  std::vector<std::int32_t> numbers(tensor.bytes.size() / 4);
  std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
  return numbers;
}

template <class M, class L>
int compare(M model, const L& loss, const Adam& rule, double clip, const std::string& plan, const std::string& folder,
            const std::vector<std::pair<std::string, std::string>>& names) {
  const SafeTensors initial = read_safetensors(folder + "/" + plan + "_initial.safetensors");
  const SafeTensors batches = read_safetensors(folder + "/" + plan + "_batches.safetensors");
  using T = typename M::Scalar;
  constexpr bool exact = std::same_as<T, double>;
  constexpr Index compared = exact ? 80 : 60;
  const std::string name_of_losses = folder + "/" + plan + (exact ? "_losses_float64.txt" : "_losses.txt");
  std::ifstream losses(name_of_losses);
  require<FormatError>(losses.is_open(), name_of_losses, ": cannot open");
  visit(
      [&](const Path& path, auto& p) {
        std::string name = path.str();
        for (const auto& [ours, theirs] : names)
          if (name.starts_with(ours)) {
            name = theirs + name.substr(ours.size());
            break;
          }
        Matrix<T> stored = initial.template matrix<T>(name);
        if (path.kind == Kind::table) stored = Matrix<T>(stored.transpose());
        require(stored.rows() == p.rows() && stored.cols() == p.cols(), name, " is ", stored.rows(), " x ",
                stored.cols(), ", expected ", p.rows(), " x ", p.cols());
        p = stored;
      },
      model);

  const auto ids = integers(batches, "ids"), labels = integers(batches, "labels");
  const Index size = batches.tensor("ids").shape[1], length = batches.tensor("ids").shape[2];
  CacheFor<M, TokenBatch> cache;
  auto gradient = zeros_like(model);
  Optimizer optimizer(model, rule);
  TokenBatch batch;
  Matrix<T> d_logits;
  double expected = 0, largest = 0, later = 0;
  Index step = 0;
  for (; losses >> expected; ++step) {
    const auto rows =
        std::span(ids).subspan(static_cast<std::size_t>(step * size * length), static_cast<std::size_t>(size * length));
    const std::vector<Index> targets(labels.begin() + step * size, labels.begin() + (step + 1) * size);
    pack_tokens(rows, size, 0, batch);
    const auto& logits = model.forward({.training = true}, batch, cache);
    const double got = loss(logits, Labels(targets), d_logits).loss;
    model.backward(batch, d_logits, cache, gradient);
    if (clip > 0) clip_by_global_norm(gradient, clip, {.epsilon = 1e-6});
    optimizer.step(model, gradient);
    set_zero(gradient);
    double& worst = step < compared ? largest : later;
    worst = std::max(worst, std::abs(got - expected));
    if (step % 10 == 0)
      std::cout << "step " << step << ": " << got << ", expected " << expected << ", difference " << got - expected
                << std::endl;
  }
  std::cout << plan << ": " << step << " losses, largest difference " << largest;
  std::cout << " in the first " << compared << ", " << later << " later";
  std::cout << '\n';
  return step >= compared && largest <= (exact ? 1e-6 : 1e-3) ? 0 : 1;
}

template <class T> int run(const std::string& plan, const std::string& folder) {
  const RecurrentOptions single{.bias = Bias::single};
  using L = Lstm<T>;
  if (plan == "lstm")
    return compare(Sequential{Embedding<T>{20000, 128}, Recurrent{L{128, 128}, single},
                              FinalState{Recurrent{L{128, 64}, single}}, Dense<T>{64, 32}, Relu<T>{}, Dense<T>{32, 1}},
                   BinaryCrossEntropy{}, Adam::keras(1e-3), 0, plan, folder,
                   {{"0.", "embedding."}, {"1.", "lstm1."}, {"2.", "lstm2."}, {"3.", "dense1."}, {"5.", "dense2."}});
  require(plan == "bilstm", "unknown plan '", plan, "', expected lstm or bilstm");
  return compare(Sequential{Embedding<T>{20000, 128, {.padding = 0}},
                            FinalState{Stack{Bidirectional{L{128, 256}}, Bidirectional{L{512, 256}}}},
                            Dense<T>{512, 64}, Relu<T>{}, Dense<T>{64, 2}},
                 CrossEntropy{}, Adam{.rate = 1e-3, .weight_decay = 1e-5}, 1, plan, folder,
                 {{"0.", "embedding."}, {"1.", "lstm."}, {"2.", "dense1."}, {"4.", "dense2."}});
}

}  // namespace

int main(int argc, char** argv) try {
  require(argc == 3 || (argc == 4 && std::string_view(argv[3]) == "double"),
          "usage: first_losses lstm|bilstm DIR [double]");
  return argc == 4 ? run<double>(argv[1], argv[2]) : run<float>(argv[1], argv[2]);
} catch (const std::exception& error) {
  std::cerr << "first_losses: " << error.what() << '\n';
  return 1;
}
