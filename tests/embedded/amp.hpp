// Written by unroll_export from nam_lstm.nam: lstm lstm dense.
// clang-format off
#pragma once

#include <unroll/cell/lstm.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>

namespace amp {
namespace weights {
inline constexpr float layer0_weight_ih[] = {
    -0x1.dc8d84p-2f, -0x1.b8db02p-1f, 0x1.0fe696p-1f, -0x1.43f106p-2f, 0x1.5c44f6p-5f, 0x1.bc53b2p-4f, -0x1.5dbf18p+0f, 0x1.cd6942p-8f,
    -0x1.4ba298p-1f, 0x1.105c5ap-1f, -0x1.6163b4p-1f, 0x1.514c18p-2f};
inline constexpr float layer0_weight_hh[] = {
    0x1.78c988p-1f, 0x1.31dcaep-1f, -0x1.96c77ep-1f, 0x1.033b18p-2f, -0x1.04dc32p-2f, 0x1.017b56p-1f, 0x1.e490dap-3f, 0x1.00f2d4p+0f,
    -0x1.268748p+0f, 0x1.68b6dap-3f, -0x1.782bep-2f, -0x1.00865cp-1f, 0x1.631e64p-5f, 0x1.c98598p-7f, 0x1.b1f89p-1f, -0x1.d7ef36p-1f,
    0x1.5e5828p-6f, -0x1.ae09fap-3f, 0x1.4723b2p-4f, 0x1.0b1da4p-1f, -0x1.feec9ap-1f, 0x1.a0d7bep-1f, 0x1.bdabd2p-6f, 0x1.1dc508p-5f,
    0x1.b787d8p-2f, -0x1.8e5616p-3f, 0x1.bbadaap-2f, 0x1.f366c8p-2f, 0x1.cd5feap-4f, -0x1.949ec2p-2f, -0x1.660e28p-2f, -0x1.aad704p-1f,
    -0x1.0dc2c4p-2f, 0x1.4f84cp-5f, -0x1.558c6ap-6f, -0x1.eec3bep-1f};
inline constexpr float layer0_bias_ih[] = {
    -0x1.bef5aep-3f, 0x1.88f5a8p-3f, -0x1.23388ep-3f, 0x1.de0fecp-3f, 0x1.05f036p-1f, 0x1.193fcap-2f, 0x1.3ee8e4p-2f, 0x1.3ca04cp-2f,
    -0x1.bf556cp-4f, 0x1.f70908p-2f, 0x1.054de2p-3f, -0x1.edbb9ep-2f};
inline constexpr float layer0_initial_h[] = {
    -0x1.fd198cp-1f, 0x1.037642p-2f, -0x1.2f4674p-1f};
inline constexpr float layer0_initial_c[] = {
    -0x1.fa8b88p-3f, -0x1.35451ap-7f, 0x1.f40d4cp-1f};
inline constexpr float layer1_weight_ih[] = {
    -0x1.16c6e6p-2f, 0x1.0b19f8p-3f, 0x1.c107f4p-2f, -0x1.823f4p-2f, 0x1.b6ad38p-8f, -0x1.2a5bb4p-4f, 0x1.248ed8p-4f, -0x1.a512a2p-3f,
    0x1.0d624ep-1f, 0x1.a6a734p-1f, -0x1.24f4cep-3f, -0x1.90681cp-3f, -0x1.1bd63p-1f, 0x1.3b273ap-1f, 0x1.80d5acp-1f, 0x1.7e6a8cp-4f,
    -0x1.200d4ep-5f, 0x1.60865p-1f, -0x1.23d41ap-3f, -0x1.d24948p-2f, 0x1.54bd84p-3f, -0x1.ac5cccp-2f, -0x1.6a8e94p-1f, -0x1.207448p+0f,
    0x1.2406fep-2f, 0x1.6efde6p-3f, -0x1.3ee88p-3f, -0x1.13ed3cp-1f, 0x1.9a12e4p-1f, -0x1.9807d4p-4f, 0x1.9bd54ep-5f, -0x1.13e3dcp-1f,
    0x1.c0fe48p-1f, 0x1.04c0f8p+0f, -0x1.fef0eap-2f, 0x1.33a9b8p-2f};
inline constexpr float layer1_weight_hh[] = {
    -0x1.af86a4p-4f, 0x1.9db2c8p-3f, -0x1.3f716ep-1f, 0x1.6d3ceap-4f, -0x1.961256p-3f, 0x1.8e1876p-2f, -0x1.41ea2ap+0f, -0x1.b39642p-3f,
    0x1.7f1806p-4f, -0x1.0b8df4p-1f, -0x1.cec738p-2f, 0x1.9216fcp-2f, 0x1.869892p-2f, 0x1.b520d6p-2f, 0x1.af554p-1f, 0x1.b0dc38p-2f,
    -0x1.aa0b6ap-1f, -0x1.326988p-3f, 0x1.136262p-2f, -0x1.2fda98p-3f, 0x1.428f78p-2f, -0x1.5005a8p-7f, -0x1.c5325ap-4f, 0x1.206d2ep-2f,
    0x1.e6fcfap-3f, 0x1.4300f2p-2f, -0x1.488d26p-3f, -0x1.2591a4p-2f, 0x1.8c218ap-2f, -0x1.5ad246p-2f, -0x1.b39b76p-2f, -0x1.40986p-3f,
    0x1.97f3d8p-4f, -0x1.628b64p-5f, 0x1.d0fe3ep-2f, 0x1.550c9ap-2f};
inline constexpr float layer1_bias_ih[] = {
    -0x1.ca8ff8p-1f, 0x1.0f834cp-3f, 0x1.8b8c76p-1f, -0x1.bd49eap-4f, -0x1.b4ccd4p-4f, -0x1.414752p-2f, 0x1.96a33ap-3f, 0x1.39dfecp-5f,
    -0x1.b4b2e2p-2f, 0x1.9e7a92p-4f, 0x1.0f8d12p-4f, 0x1.e3c08ep-3f};
inline constexpr float layer1_initial_h[] = {
    -0x1.dc5ecp-5f, -0x1.297ba6p-1f, 0x1.350226p-1f};
inline constexpr float layer1_initial_c[] = {
    -0x1.3ea578p-1f, -0x1.344aa2p-3f, -0x1.776b2cp+0f};
inline constexpr float layer2_weight[] = {
    0x1.9c9408p-2f, 0x1.2933fcp-3f, -0x1.e48542p-4f};
inline constexpr float layer2_bias[] = {
    -0x1.8f3ea2p-5f};
}  // namespace weights

using Model = unroll::stream::Sequential<unroll::stream::Recurrent<unroll::Lstm<>, 1, 3>, unroll::stream::Recurrent<unroll::Lstm<>, 3, 3>, unroll::stream::Dense<3, 1>>;
inline constexpr Model model{unroll::stream::Recurrent<unroll::Lstm<>, 1, 3>({weights::layer0_weight_ih, weights::layer0_weight_hh, weights::layer0_bias_ih, {}, {}, {weights::layer0_initial_h, weights::layer0_initial_c}}), unroll::stream::Recurrent<unroll::Lstm<>, 3, 3>({weights::layer1_weight_ih, weights::layer1_weight_hh, weights::layer1_bias_ih, {}, {}, {weights::layer1_initial_h, weights::layer1_initial_c}}), unroll::stream::Dense<3, 1>(weights::layer2_weight, weights::layer2_bias)};

inline constexpr float input_gain = 0x1p+0f, output_gain = 0x1p+0f;
inline constexpr float sample_rate = 0x1.77p+15f;
// Without the gains.
inline constexpr float test_input[] = {
    0x1.70a3d8p-1f, -0x1.7df3b8p-2f, -0x1.e978d4p-2f, 0x1.eb85p-6f, 0x1.db22dp-2f, 0x1.483128p-1f, 0x1.ea7ef8p-2f, 0x1.4fdf3cp-1f,
    -0x1.da1cacp-1f, -0x1.04189p-3f, 0x1.ac8b44p-1f, -0x1.9eb852p-1f, 0x1.6e979p-3f, -0x1.374bcp-4f, -0x1.472b02p-1f, 0x1.52f1a8p-2f,
    0x1.6872bp-2f, -0x1.1d2f1cp-1f, 0x1.b9581p-2f, 0x1p-1f, 0x1.666668p-2f, 0x1.072b04p-1f, -0x1.c3126ep-1f, 0x1.7ef9ep-3f,
    -0x1.3b645cp-2f, -0x1.ec8b44p-1f, 0x1.4624dcp-1f, 0x1.d70a3cp-1f, -0x1.09374cp-1f, -0x1.16872cp-2f, 0x1.9581p-4f, -0x1.8e5604p-2f};
inline constexpr float test_output[] = {
    -0x1.509eeap-4f, -0x1.09507ep-6f, -0x1.060412p-7f, -0x1.5a77e2p-7f, -0x1.576e3ep-8f, 0x1.19e9a6p-8f, 0x1.46eef6p-7f, 0x1.ee73c2p-7f,
    0x1.34c1ecp-10f, -0x1.7769ap-8f, 0x1.a4e44ep-9f, -0x1.fd3deep-8f, -0x1.92226p-8f, -0x1.fb818ap-8f, -0x1.00d942p-6f, -0x1.3874cp-7f,
    -0x1.9e7b8cp-9f, -0x1.4bdae2p-7f, -0x1.906e5ap-9f, 0x1.c879f4p-9f, 0x1.ac4422p-8f, 0x1.59df24p-7f, -0x1.bb2ad4p-9f, -0x1.9b398ep-9f,
    -0x1.26df3ap-7f, -0x1.47e35cp-6f, -0x1.192262p-7f, 0x1.43f6e8p-8f, -0x1.938f5ep-9f, -0x1.06b68ap-7f, -0x1.f0074ep-8f, -0x1.a42396p-7f};

}  // namespace amp
