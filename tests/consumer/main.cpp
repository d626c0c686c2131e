#include <iostream>

#include <unroll/core/packing.hpp>
#include <unroll/core/version.hpp>

int main() { std::cout << "unroll " << UNROLL_VERSION_STRING << '\n'; }
