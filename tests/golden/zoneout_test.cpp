// An LSTM and a GRU with zoneout against their equations in PyTorch with the masks that our layer draws, and with
// means.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/zoneout.hpp>
#include <unroll/layer/recurrent.hpp>

#include "recurrent.hpp"

namespace {
template <class C> void check_zoneout(const std::string& name) {
  using namespace unroll;
  CAPTURE(name);
  const Golden golden(name);
  const auto number = [&](const std::string& key) { return std::stod(golden.metadata(key)); };
  const Zoneout<C> cell(C(golden.shape("x")[2], golden.shape("weight_hh_l0")[1]),
                        {.h = number("rate_h"), .c = number("rate_c")});
  check_stack(golden, Stack(Recurrent(cell)),
              {.training = golden.metadata("training") == "True",
               .seed = std::stoull(golden.metadata("seed")),
               .step = std::stoull(golden.metadata("step"))});
}
}  // namespace

TEST_CASE("zoneout computes what its equations do in PyTorch with the same masks, and with the mean") {
  using namespace unroll;
  check_zoneout<Lstm<double>>("pytorch_zoneout_lstm");
  check_zoneout<Lstm<double>>("pytorch_zoneout_lstm_mean");
  check_zoneout<Gru<double>>("pytorch_zoneout_gru");
  check_zoneout<Gru<double>>("pytorch_zoneout_gru_mean");
}
