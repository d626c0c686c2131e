// The same for `unroll::io`, whose headers need nlohmann/json.
#include <unroll/file/safetensors.hpp>

int main() { return unroll::size_of(unroll::Dtype::f32) == 4 ? 0 : 1; }
